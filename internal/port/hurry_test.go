package port_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// hurried runs call, which begins at once, and Hurry 5 s later, and returns when the call ended, and its error.
func hurried(client *port.Client, call func() error) (time.Duration, error) {
	start := time.Now()
	time.AfterFunc(5*time.Second, client.Hurry)
	err := call()
	return time.Since(start), err
}

func TestHurryEndsWhatWaits(t *testing.T) {
	long := http.Header{"Retry-After": {"250"}}
	for _, tt := range []struct {
		name   string
		fault  portsim.Fault
		want   error // of errors.Is, nil: success
		status int   // in the error
		sends  int
		took   time.Duration
	}{
		{"back-off", portsim.Fault{Match: portsim.On("GET", "organization"), Status: 503, Header: long}, port.ErrUnavailable, 503, 1, 5 * time.Second},
		{"limit", portsim.Fault{Match: portsim.On("GET", "organization"), Status: 429, Header: long}, port.ErrUnavailable, 429, 1, 5 * time.Second},
		{"back-off of the token", portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 502, Header: long}, port.ErrUnavailable, 502, 0, 5 * time.Second},
		{"under way, answered", portsim.Fault{After: 99}, nil, 0, 1, 20 * time.Second},
		{"under way, failed", portsim.Fault{Match: portsim.On("GET", "organization"), Status: 503}, port.ErrUnavailable, 503, 1, 20 * time.Second},
		{"under way, refused for its token", portsim.Fault{Match: portsim.On("GET", "organization"), Status: 401}, port.ErrUnauthorized, 401, 1, 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := portsim.Config{}
				if tt.took > 5*time.Second {
					config.Latency = 10 * time.Second // of the token, and then of the call
				}
				sim := newPort(config)
				sim.Inject(tt.fault)
				client := newClient(t, sim.Transport())
				took, err := hurried(client, func() error { _, err := client.Organization(t.Context()); return err })
				if !errors.Is(err, tt.want) || took != tt.took {
					t.Errorf("Organization = %v after %s, want %v after %s", err, took, tt.want, tt.took)
				}
				if e, ok := errors.AsType[*port.Error](err); ok && e.Status != tt.status {
					t.Errorf("status of the error = %d, want %d", e.Status, tt.status)
				}
				if n := sim.Count("GET", "organization"); n != tt.sends {
					t.Errorf("requests = %d, want %d", n, tt.sends)
				}
			})
		})
	}
}

// Those that have not been sent yet do not begin to wait for their turn, or go on with it.
func TestHurrySendsNobodyWhoStandsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{Latency: time.Second})
		client := newClient(t, sim.Transport(), func(c *port.Config) { c.Concurrency = 1; c.Timeout = 20 * time.Second })
		if _, err := client.Organization(t.Context()); err != nil {
			t.Fatal(err)
		}
		sim.Inject(portsim.Fault{Hang: true})
		var group sync.WaitGroup
		group.Go(func() { _, _ = client.Organization(t.Context()) })
		synctest.Wait()
		took, err := hurried(client, func() error { _, err := client.Blueprint(t.Context(), "project"); return err })
		if !errors.Is(err, port.ErrUnavailable) || took != 5*time.Second {
			t.Errorf("the one in line = %v after %s, want ErrUnavailable after 5s", err, took)
		}
		if n := sim.Count("GET", "blueprints"); n != 0 {
			t.Errorf("requests of the one in line = %d, want none", n)
		}
		group.Wait()
	})
}

// How a run ended is told to Port after Hurry: with one try, and no more.
func TestACallAfterHurryIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newPort(portsim.Config{})
		client := newClient(t, sim.Transport())
		for range 3 {
			client.Hurry()
		}
		if _, err := client.Organization(t.Context()); err != nil {
			t.Errorf("Organization after Hurry = %v, want it sent", err)
		}
		sim.Inject(portsim.Fault{Status: 503})
		start, before := time.Now(), sim.Count("", "")
		_, err := client.Organization(t.Context())
		if sent, took := sim.Count("", "")-before, time.Since(start); !errors.Is(err, port.ErrUnavailable) || sent != 1 || took != 0 {
			t.Errorf("Organization of a Port that is down = %v with %d requests after %s, want ErrUnavailable with 1 at once", err, sent, took)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Organization(over); !errors.Is(err, context.Canceled) {
			t.Errorf("Organization of a caller that is gone = %v, want its own end", err)
		}
	})
}
