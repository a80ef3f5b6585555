package deliver

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Upserts delivers while ingest goes on: whatever is undelivered, until done is closed and
// nothing is left that can be sent. A closed done, or nil, means: what is there now.
//
// The error is one that ends the run: Port cannot be reached after all retries, or does not
// accept us, or the catalogue cannot be written. What was not delivered stays undelivered. When
// ctx ends nothing more is begun, and what is under way is finished and recorded.
func (d *Deliverer) Upserts(ctx context.Context, done <-chan struct{}) (Result, error) {
	before := d.counted()
	err := d.upserts(ctx, done)
	if err != nil {
		err = fmt.Errorf("deliver to Port: %w", err)
	}
	return d.counted().since(before), err
}

func (d *Deliverer) upserts(ctx context.Context, done <-chan struct{}) error {
	group, ctx := errgroup.WithContext(ctx)
	work, cancel := d.lasting(ctx)
	defer cancel()
	bulks := make(chan bulk)
	reports := newReports()
	group.Go(func() error {
		defer close(bulks)
		return newFeeder(d, done, bulks, reports).run(ctx)
	})
	for range d.config.Workers {
		group.Go(func() error {
			for b := range bulks {
				report, err := d.deliver(work, b)
				if err != nil {
					return err
				}
				reports.add(report)
			}
			return nil
		})
	}
	return group.Wait()
}

// A report is what became of a bulk: all its rows are settled but those that were postponed.
type report struct {
	rows      []int64
	postponed []postponed
}

// reports are those the feeder has not read yet.
type reports struct {
	mu   sync.Mutex
	list []report
	n    int // how many there ever were
	wake chan struct{}
}

func newReports() *reports { return &reports{wake: make(chan struct{}, 1)} }

func (r *reports) add(one report) {
	r.mu.Lock()
	r.list = append(r.list, one)
	r.n++
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // the feeder has one wake before it already
	}
}

// settled is how many bulks have come back, read or not.
func (r *reports) settled() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

func (r *reports) take() []report {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}
