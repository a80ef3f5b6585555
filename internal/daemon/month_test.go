package daemon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/internal/hooks"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
	"ferry/jira"
	"ferry/jira/jirasim"
)

const (
	monthSite = "https://acme.atlassian.net"
	monthHook = "https://ferry.acme.example"
	day       = 24 * time.Hour
)

// month is a ferry whose whole world is in this process, so that weeks pass in seconds.
type month struct {
	t         *testing.T
	jira      *jirasim.Server
	port      *portsim.Server
	client    *jira.Client
	database  *catalog.Database
	daemon    *daemon.Daemon
	receiver  *hooks.Receiver
	registrar *hooks.Registrar
	logged    strings.Builder
	delivery  jirasim.Delivery

	mu   sync.Mutex
	runs []*daemon.Report
	end  func()
}

// toHandler sends requests to a handler in the same goroutine.
type toHandler struct{ http.Handler }

func (h toHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// newMonth composes one, with a login that the test makes. Everything periodic but what is looked at
// for the test comes seldom, for a month has too many seconds.
func newMonth(t *testing.T, site *jirasim.Server, auth jira.Auth, trust hooks.Trust) *month {
	t.Helper()
	m := &month{t: t, jira: site, port: portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret})}
	log := slog.New(slog.NewTextHandler(&m.logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
	site.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
	for i := range 5 {
		site.AddIssue(jirasim.Issue{Key: fmt.Sprintf("PAY-%d", i+1), ProjectKey: "PAY", Summary: "Work", Type: "Task", Status: "To Do", StatusCategory: "To Do"})
	}
	var err error
	m.client, err = jira.New(monthSite, auth, jira.Config{Transport: site.Hosts()})
	must(t, err)
	p, err := port.New(port.Config{
		ClientID: clientID, ClientSecret: clientSecret, Type: "jira", Identifier: "my-jira", Version: "1.0.0", Transport: m.port.Transport(),
	})
	must(t, err)
	m.database, err = catalog.Connect(context.Background(), catalog.Config{Dir: t.TempDir(), Integration: "my-jira"})
	must(t, err)
	m.daemon = &daemon.Daemon{
		Sync: daemon.Sync{Jira: m.client, Port: p, Logger: log, Every: day}, Database: m.database, Ran: m.ran,
		Schedule: daemon.Schedule{Every: day, Watch: day, Look: time.Hour, Net: 12 * time.Hour, Polled: 6 * time.Hour, Sweep: day, SweepPolled: day},
	}
	m.receiver = hooks.NewReceiver(m.database.Inbox(), hooks.ReceiverConfig{Trust: trust, Logger: log})
	m.registrar = hooks.NewRegistrar(m.client, m.receiver, hooks.RegistrarConfig{
		Identifier: "my-jira", BaseURL: monthHook, Trust: trust, Every: time.Hour,
		Mended: m.daemon.Mended, Logger: log,
	})
	m.daemon.Webhook = daemon.Webhook{Keep: m.registrar.Run, Hears: func(string) bool { return m.registrar.State().Live }}
	m.delivery = jirasim.Delivery{Transport: toHandler{m.receiver}}
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *month) ran(r *daemon.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs = append(m.runs, r)
}

// begin starts it; the test ends it by m.end.
func (m *month) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := m.daemon.Run(ctx); err != nil {
			m.t.Errorf("the daemon ended: %v", err)
		}
	})
	group.Go(func() { m.receiver.Run(ctx) })
	group.Go(func() {
		if err := m.jira.Deliver(ctx, m.delivery); err != nil {
			m.t.Error(err)
		}
	})
	m.end = func() {
		cancel()
		group.Wait()
		if err := m.database.Close(); err != nil {
			m.t.Error(err)
		}
	}
}

