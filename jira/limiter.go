package jira

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// limiter decides when a request may start. It knows three sorts of limits,
// each learned from answers: the whole client's (a quota, Data Center's
// bucket), an endpoint's (bursts), an issue's (writes to it).
//
// A request that waits holds no place. Places go to urgent requests first, and
// to one of the others after [mostPassed] of them; to each sort in the order of
// their coming. Whoever cannot start because of his endpoint or his issue does
// not hold up those behind him.
//
// It has no goroutine: whoever leaves lets others start, and one timer does so
// at the end of a pause.
type limiter struct {
	backoff func(n int, asked time.Duration) time.Duration // the wait after the n-th 429 in a row, from 0

	mu        sync.Mutex
	whole     *lane
	endpoints map[endpoint]*lane
	issues    map[string]Pause // those that last
	ration    ration
	quotas    []Quota

	turns   uint64 // calls that have asked for a place
	queues  map[line]*queue
	waiting int
	passed  int // urgent ones in a row that have passed an ordinary one
	timer   *time.Timer
	alarm   time.Time // when timer fires; zero if it does not
}

func newLimiter(concurrency, reserve int, backoff func(int, time.Duration) time.Duration) *limiter {
	return &limiter{
		backoff:   backoff,
		whole:     newLane(concurrency, reserve),
		endpoints: map[endpoint]*lane{},
		issues:    map[string]Pause{},
		queues:    map[line]*queue{},
	}
}

// place is the leave to send one request.
type place struct {
	lane   *lane // the endpoint's
	issue  string
	urgent bool
	here   seat // in that lane
	among  seat // in the lane of the whole client
}

// in is the seat in the endpoint's lane, or in that of the whole client.
func (p *place) in(n *lane) seat {
	if n == p.lane {
		return p.here
	}
	return p.among
}

// heldError says that a request would have to wait beyond its deadline.
type heldError struct {
	left   time.Duration
	reason string
}

func (e *heldError) Error() string {
	return fmt.Sprintf("%s, ask again after %s", ErrThrottled, e.left.Round(time.Second))
}

// enter waits for a place. It fails at once with a *heldError where a pause
// lasts beyond the deadline of ctx, and otherwise only when ctx ends. A call
// that asks again, after a 429, keeps its turn.
func (l *limiter) enter(ctx context.Context, q *call) (place, error) {
	if ctx.Err() != nil {
		return place{}, contextError(ctx)
	}
	l.mu.Lock()
	now := time.Now()
	if q.turn == 0 {
		l.turns++
		q.turn = l.turns
	}
	at := l.line(q)
	if l.waiting == 0 && l.open(at, q.urgent, now) {
		p := l.start(at.lane, q, now)
		l.mu.Unlock()
		return p, nil
	}
	w := &waiter{line: at, call: q, ready: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	if err := l.tooLong(w, now); err != nil {
		l.mu.Unlock()
		return place{}, err
	}
	l.join(w)
	l.dispatch(now)
	l.mu.Unlock()
	return l.await(ctx, w)
}

// await waits until w is let in or turned away, or until ctx ends.
func (l *limiter) await(ctx context.Context, w *waiter) (place, error) {
	select {
	case <-w.ready:
		return w.place, w.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.spot != nil:
		l.quit(w)
	case w.err == nil: // let in at the same moment
		l.back(w.place)
	}
	l.dispatch(time.Now())
	return place{}, contextError(ctx)
}

// line is where the call waits. An issue has a line of its own while it pauses.
func (l *limiter) line(q *call) line {
	e := q.endpoint()
	n := l.endpoints[e]
	if n == nil {
		n = newLane(l.whole.widest, l.whole.reserve)
		l.endpoints[e] = n
	}
	at := line{lane: n}
	if _, paused := l.issues[q.issue]; paused {
		at.issue = q.issue
	}
	return at
}

// held is the pause that requests of a line are in; one that has ended if they
// are in none.
func (l *limiter) held(at line, urgent bool) Pause {
	p := l.whole.pause.later(at.lane.pause)
	if at.issue != "" {
		p = p.later(l.issues[at.issue])
	}
	if !urgent {
		p = p.later(l.ration.pause())
	}
	return p
}

// open reports whether a request of a line may start.
func (l *limiter) open(at line, urgent bool, now time.Time) bool {
	return !l.held(at, urgent).Until.After(now) && l.whole.room(urgent, now) && at.lane.room(urgent, now)
}

func (l *limiter) start(n *lane, q *call, now time.Time) place {
	l.ration.spend(n.cost, now)
	return place{lane: n, issue: q.issue, urgent: q.urgent, here: n.take(q.urgent), among: l.whole.take(q.urgent)}
}

// back returns a place whose request was not sent.
func (l *limiter) back(p place) {
	for _, n := range []*lane{l.whole, p.lane} {
		n.give(p.urgent)
		n.requests--
		n.left++
	}
}

// decision is what the limiter made of an answer.
type decision struct {
	wait      time.Duration // until the like of a throttled request may start; 0 if it was not throttled
	until     time.Time     // the end of that wait
	asked     time.Duration // of it, what Jira asked for in any form; 0 if it left that to us
	reach     reach         // of the wait
	blocked   bool          // the account may not ask at all
	window    int           // requests in flight that remain allowed, of the reach
	told      bool          // the answer changed something
	recovered []*lane       // whose windows are full again
	spent     Pause         // of the whole client, that begins though the answer was not throttled
	spread    time.Time     // points are spread from now until then; zero if nothing begins
}

// heed learns from an answer as soon as its headers are there: its body may take
// long, and until then others would start that it says will be refused. n counts
// the attempts of its call, from 0.
func (l *limiter) heed(p place, status int, said limits, n int) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	d := l.learn(p, status, said, n, now)
	l.forget(now)
	l.dispatch(now)
	return d
}

// leave ends a request, and lets others start.
func (l *limiter) leave(p place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole.give(p.urgent)
	p.lane.give(p.urgent)
	l.dispatch(time.Now())
}

func (l *limiter) learn(p place, status int, said limits, n int, now time.Time) decision {
	l.remember(said.quotas)
	if status == http.StatusTooManyRequests {
		return l.throttle(p, said, n, now)
	}
	d := decision{spent: l.heedQuotas(p, said, now), spread: l.ration.begins(now)}
	l.heedRemaining(p, said, now)
	if status >= http.StatusInternalServerError {
		if said.retryAfter > 0 {
			l.pauseLane(p.lane, Pause{now.Add(said.retryAfter), fmt.Sprintf("status %d", status)}, now)
		}
		return d
	}
	for _, n := range []*lane{l.whole, p.lane} {
		if n.succeed(p.in(n).number) {
			d.recovered = append(d.recovered, n)
		}
	}
	return d
}

// forget drops the issues whose pauses have ended.
func (l *limiter) forget(now time.Time) {
	for issue, p := range l.issues {
		if !p.Until.After(now) {
			delete(l.issues, issue)
		}
	}
}

// charge notes the points of a request that the place was for.
func (l *limiter) charge(p place, points int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole.charge(points)
	p.lane.charge(points)
}
