package port

import (
	"context"
	"sync"
	"time"
)

// A gate bounds the requests under way, and closes for all of them while Port asks us to wait: its limits are of the
// whole organisation, so one request's 429 is every request's.
type gate struct {
	slots chan struct{}

	mu    sync.Mutex
	opens time.Time
}

func newGate(places int) *gate { return &gate{slots: make(chan struct{}, places)} }

// enter waits until the gate is open and a place is free. The caller leaves when its request has ended.
func (g *gate) enter(ctx context.Context) error {
	for {
		if err := sleep(ctx, g.shut()); err != nil {
			return err
		}
		select {
		case g.slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if g.shut() <= 0 {
			return nil
		}
		g.leave() // it closed while we stood in line
	}
}

func (g *gate) leave() { <-g.slots }

// close keeps the gate closed for at least d from now.
func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.opens) {
		g.opens = until
	}
}

func (g *gate) shut() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.opens)
}

// sleep waits d, or less when ctx ends, whose cause it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
