package jira

import (
	"context"
	"errors"
	"sync"
)

// flight finds a value once, however many ask at the same time. A failure goes
// to all who waited for it and is then forgotten.
type flight[T any] struct {
	mu     sync.Mutex
	latest *landing[T] // running, or ended well
}

// landing is how one search for the value ends; its fields are read only after
// done is closed.
type landing[T any] struct {
	done  chan struct{}
	value T
	err   error
	quit  bool // it ended because its own caller gave up, or had no time to wait
}

// do returns the value, finding it with find unless it is known. The first
// caller runs find in its own goroutine and under its own context. Where that
// caller gives up, or its deadline is too near for what Jira asks for, one of
// those who waited begins again.
func (f *flight[T]) do(ctx context.Context, find func(context.Context) (T, error)) (T, error) {
	for {
		l, mine := f.join()
		if mine {
			f.lead(ctx, l, find)
			return l.value, l.err
		}
		select {
		case <-l.done:
			if !l.quit {
				return l.value, l.err
			}
		case <-ctx.Done():
			var none T
			return none, contextError(ctx)
		}
	}
}

// join returns the search that is running or has ended well, or one for the
// caller to run.
func (f *flight[T]) join() (l *landing[T], mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.latest == nil {
		f.latest = &landing[T]{done: make(chan struct{})}
		return f.latest, true
	}
	return f.latest, false
}

// lead runs the search. The deferred part also runs when find panics, so that
// nobody waits for ever.
func (f *flight[T]) lead(ctx context.Context, l *landing[T], find func(context.Context) (T, error)) {
	l.quit = true
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if l.quit || l.err != nil {
			f.latest = nil
		}
		close(l.done)
	}()
	l.value, l.err = find(ctx)
	e, ok := errors.AsType[*Error](l.err)
	l.quit = l.err != nil && ctx.Err() != nil || ok && e.hurried
}
