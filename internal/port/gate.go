package port

import (
	"context"
	"errors"
	"fmt"
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
			return ended(ctx)
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

// ended is nil while ctx lives; then its error, and its cause where that is another.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// sleep waits d, or less when ctx ends, and then returns why.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ended(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}
