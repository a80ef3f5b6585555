package jira

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// admit builds the request and waits until it may be sent. The credentials come
// before the place, because they may have to ask Jira themselves; those that
// expire in a long pause are refused and renewed like others.
func (c *Client) admit(ctx context.Context, q *call, via *route) (*http.Request, place, *Error) {
	r, err := c.request(ctx, q, via)
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, place{}, e // the credentials asked Jira, and were refused
	}
	if err != nil {
		return nil, place{}, q.fail(err)
	}
	p, e := c.enter(ctx, q)
	return r, p, e
}

// enter waits for a place, or says why there is none in time.
func (c *Client) enter(ctx context.Context, q *call) (place, *Error) {
	p, err := c.limiter.enter(ctx, q)
	if err == nil {
		return p, nil
	}
	held, ok := errors.AsType[*heldError](err)
	if !ok {
		return place{}, q.fail(err)
	}
	e := q.fail(ErrThrottled)
	e.RetryAfter, e.Reason, e.hurried = held.left, held.reason, true
	return place{}, e
}

// heed tells the limiter what the headers of an answer say.
func (c *Client) heed(ctx context.Context, q *call, p place, a answer, n int) decision {
	said := readLimits(a.header, time.Now())
	said.blocked = said.isBlocked(q)
	d := c.limiter.heed(p, a.status, said, n)
	if a.status == http.StatusTooManyRequests {
		c.logPause(ctx, q, said, d)
	}
	c.logQuota(ctx, a.status, d)
	for _, n := range d.recovered {
		c.config.Logger.LogAttrs(ctx, slog.LevelInfo, "jira recovered",
			slog.String("method", q.method), slog.String("path", q.path),
			slog.Bool("everything", n != p.lane), slog.Int("window", n.widest))
	}
	return d
}

// isBlocked reports whether an administrator of Data Center does not let the
// account ask. Elsewhere a negative Retry-After means nothing.
func (said *limits) isBlocked(q *call) bool {
	return said.blocked && (said.bucket || q.deployment == DataCenter)
}

// charge counts the points of an answer. One that was throttled is free.
func (c *Client) charge(q *call, p place, a answer, e *Error) {
	switch {
	case a.status == http.StatusTooManyRequests:
	case e == nil:
		c.limiter.charge(p, 1+q.points)
	default:
		c.limiter.charge(p, 1)
	}
}

// logPause tells of a 429 that changed something: those that follow from the
// same flight of requests do not.
func (c *Client) logPause(ctx context.Context, q *call, said limits, d decision) {
	level := slog.LevelWarn
	if !d.told {
		level = slog.LevelDebug
	}
	c.config.Logger.LogAttrs(ctx, level, "jira pause",
		slog.String("method", q.method), slog.String("path", q.written()), slog.Int("status", http.StatusTooManyRequests),
		slog.Bool("everything", d.reach == everything), slog.Duration("wait", d.wait),
		slog.Time("until", d.until), slog.String("reason", said.reason), slog.Int("window", d.window))
}

// logQuota tells of points that a good answer says are spent, or run short.
func (c *Client) logQuota(ctx context.Context, status int, d decision) {
	if !d.spent.Until.IsZero() {
		c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "jira pause", slog.Int("status", status), slog.Bool("everything", true),
			slog.Time("until", d.spent.Until), slog.String("reason", d.spent.Reason))
	}
	if !d.spread.IsZero() {
		c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "jira points run short", slog.Time("until", d.spread))
	}
}
