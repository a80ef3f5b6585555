package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	return l.leave(p, status, readLimits(headersOf(headers), time.Now()), 0)
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
				l.leave(p, http.StatusTooManyRequests, limits{remaining: -1}, 0)
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

func (l *limiter) endpointsWindow(q call) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line(&q).lane.window
}

// Whatever the window has shrunk to, and however many ordinary calls wait, the
// next to start is an urgent one; the others keep their order.
func TestUrgentIsNext(t *testing.T) {
	const latency = 100 * time.Millisecond
	for window := 1; window <= 10; window++ {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var starts [][]string // by the time they start, each a latency apart
			began := time.Now()
			c := steadyClient(t, Config{}, script(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				for len(starts) <= int(time.Since(began)/latency) {
					starts = append(starts, nil)
				}
				starts[len(starts)-1] = append(starts[len(starts)-1], r.URL.Query().Get("n"))
				mu.Unlock()
				time.Sleep(latency - time.Since(began)%latency)
			}))
			c.limiter.line(&getA)
			n := c.limiter.endpoints[getA.endpoint()]
			n.window, n.widest = window, window
			var wg sync.WaitGroup
			ask := func(name string, urgent bool) {
				wg.Go(func() {
					q := call{method: http.MethodGet, path: "/a", query: url.Values{"n": {name}}, urgent: urgent}
					if err := c.do(t.Context(), &q); err != nil {
						t.Errorf("%s = %v", name, err)
					}
				})
				synctest.Wait()
			}
			for i := range 1000 {
				ask(fmt.Sprintf("%04d", i), false)
			}
			for i := range 5 {
				time.Sleep(latency / 2)
				name := fmt.Sprintf("urgent%d", i)
				ask(name, true)
				time.Sleep(latency / 2)
				synctest.Wait()
				mu.Lock()
				if last := slices.Concat(starts[len(starts)-2:]...); !slices.Contains(last, name) {
					t.Errorf("window %d: %v start before %s", window, last, name)
				}
				mu.Unlock()
			}
			wg.Wait()
			latest, all := "", 0
			for _, together := range starts {
				slices.Sort(together)
				together = slices.DeleteFunc(together, func(name string) bool { all++; return name[0] == 'u' })
				if len(together) > 0 && together[0] < latest {
					t.Errorf("window %d: %s starts after %s", window, together[0], latest)
				}
				if len(together) > 0 {
					latest = together[len(together)-1]
				}
			}
			if all != 1005 {
				t.Errorf("window %d: %d requests, want 1005", window, all)
			}
		})
	}
}

