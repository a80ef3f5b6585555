package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// steadyLimiter is one whose waits are not random: 2 s, doubled each time.
func steadyLimiter(concurrency, reserve int) *limiter {
	return newLimiter(concurrency, reserve, func(n int, asked time.Duration) time.Duration {
		return max(asked, min(2*time.Second<<min(n, 10), 30*time.Second))
	})
}

var (
	getA = call{method: http.MethodGet, path: "/a"}
	getB = call{method: http.MethodGet, path: "/b"}
)

// ask has one request answered by a status and headers.
func (l *limiter) ask(t *testing.T, q call, status int, headers string) decision {
	t.Helper()
	p, err := l.enter(t.Context(), &q)
	if err != nil {
		t.Fatal(err)
	}
	return l.answered(p, status, readLimits(headersOf(headers), time.Now()), 0)
}

// answered ends a request with an answer.
func (l *limiter) answered(p place, status int, said limits, n int) decision {
	d := l.heed(p, status, said, n)
	l.leave(p)
	return d
}

// heldFor is how long ordinary requests like q would wait.
func (l *limiter) heldFor(q call) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(time.Until(l.held(l.line(&q), q.urgent).Until), 0)
}

// What each answer holds back, and for how long: its own endpoint, another, and
// another issue's writes to its own.
func TestWhatAnswersHold(t *testing.T) {
	const bucket = "X-RateLimit-Interval-Seconds: 60\nX-RateLimit-FillRate: 10\n"
	tests := []struct {
		name, headers     string
		status            int
		like, other, rest time.Duration // the same issue's, another issue's at the same endpoint, elsewhere
	}{
		{"good", "X-RateLimit-Remaining: 99", 200, 0, 0, 0},
		{"nothing remains in this second", "X-RateLimit-Remaining: 0", 200, time.Second, time.Second, 0},
		{"nothing remains until a reset", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2000-01-01T00:00:05Z", 404, 5 * time.Second, 5 * time.Second, 0},
		{"an empty bucket", bucket + "X-RateLimit-Remaining: 0\nRetry-After: 0", 200, 6 * time.Second, 6 * time.Second, 6 * time.Second},
		{"an empty bucket that tells when", bucket + "X-RateLimit-Remaining: 0\nRetry-After: 40", 200, 40 * time.Second, 40 * time.Second, 40 * time.Second},
		{"a throttled bucket", bucket + "X-RateLimit-Remaining: 0\nRetry-After: 40", 429, 40 * time.Second, 40 * time.Second, 40 * time.Second},
		{"a blocked account", bucket + "Retry-After: -1", 429, 30 * time.Second, 30 * time.Second, 30 * time.Second},
		{"a burst", "RateLimit-Reason: jira-burst-based\nRetry-After: 7", 429, 7 * time.Second, 7 * time.Second, 0},
		{"writes to an issue", "RateLimit-Reason: jira-per-issue-on-write\nRetry-After: 7", 429, 7 * time.Second, 0, 0},
		{"a quota", "RateLimit-Reason: jira-quota-tenant-based\nRetry-After: 1800", 429, 30 * time.Minute, 30 * time.Minute, 30 * time.Minute},
		{"a quota that is about to be enforced", "Beta-RateLimit: \"global-app-quota\";r=0;t=600\nBeta-Retry-After: 600", 200, 0, 0, 0},
		{"a spent quota, told in time", "RateLimit: \"global-app-quota\";r=0;t=600", 200, 10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		{"a spent burst, told in time", "RateLimit: \"jira-burst-based\";r=0;t=2", 200, 2 * time.Second, 2 * time.Second, 0},
		{"a quota with a wrong structured time", "RateLimit-Reason: jira-quota-global-based\nRetry-After: 7\nRateLimit: \"global-app-quota\";r=0;t=3600", 429,
			7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"a gateway in trouble", "X-Failure-Category: FAILURE CLIENT RATE LIMITED\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2000-01-01T00:10Z", 429,
			10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		{"not explained", "", 429, 2 * time.Second, 2 * time.Second, 0},
		{"unavailable", "Retry-After: 9", 503, 9 * time.Second, 9 * time.Second, 0},
		{"unavailable without a time", "Retry-After: 0", 503, 0, 0, 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := steadyLimiter(10, 2)
			write := call{method: http.MethodPut, path: "/a", issue: "7"}
			l.ask(t, write, tt.status, tt.headers)
			other := call{method: http.MethodPut, path: "/a", issue: "8"}
			got := fmt.Sprint(l.heldFor(write), l.heldFor(other), l.heldFor(getA))
			if want := fmt.Sprint(tt.like, tt.other, tt.rest); got != want {
				t.Errorf("%s: held for %s, want %s", tt.name, got, want)
			}
			time.Sleep(time.Hour)
			p, err := l.enter(t.Context(), &write)
			if err != nil {
				t.Fatal(err)
			}
			if l.drop(p); len(l.issues) > 1 {
				t.Errorf("%s: %d issues are remembered", tt.name, len(l.issues))
			}
		})
	}
}

// A window halves once for all requests that were in flight together, down to
// one; the waits that Jira does not give grow each time; and successes widen it
// again, one by one.
func TestWindowFallsAndRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(10, -1)
		var falls []string
		for range 5 {
			time.Sleep(l.heldFor(getA))
			var flight []place
			for n := range l.endpointsWindow(getA) {
				p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
				if err != nil {
					t.Fatalf("request %d: %v", n, err)
				}
				flight = append(flight, p)
			}
			for _, p := range flight {
				l.answered(p, http.StatusTooManyRequests, limits{remaining: -1}, 0)
			}
			falls = append(falls, fmt.Sprint(l.endpointsWindow(getA), l.heldFor(getA)))
		}
		if got, want := strings.Join(falls, ", "), "5 2s, 2 4s, 1 8s, 1 16s, 1 30s"; got != want {
			t.Errorf("windows and pauses = %s, want %s", got, want)
		}
		if got := l.endpointsWindow(getB); got != 10 {
			t.Errorf("window of another endpoint = %d, want 10", got)
		}
		time.Sleep(time.Minute)
		var rises []int
		for range 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 {
			d := l.ask(t, getA, http.StatusOK, "")
			if w := l.endpointsWindow(getA); len(rises) == 0 || rises[len(rises)-1] != w {
				rises = append(rises, w)
			}
			if recovered := len(d.recovered) == 1; recovered != (l.endpointsWindow(getA) == 10) {
				t.Errorf("recovered = %t at a window of %d", recovered, l.endpointsWindow(getA))
			}
		}
		if got, want := fmt.Sprint(rises), "[2 3 4 5 6 7 8 9 10]"; got != want {
			t.Errorf("windows = %s, want %s", got, want)
		}
		l.ask(t, getA, http.StatusTooManyRequests, "")
		if got := l.heldFor(getA); got != 2*time.Second {
			t.Errorf("the wait after a good time = %s, want 2s again", got)
		}
	})
}

