package jira

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Points that run short are spread over the hour for ordinary calls; urgent ones
// start at once.
func TestRationedPoints(t *testing.T) {
	tests := []struct {
		headers string
		want    time.Duration // between calls of 101 points
	}{
		{`RateLimit: "global-app-quota";r=5050;t=600`, 12 * time.Second},
		{`RateLimit: "tenant-app-quota";r=5050;t=600, "global-app-quota";r=5050;t=1200`, 24 * time.Second},
		{"RateLimit-Policy: \"tenant-app-quota\";q=200000;w=3600\nRateLimit: \"tenant-app-quota\";r=10100;t=600", 6 * time.Second},
		{`RateLimit: "global-app-quota";r=10100;t=600`, 0},
		{"RateLimit-Policy: \"tenant-app-quota\";q=20000;w=3600\nRateLimit: \"tenant-app-quota\";r=5050;t=600", 0},
		{"Beta-RateLimit: \"global-app-quota\";r=5050;t=600\nX-RateLimit-NearLimit: false", 0},
		{"X-RateLimit-NearLimit: true", 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := steadyLimiter(10, 2)
			p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
			if err != nil {
				t.Fatal(err)
			}
			l.charge(p, 101)
			l.answered(p, http.StatusOK, readLimits(headersOf(tt.headers), time.Now()), 0)
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

// Where Jira says no more than that a fifth is left, the client counts down to
// the tenth that it spreads.
func TestRationWithoutNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := steadyLimiter(10, 2)
		near := readLimits(headersOf("X-RateLimit-NearLimit: true\nX-RateLimit-Reset: 2000-01-01T00:32:30Z"), time.Now())
		began, quick := time.Now(), 0
		for range 100 {
			p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
			if err != nil {
				t.Fatal(err)
			}
			if time.Since(began) == 0 {
				quick++
			}
			l.charge(p, 100)
			l.answered(p, http.StatusOK, near, 0)
		}
		// A fifth of 65,000 is 13,000, of which 6,500 last for 32m30s: 100 each 30s.
		took := time.Since(began)
		if want := time.Duration(100-quick) * 30 * time.Second; quick < 65 || quick > 68 || (took-want).Abs() > 2*time.Minute {
			t.Errorf("100 calls took %s, of which %d took none; want about 17m and 66", took, quick)
		}
	})
}

// A 429 says how long to wait in Retry-After. Nothing is held back beyond that,
// whatever the structured headers and NearLimit beside it say.
func TestThrottledAnswersRationNothing(t *testing.T) {
	for _, headers := range []string{
		`RateLimit: "global-app-quota";r=0;t=3600`,
		`RateLimit: "global-app-quota";r=5;t=3600`,
		"X-RateLimit-NearLimit: true",
	} {
		synctest.Test(t, func(t *testing.T) {
			l := steadyLimiter(10, 2)
			p, err := l.enter(t.Context(), &call{method: http.MethodGet, path: "/a"})
			if err != nil {
				t.Fatal(err)
			}
			l.charge(p, 1000)
			said := readLimits(headersOf("RateLimit-Reason: jira-quota-global-based\nRetry-After: 7\n"+headers), time.Now())
			l.answered(p, http.StatusTooManyRequests, said, 0)
			began := time.Now()
			for range 20 {
				l.ask(t, getA, http.StatusOK, "")
			}
			if took := time.Since(began); took != 7*time.Second {
				t.Errorf("%s: 20 calls after a 429 of 7s took %s, want 7s", headers, took)
			}
		})
	}
}

// An hour that begins anew before it was told to ends the spreading at once, for
// those too that wait for their share.
func TestRationEndsWithTheShortage(t *testing.T) {
	const plenty = `RateLimit-Policy: "tenant-app-quota";q=70000;w=3600, "global-app-quota";q=65000;w=3600`
	tests := []struct {
		headers string
		want    time.Duration // from the answer with them on
	}{
		{plenty, 0},
		{`RateLimit: "global-app-quota";r=13000;t=3000`, 0},
		{`RateLimit: "global-app-quota";r=1;t=60`, time.Minute},
		{`RateLimit-Policy: "tenant-app-quota";q=70000;w=3600`, time.Hour}, // another
		{"Beta-" + plenty, time.Hour},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := steadyLimiter(10, 2)
			l.ask(t, getA, http.StatusOK, `RateLimit: "global-app-quota";r=1;t=3600`)
			l.ask(t, getA, http.StatusOK, "") // takes what is left
			began := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { l.ask(t, getA, http.StatusOK, "") })
			synctest.Wait()
			l.ask(t, call{method: http.MethodGet, path: "/a", urgent: true}, http.StatusOK, tt.headers)
			wg.Wait()
			if took := time.Since(began); took != tt.want {
				t.Errorf("%s: a call waited %s for its share, want %s", tt.headers, took, tt.want)
			}
		})
	}
}

// Stats and the log tell why a client waits though Jira has refused nothing.
func TestShortPointsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := []string{"", `"global-app-quota";r=60;t=600`, `"global-app-quota";r=58;t=598`, `"global-app-quota";r=0;t=590`}
		var log strings.Builder
		c := steadyClient(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, script(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("RateLimit", headers[0])
			headers = headers[1:]
			good(w)
		}))
		var told []string
		for len(headers) > 0 {
			if _, err := c.Myself(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := c.Stats()
			told = append(told, s.Rationed.Reason+"/"+s.Paused.Reason)
		}
		want := "/ / points run short/ points run short/global-app-quota is spent"
		if got := strings.Join(told, " "); got != want {
			t.Errorf("Stats tell of %s, want %s", got, want)
		}
		lines := regexp.MustCompile(`time=\S+ |until=\S+ ?`).ReplaceAllString(log.String(), "")
		want = "level=WARN msg=\"jira points run short\" \n" +
			"level=WARN msg=\"jira pause\" status=200 everything=true reason=\"global-app-quota is spent\"\n"
		if lines != want {
			t.Errorf("the log says:\n%swant:\n%s", lines, want)
		}
	})
}
