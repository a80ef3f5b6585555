// Package changelog listens to Port's Kafka for word that the integration is to be read anew: somebody pressed the
// button, or edited the mapping.
//
// A message is a request and nothing more; what is to be done is always the same, a resync. So requests that come while
// one runs are answered by one more. What must not happen is that a request is lost, and the offset that is committed is
// all that remembers it: it stands before the first request that no resync has answered, until one has. A process that
// is killed in between is told again. Being told twice is harmless: it costs a resync that changes nothing.
//
// Kafka is read and the offsets are committed in one goroutine (reader.go), which a resync does not hold up; resyncs run
// in another (worker.go). What the two know of each other is in the ledger (ledger.go).
package changelog

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Consumer is one integration's reader of Port's change log.
type Consumer struct{ config Config }

// New checks the settings, all of them, and sends nothing.
func New(config Config) (*Consumer, error) {
	config = withDefaults(config)
	if err := config.check(); err != nil {
		return nil, err
	}
	return &Consumer{config}, nil
}

// Run calls resync when one is requested, never two at once, until ctx ends, and then returns nil. One Run at a time.
//
// A resync that fails is called again after a while, or at the next request. Its context ends with ctx, and Run returns
// when it has. A Kafka that cannot be reached is tried for ever. Only credentials that are refused end Run with an
// error, for which [ErrCredentials] holds, and with it a resync that is under way: Port may have replaced them, so that
// it should be asked for them again before a person is.
func (c *Consumer) Run(ctx context.Context, resync func(context.Context) error) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r, err := c.open(ctx, fail)
	if err != nil {
		return fmt.Errorf("change log of Port: %w", err)
	}
	defer r.close()
	w := worker{config: c.config, ledger: r.ledger, resync: resync}

	var group sync.WaitGroup
	group.Go(func() { r.run(running) })
	group.Go(func() { w.run(running) })
	group.Wait()
	r.commit(context.WithoutCancel(ctx), leaveWithin)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("change log of Port: %w", context.Cause(running))
}

// open makes the client, which begins to read when it is told the topic.
func (c *Consumer) open(ctx context.Context, fail func(error)) (*reader, error) {
	// The client outlives ctx, so that what was done can still be committed, and the group be left.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	r := &reader{config: c.config, ledger: newLedger(), end: end, told: -1}
	client, err := kgo.NewClient(append(c.config.options(),
		kgo.WithContext(living),
		kgo.WithHooks(newBrokers(c.config, fail)),
		kgo.AdjustFetchOffsetsFn(r.begin),
		kgo.OnPartitionsAssigned(r.assigned),
		kgo.OnPartitionsRevoked(r.withdrawn),
		kgo.OnPartitionsLost(r.withdrawn),
	)...)
	if err != nil {
		end()
		return nil, err
	}
	r.client = client
	return r, nil
}
