package catalog

import (
	"context"
	"encoding/json"
	"time"
)

// BeginCatchUp starts a run that reads only what changed. What Port refused is not sent again.
func (s *Store) BeginCatchUp(ctx context.Context, mapping, account string) (Run, error) {
	var run Run
	err := s.write(ctx, func(t *tx) (err error) {
		run, err = t.beginRun(mapping, account, false)
		return err
	})
	return run, wrap("begin a catch-up", err)
}

// EndCatchUp records how a catch-up ended. What was set aside stays so: it was not asked about.
func (s *Store) EndCatchUp(ctx context.Context, run int64, state State) error {
	return wrap("end a catch-up", s.write(ctx, func(t *tx) error { return t.endRun(run, state) }))
}

// Body is what the first claim of an entity says, or nil if there is none.
func (s *Store) Body(ctx context.Context, blueprint, identifier string) (json.RawMessage, error) {
	var body []byte
	err := s.read(ctx, `
		SELECT c.body FROM entity AS e JOIN claim AS c ON c.entity = e.id
		WHERE e.integration = ? AND e.blueprint = ? AND e.identifier = ?
		ORDER BY c.resource, c.reading, c.parent, c.item, c.n LIMIT 1`, []any{s.integration, blueprint, identifier}, into(&body))
	return body, wrap("read an entity", err)
}

// ListedKnown is Listed for a run that does not read everything: items that are known are
// marked as listed and left alone; the others become dirty.
func (s *Store) ListedKnown(ctx context.Context, l Listing, ids []string) error {
	return wrap("record a page", s.write(ctx, func(t *tx) error {
		reading, err := s.readings.id(t, l.Reading)
		if err != nil {
			return err
		}
		known, err := t.known(reading, l.Parent, ids)
		if err != nil {
			return err
		}
		var unknown []string
		for _, id := range ids {
			if !known[id] {
				unknown = append(unknown, id)
			}
		}
		err = execIn(t, `UPDATE item SET listed = CASE WHEN run = ? THEN listed | ? ELSE ? END, run = ?
			WHERE integration = ? AND reading = ? AND parent = ? AND gone = 0 AND id IN (%s)`,
			[]any{l.Run, l.Mask(), l.Mask(), l.Run, s.integration, reading, l.Parent}, ids)
		if err != nil {
			return err
		}
		return t.listed(reading, l, unknown)
	}))
}

func (t *tx) known(reading int64, parent string, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	err := queryIn(t, `SELECT id FROM item WHERE integration = ? AND reading = ? AND parent = ? AND gone = 0 AND id IN (%s)`,
		[]any{t.integration(), reading, parent}, ids, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			known[id] = true
			return err
		})
	return known, err
}

// Outdated are those of the items, given with Jira's `updated`, of which the catalogue has an
// earlier state or none.
func (s *Store) Outdated(ctx context.Context, reading, parent string, updated map[string]int64) ([]string, error) {
	var outdated []string
	for id, at := range updated {
		var have int64
		err := s.read(ctx, `
			SELECT COALESCE(MAX(i.updated), -1) FROM item AS i
			JOIN reading AS r ON r.integration = i.integration AND r.id = i.reading
			WHERE i.integration = ? AND r.name = ? AND i.parent = ? AND i.id = ? AND i.gone = 0`, []any{s.integration, reading, parent, id}, into(&have))
		if err != nil {
			return nil, wrap("compare times", err)
		}
		if have < at {
			outdated = append(outdated, id)
		}
	}
	return outdated, nil
}

// NextDue is when the next dirty row that nobody reads is due, of the given priorities or of any;
// zero if there is none.
func (s *Store) NextDue(ctx context.Context, reading, parent string, of ...Priority) (time.Time, error) {
	s.taken.mu.Lock()
	defer s.taken.mu.Unlock()
	var next time.Time
	for _, p := range priorities(of) {
		due, err := s.nextDue(ctx, reading, parent, p)
		if err != nil {
			return time.Time{}, wrap("look for dirty rows", err)
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, nil
}

func (s *Store) nextDue(ctx context.Context, reading, parent string, p Priority) (time.Time, error) {
	var next time.Time
	err := s.read(ctx, `
		SELECT d.id, d.due FROM dirty AS d
		JOIN reading AS r ON r.integration = d.integration AND r.id = d.reading
		WHERE d.integration = ? AND r.name = ? AND d.parent = ? AND d.priority = ? ORDER BY d.due LIMIT ?`,
		[]any{s.integration, reading, parent, int(p), s.taken.count() + 1}, func(scan func(...any) error) error {
			var id string
			var due int64
			if err := scan(&id, &due); err != nil {
				return err
			}
			if _, held := s.taken.keys[itemKey{reading, parent, id}]; !held && next.IsZero() {
				next = time.UnixMilli(due)
			}
			return nil
		})
	return next, err
}
