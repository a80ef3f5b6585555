package daemon

import (
	"context"
	"sync"
)

// asks are the resyncs that were asked for and have not begun. However many there are, one run
// serves them all.
type asks struct {
	mu      sync.Mutex
	waiting []chan error
}

// Resync asks for a resync and returns when one that began afterwards has ended, with the sentence
// for which it failed. Where another process works, it is asked to and nobody waits.
func (d *Daemon) Resync(ctx context.Context) error {
	if d.Replicas && d.current.get() == nil {
		return d.Database.Inbox().SetMoment(ctx, momentAsked, now())
	}
	select {
	case err := <-d.asks.ask(&d.kicks):
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *asks) ask(k *kicks) <-chan error {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := make(chan error, 1)
	a.waiting = append(a.waiting, answer)
	k.resync.set()
	return answer
}

func (a *asks) any() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting) > 0
}

// take gives those whom the run that begins now serves.
func (a *asks) take() []chan error {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.waiting
	a.waiting = nil
	return taken
}

// back puts those back whose run did not come to its end for a reason of ours.
func (a *asks) back(taken []chan error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(taken, a.waiting...)
}

// kick is a wake of capacity one, as of [catalog.Store.Changed]; its zero value is ready.
type kick struct {
	once sync.Once
	c    chan struct{}
}

func (k *kick) wait() <-chan struct{} {
	k.once.Do(func() { k.c = make(chan struct{}, 1) })
	return k.c
}

func (k *kick) set() {
	k.wait()
	select {
	case k.c <- struct{}{}:
	default:
	}
}

// kicks are the wakes of the daemon's loops.
type kicks struct{ resync, updates kick }
