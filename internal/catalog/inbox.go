package catalog

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Hint says that something was said of one of Jira's objects: which one, never how it is now.
type Hint struct {
	Kind   string // as a mapping names it
	Parent string
	ID     string
	Expect int64 // as of [Dirty]
}

// Inbox is where hints are put down, by whichever replica hears them. It needs no lease.
type Inbox struct {
	write    func(context.Context, func(*tx) error) error
	arrivals *turns[arrival]
	arrived  wake
}

type arrival struct {
	hints []Hint
	at    time.Time
}

func newInbox(write func(context.Context, func(*tx) error) error) *Inbox {
	in := &Inbox{write: write, arrived: make(wake, 1)}
	in.arrivals = newTurns(func(list []arrival) []error {
		err := write(context.Background(), func(t *tx) error { return t.receive(list) })
		if err == nil {
			in.arrived.set()
		}
		return []error{err}
	})
	return in
}

// Receive puts hints down and returns when they are on the disk. What waits together shares one
// commit, and of an item that is named many times one row. at is when they were heard.
func (in *Inbox) Receive(ctx context.Context, at time.Time, hints []Hint) error {
	if len(hints) == 0 {
		return nil
	}
	return wrap("put down what was heard", in.arrivals.do(ctx, arrival{hints, at}))
}

// Arrived receives after hints were put down. It holds one wake, as of [Store.Changed].
func (in *Inbox) Arrived() <-chan struct{} { return in.arrived }

// unplaced is the reading of hints that came before any mapping was known. Their kind stands
// before their parent, see [unplacedParent], until SetReadings places them.
const unplaced = 0

func unplacedParent(kind, parent string) string { return kind + "\n" + parent }

// receive makes dirty what the hints name, in each reading that the mapping has of their kind.
func (t *tx) receive(list []arrival) error {
	t.tell = true
	readings, err := t.askedReadings()
	if err != nil {
		return err
	}
	at := list[0].at
	rows := newTouchRows()
	for _, a := range list {
		for _, h := range a.hints {
			if len(readings) == 0 {
				rows.add(touchRow{unplaced, unplacedParent(h.Kind, h.Parent), h.ID, h.Expect})
			}
			for _, reading := range readings[h.Kind] {
				rows.add(touchRow{reading, h.Parent, h.ID, h.Expect})
			}
		}
		if a.at.Before(at) {
			at = a.at
		}
	}
	return t.touchRows(Live, at.UnixMilli(), rows.sorted())
}

// touchRows are rows in order, each item once.
type touchRows struct {
	list  []touchRow
	place map[touchRow]int // with no expect
}

func newTouchRows() *touchRows { return &touchRows{place: map[touchRow]int{}} }

func (r *touchRows) add(row touchRow) {
	key := row
	key.expect = 0
	i, twice := r.place[key]
	if !twice {
		r.place[key] = len(r.list)
		r.list = append(r.list, row)
		return
	}
	r.list[i].expect = laterExpect(r.list[i].expect, row.expect)
}

// sorted are the rows in the order of their keys, in which all who receive lock them: so none of
// them waits for another that waits for it.
func (r *touchRows) sorted() []touchRow {
	slices.SortFunc(r.list, func(a, b touchRow) int {
		return cmp.Or(cmp.Compare(a.reading, b.reading), strings.Compare(a.parent, b.parent), strings.Compare(a.id, b.id))
	})
	return r.list
}

// laterExpect is what two hints together let expect: that an item is gone outweighs how it was.
func laterExpect(a, b int64) int64 {
	if a == ExpectGone || b == ExpectGone {
		return ExpectGone
	}
	return max(a, b)
}

// AskedReading is a reading that the mapping has.
type AskedReading struct{ Name, Kind string }

// SetReadings makes these the readings that hints go to, those that came before among them. Call
// it when a mapping begins to be applied, before anything is listed.
func (s *Store) SetReadings(ctx context.Context, readings []AskedReading) error {
	return wrap("note what the mapping reads", s.write(ctx, func(t *tx) error {
		if err := t.holdHints(); err != nil {
			return err
		}
		if err := t.exec(`UPDATE reading SET asked = 0 WHERE integration = ? AND asked = 1`, t.integration()); err != nil {
			return err
		}
		for _, r := range readings {
			id, err := s.readings.id(t, r.Name)
			if err != nil {
				return err
			}
			if err := t.exec(`UPDATE reading SET kind = ?, asked = 1 WHERE integration = ? AND id = ?`, r.Kind, t.integration(), id); err != nil {
				return err
			}
		}
		return t.placeHints()
	}))
}

// holdHints keeps others from putting hints down until this transaction is over: see [receiving].
func (t *tx) holdHints() error {
	if t.stopHints == "" {
		return nil
	}
	return t.control(t.ctx, t.stopHints)
}

// askedReadings are the numbers of the readings that the mapping has, by kind.
func (t *tx) askedReadings() (map[string][]int64, error) {
	byKind := map[string][]int64{}
	err := t.query(`SELECT kind, id FROM reading WHERE integration = ? AND asked = 1`, []any{t.integration()}, func(scan func(...any) error) error {
		var kind string
		var id int64
		err := scan(&kind, &id)
		byKind[kind] = append(byKind[kind], id)
		return err
	})
	return byKind, err
}

// placeHints moves hints from readings that the mapping has not to those it has of the kind.
func (t *tx) placeHints() error {
	asked, err := t.askedReadings()
	if err != nil {
		return err
	}
	rows := newTouchRows()
	err = t.query(`
		SELECT COALESCE(r.kind, ''), d.parent, d.id, d.expect FROM dirty AS d
		LEFT JOIN reading AS r ON r.integration = d.integration AND r.id = d.reading
		WHERE d.integration = ? AND d.priority <> ? AND COALESCE(r.asked, 0) = 0`, []any{t.integration(), int(Scan)},
		func(scan func(...any) error) error {
			var kind string
			var row touchRow
			err := scan(&kind, &row.parent, &row.id, &row.expect)
			if kind == "" {
				kind, row.parent, _ = strings.Cut(row.parent, "\n")
			}
			for _, row.reading = range asked[kind] {
				rows.add(row)
			}
			return err
		})
	if err != nil {
		return err
	}
	if err := t.touchRows(Live, now(), rows.list); err != nil {
		return err
	}
	return t.exec(`DELETE FROM dirty WHERE integration = ? AND priority <> ? AND reading NOT IN (
		SELECT id FROM reading WHERE integration = ? AND asked = 1)`, t.integration(), int(Scan), t.integration())
}
