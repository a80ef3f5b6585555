package jira

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A burst holds back its own endpoint and no other.
func TestBurstPausesItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := throttleFirstCount(t, "jira-burst-based")
		want := "count after 30s, count after 30s, myself after 1s"
		if answered != want {
			t.Errorf("answered: %s, want %s", answered, want)
		}
	})
}

// A spent quota holds back everything.
func TestQuotaPausesEverything(t *testing.T) {
	for _, reason := range []string{"jira-quota-global-based", "jira-quota-tenant-based", "JIRA-QUOTA-BASED"} {
		synctest.Test(t, func(t *testing.T) {
			answered := throttleFirstCount(t, reason)
			want := "count after 30s, count after 30s, myself after 30s"
			if answered != want {
				t.Errorf("%s: answered: %s, want %s", reason, answered, want)
			}
		})
	}
}

// throttleFirstCount asks for a count, whose first answer is a 429 of 30 s, and
// a second later for another count and for /myself. It tells when each was
// answered.
func throttleFirstCount(t *testing.T, reason string) string {
	began, first := time.Now(), true
	c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, r *http.Request) {
		if first && strings.HasSuffix(r.URL.Path, "count") {
			first = false
			w.Header().Set("Retry-After", "30")
			w.Header().Set("RateLimit-Reason", reason)
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		good(w)
	}))
	var wg sync.WaitGroup
	answered := make([]string, 3)
	ask := func(i int, name string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				t.Errorf("%s = %v", name, err)
			}
			answered[i] = fmt.Sprintf("%s after %s", name, time.Since(began))
		})
	}
	count := func() error { _, err := c.ApproximateCount(t.Context(), "a"); return err }
	ask(0, "count", count)
	time.Sleep(time.Second)
	ask(1, "count", count)
	ask(2, "myself", func() error { _, err := c.Myself(t.Context()); return err })
	wg.Wait()
	if got := c.Stats().Throttled; got != 1 {
		t.Errorf("Stats().Throttled = %d, want 1", got)
	}
	return strings.Join(answered, ", ")
}

// A later, shorter pause does not shorten the one that lasts.
func TestPausesOnlyGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10, 2, func(_ int, asked time.Duration) time.Duration { return asked })
		a, b := &call{method: "GET", path: "/a"}, &call{method: "GET", path: "/b"}
		for _, asked := range []time.Duration{time.Minute, time.Second} {
			p := l.start(l.line(a).lane, a, time.Now())
			l.answered(p, http.StatusTooManyRequests, limits{retryAfter: asked, remaining: -1}, 0)
		}
		if left := time.Until(l.held(l.line(a), true).Until); left != time.Minute {
			t.Errorf("left after a second pause = %s, want 1m", left)
		}
		if l.held(l.line(b), true).Until.After(time.Now()) {
			t.Error("another endpoint is held too")
		}
	})
}

// A request that waits for a place while its endpoint is throttled joins the
// pause, though the place is given up at that moment.
func TestPauseBeginsBeforeThePlaceIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, sent := time.Now(), 0
		c := steadyClient(t, Config{Concurrency: 1}, script(func(w http.ResponseWriter, _ *http.Request) {
			if sent++; sent > 1 {
				good(w)
				return
			}
			time.Sleep(time.Second)
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := c.Myself(t.Context()); err != nil || time.Since(began) != 31*time.Second {
					t.Errorf("Myself = %v after %s, want success after 31s", err, time.Since(began))
				}
			})
		}
		wg.Wait()
		if sent != 6 {
			t.Errorf("%d requests were sent, want 6", sent)
		}
	})
}

// slowly is a body that takes its time.
type slowly struct{ io.ReadCloser }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Second)
	return s.ReadCloser.Read(p)
}

// What the headers of an answer say holds from then on, however long its body
// takes.
func TestHeadersAreHeededBeforeTheBody(t *testing.T) {
	for _, headers := range []string{"Status: 429\nRetry-After: 30", "Status: 200\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2000-01-01T00:00:30Z"} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var starts []time.Duration
			began, first := time.Now(), headersOf(headers)
			status, _ := strconv.Atoi(first.Get("Status"))
			c := steadyClient(t, Config{}, roundTrip(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				starts = append(starts, time.Since(began))
				if len(starts) > 1 {
					status, first = http.StatusOK, http.Header{}
				}
				body := io.NopCloser(strings.NewReader(`{"accountId":"7"}`))
				return &http.Response{StatusCode: status, Header: first, Body: slowly{body}, ContentLength: -1}, nil
			}))
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if _, err := c.Myself(t.Context()); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(time.Second)
			}
			wg.Wait()
			if len(starts) < 2 || starts[1] != 30*time.Second {
				t.Errorf("%s: requests start after %v, want the second after 30s", headers, starts)
			}
		})
	}
}

// The error of who has no time to wait tells how long that is, in whatever form
// Jira says it.
func TestErrorsTellTheWait(t *testing.T) {
	for _, headers := range []string{
		"Retry-After: 600",
		"X-RateLimit-Reset: 2000-01-01T00:10Z",
		`RateLimit: "global-app-quota";r=0;t=600`,
		"X-RateLimit-Interval-Seconds: 1200\nX-RateLimit-FillRate: 2\nX-RateLimit-Remaining: 0\nRetry-After: 0",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, _ *http.Request) {
				setHeaders(w, headers)
				w.WriteHeader(http.StatusTooManyRequests)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			_, err := c.Myself(ctx)
			e, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, ErrThrottled) || e.RetryAfter != 10*time.Minute || time.Since(began) != 0 {
				t.Errorf("%s: Myself = %v after %s, want ErrThrottled at once, to ask again after 10m", headers, err, time.Since(began))
			}
		})
	}
}

// A request that waits for a place ends with its context and leaves no place
// taken.
func TestWaitForAPlaceEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := steadyClient(t, Config{Concurrency: 2}, script(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Minute)
			good(w)
		}))
		c.config.Timeout = time.Hour
		for _, urgent := range []bool{false, true} {
			var places []place
			for range 2 {
				p, err := c.limiter.enter(t.Context(), &call{method: http.MethodGet, path: "/y", urgent: true})
				if err != nil {
					t.Fatal(err)
				}
				places = append(places, p)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := c.do(ctx, &call{method: http.MethodGet, path: "/x", urgent: urgent, decode: func([]byte) error { return nil }})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("urgent %t: a call without a place = %v, want DeadlineExceeded", urgent, err)
			}
			for _, p := range places {
				c.limiter.drop(p)
			}
			if s := c.Stats(); s.InFlight+s.Waiting != 0 {
				t.Errorf("urgent %t: %d places are still taken and %d wait", urgent, s.InFlight, s.Waiting)
			}
		}
	})
}

// A request that waits for its retry holds no place.
func TestWaitingHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := steadyClient(t, Config{Concurrency: 1}, script(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "count") {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			good(w)
		}))
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.ApproximateCount(t.Context(), "a") })
		time.Sleep(time.Second)
		began := time.Now()
		if _, err := c.Myself(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("Myself = %v after %s, want success at once", err, time.Since(began))
		}
		wg.Wait()
	})
}
