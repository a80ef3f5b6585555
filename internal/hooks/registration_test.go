package hooks_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/internal/hooks"
	"ferry/jira"
	"ferry/jira/jirasim"
)

const (
	siteURL  = "https://acme.atlassian.net"
	server   = "https://jira.acme.example"
	gateway  = "https://api.atlassian.com/ex/jira/c1"
	hookName = "acme-Port-Ocean-Events-Webhook"
	hookURL  = "https://ferry.example/integration/webhook"
	day      = 24 * time.Hour
)

// kinds are the sites that know webhooks, each in its own way.
var kinds = []struct {
	name    string
	config  jirasim.Config
	dynamic bool
}{
	{"Cloud", jirasim.Config{}, false},
	{"an app", jirasim.Config{}, true},
	{"Data Center 9", jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4"}, false},
	{"Data Center 10", jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.3.0"}, false},
}

// world is a simulated Jira, and a registrar and a receiver for it.
type world struct {
	*jirasim.Server
	*site
	base      string
	dynamic   bool
	registrar *hooks.Registrar
	config    hooks.RegistrarConfig
	log       *logged

	mu     sync.Mutex
	answer func(q *http.Request, body string) *http.Response // may answer in Jira's place; nil: never

	foundRight, wasMended []time.Time
}

// meddle lets a function answer in Jira's place where it does not return nil.
func (w *world) meddle(answer func(q *http.Request, body string) *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// verified and mended are when the registrar told of it.
func (w *world) verified() []time.Time { return w.told(&w.foundRight) }
func (w *world) mended() []time.Time   { return w.told(&w.wasMended) }

func (w *world) told(list *[]time.Time) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(*list)
}

func (w *world) tell(list *[]time.Time) func(context.Context, time.Time) {
	return func(_ context.Context, at time.Time) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*list = append(*list, at)
	}
}

// both are all proofs there are.
var both = hooks.Trust{Secrets: []string{secret}, ClientSecrets: []string{"of the app"}, Token: token}

func newWorld(t *testing.T, config jirasim.Config, dynamic bool, trust hooks.Trust) *world {
	t.Helper()
	w := &world{base: siteURL, dynamic: dynamic, log: &logged{}}
	config.BaseURL, config.CloudID = siteURL, "c1"
	if config.Deployment == jirasim.DataCenter {
		config.BaseURL, w.base = server, server
	}
	config.Email, config.Token, config.Bearer = "sam@acme.example", "sesame-token", "oauth-token"
	config.Webhooks.ClientID, config.Webhooks.ClientSecret = "ferry", "of the app"
	w.Server = jirasim.New(config)
	w.site = newSite(t, hooks.ReceiverConfig{Trust: trust})
	w.config = hooks.RegistrarConfig{Identifier: "acme", BaseURL: "https://ferry.example/", Trust: trust}
	w.restart(t)
	return w
}

// restart makes a new registrar of the present configuration.
func (w *world) restart(t *testing.T) {
	t.Helper()
	w.config.Logger = w.log.logger()
	w.config.Verified, w.config.Mended = w.tell(&w.foundRight), w.tell(&w.wasMended)
	w.registrar = hooks.NewRegistrar(w.client(t), w.Receiver, w.config)
}

func (w *world) client(t *testing.T) *jira.Client {
	t.Helper()
	auth, err := jira.Basic("sam@acme.example", "sesame-token")
	base := w.base
	if w.dynamic {
		base = gateway
		auth, err = jira.Bearer("oauth-token")
	}
	if err != nil {
		t.Fatal(err)
	}
	client, err := jira.New(base, auth, jira.Config{Transport: edge{w}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// edge stands between the client and the site.
type edge struct{ w *world }

func (e edge) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		body, _ = io.ReadAll(q.Body)
		q.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	e.w.mu.Lock()
	meddle := e.w.answer
	e.w.mu.Unlock()
	if meddle != nil {
		if answer := meddle(q, string(body)); answer != nil {
			answer.Request = q
			return answer, nil
		}
	}
	return e.w.Hosts().RoundTrip(q)
}

func jiraAnswer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// keep runs the registrar until the function that it returns is called.
func (w *world) keep(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	registrar := w.registrar
	go func() {
		registrar.Run(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
	}
}

// registered is what Jira has.
func (w *world) registered() string {
	var lines []string
	for _, hook := range w.Webhooks() {
		line := fmt.Sprintf("%d %s %d events", hook.ID, strings.TrimPrefix(hook.URL, "https://"), len(hook.Events))
		for word, holds := range map[string]bool{
			" disabled": hook.Disabled, " bodiless": hook.ExcludeBody, " filtered": hook.JQL != "" && hook.App == "", " unsigned": !hook.Signed && hook.App == "",
		} {
			if holds {
				line += word
			}
		}
		if hook.Name != hookName && hook.Name != "" {
			line += " named " + hook.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// writes is how many requests changed something.
func (w *world) writes() int {
	n := 0
	for _, q := range w.Requests() {
		if q.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// delivering lets the site deliver to the receiver until the function that it returns is called,
// which waits for everything to be delivered.
func (w *world) delivering(t *testing.T, how jirasim.Delivery) (settle func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	how.Transport = inProcess{w.Receiver}
	go func() { done <- w.Deliver(ctx, how) }()
	return func() {
		t.Helper()
		err := w.Settled(ctx)
		cancel()
		if delivered := <-done; err != nil || delivered != nil {
			t.Fatal(err, delivered)
		}
	}
}

// answers counts what became of the deliveries.
func (w *world) answers() string {
	count := map[int]int{}
	for _, d := range w.Deliveries() {
		count[d.Answer]++
	}
	return fmt.Sprint(count)
}

func (w *world) lines(level string) []string {
	var lines []string
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "level="+level) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return slices.Clip(lines)
}
