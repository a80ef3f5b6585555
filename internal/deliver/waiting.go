package deliver

import (
	"context"
	"slices"
	"time"
)

// Some entities Port refuses only for now: what they relate to is not there yet and may not be
// made by Port itself, or Port had a passing fault with that one entity. They wait here.
//
//  1. Whenever something was delivered since they were last tried, all of them are sent again:
//     the missing one may have been among it. So a chain of relations is delivered from its end.
//  2. When nothing else is left to send and the last try brought nothing, each of the rest
//     relates to one of the rest, to one that was set aside, or to something that is nowhere. Those
//     to which another of them relates, or one that was set aside, are sent without relations,
//     once, which breaks every cycle. Then 1 again.
//  3. What is left after that relates to something that is nowhere. It is sent a last time, and
//     set aside with what Port says is missing. Between runs it is sent again when that comes.
//
// Where changes come as they are made there may never be a moment at which nothing else is left to
// send. There 2 is done for those that have waited for a while, and 3 for those that have for long,
// whatever is delivered meanwhile. There a fault of Port sets nothing aside either: who met one is
// sent again a little later, until it has passed. A run must end; it does not tell faults apart.
const (
	waitedEnough = 500 * time.Millisecond
	waitedLong   = time.Minute

	// resendFor is for how long those that wait are not sent again, for each of them, where changes come
	// as they are made: what waits must not take the place of what is new.
	resendFor = 5 * time.Millisecond

	// faultFor is how long a fault of Port is given to pass at first, and faultMost at last.
	faultFor  = 250 * time.Millisecond
	faultMost = 5 * time.Second
)

// A stage is how often, and so how, an entity is sent.
type stage int

const (
	asIs stage = iota // whole; if a relation is missing, it waits
	bare              // without its relations; it stays undelivered
	last              // whole; if a relation is missing, that is its end
)

// postponed is an entity that Port refused for now.
type postponed struct {
	row, version int64
	identifier   string
	targets      []string // what it relates to
	fault        bool     // Port had a passing fault with it, which is waited for
	bared        bool     // it was sent bare, and Port has said what it says to that
}

// A waiter is postponed until it is released.
type waiter struct {
	postponed
	notBefore time.Time // of one that waits for a fault to pass
	released  bool
	next      stage
}

// waiting is what waits, by row. Only the feeder has it, and hands it to the next.
type waiting struct {
	rows      map[int64]*waiter
	past      map[int64]past // of what waits, or is on its way after it did
	delivered int            // how many were delivered when all were last released
	resent    time.Time      // when that was
	looked    time.Time      // when it was last looked for those that have waited for a while

	// awaited are those of the identifiers to which one relates that was set aside.
	awaited func(ctx context.Context, identifiers []string) (map[string]bool, error)
}

// past is what became of a version of a row before.
type past struct {
	version int64
	since   time.Time // when it first had to wait for what it relates to
	faults  int       // how many it met
	bare    bool      // step 2 was taken
}

func newWaiting(awaited func(context.Context, []string) (map[string]bool, error)) waiting {
	return waiting{rows: map[int64]*waiter{}, past: map[int64]past{}, awaited: awaited}
}

// hear takes what a report postponed, and forgets the past of what it settled.
func (w *waiting) hear(r report) {
	for _, row := range r.rows {
		if !slices.ContainsFunc(r.postponed, func(p postponed) bool { return p.row == row }) {
			delete(w.past, row)
		}
	}
	for _, p := range r.postponed {
		w.add(p)
	}
}

func (w *waiting) add(p postponed) {
	x, now := &waiter{postponed: p}, time.Now()
	before := w.past[p.row]
	if before.version != p.version {
		before = past{version: p.version}
	}
	if p.bared {
		before.bare, w.delivered = true, tryAgain // what relates to it may be taken now
	}
	switch {
	case p.fault:
		x.notBefore = now.Add(min(faultFor<<min(before.faults, 10), faultMost))
		before.faults++
	case before.since.IsZero():
		before.since = now
	}
	w.rows[p.row], w.past[p.row] = x, before
}

