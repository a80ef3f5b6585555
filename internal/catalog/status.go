package catalog

import (
	"context"
	"time"
)

// Status is how much there is to do, and since when.
type Status struct {
	Dirty       map[Priority]Backlog // items that must be read again
	Undelivered Backlog              // wanted entities that Port does not have as they are, and has not refused
	Asides      []AsideGroup
	Read        time.Time // as of [Store.ReadSince]
}

// Backlog is what waits. Oldest is when Jira told of the first of it; zero if it told of none.
type Backlog struct {
	N      int
	Oldest time.Time
}

// AsideGroup is how many things of one sort and kind are set aside.
type AsideGroup struct {
	About About
	Kind  string // empty: none
	N     int
}

// Status reads a few counts. They are of slightly different moments.
func (s *Store) Status(ctx context.Context) (Status, error) {
	status := Status{Dirty: map[Priority]Backlog{}}
	for _, look := range []func(context.Context, *Status) error{s.countDirty, s.countUndelivered, s.groupAsides} {
		if err := look(ctx, &status); err != nil {
			return Status{}, wrap("look at how things stand", err)
		}
	}
	var err error
	status.Read, err = s.ReadSince(ctx)
	return status, err
}

func (s *Store) countDirty(ctx context.Context, status *Status) error {
	return s.read(ctx, `
		SELECT priority, COUNT(*), COALESCE(MIN(CASE WHEN told > 0 THEN told END), 0) FROM dirty
		WHERE integration = ? GROUP BY priority`, []any{s.integration}, func(scan func(...any) error) error {
		var p Priority
		var b Backlog
		var oldest int64
		err := scan(&p, &b.N, &oldest)
		b.Oldest = moment(oldest)
		status.Dirty[p] = b
		return err
	})
}

func (s *Store) countUndelivered(ctx context.Context, status *Status) error {
	var oldest int64
	err := s.read(ctx, `
		SELECT COUNT(*), COALESCE(MIN(CASE WHEN since > 0 THEN since END), 0) FROM entity
		WHERE integration = ? AND claims > 0 AND delivered <> version AND refused <> version`,
		[]any{s.integration}, into(&status.Undelivered.N, &oldest))
	status.Undelivered.Oldest = moment(oldest)
	return err
}

func (s *Store) groupAsides(ctx context.Context, status *Status) error {
	return s.read(ctx, `
		SELECT about, kind, COUNT(*) FROM aside WHERE integration = ? GROUP BY about, kind ORDER BY about, kind`,
		[]any{s.integration}, func(scan func(...any) error) error {
			var g AsideGroup
			err := scan(&g.About, &g.Kind, &g.N)
			status.Asides = append(status.Asides, g)
			return err
		})
}

// AsideGroups are what was set aside, or came up again, in one run.
func (s *Store) AsideGroups(ctx context.Context, run int64) (groups []AsideGroup, err error) {
	err = s.read(ctx, `SELECT about, kind, COUNT(*) FROM aside WHERE integration = ? AND run = ? GROUP BY about, kind`,
		[]any{s.integration, run}, func(scan func(...any) error) error {
			var g AsideGroup
			err := scan(&g.About, &g.Kind, &g.N)
			groups = append(groups, g)
			return err
		})
	return groups, wrap("count what is set aside", err)
}

// moment is a time of the store; zero for 0.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
