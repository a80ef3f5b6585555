package catalog

import (
	"context"
	"time"
)

// Moment is when something last was, or is due next; zero if it was never set.
func (s *Store) Moment(ctx context.Context, name string) (time.Time, error) {
	var at int64
	err := s.read(ctx, `SELECT COALESCE(MAX(at), 0) FROM moment WHERE integration = ? AND name = ?`, []any{s.integration, name}, into(&at))
	if err != nil || at == 0 {
		return time.Time{}, wrap("look up a time", err)
	}
	return time.UnixMilli(at), nil
}

// SetMoment records it, to the millisecond; a zero time forgets it.
func (s *Store) SetMoment(ctx context.Context, name string, at time.Time) error {
	return wrap("note a time", s.write(ctx, func(t *tx) error { return t.setMoment(name, at) }))
}

// SetMoment is that of [Store], for who has no lease.
func (in *Inbox) SetMoment(ctx context.Context, name string, at time.Time) error {
	return wrap("note a time", in.write(ctx, func(t *tx) error { return t.setMoment(name, at) }))
}

func (t *tx) setMoment(name string, at time.Time) error {
	millis := int64(0)
	if !at.IsZero() {
		millis = at.UnixMilli()
	}
	return t.exec(`INSERT INTO moment (integration, name, at) VALUES (?, ?, ?)
		ON CONFLICT (integration, name) DO UPDATE SET at = excluded.at`, t.integration(), name, millis)
}

// Mapping is the text of the mapping that was last applied, empty if none was.
func (s *Store) Mapping(ctx context.Context) ([]byte, error) {
	var text string
	err := s.read(ctx, `SELECT mapping FROM integration WHERE id = ?`, []any{s.integration}, into(&text))
	return []byte(text), wrap("look up the mapping", err)
}

// SetMapping records it, for a start at which Port cannot be asked.
func (s *Store) SetMapping(ctx context.Context, text []byte) error {
	return wrap("keep the mapping", s.write(ctx, func(t *tx) error {
		return t.exec(`UPDATE integration SET mapping = ? WHERE id = ?`, prose(text), s.integration)
	}))
}
