package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// drainFor is how long deletions that are due wait for the moment at which everything else is
	// delivered, where changes come without end.
	drainFor = 2 * time.Second
	// holdFor is how long deletions wait for what relates to them to be read again.
	holdFor = 100 * time.Millisecond
)

// Follow delivers what changes for as long as ctx lasts: what is wanted as soon as it is there, then
// what is not wanted any more, unless that is to be kept. The error is one that stops delivering for
// now; nothing is lost, and it may be called again.
//
// A deletion waits until what relates to it has been read again and delivered, as at the end of a run:
// else Port would make it anew for the sake of a relation that is over, or its cascade would take along
// what the catalogue does not know to relate to it. Where that moment does not come, because
// changes do, deletions take nothing along.
func (d *Deliverer) Follow(ctx context.Context, keep bool) error {
	due := time.After(0) // what an earlier process left
	for ctx.Err() == nil {
		if err := d.untilDue(ctx, due); err != nil {
			return fmt.Errorf("deliver to Port: %w", err)
		}
		due = nil
		if keep {
			continue
		}
		if _, err := d.Deletes(ctx); err != nil {
			return err
		}
		if d.held > 0 {
			due = time.After(holdFor)
		}
	}
	return context.Cause(ctx)
}

// untilDue delivers what is wanted until due or until something is not wanted any more.
func (d *Deliverer) untilDue(ctx context.Context, due <-chan time.Time) error {
	done := make(chan struct{})
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer close(done)
		select {
		case <-due:
		case <-d.store.Departed():
		case <-watching.Done():
		}
	})
	defer watch.Wait() // a wake must not go to one who has left
	defer stop()
	return d.upserts(ctx, done)
}

// dependents tells whether deletions take along what relates to them.
func (d *Deliverer) dependents() bool { return d.config.DeleteDependents && !d.undrained }
