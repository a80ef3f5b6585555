package jirasim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/jira/jirasim"
)

// received is a delivery as it arrived.
type received struct {
	URL        string
	Header     http.Header
	Body       string
	At         time.Time
	Event      string
	Identifier string
	Retry      string
}

// receiver is where webhooks lead to.
type receiver struct {
	answer func(n int, r received) (status int, err error) // of the n-th, from 0; nil: 200
	hold   time.Duration                                   // before each answer

	mu              sync.Mutex
	got             []received
	flying, highest map[string]int // by the flow
}

func (v *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var envelope struct{ WebhookEvent string }
	_ = json.Unmarshal(body, &envelope) // it may have no body
	one := received{URL: r.URL.String(), Header: r.Header, Body: string(body), At: time.Now(), Event: envelope.WebhookEvent,
		Identifier: r.Header.Get("X-Atlassian-Webhook-Identifier"), Retry: r.Header.Get("X-Atlassian-Webhook-Retry")}
	n := v.arrive(one)
	defer v.leave(one)
	if err := pause(r.Context(), v.hold); err != nil {
		return nil, err
	}
	status := 200
	if v.answer != nil {
		status, err = v.answer(n, one)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *receiver) arrive(one received) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flying == nil {
		v.flying, v.highest = map[string]int{}, map[string]int{}
	}
	flow := one.Header.Get("X-Atlassian-Webhook-Flow")
	v.flying[flow]++
	v.highest[flow] = max(v.highest[flow], v.flying[flow])
	v.got = append(v.got, one)
	return len(v.got) - 1
}

func (v *receiver) leave(one received) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flying[one.Header.Get("X-Atlassian-Webhook-Flow")]--
}

func (v *receiver) all() []received {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.got)
}

// list is what arrived, as "event event".
func (v *receiver) list() string {
	var all []string
	for _, one := range v.all() {
		all = append(all, one.Event)
	}
	return strings.Join(all, " ")
}

// delivering runs Deliver within the bubble until the test ends.
func delivering(t *testing.T, s *jirasim.Server, d jirasim.Delivery) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Deliver(ctx, d) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Deliver = %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func settle(t *testing.T, s *jirasim.Server) {
	t.Helper()
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// hookedSite is a site with one project and one webhook for everything, made within
// a bubble of time.
func hookedSite(config jirasim.Config, w jirasim.Webhook) *jirasim.Server {
	s := jirasim.New(config)
	s.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
	w.Name, w.URL = "Ferry", "https://ferry.test/hook"
	if len(w.Events) == 0 {
		w.Events = strings.Fields("jira:issue_created jira:issue_updated jira:issue_deleted project_created project_updated sprint_created issuelink_deleted")
	}
	s.AddWebhook(w)
	return s
}
