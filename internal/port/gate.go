package port

import (
	"cmp"
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

	hurry    chan struct{} // closed when nobody is to wait any more
	hastened sync.Once

	mu    sync.Mutex
	opens time.Time
}

// errHurried is what a wait ends with when nobody is to wait any more.
var errHurried = errors.New("not sent: what runs here is about to end, and waits for Port no more")

func newGate(places int) *gate {
	return &gate{slots: make(chan struct{}, places), hurry: make(chan struct{})}
}

// hasten ends every wait, those to come too.
func (g *gate) hasten() { g.hastened.Do(func() { close(g.hurry) }) }

func (g *gate) hurried() bool {
	select {
	case <-g.hurry:
		return true
	default:
		return false
	}
}

// enter waits until the gate is open and a place is free. The caller leaves when its request has ended.
func (g *gate) enter(ctx context.Context) error {
	for {
		if err := g.sleep(ctx, g.shut()); err != nil {
			return err
		}
		if err := g.stand(ctx); err != nil {
			return err
		}
		if g.shut() <= 0 {
			return nil
		}
		g.leave() // it closed while we stood in line
	}
}

// stand takes a place, and waits in line where none is free. A free place is taken even in a hurry.
func (g *gate) stand(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-g.hurry:
		return cmp.Or(ended(ctx), errHurried)
	case <-ctx.Done():
		return ended(ctx)
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

// sleep waits d, or less when ctx ends or nobody is to wait any more, and then returns why.
func (g *gate) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ended(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-g.hurry:
		return cmp.Or(ended(ctx), errHurried)
	case <-ctx.Done():
		return ended(ctx)
	}
}
