package catalog

import (
	"context"
	"time"
)

// Heard is one delivery of a webhook, without its body: what is kept of it for people.
type Heard struct {
	At         time.Time
	Identifier string // Jira's, the same when it repeats the delivery; empty if there was none
	Event      string // its name as Jira has it, empty if the delivery was refused unread
	Touched    int    // items it named
	Answer     int    // the HTTP status
	Reason     string // why it was refused, or left without effect
}

// heardKept is how many deliveries are remembered.
const heardKept = 1000

// Remember keeps the last deliveries that a replica, given by a name of its own, has heard.
func (in *Inbox) Remember(ctx context.Context, replica string, list []Heard) error {
	list = list[max(0, len(list)-heardKept):]
	return wrap("remember deliveries", in.write(ctx, func(t *tx) error {
		values := make([]any, 0, len(list)*9)
		for n, h := range list {
			values = append(values, t.integration(), h.At.UnixMilli(), replica, n, prose(h.Identifier), prose(h.Event), h.Touched, h.Answer, prose(h.Reason))
		}
		err := t.insert(`INSERT INTO delivery (integration, at, replica, n, identifier, event, touched, answer, reason)`, 9,
			`ON CONFLICT (integration, at, replica, n) DO NOTHING`, values)
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM delivery WHERE integration = ? AND at < (
			SELECT MIN(at) FROM (SELECT at FROM delivery WHERE integration = ? ORDER BY at DESC LIMIT ?) AS newest)`,
			t.integration(), t.integration(), heardKept)
	}))
}

// Heard are the last deliveries, the newest first.
func (s *Store) Heard(ctx context.Context, limit int) ([]Heard, error) {
	var list []Heard
	err := s.read(ctx, `SELECT at, identifier, event, touched, answer, reason FROM delivery
		WHERE integration = ? ORDER BY at DESC, replica, n DESC LIMIT ?`, []any{s.integration, limit}, func(scan func(...any) error) error {
		var h Heard
		var at int64
		err := scan(&at, &h.Identifier, &h.Event, &h.Touched, &h.Answer, &h.Reason)
		h.At = time.UnixMilli(at)
		list = append(list, h)
		return err
	})
	return list, wrap("list deliveries", err)
}