// A width that was too much is tried again ever more rarely, and forgotten once
// it is not too much any more.
func TestWindowRemembersWhatWasTooMuch(t *testing.T) {
	n := newLane(10, 0)
	flight := func(bearable int) (good int) {
		var seats []seat
		for range n.window {
			seats = append(seats, n.take(false))
		}
		for i := len(seats) - 1; i >= 0; i-- { // what is throttled is answered first
			n.give(false)
			if seats[i].beside >= bearable {
				n.halve(seats[i].number)
			} else {
				n.succeed(seats[i].number)
				good++
			}
		}
		return good
	}
	const bearable = 3
	var good []int // between 429s, in flights as wide as can be
	for len(good) < 9 {
		sum := 0
		for n.window <= bearable {
			sum += flight(bearable)
		}
		flight(bearable)
		good = append(good, sum/bearable)
	}
	if got, want := fmt.Sprint(good[3:]), "[16 32 64 128 256 256]"; got != want {
		t.Errorf("flights before the edge is tried again = %s, want %s", got, want)
	}
	flights := 0
	for ; n.window < n.widest; flights++ {
		flight(n.widest)
	}
	if most := mostPatience + 10; flights > most {
		t.Errorf("the window is full after %d flights, want %d at most", flights, most)
	}
	if n.edge != 0 {
		t.Errorf("%d is still known as too much", n.edge)
	}
}

func (l *limiter) endpointsWindow(q call) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line(&q).lane.window
}

// drop gives back a place that was not used.
func (l *limiter) drop(p place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back(p)
	l.dispatch(time.Now())
}

