package deliver

// Some entities Port refuses only for now: what they relate to is not there yet and may not be
// made by Port itself, or Port had a passing fault with that one entity. They wait here.
//
//  1. Whenever something was delivered since they were last tried, all of them are sent again:
//     the missing one may have been among it. So a chain of relations is delivered from its end.
//  2. When nothing else is left to send and the last try brought nothing, each of the rest
//     relates to one of the rest, or to something that is nowhere. Those to which another of
//     them relates are sent without relations, which breaks every cycle. Then 1 again.
//  3. What is left after that relates to something that is nowhere. It is sent a last time, and
//     set aside with what Port says is missing.

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
	delivered int  // how many were delivered when all were last released
	broken    bool // step 2 was taken
}

func (w *waiting) add(p postponed) { w.rows[p.row] = &waiter{postponed: p} }

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

// resolve releases some when nothing else is left to send. It reports false when none waits.
func (w *waiting) resolve(delivered int) bool {
	switch {
	case len(w.rows) == 0:
		return false
	case w.retry(delivered):
	case w.breakUp():
		w.delivered = tryAgain
	default:
		w.release(delivered, last, func(*waiter) bool { return true })
	}
	return true
}

// tryAgain differs from every count, so that the next retry releases all.
const tryAgain = -1

// breakUp releases, once, those to which another one relates. It reports false if there are none.
func (w *waiting) breakUp() bool {
	if w.broken {
		return false
	}
	w.broken = true
	targets := w.targets()
	return w.release(w.delivered, bare, func(x *waiter) bool { return targets[x.identifier] }) > 0
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
