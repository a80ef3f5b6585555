package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// drainFor is how long deletions that are due wait for changes that were there before them to be
// delivered, where changes come without end.
const drainFor = 2 * time.Second

// Follow delivers what changes for as long as ctx lasts: what is wanted as soon as it is there, then
// what is not wanted any more, unless that is to be kept. The error is one that stops delivering for
// now; nothing is lost, and it may be called again.
func (d *Deliverer) Follow(ctx context.Context, keep bool) error {
	due := make(chan struct{})
	close(due) // what an earlier process left
	for ctx.Err() == nil {
		if err := d.untilDue(ctx, due); err != nil {
			return fmt.Errorf("deliver to Port: %w", err)
		}
		if !keep {
			if _, err := d.Deletes(ctx); err != nil {
				return err
			}
		}
		due = nil
	}
	return context.Cause(ctx)
}

// untilDue delivers what is wanted until due is closed or, where it is nil, something is not wanted
// any more.
func (d *Deliverer) untilDue(ctx context.Context, due chan struct{}) error {
	if due != nil {
		return d.upserts(ctx, due)
	}
	due = make(chan struct{})
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer close(due)
		select {
		case <-d.store.Departed():
		case <-watching.Done():
		}
	})
	defer watch.Wait() // a wake must not go to one who has left
	defer stop()
	return d.upserts(ctx, due)
}
