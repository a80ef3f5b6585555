package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// signalled is why a context ended: a person or the machine asked the process to.
type signalled struct{ signal syscall.Signal }

func (s signalled) Error() string { return "stopped by signal: " + s.signal.String() }

// code is what a shell expects of a process that a signal ended.
func (s signalled) code() int { return 128 + int(s.signal) }

// untilSignal is a context that the first SIGINT or SIGTERM ends. From then on signals do what they do by default, so
// that the second one ends the process at once. stop gives up waiting for a signal.
func untilSignal(parent context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(done)
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			// Before anybody acts on the first one: a second one must not end up in the channel.
			signal.Stop(signals)
			cancel(signalled{s.(syscall.Signal)}) // on Unix every os.Signal is one
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// bySignal tells the signal that ended the context, if one did.
func bySignal(ctx context.Context) (signalled, bool) {
	return errors.AsType[signalled](context.Cause(ctx))
}
