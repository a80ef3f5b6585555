package catalog

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// Priority orders dirty rows: the lower is read first.
type Priority int

// The priorities of a read.
const (
	Live  Priority = 0 // somebody waits to see it: a change that was just made
	Later Priority = 1 // it has changed, or what it relates to has, and nobody waits
	Scan  Priority = 2 // a run lists it
)

// ExpectGone in [Dirty.Expect]: an event said that the item is no more.
const ExpectGone = -1

// Dirty is an item that must be read again, as Take gave it out.
type Dirty struct {
	Reading  string
	Parent   string
	ID       string
	Priority Priority
	Hints    int64 // how often it was said; Apply clears the row only if this has not grown
	Attempts int   // reads that failed before
	Run      int64 // the run that listed it, 0 if none did
	Listed   int64 // which listings of that run held it
	Told     int64 // when it was first said, in milliseconds since 1970; 0 by a listing alone
	// Expect is the earliest `updated` that an answer must show, in milliseconds since 1970, to show
	// what was said; 0 for any, ExpectGone if it should not be there.
	Expect int64
}

// taken holds the dirty rows that are being read. It is in memory only: after a crash nothing
// is being read.
type taken struct {
	mu   sync.Mutex
	keys map[itemKey]struct{}
	scan map[listKey]int64 // where the search for rows of priority Scan goes on
}

type listKey struct{ reading, parent string }

type itemKey struct{ reading, parent, id string }

func (d Dirty) key() itemKey { return itemKey{d.Reading, d.Parent, d.ID} }

// Listed makes items dirty that a page of a listing holds. The row remembers that the listing
// held it, so that the read need not ask.
func (s *Store) Listed(ctx context.Context, l Listing, ids []string) error {
	return wrap("record a page", s.write(ctx, func(t *tx) error {
		reading, err := s.readings.id(t, l.Reading)
		if err != nil {
			return err
		}
		return t.listed(reading, l, ids)
	}))
}

func (t *tx) listed(reading int64, l Listing, ids []string) error {
	values := make([]any, 0, len(ids)*11)
	for _, id := range distinct(ids) {
		t.s.seq++
		values = append(values, t.integration(), reading, l.Parent, id, 1, int(Scan), t.s.seq, 0, l.Run, l.Mask(), 0)
	}
	err := t.insert(insertDirty, 11, `
		ON CONFLICT (integration, reading, parent, id) DO UPDATE SET
			hints = dirty.hints + 1, attempts = 0, due = 0,
			listed = CASE WHEN excluded.run > dirty.run THEN excluded.listed
				WHEN excluded.run = dirty.run THEN dirty.listed | excluded.listed ELSE dirty.listed END,
			run = CASE WHEN excluded.run > dirty.run THEN excluded.run ELSE dirty.run END`, values)
	if err != nil {
		return err
	}
	return t.doubtListed(reading, l.Parent, ids)
}

// indexLag is for how long a listing is not believed about an item of which Jira was asked afresh:
// an index may be behind by minutes (facts 1.5). Without it a page that was asked for after a
// change, or before it and answered late, would select again what a live read saw leave.
const indexLag = 5 * time.Minute

// doubtListed lets those of the items be asked about, rather than taken for selected.
func (t *tx) doubtListed(reading int64, parent string, ids []string) error {
	since := now() - indexLag.Milliseconds()
	if t.s.fresh.Load() < since {
		return nil
	}
	return execIn(t, `UPDATE dirty SET priority = ?, told = ? WHERE integration = ? AND reading = ? AND parent = ? AND priority = ?
		AND EXISTS (SELECT 1 FROM item AS i WHERE i.integration = dirty.integration AND i.reading = dirty.reading
			AND i.parent = dirty.parent AND i.id = dirty.id AND i.fresh >= ?) AND id IN (%s)`,
		[]any{int(Later), now(), t.integration(), reading, parent, int(Scan), since}, ids)
}