// A throttled endpoint does not slow another down, though hundreds wait for it,
// and is asked at its own pace.
func TestThrottledEndpointHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var refilled time.Time
		c := steadyClient(t, Config{Retries: 1000}, script(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(r.URL.Path, "count") && time.Since(refilled) < time.Second {
				w.Header().Set("RateLimit-Reason", "jira-burst-based")
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			if strings.HasSuffix(r.URL.Path, "count") {
				refilled = time.Now()
			}
			good(w)
		}))
		var wg sync.WaitGroup
		var quick time.Duration
		began := time.Now()
		var quickly sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := c.ApproximateCount(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		for range 800 {
			quickly.Go(func() {
				if _, err := c.Myself(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		quickly.Wait()
		quick = time.Since(began) - time.Second
		wg.Wait()
		if ideal := 10 * time.Second; quick > ideal+ideal/4 {
			t.Errorf("800 calls of the other endpoint took %s, want about %s", quick, ideal)
		}
		if s := c.Stats(); s.InFlight+s.Waiting != 0 || s.Endpoints[1].Throttled == 0 || s.Endpoints[0].Window != 10 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// After a storm on all endpoints the client is as quick as before.
func TestRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storm := time.Now().Add(10 * time.Minute)
		var sent atomic.Int64
		c := steadyClient(t, Config{Retries: 1000, Reserve: -1}, script(func(w http.ResponseWriter, _ *http.Request) {
			sent.Add(1)
			time.Sleep(100 * time.Millisecond)
			if time.Now().Before(storm) {
				w.Header().Set("RateLimit-Reason", "jira-quota-global-based")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			good(w)
		}))
		all := func(n int) time.Duration {
			began := time.Now()
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if _, err := c.Myself(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return time.Since(began)
		}
		all(100)
		if during := sent.Load() - 100; during > 40 {
			t.Errorf("%d requests in 10 minutes of 429s, want 40 at most: a few flights, then one each 30s", during)
		}
		if got := all(1000); got != 10*time.Second {
			t.Errorf("1000 calls after the storm took %s, want 10s", got)
		}
	})
}

// Points that run short are spread over the hour for ordinary calls; urgent ones
// start at once.
func TestRationedPoints(t *testing.T) {
	tests := []struct {
		headers string
		want    time.Duration // between calls of 101 points
	}{
		{`RateLimit: "global-app-quota";r=10100;t=600`, 6 * time.Second},
		{`RateLimit: "tenant-app-quota";r=50500;t=600, "global-app-quota";r=10100;t=1200`, 12 * time.Second},
		{"X-RateLimit-NearLimit: true\nX-RateLimit-Reset: 2000-01-01T00:21:40Z", 10*time.Second + 100*time.Millisecond},
		{"X-RateLimit-NearLimit: true", 28 * time.Second},
		{"Beta-RateLimit: \"global-app-quota\";r=10100;t=600\nX-RateLimit-NearLimit: false", 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := steadyLimiter(10, 2)
			p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
			if err != nil {
				t.Fatal(err)
			}
			l.charge(p, 101)
			l.leave(p, http.StatusOK, readLimits(headersOf(tt.headers), time.Now()), 0)
			began := time.Now()
			const n = 10
			for range n + 1 {
				l.ask(t, getA, http.StatusOK, "")
			}
			got := time.Since(began) / n
			if diff := (got - tt.want).Abs(); diff > tt.want/50 {
				t.Errorf("%s: a call each %s, want %s", tt.headers, got, tt.want)
			}
			urgent := time.Now()
			l.ask(t, call{method: http.MethodGet, path: "/a", urgent: true}, http.StatusOK, "")
			if waited := time.Since(urgent); waited != 0 {
				t.Errorf("%s: an urgent call waited %s", tt.headers, waited)
			}
		})
	}
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

// A throttled issue lets the writes to others pass, also those that wait behind
// it; a call that was throttled is the first to go after the pause.
func TestThrottledIssueHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var answered []string
		c := steadyClient(t, Config{Concurrency: 1}, script(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			if time.Since(began) == time.Second {
				w.Header().Set("RateLimit-Reason", "jira-per-issue-on-write")
				w.Header().Set("Retry-After", "10")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			answered = append(answered, fmt.Sprintf("%s after %s", r.URL.Query().Get("n"), time.Since(began)))
		}))
		var wg sync.WaitGroup
		for _, name := range []string{"7a", "7b", "8a", "7c", "8b", "late 7d"} {
			if strings.HasPrefix(name, "late ") {
				time.Sleep(2500 * time.Millisecond)
			}
			issue := strings.TrimPrefix(name, "late ")[:1]
			wg.Go(func() {
				q := call{method: http.MethodPut, path: "/issue", issue: issue, query: url.Values{"n": {name}}}
				if err := c.do(t.Context(), &q); err != nil {
					t.Errorf("%s = %v", name, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		want := "8a after 2s, 8b after 3s, 7a after 12s, 7b after 13s, 7c after 14s, late 7d after 15s"
		if got := strings.Join(answered, ", "); got != want {
			t.Errorf("answered: %s, want %s", got, want)
		}
	})
}

// A pause that begins while calls wait turns away those whose deadlines it
// passes, at once.
func TestPauseTurnsAwayThoseItIsTooLongFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := steadyClient(t, Config{Concurrency: 1}, script(func(w http.ResponseWriter, _ *http.Request) {
			if sent++; sent > 1 {
				good(w)
				return
			}
			time.Sleep(time.Second)
			w.Header().Set("RateLimit-Reason", "jira-quota-global-based")
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.Myself(t.Context()) })
		synctest.Wait()
		for _, patience := range []time.Duration{time.Minute, 10 * time.Minute} {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := c.Myself(ctx)
				took := time.Since(began)
				if patience == 10*time.Minute {
					if err != nil || took != 121*time.Second {
						t.Errorf("a patient call = %v after %s, want success after 121s", err, took)
					}
					return
				}
				e, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, ErrThrottled) || e.RetryAfter != 2*time.Minute || e.Reason != "jira-quota-global-based" || took != time.Second {
					t.Errorf("an impatient call = %v after %s, want ErrThrottled with 2m after 1s", err, took)
				}
			})
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

// However callers come and give up, each returns once and no place is lost.
func TestGivingUpLosesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(3, 1)
		var wg sync.WaitGroup
		in := 0
		var mu sync.Mutex
		for i := range 500 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration(i%7)*10*time.Millisecond, cancel)
				q := &call{method: http.MethodGet, path: "/a", urgent: i%5 == 0, issue: fmt.Sprint(i % 2)}
				p, err := l.enter(ctx, q)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				in++
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
				status, said := http.StatusOK, limits{remaining: -1}
				if i%50 == 0 {
					status, said.reason, said.retryAfter = http.StatusTooManyRequests, "per-issue", 15*time.Millisecond
				}
				l.leave(p, status, said, 0)
			})
		}
		wg.Wait()
		s := l.stats(time.Now())
		if s.InFlight+s.Waiting != 0 || len(l.queues) != 0 || in < 10 || s.Endpoints[0].Requests != int64(in) {
			t.Errorf("%d were let in, %d lines are left, Stats = %+v", in, len(l.queues), s)
		}
	})
}

// Who gives up in the very moment in which he is let in leaves no place taken.
func TestGivingUpWhenLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(1, -1)
		p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := l.enter(ctx, &call{method: http.MethodGet, path: "/a"})
			gone <- err
		}()
		synctest.Wait()
		l.mu.Lock()
		cancel() // wakes him, and he finds the lock taken
		l.back(p)
		l.dispatch(time.Now())
		l.mu.Unlock()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("enter = %v, want Canceled", err)
		}
		if s := l.stats(time.Now()); s.InFlight+s.Waiting != 0 {
			t.Errorf("%d in flight and %d waiting, want none", s.InFlight, s.Waiting)
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
		l.leave(p, http.StatusOK, readLimits(h, time.Now()), 0)
		l.charge(p, 1)
	}
}
