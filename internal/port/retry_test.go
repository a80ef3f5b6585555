package port_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// Every class of failure: how often it is sent, what the error is, and how long it took.
func TestEveryFailureEndsInTheRightErrorOrRetry(t *testing.T) {
	read := func(ctx context.Context, c *port.Client) error { _, err := c.Blueprint(ctx, "project"); return err }
	create := func(ctx context.Context, c *port.Client) error { _, err := c.CreateIntegration(ctx, nil); return err }
	upsert := func(ctx context.Context, c *port.Client) error {
		_, err := c.Upsert(ctx, "project", []json.RawMessage{entity("A")}, merging)
		return err
	}
	patch := func(ctx context.Context, c *port.Client) error { _, err := c.PatchIntegration(ctx, nil); return err }
	retry := http.Header{"Retry-After": {"30"}}
	tests := []struct {
		name  string
		call  func(context.Context, *port.Client) error
		fault portsim.Fault
		want  error // of errors.Is, nil: success
		sends int   // of the call itself
		least time.Duration
		most  time.Duration
	}{
		{"400", upsert, portsim.Fault{Status: 400}, port.ErrInvalid, 1, 0, 0},
		{"403", upsert, portsim.Fault{Status: 403}, port.ErrForbidden, 1, 0, 0},
		{"404", read, portsim.Fault{Status: 404}, port.ErrNotFound, 1, 0, 0},
		{"409", create, portsim.Fault{Status: 409}, port.ErrConflict, 1, 0, 0},
		{"413", upsert, portsim.Fault{Status: 413}, port.ErrTooLarge, 1, 0, 0},
		{"422", upsert, portsim.Fault{Status: 422}, port.ErrInvalid, 1, 0, 0},
		{"401 for ever", read, portsim.Fault{Status: 401}, port.ErrUnauthorized, 2, 0, 0},
		{"401 once", read, portsim.Fault{Status: 401, Times: 1}, nil, 2, 0, 0},
		{"500 for ever", upsert, portsim.Fault{Status: 500}, port.ErrUnavailable, 3, 450 * time.Millisecond, 900 * time.Millisecond},
		{"500 twice", upsert, portsim.Fault{Status: 500, Times: 2}, nil, 3, 450 * time.Millisecond, 900 * time.Millisecond},
		{"501", read, portsim.Fault{Status: 501}, port.ErrUnavailable, 1, 0, 0},
		{"502 for ever", upsert, portsim.Fault{Status: 502}, port.ErrUnavailable, 7, 9 * time.Second, 19 * time.Second},
		{"503 as HTML", read, portsim.Fault{Status: 503, Body: "<html>", Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"504 of a patch", patch, portsim.Fault{Status: 504, Times: 1}, port.ErrNotFound, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"408", read, portsim.Fault{Status: 408, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"503 of a creation", create, portsim.Fault{Status: 503}, port.ErrUnavailable, 1, 0, 0},
		{"429 of a creation", create, portsim.Fault{Status: 429, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"503 with Retry-After", read, portsim.Fault{Status: 503, Header: retry, Times: 1}, nil, 2, 30 * time.Second, 30 * time.Second},
		{"429 with Retry-After", upsert, portsim.Fault{Status: 429, Header: retry, Times: 1}, nil, 2, 30 * time.Second, 30 * time.Second},
		{"429 with an hour", upsert, portsim.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}, Times: 1}, nil, 2, 5 * time.Minute, 5 * time.Minute},
		{"503 with a date", read, portsim.Fault{Status: 503, Header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:40 GMT"}}, Times: 1}, nil, 2, 40 * time.Second, 40 * time.Second},
		{"503 with a date long gone", read, portsim.Fault{Status: 503, Header: http.Header{"Retry-After": {"Fri, 01 Jan 1999 00:00:40 GMT"}}, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"503 with nonsense", read, portsim.Fault{Status: 503, Header: http.Header{"Retry-After": {"soon"}}, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"503 with less than nothing", read, portsim.Fault{Status: 503, Header: http.Header{"Retry-After": {"-1"}}, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"503 with hours in seconds", read, portsim.Fault{Status: 503, Header: http.Header{"Retry-After": {"20000"}}, Times: 1}, nil, 2, 5 * time.Minute, 5 * time.Minute},
		{"429 with a reset in seconds", read, portsim.Fault{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {"15"}}, Times: 1}, nil, 2, 15 * time.Second, 15 * time.Second},
		{"429 with a reset as an epoch", read, portsim.Fault{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {"946684825"}}, Times: 1}, nil, 2, 25 * time.Second, 25 * time.Second},
		{"429 with a reset as a date", read, portsim.Fault{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {"2000-01-01T00:00:35Z"}}, Times: 1}, nil, 2, 35 * time.Second, 35 * time.Second},
		{"503 with a reset", read, portsim.Fault{Status: 503, Header: http.Header{"X-Ratelimit-Reset": {"100"}}, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"429 for ever", upsert, portsim.Fault{Status: 429}, port.ErrUnavailable, 7, 9 * time.Second, 19 * time.Second},
		{"cut", read, portsim.Fault{Status: 200, Body: `{"ok":true,"blueprint":{}}`, Cut: true, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"JSON that ends early", read, portsim.Fault{Status: 200, Body: `{"ok":true,`, Times: 1}, nil, 2, 150 * time.Millisecond, 300 * time.Millisecond},
		{"no JSON", read, portsim.Fault{Status: 200, Body: "good morning"}, port.ErrUnavailable, 1, 0, 0},
		{"HTML with 200", upsert, portsim.Fault{Status: 200, Body: "<!DOCTYPE html><p>log in"}, port.ErrUnavailable, 1, 0, 0},
		{"HTML with 404", read, portsim.Fault{Status: 404, Body: "<html>"}, port.ErrNotFound, 1, 0, 0},
		{"wrong JSON", read, portsim.Fault{Status: 200, Body: `{"blueprint":[]}`}, port.ErrUnavailable, 1, 0, 0},
		{"redirect", read, portsim.Fault{Status: 307, Header: http.Header{"Location": {"https://elsewhere.example/"}}}, nil, 1, 0, 0},
		{"hangs", read, portsim.Fault{Hang: true, Times: 1}, nil, 2, time.Minute, time.Minute + 300*time.Millisecond},
		{"hangs for ever", read, portsim.Fault{Hang: true}, port.ErrUnavailable, 7, 7 * time.Minute, 7*time.Minute + 19*time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				sim := newPort(portsim.Config{Log: true, TokenLife: time.Hour})
				client := newClient(t, sim.Transport(), func(c *port.Config) { c.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
				if _, err := client.Organization(t.Context()); err != nil { // so that the token is there
					t.Fatal(err)
				}
				sim.Forget()
				tt.fault.Match = func(r *http.Request) bool { return !portsim.On("", "access_token")(r) }
				sim.Inject(tt.fault)
				start := time.Now()
				err := tt.call(t.Context(), client)
				took := time.Since(start)
				switch {
				case tt.name == "redirect":
					if e, ok := errors.AsType[*port.Error](err); !ok || e.Status != 307 {
						t.Errorf("error = %v, want one that tells the redirect", err)
					}
				case !errors.Is(err, tt.want):
					t.Errorf("error = %v, want %v", err, tt.want)
				}
				if err != nil {
					noSecret(t, err.Error())
				}
				noSecret(t, logged.String())
				if got := sim.Count("", "") - sim.Count("", "access_token"); got != tt.sends {
					t.Errorf("requests = %d, want %d", got, tt.sends)
				}
				if took < tt.least || took > tt.most {
					t.Errorf("took %s, want %s to %s", took, tt.least, tt.most)
				}
			})
		})
	}
}

func TestWrongCredentialsFailAtOnce(t *testing.T) {
	for _, status := range []int{401, 403, 422} {
		sim := newPort(portsim.Config{})
		sim.Inject(portsim.Fault{Match: portsim.On("POST", "access_token"), Status: status, Body: `{"ok":false,"message":"no ` + clientSecret + `"}`})
		_, err := newClient(t, sim.Transport()).Organization(t.Context())
		if !errors.Is(err, port.ErrUnauthorized) || errors.Is(err, port.ErrUnavailable) || errors.Is(err, port.ErrInvalid) {
			t.Errorf("Organization after %d = %v, want ErrUnauthorized alone", status, err)
		}
		want := "Port refused the client id and secret: check OCEAN__PORT__CLIENT_ID and OCEAN__PORT__CLIENT_SECRET, and that OCEAN__PORT__BASE_URL is your region"
		if err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("Organization after %d = %v, want it to begin with %q", status, err, want)
		}
		if n := sim.Count("", ""); n != 1 {
			t.Errorf("requests = %d, want 1", n)
		}
	}
}

func TestTokenEndpointIsRetriedWhenUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{})
		sim.Inject(portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 503, Times: 2})
		if _, err := newClient(t, sim.Transport()).Organization(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTokenIsFetchedOnceAndReplacedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{TokenLife: 10 * time.Minute, Latency: 10 * time.Millisecond})
		client := newClient(t, sim.Transport())
		all := func() {
			var wait sync.WaitGroup
			for range 50 {
				wait.Go(func() {
					if _, err := client.Organization(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
		}
		tokens := func(when string, want int) {
			t.Helper()
			if got := sim.Count("POST", "access_token"); got != want {
				t.Errorf("%s: tokens fetched = %d, want %d", when, got, want)
			}
		}
		all()
		tokens("fifty at once", 1)
		time.Sleep(8*time.Minute + 58*time.Second)
		all()
		tokens("62 s before its end", 1)
		time.Sleep(5 * time.Second)
		all()
		tokens("within 60 s of its end", 2)
		sim.Revoke()
		all()
		tokens("withdrawn", 3)
	})
}

func TestTokensOfOddLives(t *testing.T) {
	for answer, want := range map[string]int{ // tokens fetched for two calls a minute apart
		`{"accessToken":"t"}`:                    1,
		`{"accessToken":"t","expiresIn":-5}`:     1,
		`{"accessToken":"t","expiresIn":1e300}`:  1,
		`{"accessToken":"t","expiresIn":90}`:     2,
		`{"accessToken":"t","expiresIn":121.5}`:  1,
		`{"accessToken":"t","tokenType":"Bear"}`: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := newPort(portsim.Config{})
			sim.Inject(portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 200, Body: answer})
			sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Status: 200, Body: `{"organization":{"featureFlags":["A"]}}`})
			client := newClient(t, sim.Transport())
			for range 2 {
				got, err := client.Organization(t.Context())
				if err != nil || !got.Has("A") || got.Has("B") {
					t.Errorf("Organization = %+v, %v; want flag A", got, err)
				}
				time.Sleep(time.Minute)
			}
			if got := sim.Count("POST", "access_token"); got != want {
				t.Errorf("%s: tokens fetched = %d, want %d", answer, got, want)
			}
		})
	}
}

