package jirasim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// refusal is why a request gets 429.
type refusal struct {
	limit  string // the limit; empty: it is none that one could wait for
	reason string // as RateLimit-Reason says it
	size   int    // of the bucket
	wait   time.Duration
	bare   bool // without a reason and a Retry-After
	policy string
}

// tokens is what a bucket holds.
type tokens struct {
	left float64
	at   time.Time // when it held that
}

func (l *limiter) bucket(name string, capacity int, now time.Time) *tokens {
	b := l.buckets[name]
	if b == nil {
		b = &tokens{left: float64(capacity), at: now}
		l.buckets[name] = b
	}
	return b
}

// take takes a token, or says how long until there is one.
func (b *tokens) take(rule Bucket, now time.Time) (wait time.Duration, ok bool) {
	// A duration does not always come back whole from its seconds: a bucket that is a
	// billionth short of a token has it.
	const nearly = 1e-9
	b.left = min(float64(rule.Capacity), b.left+max(0, now.Sub(b.at).Seconds())*rule.Rate)
	b.at = now
	if b.left >= 1-nearly {
		b.left = max(0, b.left-1)
		return 0, true
	}
	if rule.Rate <= 0 {
		return time.Hour, false // never; but nobody is told so
	}
	return time.Duration((1 - b.left) / rule.Rate * float64(time.Second)), false
}

// burst takes from the bucket of the endpoint.
func (l *limiter) burst(t *turn, endpoint string, now time.Time) *refusal {
	method, _, _ := strings.Cut(endpoint, " ")
	rule, ok := l.Burst[endpoint]
	if !ok {
		rule = l.Burst[method]
	}
	if rule.Capacity <= 0 {
		return nil
	}
	b := l.bucket("burst "+endpoint, rule.Capacity, now)
	wait, ok := b.take(rule, now)
	left := int(b.left)
	t.told = func(set func(name, value string)) {
		set("X-RateLimit-Limit", strconv.Itoa(rule.Capacity))
		set("X-RateLimit-Remaining", strconv.Itoa(left))
	}
	if ok {
		return nil
	}
	return &refusal{limit: "burst " + endpoint, reason: "jira-burst-based", size: rule.Capacity, wait: wait, policy: "jira-burst-based"}
}

// throughGateway takes from the bucket of the account at the gateway.
func (l *limiter) throughGateway(c *call, now time.Time) *refusal {
	if !c.gateway || l.Gateway.Capacity <= 0 {
		return nil
	}
	limit := "gateway " + c.identity.accountID
	wait, ok := l.bucket(limit, l.Gateway.Capacity, now).take(l.Gateway, now)
	if ok {
		return nil
	}
	return &refusal{limit: limit, size: l.Gateway.Capacity, wait: wait, bare: true}
}

// poor refuses an app that has used its points up, until the hour is over.
func (l *limiter) poor(t *turn, now time.Time) *refusal {
	if t.app == "" || l.Beta || l.hour(t.app, now).used < l.Points {
		return nil
	}
	return &refusal{limit: "points " + t.app, reason: "jira-quota-global-based", size: l.Points,
		wait: hourOf(now).Add(time.Hour).Sub(now), policy: "global-app-quota"}
}

func (l *limiter) hour(app string, now time.Time) *hour {
	h := l.hours[app]
	if h == nil || !h.begin.Equal(hourOf(now)) {
		h = &hour{begin: hourOf(now)}
		l.hours[app] = h
	}
	return h
}

// crowded refuses what is too much at once. Nobody can tell how long that takes: a
// second is said, and asking sooner is no violation.
func (l *limiter) crowded(t *turn, c *call) *refusal {
	account := cmp.Or(c.identity.accountID, "nobody")
	if l.Concurrent > 0 && l.underWay[account] >= l.Concurrent {
		return &refusal{reason: "jira-max-concurrent-threads-across-all-instances-per-tenant-per-user", size: l.Concurrent, wait: time.Second}
	}
	l.underWay[account]++
	t.account = account
	return nil
}

// busyIssue counts the changes of one issue: 20 in 2 seconds, 100 in 30.
func (l *limiter) busyIssue(c *call, now time.Time) *refusal {
	issue := issueOf(c)
	if !l.IssueWrites || issue == "" {
		return nil
	}
	const few, short, many, long = 20, 2 * time.Second, 100, 30 * time.Second
	done := slices.DeleteFunc(l.writes[issue], func(at time.Time) bool { return now.Sub(at) >= long })
	var wait time.Duration
	if n := len(done); n >= many {
		wait = done[n-many].Add(long).Sub(now)
	}
	if n := len(done); n >= few {
		wait = max(wait, done[n-few].Add(short).Sub(now))
	}
	if wait > 0 {
		l.writes[issue] = done
		return &refusal{limit: "issue " + issue, reason: "jira-per-issue-on-write", size: few, wait: wait}
	}
	l.writes[issue] = append(done, now)
	return nil
}

// asUser takes from the bucket of a user of Data Center. Who is not logged in has none.
func (l *limiter) asUser(t *turn, c *call, now time.Time) {
	rule, limit := l.User, "user "+c.identity.accountID
	if rule.Capacity <= 0 || c.identity.anonymous() {
		return
	}
	l.watch(c, now, []string{limit})
	b := l.bucket(limit, rule.Capacity, now)
	fills := math.Floor(now.Sub(b.at).Seconds() / rule.Interval.Seconds())
	b.left = min(float64(rule.Capacity), b.left+fills*float64(rule.Fill))
	b.at = b.at.Add(time.Duration(fills) * rule.Interval)
	next := b.at.Add(rule.Interval).Sub(now)
	if b.left >= 1 {
		b.left--
	} else {
		t.refusal = &refusal{limit: limit, size: rule.Capacity, wait: next}
	}
	left, retry := int(b.left), 0
	if left == 0 {
		retry = seconds(next)
	}
	t.told = func(set func(name, value string)) {
		set("X-RateLimit-Limit", strconv.Itoa(rule.Capacity))
		set("X-RateLimit-Remaining", strconv.Itoa(left))
		set("X-RateLimit-Interval-Seconds", strconv.Itoa(int(rule.Interval.Seconds())))
		set("X-RateLimit-FillRate", strconv.Itoa(rule.Fill))
		set("Retry-After", strconv.Itoa(retry))
	}
}

// seconds are whole ones, at least one: a Retry-After of less would be 0.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }
