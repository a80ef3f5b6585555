package changelog

import (
	"context"
	"log/slog"
	"time"
)

// A worker runs resyncs, one after the other.
type worker struct {
	config Config
	ledger *ledger
	resync func(context.Context) error
}

// run answers requests until ctx ends.
func (w worker) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		if !w.ledger.take() {
			w.await(ctx, nil)
			continue
		}
		err := w.resync(ctx)
		w.ledger.settle(err == nil)
		if err == nil {
			failures = 0
			continue
		}
		if ctx.Err() != nil {
			return
		}
		failures++
		w.backOff(ctx, failures, err)
	}
}

// backOff waits after a resync that failed, doubling from RetryBase to RetryCap. A request ends the wait: it may tell
// that somebody mended what was wrong.
func (w worker) backOff(ctx context.Context, failures int, err error) {
	wait := w.config.RetryBase
	for range failures - 1 {
		if wait *= 2; wait >= w.config.RetryCap {
			break
		}
	}
	wait = min(wait, w.config.RetryCap)
	w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: the resync failed and will be tried again",
		slog.Any("err", err), slog.Int("failures", failures), slog.Duration("wait", wait))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	w.await(ctx, timer.C)
}

// await waits for a request, for the moment if there is one, or for the end of ctx.
func (w worker) await(ctx context.Context, moment <-chan time.Time) {
	select {
	case <-w.ledger.requested:
	case <-moment:
	case <-ctx.Done():
	}
}
