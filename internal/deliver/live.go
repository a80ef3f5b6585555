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
	// holdFor is how long deletions wait at first for what relates to them to be read again, and
	// holdMost at last.
	holdFor  = 100 * time.Millisecond
	holdMost = 5 * time.Second
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
	err := d.follow(ctx, nil, keep)
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// Beside is Follow while a run reads, until read is closed and everything is delivered that can be.
// Of what is not wanted any more it deletes what somebody waits to see gone; the rest is for
// [Deliverer.Deletes].
func (d *Deliverer) Beside(ctx context.Context, read <-chan struct{}, keep bool) error {
	d.beside, d.reading = true, true
	defer func() { d.reading = false }()
	return d.follow(ctx, read, keep)
}

func (d *Deliverer) follow(ctx context.Context, read <-chan struct{}, keep bool) error {
	due, hold := time.After(0), holdFor // what an earlier process left
	for ctx.Err() == nil {
		if err := d.untilDue(ctx, due, read); err != nil {
			return fmt.Errorf("deliver to Port: %w", err)
		}
		if isClosed(read) {
			return nil
		}
		due = nil
		if keep {
			continue
		}
		if err := d.deletes(ctx); err != nil {
			return fmt.Errorf("delete from Port: %w", err)
		}
		if d.held > 0 {
			due, hold = time.After(hold), min(2*hold, holdMost)
			continue
		}
		hold = holdFor
		due = d.keptDue()
	}
	return context.Cause(ctx)
}

// goesOn tells whether deletions come one by one: what could not go is not to be tried with each.
func (d *Deliverer) goesOn() bool { return d.config.Live || d.reading }

// untilDue delivers what is wanted until due, until all is read, or until something is not wanted any
// more.
func (d *Deliverer) untilDue(ctx context.Context, due <-chan time.Time, read <-chan struct{}) error {
	done := make(chan struct{})
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer close(done)
		d.awaitDue(watching, due, read)
	})
	defer watch.Wait() // a wake must not go to one who has left
	defer stop()
	return d.upserts(ctx, done)
}

// awaitDue returns when deletions are to be looked at, or ctx has ended.
func (d *Deliverer) awaitDue(ctx context.Context, due <-chan time.Time, read <-chan struct{}) {
	for {
		select {
		case <-d.freed:
			if due == nil {
				due = d.keptDue()
			}
			continue
		case <-due:
		case <-read:
		case <-d.store.Departed():
		case <-ctx.Done():
		}
		return
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// dependents tells whether deletions take along what relates to them.
func (d *Deliverer) dependents() bool { return d.config.DeleteDependents && !d.undrained }
