package console

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"ferry/internal/port"
	"ferry/jira"
)

// maxResyncWaiters is how many requests may wait for resyncs. Waiting costs a connection, and who
// asks needs no password.
const maxResyncWaiters = 8

// desk takes requests for a resync. A resync that has begun may have read what the next request
// is about too early; so those that come meanwhile share the next one.
type desk struct {
	resync func(context.Context) error
	turn   chan struct{} // held while a resync is under way

	stopping context.Context
	stop     context.CancelFunc

	mu      sync.Mutex
	waiting int
	next    *round // not begun; nil: nobody has asked for one
}

// round is a resync for all who asked before it began.
type round struct {
	ended chan struct{}
	err   error // set before ended is closed
}

func newDesk(resync func(context.Context) error) *desk {
	d := &desk{resync: resync, turn: make(chan struct{}, 1)}
	d.stopping, d.stop = context.WithCancel(context.Background())
	return d
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	round, first := d.join()
	if round == nil {
		refuse(w, http.StatusTooManyRequests, "enough requests are waiting for a resync: ask again later")
		return
	}
	defer d.leave()
	unhurried(w)
	if first {
		d.run(context.WithoutCancel(r.Context()), round) // a client that goes away takes nothing along
	}
	select {
	case <-round.ended:
		answerResync(w, round.err)
	case <-r.Context().Done():
	case <-d.stopping.Done():
		answerResync(w, errStopping)
	}
}

// join finds the round that is to begin next; first tells who has to run it. Nil: there are
// enough that wait.
func (d *desk) join() (r *round, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == maxResyncWaiters {
		return nil, false
	}
	d.waiting++
	if first = d.next == nil; first {
		d.next = &round{ended: make(chan struct{})}
	}
	return d.next, first
}

func (d *desk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
}

// run waits until the resync before is done, and then for one of its own.
func (d *desk) run(ctx context.Context, r *round) {
	defer close(r.ended)
	r.err = errStopping
	select {
	case d.turn <- struct{}{}:
	case <-d.stopping.Done():
		return
	}
	defer func() { <-d.turn }()
	d.begin()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.stopping, cancel)()
	r.err = errors.New("the resync ended in a panic: the log has it")
	if r.err = d.resync(ctx); r.err != nil && d.stopping.Err() != nil {
		r.err = errStopping
	}
}

// begin closes the round for those who come from now on.
func (d *desk) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = nil
}

// unhurried takes the listener's limits off a request that waits for as long as a resync takes.
// Without a connection there are none.
func unhurried(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
}

type resyncAnswer struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func answerResync(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, resyncAnswer{OK: true})
	case errors.Is(err, errStopping):
		refuse(w, http.StatusServiceUnavailable, errStopping.Error())
	case isUpstream(err):
		writeJSON(w, http.StatusBadGateway, resyncAnswer{Reason: reason(err)})
	default:
		writeJSON(w, http.StatusInternalServerError, resyncAnswer{Reason: reason(err)})
	}
}

// refuse asks to come back. A minute is about what a small resync takes.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Retry-After", "60")
	writeJSON(w, status, resyncAnswer{Reason: why})
}

// isUpstream reports whether it was Jira or Port that failed.
func isUpstream(err error) bool {
	_, fromJira := errors.AsType[*jira.Error](err)
	_, fromPort := errors.AsType[*port.Error](err)
	return fromJira || fromPort
}