// live: a change that is made now is in Port a second later.
func (m *month) live(n int) {
	m.t.Helper()
	summary := fmt.Sprintf("Day %d", n)
	m.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = summary })
	time.Sleep(time.Second)
	synctest.Wait()
	if e, _ := m.port.Entity("jiraIssue", "PAY-3"); e.Title != summary {
		m.t.Fatalf("day %d: Port has the title %v a second after the change; it logged\n%s", n, e.Title, &m.logged)
	}
}

// pass lets days pass, and looks at each of them whether a change is live.
func (m *month) pass(days int, each func(n int)) {
	time.Sleep(time.Minute) // the first run
	for n := range days {
		m.live(n)
		each(n)
		time.Sleep(day)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.runs) < days || len(m.runs) > days+2 {
		m.t.Errorf("%d runs in %d days, want one a day; it logged\n%s", len(m.runs), days, &m.logged)
	}
	for i, r := range m.runs {
		if r.State != catalog.Completed {
			m.t.Errorf("run %d is %s: %v", i, r.State, r.Asides)
		}
	}
}

// memoryTokens keeps the tokens of an app, as a file would.
type memoryTokens struct {
	mu     sync.Mutex
	tokens jira.Tokens
	saved  int
}

func (s *memoryTokens) Load(context.Context) (jira.Tokens, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens, nil
}

func (s *memoryTokens) Save(_ context.Context, tokens jira.Tokens) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens, s.saved = tokens, s.saved+1
	return nil
}

// An app's dynamic webhook ends after 30 days unless it is refreshed, and its refresh token is good
// for one use.
func TestAnAppLivesForMoreThanAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const app, secret = "app-id", "app-secret-51b0"
		site := jirasim.New(jirasim.Config{Seed: 1, BaseURL: monthSite})
		site.AddApp(jirasim.App{ClientID: app, ClientSecret: secret})
		store := &memoryTokens{tokens: jira.Tokens{Refresh: site.Consent(app).Refresh}}
		auth, err := jira.OAuth(jira.OAuthConfig{ClientID: app, ClientSecret: secret, Store: store, Transport: site.Hosts()})
		must(t, err)
		m := newMonth(t, site, auth, hooks.Trust{ClientSecrets: []string{secret}})
		m.begin()
		defer m.end()
		m.pass(31, func(n int) {
			for _, w := range m.jira.Webhooks() {
				if left := time.Until(w.Expires); left < 7*day {
					t.Errorf("day %d: the webhook ends in %v", n, left)
				}
			}
			if state := m.registrar.State(); !state.Live || state.Outcome.Family != jira.FamilyDynamic {
				t.Errorf("day %d: the webhook is %+v", n, state)
			}
		})
		if store.saved < 31 {
			t.Errorf("the refresh token was replaced %d times in 31 days, want at least daily", store.saved)
		}
	})
}

// Somebody else keeps a token in a file, which is another every day.
func TestATokenFileIsFollowedForAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const app, secret = "app-id", "app-secret-51b0"
		site := jirasim.New(jirasim.Config{Seed: 1, BaseURL: monthSite})
		site.AddApp(jirasim.App{ClientID: app, ClientSecret: secret})
		file := filepath.Join(t.TempDir(), "token")
		renew := func() {
			must(t, os.WriteFile(file+".next", []byte(site.Consent(app).Access+"\n"), 0o600))
			must(t, os.Rename(file+".next", file))
		}
		renew()
		auth, err := jira.TokenFile(file, "")
		must(t, err)
		m := newMonth(t, site, auth, hooks.Trust{Token: "secret-path-of-the-webhook"})
		m.begin()
		defer m.end()
		stop := make(chan struct{})
		var renewing sync.WaitGroup
		renewing.Go(func() { // access tokens are good for an hour
			for {
				select {
				case <-stop:
					return
				case <-time.After(30 * time.Minute):
					renew()
				}
			}
		})
		defer renewing.Wait()
		defer close(stop)
		m.pass(31, func(n int) {
			if state := m.registrar.State(); !state.Live {
				t.Errorf("day %d: the webhook is %+v", n, state)
			}
		})
	})
}