// distinct are ids in order, each once: one statement must not meet a row twice.
func distinct(ids []string) []string {
	seen := make(map[string]struct{}, len(ids))
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		if _, twice := seen[id]; !twice {
			seen[id] = struct{}{}
			list = append(list, id)
		}
	}
	return list
}

const insertDirty = `INSERT INTO dirty (integration, reading, parent, id, hints, priority, seq, attempts, run, listed, due)`

// Touch makes items dirty that have changed. It says which, not what.
func (s *Store) Touch(ctx context.Context, reading, parent string, ids []string) error {
	return wrap("make items dirty", s.write(ctx, func(t *tx) error {
		number, err := s.readings.id(t, reading)
		if err != nil {
			return err
		}
		return t.touch(number, parent, ids)
	}))
}

func (t *tx) touch(reading int64, parent string, ids []string) error {
	rows := make([]touchRow, 0, len(ids))
	for _, id := range distinct(ids) {
		rows = append(rows, touchRow{reading: reading, parent: parent, id: id})
	}
	return t.touchRows(Later, now(), rows)
}

// touchRow is an item that something was said of.
type touchRow struct {
	reading    int64
	parent, id string
	expect     int64
}

// touchRows makes each item dirty; no item is there twice. Their order is that of time, which
// several processes can give without asking one another.
func (t *tx) touchRows(p Priority, at int64, rows []touchRow) error {
	values := make([]any, 0, len(rows)*13)
	for _, r := range rows {
		values = append(values, t.integration(), r.reading, r.parent, r.id, 1, int(p), at, 0, 0, 0, 0, at, r.expect)
	}
	return t.insert(`INSERT INTO dirty (integration, reading, parent, id, hints, priority, seq, attempts, run, listed, due, told, expect)`, 13, `
		ON CONFLICT (integration, reading, parent, id) DO UPDATE SET
			hints = dirty.hints + 1, attempts = 0, due = 0,
			priority = CASE WHEN excluded.priority < dirty.priority THEN excluded.priority ELSE dirty.priority END,
			told = CASE WHEN dirty.told = 0 THEN excluded.told ELSE dirty.told END,
			expect = CASE WHEN dirty.expect = -1 OR excluded.expect = -1 THEN -1
				WHEN dirty.expect > excluded.expect THEN dirty.expect ELSE excluded.expect END`, values)
}

// Take gives out up to limit dirty rows of one reading and parent, the most urgent first, and
// all of one priority, so that live rows and listed ones are read in calls of their own. Only
// those of the given priorities, where any are. What is given out is not given out again until
// Apply, Postpone or Release names it.
func (s *Store) Take(ctx context.Context, reading, parent string, limit int, of ...Priority) ([]Dirty, error) {
	s.taken.mu.Lock()
	defer s.taken.mu.Unlock()
	var rows []Dirty
	var err error
	for _, p := range priorities(of) {
		if p == Scan {
			rows, err = s.dueScan(ctx, reading, parent, limit)
		} else {
			rows, err = s.due(ctx, reading, parent, p, math.MinInt64, limit)
		}
		if err != nil || len(rows) > 0 {
			break
		}
	}
	for _, d := range rows {
		s.taken.hold(d)
	}
	return rows, wrap("take dirty rows", err)
}

// priorities are those given, or all.
func priorities(of []Priority) []Priority {
	if len(of) == 0 {
		return []Priority{Live, Later, Scan}
	}
	return of
}

func (t *taken) hold(d Dirty) {
	if t.keys == nil {
		t.keys = map[itemKey]struct{}{}
	}
	t.keys[d.key()] = struct{}{}
}

// dueScan walks the rows of a scan in the order they came, so that it need not pass the rows
// being read each time; at the end it begins again, for rows that were postponed.
func (s *Store) dueScan(ctx context.Context, reading, parent string, limit int) ([]Dirty, error) {
	if s.taken.scan == nil {
		s.taken.scan = map[listKey]int64{}
	}
	key := listKey{reading, parent}
	rows, err := s.due(ctx, reading, parent, Scan, s.taken.scan[key], limit)
	if err == nil && len(rows) == 0 && s.taken.scan[key] > 0 {
		s.taken.scan[key] = 0
		rows, err = s.due(ctx, reading, parent, Scan, 0, limit)
	}
	return rows, err
}

