package mapping

import (
	"context"
	"fmt"
	"time"
)

// limits bound one run of one expression.
type limits struct {
	steps int           // of the jq machine
	bytes int           // of what guarded operations make, in sum
	value int           // bytes of one value that a guarded operation makes
	time  time.Duration // of the whole run
}

// A mapping's expression on a large issue takes some ten thousand steps. The
// steps end a runaway at the same place on every machine, and before its
// lists and its stack are large; the time is for steps that are slow.
var defaultLimits = limits{
	steps: 5_000_000,
	bytes: 256 << 20,
	value: 8 << 20,
	time:  time.Second,
}

// A budget is the context of one run. The jq machine asks its context before
// every step whether it is done, so Done counts the steps. That ends every
// loop and needs neither a timer nor a goroutine for the many expressions that
// are over in microseconds.
type budget struct {
	ctx    context.Context
	limits limits
	used   struct{ steps, bytes int }
	begun  time.Time // set at the first look at the clock
	err    error     // why it ended; jq's try cannot take it back
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done counts one step. A nil channel is never ready: go on.
func (b *budget) Done() <-chan struct{} {
	b.used.steps++
	if b.used.steps > b.limits.steps {
		b.end(fmt.Errorf("%w: more than %d steps", ErrLimit, b.limits.steps))
	}
	if b.used.steps&0x3ff == 0 {
		b.look()
	}
	if b.err != nil {
		return closed
	}
	return nil
}

// look asks the caller's context and the clock.
func (b *budget) look() {
	if err := context.Cause(b.ctx); err != nil {
		b.end(err)
	}
	if b.begun.IsZero() {
		b.begun = time.Now()
	}
	if time.Since(b.begun) > b.limits.time {
		b.end(fmt.Errorf("%w: more than %v", ErrLimit, b.limits.time))
	}
}

// charge takes n bytes off, for a value that was or will be made.
func (b *budget) charge(n int) error {
	b.used.bytes += n
	if n > b.limits.value || b.used.bytes > b.limits.bytes {
		b.end(fmt.Errorf("%w: more than %d bytes in one value or %d in all", ErrLimit, b.limits.value, b.limits.bytes))
	}
	return b.err
}

func (b *budget) end(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *budget) Err() error                  { return b.err }
func (b *budget) Deadline() (time.Time, bool) { return b.ctx.Deadline() }
func (b *budget) Value(key any) any           { return b.ctx.Value(key) }
