package jira

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// moody is a server that limits at random, in every form that it knows, and
// notes which requests start though it has said not to.
type moody struct {
	mu       sync.Mutex
	random   *rand.Rand
	grim     int // how many of 100 answers limit something
	bucket   bool
	skew     time.Duration // of its clock
	began    time.Time
	told     []told
	flying   int
	most     int
	breaches []string
}

// told is a time that the server has said to wait for, and what for.
type told struct {
	endpoint, issue string // "" for all of them
	form            string
	from, until     time.Time
	inFlight        int // others under way when the answer came
}

func (t told) about(endpoint, issue string) bool {
	return (t.endpoint == "" || t.endpoint == endpoint) && (t.issue == "" || t.issue == issue)
}

// form is one way to limit. Its headers hold %d for the seconds, %s for the
// reset.
type form struct {
	status  int
	reach   reach
	headers string
	at      time.Duration // the least wait, where the headers do not say one
}

var cloudForms = []form{
	{status: 429, reach: oneEndpoint, headers: "RateLimit-Reason: jira-burst-based\nRetry-After: %d"},
	{status: 429, reach: oneEndpoint, headers: "RateLimit-Reason: jira-burst-based\nX-RateLimit-Reset: %s\nX-RateLimit-Remaining: 0"},
	{status: 429, reach: oneEndpoint, headers: "RateLimit-Reason: JIRA-BURST\nRateLimit: \"jira-burst-based\";r=0;t=%d"},
	{status: 429, reach: oneEndpoint, headers: "Retry-After: %d"},
	{status: 429, reach: oneEndpoint, at: 2 * time.Second},
	{status: 429, reach: oneEndpoint, headers: "Beta-Retry-After: 3000", at: 2 * time.Second},
	{status: 429, reach: everything, headers: "RateLimit-Reason: jira-quota-global-based\nRetry-After: %d"},
	{status: 429, reach: everything, headers: "RateLimit-Reason: jira-quota-tenant-based\nX-RateLimit-Reset: %s"},
	{status: 429, reach: everything, headers: "RateLimit-Reason: jira-cost-based\nRetry-After: %d"},
	{status: 429, reach: everything, headers: "X-Failure-Category: FAILURE CLIENT RATE LIMITED\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: %s"},
	{status: 429, reach: oneIssue, headers: "RateLimit-Reason: jira-per-issue-on-write\nRetry-After: %d"},
	{status: 503, reach: oneEndpoint, headers: "Retry-After: %d"},
	{status: 200, reach: oneEndpoint, headers: "X-RateLimit-Remaining: 0", at: time.Second},
	{status: 200, reach: oneEndpoint, headers: "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: %s"},
	{status: 200, reach: everything, headers: "RateLimit: \"a\";r=1;t=1, \"global-app-quota\";r=0;t=%d"},
}

const bucketSize = "X-RateLimit-Limit: 10\nX-RateLimit-Interval-Seconds: 60\nX-RateLimit-FillRate: 20\n"

var bucketForms = []form{
	{status: 429, reach: everything, headers: bucketSize + "X-RateLimit-Remaining: 0\nRetry-After: %d"},
	{status: 429, reach: everything, headers: bucketSize + "X-RateLimit-Remaining: 0", at: 3 * time.Second},
	{status: 429, reach: everything, headers: bucketSize + "Retry-After: -1", at: 30 * time.Second},
	{status: 200, reach: everything, headers: bucketSize + "X-RateLimit-Remaining: 0\nRetry-After: 0", at: 3 * time.Second},
	{status: 200, reach: everything, headers: bucketSize + "X-RateLimit-Remaining: 0\nRetry-After: %d"},
	{status: 503, reach: oneEndpoint, headers: "Retry-After: %d"},
}

func (m *moody) serve(w http.ResponseWriter, r *http.Request) {
	endpoint, issue := r.Method+" "+r.URL.Path, r.URL.Query().Get("issue")
	time.Sleep(m.arrive(endpoint, issue))
	m.answer(w, endpoint, issue)
}

// arrive notes a request that should not have come. One that comes in the very
// moment of an answer may not have seen it.
func (m *moody) arrive(endpoint, issue string) (latency time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, t := range m.told {
		if t.about(endpoint, issue) && now.After(t.from) && now.Before(t.until) {
			m.breaches = append(m.breaches, fmt.Sprintf("%s of %q starts at %s, though told at %s to wait until %s by %q, with %d others in flight",
				endpoint, issue, now.Sub(m.began), t.from.Sub(m.began), t.until.Sub(m.began), t.form, t.inFlight))
		}
	}
	m.flying++
	m.most = max(m.most, m.flying)
	return time.Duration(m.random.IntN(3000)) * time.Millisecond
}

