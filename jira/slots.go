package jira

import "context"

// slots bounds the requests in flight. Every request holds one place of all;
// those that are not urgent hold one of ordinary first, which has fewer. So at
// least cap(all)-cap(ordinary) places are never taken by ordinary requests, and
// the order of taking cannot deadlock.
type slots struct{ all, ordinary chan struct{} }

func newSlots(total, reserve int) *slots {
	return &slots{
		all:      make(chan struct{}, total),
		ordinary: make(chan struct{}, max(total-reserve, 1)),
	}
}

// take waits for a place. The caller gives it back with give(urgent).
func (s *slots) take(ctx context.Context, urgent bool) error {
	if !urgent {
		if err := enter(ctx, s.ordinary); err != nil {
			return err
		}
	}
	err := enter(ctx, s.all)
	if err != nil && !urgent {
		<-s.ordinary
	}
	return err
}

func (s *slots) give(urgent bool) {
	<-s.all
	if !urgent {
		<-s.ordinary
	}
}

func enter(ctx context.Context, places chan struct{}) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}
