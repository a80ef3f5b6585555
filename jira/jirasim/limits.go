package jirasim

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Limits are the rate limits that the site keeps, by counting what arrives. The zero
// value keeps none. See
// https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
type Limits struct {
	// Burst are Cloud's token buckets, one for each endpoint and method, shared by all
	// who ask. A key is a method, or a method and an endpoint, which goes first:
	// "GET", "GET /rest/api/3/issue/{}".
	Burst map[string]Bucket
	// Points is how many points an OAuth app may use in each hour of the clock: an answer
	// costs 1, and 1 for each issue and project in it, or 2 for each account and
	// permission. 0 counts none. Bearer tokens without scopes count as an app of their
	// own; API tokens use no points.
	Points int
	// Structured adds the headers RateLimit and RateLimit-Policy.
	Structured bool
	// Beta says them as Beta-RateLimit and Beta-RateLimit-Policy, with Beta-Retry-After
	// once the points are used up, and refuses nobody for that.
	Beta bool
	// IssueWrites refuses more than 20 changes of one issue in 2 seconds, and more than
	// 100 in 30.
	IssueWrites bool
	// Concurrent is how many requests of one account may be under way at once. 0: any.
	Concurrent int
	// Gateway is a bucket for each account at the gateway. Who finds it empty is told
	// neither a reason nor a Retry-After.
	Gateway Bucket
	// User is the bucket of each user of Data Center.
	User UserBucket
}

// Bucket holds at most Capacity tokens and gets Rate new ones a second. A request takes
// one. A Capacity of 0 is no limit.
type Bucket struct {
	Capacity int
	Rate     float64
}

// UserBucket holds at most Capacity tokens and gets Fill new ones each Interval: see
// https://confluence.atlassian.com/adminjiraserver/improving-instance-stability-with-rate-limiting-983794911.html
type UserBucket struct {
	Capacity, Fill int
	Interval       time.Duration
}

// CloudLimits are the limits that Atlassian documents. The capacity of the buckets is
// not: here it is what comes in a second.
func CloudLimits() Limits {
	burst := make(map[string]Bucket)
	for endpoint, rate := range map[string]int{
		"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50,
		"GET /rest/api/3/issue/{}": 150, "GET /rest/api/3/issue/{}/changelog": 200, "GET /rest/api/3/user": 150,
		"GET /rest/api/3/component/{}": 200, "PUT /rest/api/3/component/{}": 500, "POST /rest/api/3/search/approximate-count": 150,
	} {
		burst[endpoint] = Bucket{rate, float64(rate)}
	}
	return Limits{Burst: burst, Points: 65_000, Structured: true, IssueWrites: true}
}

// Violation is a request that should not have been sent.
type Violation struct {
	Method, Path string
	At           time.Time
	Limit        string    // what had been refused, such as "burst GET /rest/api/3/myself"
	Told         time.Time // when the refusal was answered
	Until        time.Time // when the refusal said to come again
}

// Violations are the requests that arrived between a 429 and the time it said to wait
// until, and that fall under the limit it was about. The two ends do not count: what
// arrives at the very moment of the 429 was sent before it could be read.
func (s *Server) Violations() []Violation {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return append([]Violation(nil), s.limits.violations...)
}

// PointsUsed is how many points all apps used in the present hour.
func (s *Server) PointsUsed() int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	all := 0
	for _, h := range s.limits.hours {
		if h.begin.Equal(hourOf(s.now())) {
			all += h.used
		}
	}
	return all
}

// limiter counts. Buckets are made when they are first asked for.
type limiter struct {
	Limits
	cloud bool

	mu         sync.Mutex
	random     *rand.Rand
	buckets    map[string]*tokens
	hours      map[string]*hour       // of points, by app
	writes     map[string][]time.Time // by issue
	underWay   map[string]int         // requests, by account
	pauses     map[string]*pause      // by limit
	violations []Violation
}

// pause is what was told about a limit.
type pause struct{ told, until time.Time }