func (m *moody) answer(w http.ResponseWriter, endpoint, issue string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying--
	w.Header().Set("Date", time.Now().Add(m.skew).UTC().Format(http.TimeFormat))
	if m.random.IntN(100) >= m.grim {
		if m.bucket {
			setHeaders(w, fmt.Sprintf("%sX-RateLimit-Remaining: %d\nRetry-After: 0", bucketSize, 1+m.random.IntN(9)))
		} else if m.random.IntN(3) == 0 {
			setHeaders(w, fmt.Sprintf("X-RateLimit-Remaining: %d", 1+m.random.IntN(20)))
		}
		return
	}
	forms := cloudForms
	if m.bucket {
		forms = bucketForms
	}
	m.limit(w, forms[m.random.IntN(len(forms))], endpoint, issue)
}

// limit answers in a form, and notes until when it says to wait.
func (m *moody) limit(w http.ResponseWriter, f form, endpoint, issue string) {
	now := time.Now()
	seconds := []int{1, 2, 5, 30, 600, 3600}[m.random.IntN(6)]
	reset := now.Add(m.skew + time.Duration(seconds)*time.Second).Truncate(time.Second)
	layout := "2006-01-02T15:04:05Z"
	if m.random.IntN(2) == 0 {
		reset, layout = reset.Truncate(time.Minute), "2006-01-02T15:04Z"
	}
	until := now.Add(f.at)
	headers := f.headers
	switch {
	case strings.Contains(headers, "%d"):
		until, headers = now.Add(time.Duration(seconds)*time.Second), fmt.Sprintf(headers, seconds)
	case strings.Contains(headers, "%s"):
		until, headers = reset.Add(-m.skew), fmt.Sprintf(headers, reset.UTC().Format(layout))
	}
	t := told{form: headers, from: now, until: until, inFlight: m.flying}
	switch {
	case f.reach == oneIssue && issue != "":
		t.issue = issue
	case f.reach != everything:
		t.endpoint = endpoint
	}
	m.told = append(m.told, t)
	setHeaders(w, headers)
	w.WriteHeader(f.status)
}

func setHeaders(w http.ResponseWriter, lines string) {
	for name, values := range headersOf(lines) {
		w.Header()[name] = values
	}
}

// Whatever a server's limits and moods, and whoever asks: no request starts
// between an answer that says to wait and the time that it says, for what it is
// about, so that those that come too many are at most those that were in flight;
// never more are in flight than the client may have; and every call ends, once.
func TestNoRequestBeforeItsTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &moody{
			random: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)),
			grim:   rapid.IntRange(0, 40).Draw(rt, "grim"),
			bucket: rapid.Bool().Draw(rt, "Data Center"),
			skew:   time.Duration(rapid.IntRange(-100_000, 100_000).Draw(rt, "milliseconds of skew")) * time.Millisecond,
		}
		concurrency := rapid.IntRange(1, 12).Draw(rt, "concurrency")
		reserve := rapid.IntRange(-1, 4).Draw(rt, "reserve")
		calls := rapid.IntRange(1, 60).Draw(rt, "calls")
		var faults []string
		synctest.Test(t, func(t *testing.T) { faults = m.askedBy(t, concurrency, reserve, calls) })
		faults = append(faults, m.breaches...)
		if m.most > concurrency {
			faults = append(faults, fmt.Sprintf("%d in flight", m.most))
		}
		if len(faults) > 0 {
			rt.Fatalf("concurrency %d, reserve %d:\n%s", concurrency, reserve, strings.Join(faults, "\n"))
		}
	})
}

// askedBy makes calls of all sorts at random times, and returns what goes wrong
// with them.
func (m *moody) askedBy(t *testing.T, concurrency, reserve, calls int) (faults []string) {
	m.began = time.Now()
	c := steadyClient(t, Config{Concurrency: concurrency, Reserve: reserve, Retries: 1 << 20, Timeout: time.Hour}, script(m.serve))
	templates := []call{
		{method: http.MethodGet, path: "/a"},
		{method: http.MethodPost, path: "/a"},
		{method: http.MethodGet, path: "/b"},
		{method: http.MethodPut, path: "/issue", issue: "1"},
		{method: http.MethodPut, path: "/issue", issue: "2"},
	}
	asked, starts, ended := make([]call, calls), make([]time.Duration, calls), make([]int, calls)
	for i := range asked {
		asked[i] = templates[m.random.IntN(len(templates))]
		asked[i].urgent = m.random.IntN(4) == 0
		asked[i].query = map[string][]string{"issue": {asked[i].issue}}
		starts[i] = time.Duration(m.random.IntN(20_000)) * time.Millisecond
	}
	var wg sync.WaitGroup
	for i := range asked {
		wg.Go(func() {
			time.Sleep(starts[i])
			err := c.do(t.Context(), &asked[i])
			m.mu.Lock()
			defer m.mu.Unlock()
			if ended[i]++; err != nil {
				faults = append(faults, fmt.Sprintf("call %d = %v", i, err))
			}
		})
	}
	wg.Wait()
	for i, n := range ended {
		if n != 1 {
			faults = append(faults, fmt.Sprintf("call %d ended %d times", i, n))
		}
	}
	if s := c.Stats(); s.InFlight+s.Waiting != 0 || len(c.limiter.queues) != 0 {
		faults = append(faults, fmt.Sprintf("at the end %+v", s))
	}
	return faults
}
