package jira

import (
	"container/list"
	"time"
)

// line is what requests wait for together: their endpoint, and while their issue
// pauses, that too.
type line struct {
	lane  *lane
	issue string // "" unless it pauses, or has paused and some wait yet
}

// queue holds those who wait in one line, in the order of their turns.
type queue struct{ urgent, ordinary list.List } // of *waiter

func (q *queue) of(urgent bool) *list.List {
	if urgent {
		return &q.urgent
	}
	return &q.ordinary
}

// first is who is next, nil if nobody waits.
func (q *queue) first(urgent bool) *waiter {
	if e := q.of(urgent).Front(); e != nil {
		return e.Value.(*waiter)
	}
	return nil
}

// waiter is one who waits. The limiter's lock guards it until ready is closed.
type waiter struct {
	line     line
	call     *call
	deadline time.Time     // zero if it has none
	spot     *list.Element // nil once it has left the queue

	ready chan struct{} // closed when one of these is decided
	place place
	err   error
}

// join puts w into its line. Most come last; one that comes again passes those
// whose turns are later.
func (l *limiter) join(w *waiter) {
	q := l.queues[w.line]
	if q == nil {
		q = new(queue)
		l.queues[w.line] = q
	}
	l.waiting++
	in := q.of(w.call.urgent)
	if last := in.Back(); last == nil || last.Value.(*waiter).call.turn < w.call.turn {
		w.spot = in.PushBack(w)
		return
	}
	e := in.Front()
	for e.Value.(*waiter).call.turn < w.call.turn {
		e = e.Next()
	}
	w.spot = in.InsertBefore(w, e)
}

// quit takes w out of its line.
func (l *limiter) quit(w *waiter) {
	q := l.queues[w.line]
	q.of(w.call.urgent).Remove(w.spot)
	w.spot = nil
	l.waiting--
	if q.urgent.Len()+q.ordinary.Len() == 0 {
		delete(l.queues, w.line)
	}
}

// dispatch lets in all who may start now, and sets the timer for the others.
func (l *limiter) dispatch(now time.Time) {
	for w := l.next(now); w != nil; w = l.next(now) {
		l.quit(w)
		w.place = l.start(w.line.lane, w.call, now)
		close(w.ready)
	}
	l.setTimer(now)
}

// mostPassed is how many urgent ones in a row pass an ordinary one that could
// start too: a flood of them slows a scan down, and does not stop it.
const mostPassed = 9

// next is who may start now: an urgent one, if any, but for mostPassed.
func (l *limiter) next(now time.Time) *waiter {
	urgent, ordinary := l.nextOf(true, now), l.nextOf(false, now)
	switch {
	case ordinary == nil:
		return urgent
	case urgent != nil && l.passed < mostPassed:
		l.passed++
		return urgent
	}
	l.passed = 0
	return ordinary
}

// nextOf is who of one sort may start now and has waited longest.
func (l *limiter) nextOf(urgent bool, now time.Time) *waiter {
	if l.waiting == 0 || !l.whole.room(urgent, now) {
		return nil
	}
	var best *waiter
	for at, q := range l.queues {
		w := q.first(urgent)
		if w != nil && (best == nil || w.call.turn < best.call.turn) && l.open(at, urgent, now) {
			best = w
		}
	}
	return best
}

// setTimer sees to it that dispatch runs again when somebody may start because
// time has passed, and not because another leaves.
func (l *limiter) setTimer(now time.Time) {
	at := l.nextOpening(now)
	if at.Equal(l.alarm) {
		return
	}
	l.alarm = at
	switch {
	case at.IsZero():
		l.timer.Stop()
	case l.timer == nil:
		l.timer = time.AfterFunc(at.Sub(now), l.wake)
	default:
		l.timer.Reset(at.Sub(now))
	}
}

func (l *limiter) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm = time.Time{}
	now := time.Now()
	l.forget(now)
	l.dispatch(now)
}

// nextOpening is the earliest time after now at which a pause ends that somebody
// waits in, or at which what remained is forgotten; zero if there is none.
func (l *limiter) nextOpening(now time.Time) time.Time {
	var soonest time.Time
	for at, q := range l.queues {
		for _, urgent := range []bool{true, false} {
			if q.first(urgent) == nil {
				continue
			}
			opens := l.held(at, urgent).Until
			for _, n := range []*lane{l.whole, at.lane} {
				if n.scarce(now) && n.fresh.After(opens) {
					opens = n.fresh
				}
			}
			if opens.After(now) && (soonest.IsZero() || opens.Before(soonest)) {
				soonest = opens
			}
		}
	}
	return soonest
}

// tooLong is why w need not wait: a pause lasts beyond its deadline.
func (l *limiter) tooLong(w *waiter, now time.Time) error {
	held := l.held(w.line, w.call.urgent)
	if w.deadline.IsZero() || !held.Until.After(now) || held.Until.Before(w.deadline) {
		return nil
	}
	return &heldError{held.Until.Sub(now), held.Reason}
}

// turnAway ends the waiting of those for whom a pause that has just begun is too
// long.
func (l *limiter) turnAway(now time.Time) {
	for _, q := range l.queues {
		for _, in := range []*list.List{&q.urgent, &q.ordinary} {
			for e := in.Front(); e != nil; {
				w := e.Value.(*waiter)
				e = e.Next()
				if err := l.tooLong(w, now); err != nil {
					l.quit(w)
					w.err = err
					close(w.ready)
				}
			}
		}
	}
}
