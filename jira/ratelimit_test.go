package jira

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// headersOf reads headers as they are on the wire, a line each.
func headersOf(lines string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "" {
			h.Add(name, strings.TrimSpace(value))
		}
	}
	return h
}

var noon = time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)

func TestReadLimits(t *testing.T) {
	tests := []struct {
		name, headers string
		want          limits
	}{
		{"nothing", "", limits{limit: -1, remaining: -1}},
		{"a burst at Cloud", `
			X-RateLimit-Limit: 100
			X-RateLimit-Remaining: 0
			X-RateLimit-Reset: 2026-03-26T12:00:01Z
			RateLimit-Reason: jira-burst-based
			Retry-After: 2`,
			limits{limit: 100, reset: time.Second, retryAfter: 2 * time.Second, reason: "jira-burst-based"}},
		{"a reset without seconds, and a quota near its end", `
			X-RateLimit-Reset: 2026-03-26T13:00Z
			X-RateLimit-NearLimit: TRUE`,
			limits{limit: -1, remaining: -1, reset: time.Hour, near: true}},
		{"a reset in seconds since 1970", `X-RateLimit-Reset: 1774526430`,
			limits{limit: -1, remaining: -1, reset: 30 * time.Second}},
		{"a reset since 1970 of another year", `X-RateLimit-Reset: 946684830`, limits{limit: -1, remaining: -1}},
		{"a reset tomorrow", `X-RateLimit-Reset: 2026-03-27T13:00Z`, limits{limit: -1, remaining: -1, reset: time.Hour}},
		{"a reset gone by", `X-RateLimit-Reset: 2026-03-26T11:59:59Z`, limits{limit: -1, remaining: -1}},
		{"a reset by the server's clock", "X-RateLimit-Reset: 2026-03-26T10:00:20Z\nDate: Thu, 26 Mar 2026 10:00:05 GMT",
			limits{limit: -1, remaining: -1, reset: 15 * time.Second}},
		{"a gateway in trouble", `
			X-Failure-Category: FAILURE CLIENT RATE LIMITED
			X-Ratelimit-Limit: 360000
			X-Ratelimit-Remaining: 0
			X-Ratelimit-Reset: 2026-03-26T12:30Z`,
			limits{limit: 360000, reset: 30 * time.Minute, incident: true}},
		{"Data Center with requests left", `
			X-RateLimit-Limit: 10
			X-RateLimit-Remaining: 9
			X-RateLimit-Interval-Seconds: 60
			X-RateLimit-FillRate: 10
			retry-after: 0`,
			limits{limit: 10, remaining: 9, bucket: true, tick: 6 * time.Second, interval: time.Minute}},
		{"Data Center without any", `
			X-RateLimit-Remaining: 0
			X-RateLimit-Interval-Seconds: 1
			X-RateLimit-FillRate: 5
			retry-after: 1`,
			limits{limit: -1, bucket: true, tick: 200 * time.Millisecond, interval: time.Second, retryAfter: time.Second}},
		{"Data Center that blocks", `
			X-RateLimit-Interval-Seconds: 99999999999
			X-RateLimit-FillRate: 0
			retry-after: -1`,
			limits{limit: -1, remaining: -1, bucket: true, tick: time.Hour, interval: time.Hour, blocked: true}},
		{"policies in any order", `
			RateLimit-Policy: "jira-burst-based";q=100;w=1, "global-app-quota";q=65000;w=3600
			RateLimit: "global-app-quota";r=11000;t=600`,
			limits{limit: -1, remaining: -1, quotas: []Quota{
				{Policy: "jira-burst-based", Limit: 100, Window: time.Second, Remaining: -1},
				{Policy: "global-app-quota", Limit: 65000, Window: time.Hour, Remaining: 11000, Reset: noon.Add(10 * time.Minute), wait: 10 * time.Minute},
			}}},
		{"enforced and not, side by side", `
			Beta-RateLimit-Policy: "tenant-app-quota"; q=65000; w=3600
			Beta-RateLimit: "tenant-app-quota"; r=0; t=60
			Beta-Retry-After: 60
			RateLimit: "a,b;c";r=1.0;t=5
			RateLimit: ;r=1`,
			limits{limit: -1, remaining: -1, quotas: []Quota{
				{Policy: "tenant-app-quota", Limit: 65000, Window: time.Hour, Reset: noon.Add(time.Minute), Beta: true, wait: time.Minute},
				{Policy: "a,b;c", Limit: -1, Remaining: 1, Reset: noon.Add(5 * time.Second), wait: 5 * time.Second},
			}}},
		{"nonsense", `
			X-RateLimit-Limit: many
			X-RateLimit-Remaining: -3
			X-RateLimit-Reset: soon
			X-RateLimit-NearLimit: perhaps
			Retry-After: NaN
			RateLimit: "global-app-quota";r=NaN;t=-5`,
			limits{limit: -1, remaining: -1, quotas: []Quota{{Policy: "global-app-quota", Limit: -1, Remaining: -1, Reset: noon}}}},
	}
	for _, tt := range tests {
		got := readLimits(headersOf(tt.headers), noon)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(limits{}, Quota{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: readLimits (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestReach(t *testing.T) {
	tests := []struct {
		said  limits
		issue string
		want  reach
	}{
		{limits{reason: "jira-quota-global-based"}, "", everything},
		{limits{reason: "jira-quota-tenant-based"}, "", everything},
		{limits{reason: "Jira-Quota-Based"}, "7", everything},
		{limits{reason: "jira-cost-based"}, "", everything},
		{limits{reason: "jira-max-concurrent-threads-across-all-instances-per-tenant-per-user"}, "", everything},
		{limits{reason: "jira-burst-based"}, "7", oneEndpoint},
		{limits{reason: "jira-per-issue-on-write"}, "7", oneIssue},
		{limits{reason: "jira-per-issue-on-write"}, "", oneEndpoint},
		{limits{reason: "something else"}, "7", oneEndpoint},
		{limits{}, "7", oneEndpoint},
		{limits{bucket: true}, "7", everything},
		{limits{incident: true}, "", everything},
		{limits{blocked: true}, "", everything},
	}
	for _, tt := range tests {
		if got := tt.said.reach(tt.issue); got != tt.want {
			t.Errorf("reach of %+v for issue %q = %d, want %d", tt.said, tt.issue, got, tt.want)
		}
	}
}

// Whatever the headers say, no wait is negative or longer than an hour, and
// what is kept of them is bounded.
func FuzzRateLimitHeaders(f *testing.F) {
	f.Add("30", "2026-03-26T16:00Z", "1", "60", "10", `"global-app-quota";r=11000;t=600`, `"global-app-quota";q=65000;w=3600`, "Thu, 26 Mar 2026 12:00:00 GMT", "jira-burst-based")
	f.Add("-1", "1774526430", "0", "0", "0", `"a;b,c`, `;;,,=`, "", "")
	f.Add("Thu, 26 Mar 2026 12:00:00 GMT", "-9223372036854775808", "9223372036854775807", "9223372036854775807", "-1", `x;t=1e300;r=-0`, `x;q=Inf;w=NaN`, "x", "\x00\u202e")
	f.Fuzz(func(t *testing.T, wait, reset, remaining, interval, fill, rateLimit, policy, date, reason string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"Retry-After": wait, "X-RateLimit-Reset": reset, "X-RateLimit-Remaining": remaining, "X-RateLimit-Interval-Seconds": interval,
			"X-RateLimit-FillRate": fill, "RateLimit": rateLimit, "Beta-RateLimit": rateLimit, "RateLimit-Policy": policy,
			"Date": date, "RateLimit-Reason": reason,
		} {
			h.Set(name, value)
		}
		said := readLimits(h, noon)
		waits := []time.Duration{said.retryAfter, said.reset, said.tick, said.interval, said.asked(), retryAfter(h, noon)}
		for _, q := range said.quotas {
			waits = append(waits, q.wait, q.Window)
		}
		for i, d := range waits {
			if d < 0 || d > time.Hour {
				t.Errorf("wait %d of %v = %s, want from 0 to 1h", i, h, d)
			}
		}
		if said.limit < -1 || said.remaining < -1 || len(said.quotas) > maxQuotas || len([]rune(said.reason)) > maxMessageLen {
			t.Errorf("readLimits(%v) = %+v", h, said)
		}
		l := newLimiter(10, 2, func(_ int, asked time.Duration) time.Duration { return clampWait(asked) })
		q := &call{method: "GET", path: "/a"}
		for _, status := range []int{200, 503, 429} {
			p := l.start(l.line(q).lane, q, noon)
			l.answered(p, status, said, 0)
		}
		if held := time.Until(l.held(l.line(q), false).Until); held > time.Hour {
			t.Errorf("%v hold for %s, want 1h at most", h, held)
		}
	})
}
