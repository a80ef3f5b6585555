package jira

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxRetryAfter is the longest wait that Jira is believed to ask for: its
// quotas begin anew at the top of each hour
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
const maxRetryAfter = time.Hour

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

// retryAfter reads how long the server wants to be left alone: Retry-After in
// seconds or as a date, else the time of X-RateLimit-Reset. 0 means that it did
// not say, or said something that is no wait at all, such as the -1 and 0 of
// Data Center.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // times in the headers are by the server's clock
	}
	if wait, ok := parseWait(strings.TrimSpace(h.Get("Retry-After")), now); ok {
		return clampWait(wait)
	}
	if reset, ok := parseReset(h.Get("X-RateLimit-Reset")); ok {
		return clampWait(reset.Sub(now))
	}
	return 0
}

func clampWait(wait time.Duration) time.Duration { return min(max(wait, 0), maxRetryAfter) }

// parseWait reads a value of Retry-After. More seconds than an int holds are
// still many seconds.
func parseWait(text string, now time.Time) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err == nil && seconds == seconds {
		return time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(text)
	return at.Sub(now), err == nil
}

// parseReset reads X-RateLimit-Reset, which comes with seconds and without.
func parseReset(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// pauses holds until when nothing is to be sent, to one endpoint or at all.
type pauses struct {
	mu       sync.Mutex
	endpoint map[string]time.Time
	reason   string // of the latest 429
}

// everything is the endpoint under which the whole client pauses.
const everything = ""

// add pauses an endpoint, or everything, until a time. A pause is never
// shortened.
func (p *pauses) add(endpoint string, until time.Time, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reason = reason
	if p.endpoint == nil {
		p.endpoint = make(map[string]time.Time)
	}
	if until.After(p.endpoint[endpoint]) {
		p.endpoint[endpoint] = until
	}
}

// left is how long a request to the endpoint has to wait yet, and why.
func (p *pauses) left(endpoint string) (time.Duration, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.endpoint[endpoint]), time.Until(p.endpoint[everything]), 0), p.reason
}

// pause spreads the word of a 429. A spent quota is the whole client's: nothing
// else would be answered either. A burst limit is counted per endpoint and
// method, so the other endpoints go on. The reasons are matched loosely, since
// undocumented ones have been seen.
func (c *Client) pause(ctx context.Context, q *call, a answer, n int) {
	c.stats.throttled.Add(1)
	now, reason := time.Now(), throttleReason(a.header)
	wait := c.retryWait(n, retryAfter(a.header, now))
	endpoint := q.endpoint()
	if strings.Contains(strings.ToLower(reason), "quota") {
		endpoint = everything
	}
	c.pauses.add(endpoint, now.Add(wait), reason)
	c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "jira pause",
		slog.String("method", q.method), slog.String("path", q.written()), slog.Int("status", a.status),
		slog.Bool("everything", endpoint == everything), slog.Duration("wait", wait))
}

// throttleReason is why Jira throttles, in its own word.
func throttleReason(h http.Header) string { return tidy(h.Get("RateLimit-Reason")) }

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
