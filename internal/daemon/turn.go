package daemon

import (
	"context"
	"sync"
	"time"

	"ferry/internal/catalog"
)

// turn is whose turn it is to deliver: of a run, or of what delivers between runs, which makes way.
type turn struct {
	place chan struct{} // held by who delivers

	mu      sync.Mutex
	makeWay context.CancelFunc
}

func newTurn() *turn { return &turn{place: make(chan struct{}, 1)} }

// between is a turn of who makes way: its context ends when a run wants to deliver.
func (t *turn) between(ctx context.Context, deliver func(context.Context) error) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.give()
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	t.mu.Lock()
	t.makeWay = cancel
	t.mu.Unlock()
	return deliver(mine)
}

// run takes the turn of a run. Who waits here comes before who made way: places go in the order in
// which they were asked for.
func (t *turn) run(ctx context.Context) error {
	stop := make(chan struct{})
	defer close(stop)
	go t.push(stop)
	return t.take(ctx)
}

// push asks whoever delivers to make way until the turn was taken: it may only just have begun.
func (t *turn) push(stop <-chan struct{}) {
	for {
		t.mu.Lock()
		if t.makeWay != nil {
			t.makeWay()
		}
		t.mu.Unlock()
		select {
		case <-stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (t *turn) take(ctx context.Context) error {
	select {
	case t.place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *turn) give() {
	t.mu.Lock()
	t.makeWay = nil
	t.mu.Unlock()
	<-t.place
}

// current is the store while this process has the lease, and the kinds that the mapping has it read.
type current struct {
	mu    sync.Mutex
	store *catalog.Store
	kinds []string
}

func (c *current) set(s *catalog.Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store, c.kinds = s, nil
}

func (c *current) read(kinds []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds = kinds
}

func (c *current) reads() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds
}

func (c *current) get() *catalog.Store {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.store
}

// heldTurn is a run's turn, which it may lend. Its zero value is the turn of who is alone.
type heldTurn struct {
	turn *turn
	mine bool
}

func (h *heldTurn) take(ctx context.Context) error {
	if h.turn == nil || h.mine {
		return nil
	}
	err := h.turn.run(ctx)
	h.mine = err == nil
	return err
}

func (h *heldTurn) give() {
	if h.mine {
		h.mine = false
		h.turn.give()
	}
}

// lend lets others deliver while do does something else.
func (h *heldTurn) lend(ctx context.Context, do func() error) error {
	h.give()
	if err := do(); err != nil {
		return err
	}
	return h.take(ctx)
}
