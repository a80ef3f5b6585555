package jira

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip is a transport without sockets, for the fake time of synctest.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// script answers by a handler; it runs in the caller's goroutine.
func script(answer http.HandlerFunc) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		answer(w, r)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	}
}

// steadyClient is a client whose waits are not random.
func steadyClient(t *testing.T, config Config, transport http.RoundTripper) *Client {
	t.Helper()
	auth, err := Bearer("sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	config.Transport = transport
	c, err := New("https://acme.atlassian.net", auth, config)
	if err != nil {
		t.Fatal(err)
	}
	c.jitter = func() float64 { return 1 }
	return c
}

func good(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"count":1,"accountId":"5b10a"}`) }

// The wait before the second attempt is what Jira asks for, in all its forms,
// and never less than the client's own.
func TestRetryWaits(t *testing.T) {
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest begins
	tests := []struct {
		name    string
		status  int
		headers http.Header
		want    time.Duration
	}{
		{"nothing said", 429, nil, 2 * time.Second},
		{"seconds", 429, http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		{"seconds of a 503", 503, http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{"less than the client's own wait", 429, http.Header{"Retry-After": {"1"}}, 2 * time.Second},
		{"zero, as Data Center says", 429, http.Header{"Retry-After": {"0"}}, 2 * time.Second},
		{"negative, as Data Center says", 429, http.Header{"Retry-After": {"-1"}}, 2 * time.Second},
		{"absurd", 429, http.Header{"Retry-After": {"99999999999999999999"}}, time.Hour},
		{"nonsense", 429, http.Header{"Retry-After": {"soon"}}, 2 * time.Second},
		{"not a number", 429, http.Header{"Retry-After": {"NaN"}}, 2 * time.Second},
		{"a fraction", 429, http.Header{"Retry-After": {"2.5"}}, 2500 * time.Millisecond},
		{"a date", 429, http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:20 GMT"}}, 20 * time.Second},
		{"a date that has passed", 429, http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:00:00 GMT"}}, 2 * time.Second},
		{"a date by another clock", 429, http.Header{"Retry-After": {"Sat, 01 Jan 2011 00:00:20 GMT"}, "Date": {"Sat, 01 Jan 2011 00:00:05 GMT"}}, 15 * time.Second},
		{"a reset with seconds", 429, http.Header{"X-Ratelimit-Reset": {"2000-01-01T00:00:41Z"}}, 41 * time.Second},
		{"a reset without seconds", 429, http.Header{"X-Ratelimit-Reset": {"2000-01-01T00:03Z"}}, 3 * time.Minute},
		{"a reset in another zone", 429, http.Header{"X-Ratelimit-Reset": {"2000-01-01T01:00:10+01:00"}}, 10 * time.Second},
		{"a reset that is nonsense", 429, http.Header{"X-Ratelimit-Reset": {"1774540800"}}, 2 * time.Second},
		{"a reset beside nonsense", 429, http.Header{"X-Ratelimit-Reset": {"2000-01-01T00:00:41Z"}, "Retry-After": {"soon"}}, 41 * time.Second},
		{"a reset beside Retry-After", 429, http.Header{"X-Ratelimit-Reset": {"2000-01-01T00:03Z"}, "Retry-After": {"5"}}, 5 * time.Second},
		{"a server error", 500, nil, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, _ *http.Request) {
					if attempts++; attempts > 1 {
						good(w)
						return
					}
					for name, values := range tt.headers {
						w.Header()[name] = values
					}
					w.WriteHeader(tt.status)
				}))
				_, err := c.Myself(t.Context())
				if got := time.Since(midnight); err != nil || got != tt.want {
					t.Errorf("Myself waited %s and gave %v, want %s", got, err, tt.want)
				}
			})
		})
	}
}

// Without a word from Jira the waits double up to a bound, and end.
func TestRetriesBackOffAndEnd(t *testing.T) {
	tests := []struct {
		retries int
		want    []time.Duration
	}{
		{0, []time.Duration{0, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}},
		{6, []time.Duration{0, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second}},
		{-1, []time.Duration{0}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var waits []time.Duration
			last := time.Now()
			c := steadyClient(t, Config{Retries: tt.retries}, roundTrip(func(*http.Request) (*http.Response, error) {
				waits = append(waits, time.Since(last))
				last = time.Now()
				return nil, errors.New("connection refused")
			}))
			_, err := c.Myself(t.Context())
			if fmt.Sprint(waits) != fmt.Sprint(tt.want) || err == nil || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("Retries %d: waits %v and %v, want %v", tt.retries, waits, err, tt.want)
			}
			stats := c.Stats()
			if stats.Requests != int64(len(tt.want)) || stats.Retries != int64(len(tt.want)-1) {
				t.Errorf("Retries %d: Stats = %+v, want %d requests", tt.retries, stats, len(tt.want))
			}
		})
	}
}

// The random factor stays within 0.7 and 1.3, and what Jira asked for is never
// undercut.
func TestJitterKeepsItsBounds(t *testing.T) {
	c := steadyClient(t, Config{}, nil)
	c.jitter = randomFactor
	for range 1000 {
		if got := c.retryWait(1, 0); got < 2800*time.Millisecond || got > 5200*time.Millisecond {
			t.Fatalf("retryWait(1, 0) = %s, want from 2.8s to 5.2s", got)
		}
		if got := c.retryWait(0, 10*time.Second); got < 10*time.Second {
			t.Fatalf("retryWait(0, 10s) = %s, want 10s at least", got)
		}
	}
}

// A length that cannot be true costs no memory.
func TestAbsurdContentLength(t *testing.T) {
	c := steadyClient(t, Config{Retries: -1}, roundTrip(func(r *http.Request) (*http.Response, error) {
		body := io.NopCloser(strings.NewReader(`{"accountId":"5b10a"}`))
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, ContentLength: 1 << 62, Request: r}, nil
	}))
	c.config.MaxBody = 1 << 10
	if user, err := c.Myself(t.Context()); err != nil || user.AccountID != "5b10a" {
		t.Errorf("Myself = %v, %v, want 5b10a", user, err)
	}
}

// A wait that the context does not allow is not begun, neither by the call that
// was throttled nor by those that come after it.
func TestWaitBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, _ *http.Request) {
			sent++
			w.Header().Set("Retry-After", "600")
			w.Header().Set("RateLimit-Reason", "jira-quota-global-based")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		for range 3 {
			_, err := c.Myself(ctx)
			e, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, ErrThrottled) || e.RetryAfter != 10*time.Minute || e.Reason != "jira-quota-global-based" {
				t.Errorf("Myself = %v, want ErrThrottled with 10m and the reason", err)
			}
		}
		if took := time.Since(began); took != 0 || sent != 1 {
			t.Errorf("three calls took %s and sent %d requests, want none and 1", took, sent)
		}
	})
}

// Every wait ends with the context, and tells its cause.
func TestWaitsEndWithTheContext(t *testing.T) {
	stopped := errors.New("the operator stopped it")
	tests := map[string]func(w http.ResponseWriter, r *http.Request){
		"between attempts": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"in a pause": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"in flight": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, answer := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := steadyClient(t, Config{Timeout: time.Hour}, script(answer))
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(stopped) })
			began := time.Now()
			_, err := c.Myself(ctx)
			if took := time.Since(began); took != time.Second || !errors.Is(err, context.Canceled) || !errors.Is(err, stopped) {
				t.Errorf("%s: Myself = %v after %s, want the cause after 1s", name, err, took)
			}
		})
	}
}

// An attempt that hangs is ended and repeated; the time-out is not taken for
// the caller's own.
func TestAttemptTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		c := steadyClient(t, Config{Timeout: 5 * time.Second}, script(func(w http.ResponseWriter, r *http.Request) {
			if attempts++; attempts < 3 {
				<-r.Context().Done()
				return
			}
			good(w)
		}))
		began := time.Now()
		if _, err := c.Myself(t.Context()); err != nil || time.Since(began) != 16*time.Second {
			t.Errorf("Myself = %v after %s, want success after 5+2+5+4 seconds", err, time.Since(began))
		}
		attempts = -100
		_, err := c.Myself(t.Context())
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no whole answer within 5s") {
			t.Errorf("Myself = %v, want a time-out that is not the context's", err)
		}
	})
}

// What cannot succeed is not repeated.
func TestHopelessConnections(t *testing.T) {
	for _, hopeless := range []error{
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "acme", IsNotFound: true}},
		&tls.CertificateVerificationError{Err: errors.New("signed by nobody")},
		http.ErrSchemeMismatch,
	} {
		attempts := 0
		c := steadyClient(t, Config{}, roundTrip(func(*http.Request) (*http.Response, error) {
			attempts++
			return nil, hopeless
		}))
		if _, err := c.Myself(t.Context()); !errors.Is(err, hopeless) || attempts != 1 || strings.Contains(err.Error(), "https://") {
			t.Errorf("Myself = %v after %d attempts, want %v after 1", err, attempts, hopeless)
		}
	}
}

func TestSecretShowsNothing(t *testing.T) {
	s := secretOf("sesame")
	text, err := json.Marshal(map[string]any{"s": s})
	got := fmt.Sprintf("%v %s %#v %s %s", s, s, s, s.LogValue(), text)
	if want := `[redacted] [redacted] [redacted] [redacted] {"s":"[redacted]"}`; err != nil || got != want {
		t.Errorf("a secret prints as %s, want %s", got, want)
	}
}

// cutBody ends before its length.
type cutBody struct{ io.Reader }

func (cutBody) Close() error { return nil }

func TestCutBodyIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		c := steadyClient(t, Config{}, roundTrip(func(r *http.Request) (*http.Response, error) {
			body := io.Reader(strings.NewReader(`{"accountId":"5b10a"}`))
			if attempts++; attempts == 1 {
				body = io.MultiReader(strings.NewReader(`{"accountId":`), errReader{io.ErrUnexpectedEOF})
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: cutBody{body}, ContentLength: 21, Request: r}, nil
		}))
		if user, err := c.Myself(t.Context()); err != nil || user.AccountID != "5b10a" || attempts != 2 {
			t.Errorf("Myself = %v, %v after %d attempts, want 5b10a after 2", user, err, attempts)
		}
	})
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// The log tells of retries and pauses, and shows neither credentials nor what
// Jira sent.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		attempts := 0
		c := steadyClient(t, Config{Logger: logger}, script(func(w http.ResponseWriter, _ *http.Request) {
			if attempts++; attempts > 1 {
				good(w)
				return
			}
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"errorMessages":["private words"]}`)
		}))
		c.base = c.base.JoinPath("ex/jira/c1") // the paths are below the site, in every line alike
		if _, err := c.ApproximateCount(t.Context(), "secretproject = 1"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`level=WARN msg="jira pause" method=POST path=/rest/api/3/search/approximate-count status=429 everything=false wait=2s`,
			`level=WARN msg="jira retry" method=POST path=/rest/api/3/search/approximate-count status=429 wait=2s`,
			`level=DEBUG msg="jira request" method=POST path=/rest/api/3/search/approximate-count status=200`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
		for _, hidden := range []string{"sesame", "private words", "secretproject"} {
			if strings.Contains(log.String(), hidden) {
				t.Errorf("the log shows %q:\n%s", hidden, log.String())
			}
		}
	})
}