func TestWhatIsNoTokenIsSaid(t *testing.T) {
	for body, want := range map[string]string{
		`{"ok":true}`:   "is OCEAN__PORT__BASE_URL Port's API?",
		`<html>log in`:  "is OCEAN__PORT__BASE_URL Port's API",
		`{"accessToken`: "cut",
	} {
		sim := newPort(portsim.Config{})
		sim.Inject(portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 200, Body: body})
		_, err := newClient(t, sim.Transport(), func(c *port.Config) { c.Retries = -1 }).Organization(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Organization after token answer %q = %v, want %q in it", body, err, want)
		}
	}
	sim := newPort(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 404})
	if _, err := newClient(t, sim.Transport()).Organization(t.Context()); err == nil || !strings.Contains(err.Error(), "check OCEAN__PORT__BASE_URL") {
		t.Errorf("Organization of no Port = %v, want it to name OCEAN__PORT__BASE_URL", err)
	}
}

// One caller goes away while it fetches the token for all: the others do not share its end.
func TestTokenFetchOutlivesTheCallerThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{Latency: time.Second})
		client := newClient(t, sim.Transport())
		first, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := client.Organization(first); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first = %v, want its own deadline", err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		if _, err := client.Organization(t.Context()); err != nil {
			t.Errorf("the second = %v, want success", err)
		}
		wait.Wait()
	})
}