// The last requests of a bucket are not all sent at once: as many are in flight
// as Jira says remain.
func TestNoMoreInFlightThanRemain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(10, -1)
		l.ask(t, getA, http.StatusOK, "X-RateLimit-Remaining: 3")
		var wg sync.WaitGroup
		first := make(chan place, 10)
		for range 10 {
			wg.Go(func() {
				p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
				if err != nil {
					t.Error(err)
				}
				first <- p
			})
		}
		synctest.Wait()
		if got := l.stats(time.Now()); got.InFlight != 3 || got.Waiting != 7 {
			t.Errorf("%d in flight and %d waiting, want 3 and 7", got.InFlight, got.Waiting)
		}
		l.drop(<-first)
		synctest.Wait()
		if got := l.stats(time.Now()); got.InFlight != 3 || got.Waiting != 6 {
			t.Errorf("%d in flight and %d waiting after one was not sent, want 3 and 6", got.InFlight, got.Waiting)
		}
		time.Sleep(time.Second) // what was said is about one second
		synctest.Wait()
		if got := l.stats(time.Now()); got.InFlight != 9 {
			t.Errorf("%d in flight a second later, want 9", got.InFlight)
		}
		wg.Wait()
	})
}

// What an earlier request was told does not count once a later one was told less.
func TestAnswersThatOvertakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(10, -1)
		var places []place
		for range 2 {
			p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, p)
		}
		l.answered(places[1], http.StatusOK, limits{remaining: 3}, 0)
		l.answered(places[0], http.StatusOK, limits{remaining: 9}, 0)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _ = l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"}) })
		}
		synctest.Wait()
		if got := l.stats(time.Now()); got.InFlight != 2 { // the third may be what the first had yet to take
			t.Errorf("%d in flight, want 2", got.InFlight)
		}
		wg.Wait()
	})
}

// An account that an administrator has blocked is left alone for long, and the
// error says whom to ask.
func TestBlockedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, _ *http.Request) {
			sent++
			w.Header().Set("Retry-After", "-1")
			w.Header().Set("X-RateLimit-Interval-Seconds", "60")
			w.Header().Set("X-RateLimit-FillRate", "10")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		began := time.Now()
		_, err := c.Myself(t.Context())
		took := time.Since(began)
		if !errors.Is(err, ErrThrottled) || !strings.Contains(err.Error(), "administrator") || sent != 5 || took != (1+2+4+8)*30*time.Second {
			t.Errorf("Myself = %v after %s and %d requests, want advice after 7m30s and 5", err, took, sent)
		}
	})
}

// Stats tells what the limiter is doing.
func TestStatsOfLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(10, 2)
		l.ask(t, getB, http.StatusOK, "X-RateLimit-Limit: 100\nX-RateLimit-Remaining: 42\nBeta-RateLimit-Policy: \"global-app-quota\";q=65000;w=3600")
		l.ask(t, getB, http.StatusOK, "X-RateLimit-Limit: 100\nX-RateLimit-Remaining: 41\nBeta-RateLimit: \"global-app-quota\";r=9;t=60")
		l.ask(t, getA, http.StatusTooManyRequests, "RateLimit-Reason: jira-burst-based\nRetry-After: 60")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = l.enter(ctx, &call{method: http.MethodGet, path: "/a"}) })
		synctest.Wait()
		s := l.stats(time.Now())
		until := time.Now().Add(time.Minute)
		want := fmt.Sprint([]EndpointStats{
			{Method: "GET", Path: "/a", Requests: 1, Throttled: 1, Waiting: 1, Window: 5, Paused: Pause{until, "jira-burst-based"}, Limit: -1, Remaining: -1},
			{Method: "GET", Path: "/b", Requests: 2, Window: 10, Limit: 100, Remaining: 41},
		})
		if got := fmt.Sprint(s.Endpoints); got != want || s.Waiting != 1 || s.Window != 10 || s.Paused != (Pause{}) {
			t.Errorf("Stats = %+v, want endpoints %s", s, want)
		}
		quota := Quota{Policy: "global-app-quota", Limit: 65000, Window: time.Hour, Remaining: 9, Reset: until, Beta: true, wait: time.Minute}
		if len(s.Quotas) != 1 || s.Quotas[0] != quota {
			t.Errorf("Quotas = %+v, want %+v", s.Quotas, quota)
		}
		cancel()
		wg.Wait()
	})
}

// An uncontended request costs the limiter less than a microsecond or two,
// beside the tens of milliseconds that Jira takes.
func BenchmarkEnterLeave(b *testing.B) {
	l := steadyLimiter(10, 2)
	h := headersOf("X-RateLimit-Limit: 100\nX-RateLimit-Remaining: 99\nContent-Type: application/json\nDate: Thu, 26 Mar 2026 12:00:00 GMT")
	b.ReportAllocs()
	for b.Loop() {
		q := call{method: http.MethodGet, path: "/a"}
		p, err := l.enter(b.Context(), &q)
		if err != nil {
			b.Fatal(err)
		}
		l.answered(p, http.StatusOK, readLimits(h, time.Now()), 0)
		l.charge(p, 1)
	}
}