// stageOf says how a row is to be sent now, and that it is not, while it waits. A row that has
// changed since does not wait.
func (w *waiting) stageOf(row, version int64) (stage, bool) {
	x := w.rows[row]
	if x == nil {
		return asIs, true
	}
	if x.version != version {
		w.drop(row)
		return asIs, true
	}
	if !x.released {
		return asIs, false
	}
	delete(w.rows, row)
	return x.next, true
}

func (w *waiting) drop(row int64) {
	delete(w.rows, row)
	delete(w.past, row)
}

// dropGone forgets those that were released before the last sweep and not met by it: they are not to be
// sent any more.
func (w *waiting) dropGone() {
	for row, x := range w.rows {
		if x.released {
			w.drop(row)
		}
	}
}

// resolve releases some after a sweep that met nothing. It reports false when none waits, or all that do
// wait for a fault to pass, themselves or by what they relate to.
func (w *waiting) resolve(ctx context.Context, delivered int) (bool, error) {
	w.dropGone()
	if w.afterFaults() || w.retry(delivered) {
		return true, nil
	}
	if broken, err := w.breakUp(ctx, 0); broken || err != nil {
		return broken, err
	}
	faulty := w.faulty()
	return w.release(last, func(x *waiter) bool { return !faulty[x.identifier] }), nil
}

// goOn releases those that may be sent before a sweep, whatever else there is to send.
func (w *waiting) goOn(ctx context.Context, delivered int) error {
	w.dropGone()
	w.afterFaults()
	w.release(last, func(x *waiter) bool { return !x.fault && w.waited(x) >= waitedLong })
	if time.Since(w.looked) >= waitedEnough/2 {
		w.looked = time.Now()
		if _, err := w.breakUp(ctx, waitedEnough); err != nil {
			return err
		}
	}
	if time.Since(w.resent) >= time.Duration(len(w.rows))*resendFor {
		w.retry(delivered)
	}
	return nil
}

// afterFaults releases those whose fault has had its time to pass.
func (w *waiting) afterFaults() bool {
	now := time.Now()
	return w.release(asIs, func(x *waiter) bool { return x.fault && !now.Before(x.notBefore) })
}

// retry releases all if anything was delivered since the last time.
func (w *waiting) retry(delivered int) bool {
	if delivered == w.delivered || !w.release(asIs, func(x *waiter) bool { return !x.fault }) {
		return false
	}
	w.delivered, w.resent = delivered, time.Now()
	return true
}

// tryAgain differs from every count, so that the next retry releases all.
const tryAgain = -1

// breakUp releases, each once, those that have waited for so long and to which another one relates. It
// reports false if there are none.
func (w *waiting) breakUp(ctx context.Context, least time.Duration) (bool, error) {
	may := func(x *waiter) bool { return !x.fault && !w.past[x.row].bare && w.waited(x) >= least }
	identifiers := w.identifiers(may)
	if len(identifiers) == 0 {
		return false, nil
	}
	awaited, err := w.awaited(ctx, identifiers)
	if err != nil {
		return false, err
	}
	targets := w.targets()
	return w.release(bare, func(x *waiter) bool { return may(x) && (targets[x.identifier] || awaited[x.identifier]) }), nil
}

func (w *waiting) waited(x *waiter) time.Duration { return time.Since(w.past[x.row].since) }

// release releases those of which that is true and that are not released yet. It reports false if there
// are none.
func (w *waiting) release(next stage, which func(*waiter) bool) (some bool) {
	for _, x := range w.rows {
		if !x.released && which(x) {
			x.released, x.next, some = true, next, true
		}
	}
	return some
}

// identifiers are those of waiters that are not released yet.
func (w *waiting) identifiers(which func(*waiter) bool) []string {
	var list []string
	for _, x := range w.rows {
		if !x.released && which(x) {
			list = append(list, x.identifier)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (w *waiting) targets() map[string]bool {
	targets := map[string]bool{}
	for _, x := range w.rows {
		for _, id := range x.targets {
			targets[id] = true
		}
	}
	return targets
}

// faulty are those that wait for a fault to pass, and what relates to them, directly or not.
func (w *waiting) faulty() map[string]bool {
	faulty := map[string]bool{}
	for before := -1; before < len(faulty); {
		before = len(faulty)
		for _, x := range w.rows {
			if x.fault || slices.ContainsFunc(x.targets, func(id string) bool { return faulty[id] }) {
				faulty[x.identifier] = true
			}
		}
	}
	return faulty
}
