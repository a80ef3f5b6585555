package jira

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Whatever the window has shrunk to, and however many ordinary calls wait, the
// next to start is an urgent one; the others keep their order.
func TestUrgentIsNext(t *testing.T) {
	const latency = 100 * time.Millisecond
	for _, window := range []int{1, 2, 3, 5, 10} {
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

// However many urgent calls there are, a scan goes on beside them: a tenth of the
// requests are its.
func TestUrgentCallsStarveNoScan(t *testing.T) {
	for _, concurrency := range []int{1, 10} {
		synctest.Test(t, func(t *testing.T) {
			c := steadyClient(t, Config{Concurrency: concurrency}, script(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(100 * time.Millisecond)
				good(w)
			}))
			var all, scanned atomic.Int64
			end := time.Now().Add(time.Minute)
			var wg sync.WaitGroup
			for i := range 6 * concurrency {
				wg.Go(func() {
					for time.Now().Before(end) {
						if err := c.do(t.Context(), &call{method: http.MethodGet, path: "/a", urgent: i%3 > 0}); err != nil {
							t.Error(err)
						}
						all.Add(1)
						if i%3 == 0 {
							scanned.Add(1)
						}
					}
				})
			}
			wg.Wait()
			if got, want := scanned.Load(), all.Load()/10; got < want*9/10 || got > want*12/10 {
				t.Errorf("concurrency %d: %d of %d requests were the scan's, want about %d", concurrency, got, all.Load(), want)
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
		var log strings.Builder
		config := Config{Retries: 1000, Reserve: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		c := steadyClient(t, config, script(func(w http.ResponseWriter, _ *http.Request) {
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
		if got := log.String(); !strings.Contains(got, `level=WARN msg="jira pause" method=GET path=/rest/api/3/myself status=429 everything=true wait=2s`) ||
			!strings.Contains(got, `reason=jira-quota-global-based window=5`) ||
			strings.Count(got, `level=INFO msg="jira recovered" method=GET path=/rest/api/3/myself everything=true window=10`) != 1 {
			t.Errorf("the log does not tell of the storm and its end:\n%.3000s", got)
		}
		if got := all(1000); got != 10*time.Second {
			t.Errorf("1000 calls after the storm took %s, want 10s", got)
		}
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
				l.answered(p, status, said, 0)
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
