package catalog

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Run is one resync.
type Run struct {
	ID    int64
	First bool // nothing was ever delivered from this store
}

// State is how a run ended.
type State string

// The ends of a run.
const (
	Running   State = "running"
	Completed State = "completed" // everything was read and nothing set aside
	Partial   State = "partial"   // everything was read; something was set aside
	Failed    State = "failed"
)

// BeginRun starts a run: what Port refused, and bodies that hold search objects, will be sent
// again, since Port's side of them may have changed.
func (s *Store) BeginRun(ctx context.Context, mapping, account string) (Run, error) {
	var run Run
	err := s.write(ctx, func(t *tx) (err error) {
		if run, err = t.beginRun(mapping, account, true); err != nil {
			return err
		}
		s.runFrom = int64(s.NextRead())
		if err := t.relist(); err != nil {
			return err
		}
		return t.sendAgain()
	})
	if err == nil {
		s.changed.set() // after the commit: who looks now finds what is to be sent again
	}
	return run, wrap("begin a run", err)
}

// runsKept is how many runs are remembered, for people to look back at.
const runsKept = 50

func (t *tx) beginRun(mapping, account string, whole bool) (Run, error) {
	var run Run
	err := t.query(`
		SELECT COALESCE(MAX(id), 0) + 1 FROM run WHERE integration = ?`, []any{t.integration()},
		func(scan func(...any) error) error { return scan(&run.ID) })
	if err != nil {
		return run, err
	}
	run.First = !t.s.delivered.Load()
	if err := t.exec(`UPDATE run SET state = 'failed', ended = ? WHERE integration = ? AND state = 'running'`, now(), t.integration()); err != nil {
		return run, err
	}
	if err := t.exec(`DELETE FROM run WHERE integration = ? AND id <= ?`, t.integration(), run.ID-runsKept); err != nil {
		return run, err
	}
	if err := t.exec(`DELETE FROM listing WHERE integration = ?`, t.integration()); err != nil {
		return run, err
	}
	t.s.newest.Store(run.ID)
	return run, t.exec(`INSERT INTO run (integration, id, started, state, mapping, account, whole) VALUES (?, ?, ?, 'running', ?, ?, ?)`,
		t.integration(), run.ID, now(), mapping, prose(account), bit(whole))
}

// orNewest is the run, or the newest for what belongs to none.
func (s *Store) orNewest(run int64) int64 { return cmp.Or(run, s.newest.Load()) }

// ReadUnder is when the newest run started that read everything under a mapping, given by its hash;
// zero if there was none. Catch-ups do not count.
func (s *Store) ReadUnder(ctx context.Context, mapping string) (time.Time, error) {
	var started int64
	err := s.read(ctx, `SELECT COALESCE(MAX(started), 0) FROM run WHERE integration = ? AND state IN ('completed', 'partial') AND mapping = ? AND whole = 1`,
		[]any{s.integration, mapping}, into(&started))
	if err != nil || started == 0 {
		return time.Time{}, wrap("look for the newest run", err)
	}
	return time.UnixMilli(started), nil
}

// relist forgets what earlier runs listed and did not come to read: this run lists it again. What
// else waits for another attempt waits no longer.
func (t *tx) relist() error {
	if err := t.exec(`DELETE FROM dirty WHERE integration = ? AND priority = ?`, t.integration(), int(Scan)); err != nil {
		return err
	}
	return t.exec(`UPDATE dirty SET due = 0, attempts = 0 WHERE integration = ? AND attempts > 0`, t.integration())
}

// sendAgain makes undelivered what Port may take differently now.
func (t *tx) sendAgain() error {
	for _, statement := range []string{
		`UPDATE entity SET refused = -refused WHERE integration = ? AND refused > 0`,
		`UPDATE entity SET version = version + 1 WHERE integration = ? AND searching = 1 AND claims > 0 AND delivered = version`,
	} {
		if err := t.exec(statement, t.integration()); err != nil {
			return err
		}
	}
	return nil
}

// EndRun records how a run ended, and drops what is not needed any more: tombstones older than
// the run and, unless it failed, what earlier runs had set aside and this one did not. A read begun
// before the run that may still be in flight must be one of [Store.BeginRead].
func (s *Store) EndRun(ctx context.Context, run int64, state State) error {
	return wrap("end a run", s.write(ctx, func(t *tx) error {
		if err := t.endRun(run, state); err != nil {
			return err
		}
		err := t.exec(`DELETE FROM item WHERE integration = ? AND gone = 1 AND read < ?`, s.integration, s.underway.first(s.runFrom))
		if err != nil || state == Failed {
			return err
		}
		return t.exec(`DELETE FROM aside WHERE integration = ? AND run < ?`, s.integration, run)
	}))
}

func (t *tx) endRun(run int64, state State) error {
	return t.exec(`UPDATE run SET state = ?, ended = ? WHERE integration = ? AND id = ?`, string(state), now(), t.integration(), run)
}

// Listing is one question of a run: which items of a reading, under a parent, does a query
// select? Bit is its place in the items' masks, 0 to 61, and differs between the listings of
// one reading and parent.
type Listing struct {
	Run     int64
	Reading string
	Parent  string
	Bit     int
	Query   string
}

// Mask is the listing's bit as an item's mask has it.
func (l Listing) Mask() int64 { return 1 << l.Bit }

// ListingState is how far a listing came.
type ListingState string

// The states of a listing. Only a complete one can tell that an item is not in it.
const (
	ListingRunning    ListingState = "running"
	ListingComplete   ListingState = "complete"
	ListingIncomplete ListingState = "incomplete"
	ListingFailed     ListingState = "failed"
)

// SetListing records the state of a listing.
func (s *Store) SetListing(ctx context.Context, l Listing, state ListingState, found, expected int, reason string) error {
	return wrap("record a listing", s.write(ctx, func(t *tx) error {
		reading, err := s.readings.id(t, l.Reading)
		if err != nil {
			return err
		}
		return t.exec(`
			INSERT INTO listing (integration, run, reading, parent, bit, query, state, found, expected, reason)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (integration, run, reading, parent, bit) DO UPDATE
			SET state = excluded.state, found = excluded.found, expected = excluded.expected, reason = excluded.reason`,
			s.integration, l.Run, reading, l.Parent, l.Bit, prose(l.Query), string(state), found, expected, prose(reason))
	}))
}

// ReadSince is when the newest run started that read everything it set out to read, a catch-up
// among them; zero if there was none.
func (s *Store) ReadSince(ctx context.Context) (time.Time, error) {
	var started int64
	err := s.read(ctx, `SELECT COALESCE(MAX(started), 0) FROM run WHERE integration = ? AND state IN ('completed', 'partial')`,
		[]any{s.integration}, into(&started))
	if err != nil || started == 0 {
		return time.Time{}, wrap("look for the newest run", err)
	}
	return time.UnixMilli(started), nil
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("catalogue: %s: %w", what, explain(err))
	}
	return nil
}