// hour is what an app used of its points.
type hour struct {
	begin time.Time
	used  int
}

func hourOf(now time.Time) time.Time { return now.UTC().Truncate(time.Hour) }

func newLimiter(c Config) *limiter {
	return &limiter{Limits: c.Limits, cloud: c.Deployment == Cloud,
		random:  rand.New(rand.NewPCG(c.Seed, 0x429)),
		buckets: make(map[string]*tokens), hours: make(map[string]*hour), writes: make(map[string][]time.Time),
		underWay: make(map[string]int), pauses: make(map[string]*pause)}
}

// on tells whether there is any limit, so that a site without one does not count.
func (l *limiter) on() bool {
	return len(l.Burst) > 0 || l.Points > 0 || l.IssueWrites || l.Concurrent > 0 || l.Gateway.Capacity > 0 || l.User.Capacity > 0
}

// turn is a request on its way through the limits.
type turn struct {
	l       *limiter
	account string // that it counts for as under way; empty: it does not
	app     string // that pays for it in points
	refusal *refusal
	told    func(set func(name, value string)) // the headers of every answer; may be nil
}

// arrive counts a request as it arrives, and decides whether it may go on.
func (l *limiter) arrive(c *call, now time.Time) *turn {
	if !l.on() || c.door == authDoor {
		return &turn{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &turn{l: l}
	if !l.cloud {
		l.asUser(t, c, now)
		return t
	}
	l.onCloud(t, c, now)
	return t
}

func (l *limiter) onCloud(t *turn, c *call, now time.Time) {
	endpoint := c.Method + " " + endpointOf(c.route)
	if l.Points > 0 {
		t.app = payer(c)
	}
	under := []string{"points " + t.app, "burst " + endpoint, "issue " + issueOf(c)}
	if c.gateway {
		under = append(under, "gateway "+c.identity.accountID)
	}
	l.watch(c, now, under)
	t.refusal = l.crowded(t, c)
	for _, check := range []func() *refusal{
		func() *refusal { return l.poor(t, now) },
		func() *refusal { return l.throughGateway(c, now) },
		func() *refusal { return l.burst(t, endpoint, now) },
		func() *refusal { return l.busyIssue(c, now) },
	} {
		if t.refusal == nil {
			t.refusal = check()
		}
	}
}

// watch notes a violation where the request falls under a limit that was refused.
func (l *limiter) watch(c *call, now time.Time, limits []string) {
	for _, limit := range limits {
		p := l.pauses[limit]
		if p != nil && now.After(p.told) && now.Before(p.until) {
			l.violations = append(l.violations, Violation{c.Method, c.path, now, limit, p.told, p.until})
			return
		}
	}
}

// payer is the app that a request costs points, or "".
func payer(c *call) string {
	switch {
	case c.identity.app != "":
		return c.identity.app
	case c.identity.anonymous() || c.identity.scopes != nil || !c.bearer():
		return ""
	}
	return "bearer"
}

// endpointOf is a path with its ids and keys as {}.
func endpointOf(route string) string {
	parts := strings.Split(route, "/")
	for i := 1; i < len(parts); i++ {
		collection := parts[i-1] == "issue" || parts[i-1] == "project"
		number := parts[i] != "" && strings.Trim(parts[i], "0123456789") == ""
		version := i == 3 && parts[1] == "rest"
		if !version && (number || collection && !fixedSegment[parts[i]]) {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// fixedSegment are the words that stand where an id or a key could.
var fixedSegment = map[string]bool{"bulkfetch": true, "search": true, "picker": true, "createmeta": true, "recent": true, "type": true}

// issueOf is the issue that a request changes, or "".
func issueOf(c *call) string {
	rest, ok := strings.CutPrefix(c.route, apiV3+"/issue/")
	issue, _, _ := strings.Cut(rest, "/")
	if !ok || c.Method == "GET" || fixedSegment[issue] {
		return ""
	}
	return issue
}