func Test429MakesEveryRequestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{Log: true})
		client := newClient(t, sim.Transport())
		if _, err := client.Organization(t.Context()); err != nil {
			t.Fatal(err)
		}
		reset := fmt.Sprint(time.Now().Add(20 * time.Second).Unix()) // Port's header is an epoch
		sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Status: 429, Times: 1, Header: http.Header{"X-Ratelimit-Reset": {reset}}})
		start := time.Now()
		var wait sync.WaitGroup
		wait.Go(func() { _, _ = client.Organization(t.Context()) })
		time.Sleep(time.Second)
		for range 5 {
			wait.Go(func() { _, _ = client.Blueprint(t.Context(), "project") })
		}
		wait.Wait()
		for _, r := range sim.Requests()[3:] {
			if waited := r.At.Sub(start); waited < 20*time.Second {
				t.Errorf("%s %s came after %s, want 20s", r.Method, r.Path, waited)
			}
		}
		if got := client.Stats(); got.Throttled != 1 || got.Retries != 1 || got.Requests != 9 {
			t.Errorf("Stats = %+v, want 1 throttled, 1 retry, 9 requests", got)
		}
	})
}

// With one place, those in line for it must not slip through when the request that holds it is told to wait.
func Test429StopsThoseInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{Log: true, Latency: time.Second})
		client := newClient(t, sim.Transport(), func(c *port.Config) { c.Concurrency = 1 })
		if _, err := client.Organization(t.Context()); err != nil {
			t.Fatal(err)
		}
		sim.Forget()
		sim.Inject(portsim.Fault{Status: 429, Times: 1, Header: http.Header{"Retry-After": {"30"}}})
		start := time.Now()
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := client.Organization(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for i, r := range sim.Requests() {
			if after := r.At.Sub(start); i > 0 && after < 31*time.Second {
				t.Errorf("request %d came after %s, want 31s", i, after)
			}
		}
	})
}

