package jira

import (
	"context"
	"math/rand/v2"
	"time"
)

// randomFactor spreads retries, as Atlassian advises.
func randomFactor() float64 { return 0.7 + 0.6*rand.Float64() }

// retryWait is how long to wait before retry n (from 0) when Jira asked for at
// least asked.
func (c *Client) retryWait(n int, asked time.Duration) time.Duration {
	wait := c.config.RetryBase
	for ; n > 0 && wait < c.config.RetryCap; n-- {
		wait *= 2
	}
	wait = min(wait, c.config.RetryCap)
	return max(asked, time.Duration(float64(wait)*c.jitter()))
}

// fits reports whether ctx will still be alive after a wait.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}