func (s *Store) due(ctx context.Context, reading, parent string, p Priority, after int64, limit int) ([]Dirty, error) {
	var found []Dirty
	err := s.read(ctx, `
		SELECT d.id, d.hints, d.attempts, d.run, d.listed, d.told, d.expect, d.seq FROM dirty AS d
		JOIN reading AS r ON r.integration = d.integration AND r.id = d.reading
		WHERE d.integration = ? AND r.name = ? AND d.parent = ? AND d.priority = ? AND d.seq > ? AND d.due <= ?
		ORDER BY d.seq LIMIT ?`, []any{s.integration, reading, parent, int(p), after, now(), limit + s.taken.count()}, func(scan func(...any) error) error {
		d := Dirty{Reading: reading, Parent: parent, Priority: p}
		var seq int64
		if err := scan(&d.ID, &d.Hints, &d.Attempts, &d.Run, &d.Listed, &d.Told, &d.Expect, &seq); err != nil {
			return err
		}
		if _, held := s.taken.keys[d.key()]; held {
			return nil
		}
		if p == Scan {
			s.taken.scan[listKey{reading, parent}] = seq
		}
		if found = append(found, d); len(found) == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// errEnough ends the reading of rows that are not wanted any more.
var errEnough = errors.New("enough")

func (t *taken) count() int { return len(t.keys) }

// Release gives rows back unread, for instance because the work was stopped.
func (s *Store) Release(rows []Dirty) {
	s.taken.mu.Lock()
	defer s.taken.mu.Unlock()
	for _, d := range rows {
		delete(s.taken.keys, d.key())
	}
}

// Postpone gives rows back after a read that failed for them; they are due again after wait,
// or at once if more was said of them while the read was under way.
func (s *Store) Postpone(ctx context.Context, rows []Dirty, wait time.Duration) error {
	defer s.Release(rows)
	return wrap("postpone reads", s.write(ctx, func(t *tx) error {
		for _, d := range rows {
			reading, err := s.readings.id(t, d.Reading)
			if err != nil {
				return err
			}
			if err := t.exec(`UPDATE dirty SET attempts = attempts + 1, due = ? WHERE integration = ? AND reading = ? AND parent = ? AND id = ? AND hints = ?`,
				now()+wait.Milliseconds(), s.integration, reading, d.Parent, d.ID, d.Hints); err != nil {
				return err
			}
		}
		return nil
	}))
}

// GiveUp takes rows off the list of what must be read: their reads failed too often. The items
// keep what they have, and are named among what was set aside.
func (s *Store) GiveUp(ctx context.Context, run int64, kind string, rows []Dirty, reason string) error {
	defer s.Release(rows)
	return wrap("set items aside", s.write(ctx, func(t *tx) error {
		for _, d := range rows {
			reading, err := s.readings.id(t, d.Reading)
			if err != nil {
				return err
			}
			if err := t.markListed(reading, d.Parent, d.ID, d.Run, d.Listed); err != nil {
				return err
			}
			if err := t.exec(`DELETE FROM dirty WHERE integration = ? AND reading = ? AND parent = ? AND id = ? AND hints = ?`,
				s.integration, reading, d.Parent, d.ID, d.Hints); err != nil {
				return err
			}
			if err := t.setAside(Aside{AsideItem, itemSubject(reading, d.Parent, d.ID), kind, reason, run, 0}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Done clears rows whose items were read by other means, unless more was said of them since.
func (s *Store) Done(ctx context.Context, rows []Dirty) error {
	defer s.Release(rows)
	return wrap("clear dirty rows", s.write(ctx, func(t *tx) error {
		for _, d := range rows {
			reading, err := s.readings.id(t, d.Reading)
			if err == nil {
				err = t.exec(`DELETE FROM dirty WHERE integration = ? AND reading = ? AND parent = ? AND id = ? AND hints = ?`,
					s.integration, reading, d.Parent, d.ID, d.Hints)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
}