func TestAPlaceIsFreeWhileARequestWaitsForItsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{})
		client := newClient(t, sim.Transport(), func(c *port.Config) { c.Concurrency = 1 })
		sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Status: 503, Times: 1, Header: http.Header{"Retry-After": {"60"}}})
		start := time.Now()
		var wait sync.WaitGroup
		wait.Go(func() { _, _ = client.Organization(t.Context()) })
		time.Sleep(time.Second)
		if _, err := client.Blueprint(t.Context(), "project"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the other request ended after %s, want 1s", took)
		}
		wait.Wait()
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newPort(portsim.Config{Latency: time.Second}).Transport()
		var mu sync.Mutex
		now, most := 0, 0
		counting := roundTripper(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			return inner.RoundTrip(r)
		})
		client := newClient(t, counting, func(c *port.Config) { c.Concurrency = 3 })
		var wait sync.WaitGroup
		for range 12 {
			wait.Go(func() { _, _ = client.Organization(t.Context()) })
		}
		wait.Wait()
		if most != 3 {
			t.Errorf("requests at once = %d, want 3", most)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEveryWaitEndsWithItsContext(t *testing.T) {
	for name, fault := range map[string]portsim.Fault{
		"back-off": {Status: 503, Header: http.Header{"Retry-After": {"250"}}},
		"limit":    {Status: 429, Header: http.Header{"Retry-After": {"250"}}},
		"answer":   {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := newPort(portsim.Config{})
				sim.Inject(fault)
				client := newClient(t, sim.Transport())
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				_, err := client.Organization(ctx)
				if took := time.Since(start); took != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended after %s with %v, want 5s and the deadline", took, err)
				}
			})
		})
	}
}

func TestNetworkErrorsHideTheURLAndAreUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sends := 0
		client := newClient(t, roundTripper(func(*http.Request) (*http.Response, error) { sends++; return nil, io.ErrUnexpectedEOF }))
		_, err := client.Organization(t.Context())
		if !errors.Is(err, port.ErrUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) || sends != 7 {
			t.Errorf("Organization = %v after %d sends, want ErrUnavailable after 7", err, sends)
		}
	})
}

func TestAMessageThatRepeatsASecretIsCleaned(t *testing.T) {
	sim := newPort(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Status: 400,
		Body: `{"error":"bad","message":"you sent Bearer sim-token-1 and ` + clientSecret + `"}`})
	_, err := newClient(t, sim.Transport()).Organization(t.Context())
	if err == nil {
		t.Fatal("Organization = nil error")
	}
	noSecret(t, err.Error())
	noSecret(t, fmt.Sprintf("%+v %#v", err, err))
}

func TestSecretNeverPrints(t *testing.T) {
	secret := port.NewSecret(clientSecret)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", secret, "in", struct{ S port.Secret }{secret}, "list", []port.Secret{secret})
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "in", struct{ s port.Secret }{secret})
	text, err := json.Marshal(map[string]any{"s": secret})
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, fmt.Sprintf("%v %+v %#v %s %q %s %s", secret, secret, secret, secret, secret, text, logged.String()))
	client := newClient(t, newPort(portsim.Config{}).Transport())
	if _, err := client.Organization(t.Context()); err != nil {
		t.Fatal(err)
	}
	holder := struct {
		client *port.Client
		secret port.Secret
	}{client, secret}
	noSecret(t, fmt.Sprintf("%v %+v %#v %x %d %v %+v %#v", client, client, client, client, client, holder, holder, holder))
}
