package catalog

import (
	"context"
	"sync"
)

// turns let callers that wait for one another share the work: whoever's turn it is does what
// all of them want, in one go.
type turns[T any] struct {
	run     func([]T) []error // one error for each, or one for all
	leading chan struct{}     // holds whoever does the work

	mu      sync.Mutex
	waiting []*wanted[T]
}

type wanted[T any] struct {
	what T
	done chan error
}

func newTurns[T any](run func([]T) []error) *turns[T] {
	return &turns[T]{run: run, leading: make(chan struct{}, 1)}
}

// do returns when what was done. ctx ends the wait for a turn only: work that has begun is
// finished, since others share it.
func (q *turns[T]) do(ctx context.Context, what T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &wanted[T]{what, make(chan error, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	select {
	case q.leading <- struct{}{}:
		q.lead()
		<-q.leading
		return <-w.done // mine was waiting, so either I did it or an earlier leader did
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if q.withdraw(w) {
			return ctx.Err()
		}
		return <-w.done
	}
}

// withdraw takes w back, unless a leader has it already.
func (q *turns[T]) withdraw(w *wanted[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == w {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// lead does everything that waits. The caller holds the leader's place.
func (q *turns[T]) lead() {
	q.mu.Lock()
	batch := q.waiting
	q.waiting = nil
	q.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	list := make([]T, len(batch))
	for i, w := range batch {
		list[i] = w.what
	}
	errs := q.run(list)
	for i, w := range batch {
		w.done <- errs[min(i, len(errs)-1)]
	}
}
