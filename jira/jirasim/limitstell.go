package jirasim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// leave takes the request off those under way.
func (t *turn) leave() {
	if t.account == "" {
		return
	}
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	if t.l.underWay[t.account]--; t.l.underWay[t.account] == 0 {
		delete(t.l.underWay, t.account)
	}
}

// refuse is the 429, or nil where the request may go on. From here on its sender
// knows.
func (t *turn) refuse(now time.Time) *answer {
	if t.refusal == nil {
		return nil
	}
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	r := t.refusal
	retry := seconds(r.wait)
	until := now.Add(time.Duration(retry) * time.Second)
	a := t.l.tooMany()
	a.header.Set("Date", now.UTC().Format(http.TimeFormat))
	if t.l.cloud {
		until = t.l.say(a.header, r, until)
	}
	if r.limit != "" {
		t.l.pause(r.limit, now, until)
	}
	return a
}

// tooMany is JSON or a page, which people have seen both of.
func (l *limiter) tooMany() *answer {
	if !l.cloud {
		return textAnswer(http.StatusTooManyRequests, "text/html;charset=utf-8",
			"<!doctype html><html lang=\"en\"><head><title>HTTP Status 429 – Too Many Requests</title></head><body><h1>HTTP Status 429 – Too Many Requests</h1></body></html>")
	}
	if l.random.IntN(4) == 0 {
		return htmlAnswer(http.StatusTooManyRequests, "Too Many Requests")
	}
	return refuse(http.StatusTooManyRequests, "Rate limit exceeded.")
}

// say sets the headers of Cloud's 429, and returns the time that they tell.
func (l *limiter) say(h http.Header, r *refusal, until time.Time) time.Time {
	h.Set("X-RateLimit-Limit", strconv.Itoa(r.size))
	h.Set("X-RateLimit-Remaining", "0")
	reset := until.UTC().Truncate(time.Second)
	if reset.Before(until) {
		reset = reset.Add(time.Second)
	}
	h.Set("X-RateLimit-Reset", l.spell(reset))
	if r.bare {
		h.Set("X-Failure-Category", "FAILURE CLIENT RATE LIMITED")
		return reset
	}
	h.Set("RateLimit-Reason", r.reason)
	h.Set("Retry-After", strconv.Itoa(seconds(r.wait)))
	if l.Structured && r.policy != "" { // the policy's own header is missing then
		h.Set("RateLimit", fmt.Sprintf(`"%s";r=0;t=%d`, r.policy, seconds(r.wait)))
	}
	return until
}

// spell writes a time as the headers do. The seconds are left out now and then where
// they are zero: 2026-03-26T16:00Z has been seen.
func (l *limiter) spell(at time.Time) string {
	if at.Second() == 0 && l.random.IntN(2) == 0 {
		return at.Format("2006-01-02T15:04Z")
	}
	return at.Format("2006-01-02T15:04:05Z")
}

// pause notes what the sender of a request is told now. A second refusal under the
// same limit makes the first one longer.
func (l *limiter) pause(limit string, now, until time.Time) {
	p := l.pauses[limit]
	if p == nil || !now.Before(p.until) {
		l.pauses[limit] = &pause{now, until}
		return
	}
	if until.After(p.until) {
		p.until = until
	}
}

// mark charges for the answer, and sets the headers that every answer has.
func (t *turn) mark(a *answer, now time.Time) {
	if t.told != nil && (t.refusal == nil || !t.l.cloud) {
		t.told(a.header.Set)
	}
	if t.app == "" || t.refusal != nil {
		return
	}
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	h := t.l.hour(t.app, now)
	h.used++
	if a.pooled != nil {
		h.used += a.pooled.cost
	}
	t.l.quota(a.header, h, now)
}

// quota tells of the points: of the policy always, of what is left where a fifth or
// less is.
func (l *limiter) quota(h http.Header, used *hour, now time.Time) {
	left := max(0, l.Points-used.used)
	over := seconds(used.begin.Add(time.Hour).Sub(now))
	prefix := ""
	if l.Beta {
		prefix = "Beta-"
	}
	low := left*5 < l.Points
	if low && !l.Beta {
		h.Set("X-RateLimit-NearLimit", "true")
	}
	if l.Beta && left == 0 {
		h.Set("Beta-Retry-After", strconv.Itoa(over))
	}
	if !l.Structured {
		return
	}
	policies := []string{fmt.Sprintf(`"global-app-quota";q=%d;w=3600`, l.Points), `"jira-burst-based";q=100;w=1`}
	if l.random.IntN(2) == 0 { // their order is not fixed
		policies[0], policies[1] = policies[1], policies[0]
	}
	h.Set(prefix+"RateLimit-Policy", strings.Join(policies, ","))
	if low {
		h.Set(prefix+"RateLimit", fmt.Sprintf(`"global-app-quota";r=%d;t=%d`, left, over))
	}
}
