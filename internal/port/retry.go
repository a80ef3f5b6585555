package port

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// longestHint bounds how long one word of Port's makes us wait before we look again. Port's windows are minutes.
	longestHint = 5 * time.Minute
	// retries500 is how often a plain 500 is repeated: it is seldom about the moment.
	retries500 = 2
	// epochFrom tells the two readings of a number apart: from 1973 on a moment, below a number of seconds.
	epochFrom = 100_000_000
)

// tries remembers what happened to one call so far.
type tries struct {
	client   *Client
	call     call
	repeated int    // repetitions but for the one after a 401
	faults   int    // answers of 500
	last     *Error // of the attempt before
	refused  string // the Authorization header that got a 401
}

// again decides whether a failed attempt is followed by another.
//
// A 401 is answered once with another token: the first may have been withdrawn. What is merely unavailable is repeated;
// a request that creates only where Port says that it did nothing (429), because it would create twice.
func (t *tries) again(e *Error, header string) bool {
	if t.last = e; t.client.gate.hurried() {
		return false
	}
	if e.Status == http.StatusUnauthorized && !t.call.anonymous && t.refused == "" {
		t.refused = header
		return true
	}
	if t.repeated >= t.client.config.Retries || !repeatable(e) {
		return false
	}
	if t.call.once && e.Status != http.StatusTooManyRequests {
		return false
	}
	if e.Status == http.StatusInternalServerError {
		if t.faults++; t.faults > retries500 {
			return false
		}
	}
	t.repeated++
	return true
}

func repeatable(e *Error) bool {
	switch e.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Code == codeCut
}

// wait lets the time pass before the next attempt; no place is held meanwhile.
func (t *tries) wait(ctx context.Context, e *Error) error {
	c := t.client
	c.retries.Add(1)
	if e.Status == http.StatusUnauthorized {
		return nil
	}
	delay := max(backoff(c.config, t.repeated), min(e.RetryAfter, longestHint))
	throttled := e.Status == http.StatusTooManyRequests
	c.log.LogAttrs(ctx, slog.LevelWarn, "port: repeating a request",
		slog.String("method", e.Method), slog.String("path", e.Path), slog.Int("status", e.Status),
		slog.Int("repetition", t.repeated), slog.Duration("wait", delay))
	if throttled {
		c.gate.close(delay) // entering it is the wait
		return nil
	}
	return c.gate.sleep(ctx, delay)
}

// unsent is the error of a call that was not to wait for its next attempt, nor for its first.
func (t *tries) unsent(target *url.URL) error {
	if t.last != nil {
		return t.last
	}
	return &Error{Method: t.call.method, Path: target.Path, Err: errHurried}
}

// backoff doubles from RetryBase to RetryCap; the actual delay is between half of that and all of it, so that requests
// which failed together do not come back together.
func backoff(config Config, repetition int) time.Duration {
	delay := config.RetryBase
	for range repetition - 1 {
		if delay *= 2; delay >= config.RetryCap {
			break
		}
	}
	delay = min(delay, config.RetryCap)
	return delay/2 + rand.N(delay/2+1)
}

// retryAfter is how long Port asks us to wait, 0 when it does not say. Retry-After comes from anything in between as
// seconds or as an HTTP date; x-ratelimit-reset is Port's own, with a 429: an epoch in seconds as documented, a number
// of seconds as also seen.
func retryAfter(status int, headers http.Header) time.Duration {
	if d, ok := delay(headers.Get("Retry-After")); ok {
		return d
	}
	if status == http.StatusTooManyRequests {
		d, _ := delay(headers.Get("X-Ratelimit-Reset"))
		return d
	}
	return 0
}

func delay(value string) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds == seconds {
		if seconds > epochFrom {
			return max(0, time.Until(time.Unix(int64(min(seconds, 1<<40)), 0))), true
		}
		return time.Duration(max(seconds, 0) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at)), true
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}
