package deliver

import (
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
// send. There 2 is done for those that have waited for a while, and 3 for those that have for long.
const (
	waitedEnough = 500 * time.Millisecond
	waitedLong   = time.Minute
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
}

// A waiter is postponed until it is released.
type waiter struct {
	postponed
	released bool
	next     stage
}

// waiting is what waits, by row. Only the feeder has it.
type waiting struct {
	rows      map[int64]*waiter
	past      map[int64]past // of what waits, or did
	delivered int            // how many were delivered when all were last released
	looked    time.Time      // when it was last looked for those that have waited for a while
}

// past is what became of a version of a row before.
type past struct {
	version int64
	since   time.Time // when it first had to wait
	bare    bool      // step 2 was taken
}

func newWaiting() waiting { return waiting{rows: map[int64]*waiter{}, past: map[int64]past{}} }

func (w *waiting) add(p postponed) {
	w.rows[p.row] = &waiter{postponed: p}
	if w.past[p.row].version != p.version {
		w.past[p.row] = past{version: p.version, since: time.Now()}
	}
}

// stageOf says how a row is to be sent now, and that it is not, while it waits. A row that has
// changed since does not wait.
func (w *waiting) stageOf(row, version int64) (stage, bool) {
	x := w.rows[row]
	if x == nil {
		return asIs, true
	}
	if x.version != version {
		delete(w.rows, row)
		return asIs, true
	}
	if !x.released {
		return asIs, false
	}
	delete(w.rows, row)
	return x.next, true
}

// retry releases all if anything was delivered since the last time.
func (w *waiting) retry(delivered int) bool {
	if len(w.rows) == 0 || delivered == w.delivered {
		return false
	}
	w.release(delivered, asIs, func(*waiter) bool { return true })
	return true
}

// resolve releases some when nothing else is left to send. awaited are those of the identifiers that
// wait to which one relates that was set aside. It reports false when none waits.
func (w *waiting) resolve(delivered int, awaited map[string]bool) bool {
	switch {
	case len(w.rows) == 0:
		return false
	case w.retry(delivered):
	case w.breakUp(awaited, 0):
		w.delivered = tryAgain
	default:
		w.release(delivered, last, func(*waiter) bool { return true })
	}
	return true
}

// tryAgain differs from every count, so that the next retry releases all.
const tryAgain = -1

// overdue releases those that have waited for a while, whatever else there is to send.
func (w *waiting) overdue(awaited map[string]bool) {
	if w.breakUp(awaited, waitedEnough) {
		w.delivered = tryAgain
	}
	w.release(w.delivered, last, func(x *waiter) bool { return !x.released && w.waited(x) >= waitedLong })
}

// look tells whether it is time to look for those that have waited for a while.
func (w *waiting) look() bool {
	if len(w.rows) == 0 || time.Since(w.looked) < waitedEnough/2 {
		return false
	}
	w.looked = time.Now()
	return true
}

func (w *waiting) waited(x *waiter) time.Duration { return time.Since(w.past[x.row].since) }

// breakUp releases, each once, those to which another one relates. It reports false if there are none.
func (w *waiting) breakUp(awaited map[string]bool, least time.Duration) bool {
	targets := w.targets()
	return w.release(w.delivered, bare, func(x *waiter) bool {
		p := w.past[x.row]
		if p.bare || !targets[x.identifier] && !awaited[x.identifier] || w.waited(x) < least {
			return false
		}
		p.bare = true
		w.past[x.row] = p
		return true
	}) > 0
}

// identifiers are those that wait.
func (w *waiting) identifiers() []string {
	var list []string
	for _, x := range w.rows {
		list = append(list, x.identifier)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (w *waiting) release(delivered int, next stage, which func(*waiter) bool) (released int) {
	w.delivered = delivered
	for _, x := range w.rows {
		if which(x) {
			x.released, x.next = true, next
			released++
		}
	}
	return released
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
