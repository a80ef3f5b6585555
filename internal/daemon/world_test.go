package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
	"ferry/jira"
	"ferry/jira/jirasim"
)

const (
	email, token           = "ferry@example.com", "jira-token-2f9c"
	clientID, clientSecret = "port-client", "port-secret-77a1"
)

// world is a Jira, a Port, and a place for a store between them.
type world struct {
	t        *testing.T
	jira     *jirasim.Server
	port     *portsim.Server
	jiraURL  string
	portURL  string
	dir      string
	database string // the URL of a PostgreSQL schema; empty: SQLite, in dir
	mapping  string // empty: the integration's in Port
	email    string // with the Jira token; empty: the token alone
	token    string // the Jira token that ferry has
	secret   string // the Port secret that ferry has
	accept   bool   // --accept-deletions
	account  bool   // --accept-account
	site     bool   // --accept-site
	retries  int    // of both clients
	noPort   bool
	timeout  time.Duration // per attempt at Jira
	logged   *strings.Builder
	door     *door  // where webhooks come in, if Jira delivers
	hookURL  string // its address
	jiraPath string // below the host, as at the gateway

	blueprints [][]byte              // beside the default ones
	arrives    func(r *http.Request) // may be nil; called before Jira reads a request, in any goroutine
	answered   func(r *http.Request) // may be nil; called after Jira has answered it, in any goroutine
}

// newWorld makes an empty one. The changes are to the Jira it has.
func newWorld(t *testing.T, changes ...func(*jirasim.Config)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), email: email, token: token, secret: clientSecret, retries: 2, timeout: 5 * time.Second, logged: &strings.Builder{}}
	config := jirasim.Config{Seed: 1, Email: email, Token: token, BaseURL: "https://acme.atlassian.net"}
	for _, change := range changes {
		change(&config)
	}
	w.jiraPath, w.email = config.ContextPath, config.Email
	w.jira = jirasim.New(config)
	w.jiraURL = serve(t, httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if w.arrives != nil {
			w.arrives(r)
		}
		w.jira.ServeHTTP(answer, r)
		if w.answered != nil {
			w.answered(r)
		}
	})))
	w.newPort()
	return w
}

// newPort gives the world an empty Port.
func (w *world) newPort() {
	w.port = portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret, Log: true})
	w.portURL = serve(w.t, httptest.NewServer(w.port))
	for _, b := range w.blueprints {
		w.port.AddBlueprint(b)
	}
}

// addBlueprint installs one in the world's Port, and in every other that newPort makes.
func (w *world) addBlueprint(text string) {
	w.blueprints = append(w.blueprints, []byte(text))
	w.port.AddBlueprint([]byte(text))
}

// fresh is what Port would hold if a ferry that knows nothing filled an empty Port from this Jira.
func (w *world) fresh() string {
	w.t.Helper()
	other := *w
	other.door = nil
	other.dir, other.database, other.logged = w.t.TempDir(), "", &strings.Builder{}
	other.newPort()
	other.mustSync()
	return other.port.Dump()
}

// right: Port holds what a ferry that knows nothing would make of this Jira.
func (w *world) right() {
	w.t.Helper()
	if diff := cmp.Diff(lines(w.fresh()), lines(w.port.Dump())); diff != "" {
		w.t.Errorf("Port is not as Jira is (-want +got):\n%s", diff)
	}
}

func lines(dump string) []string { return strings.Split(strings.TrimSpace(dump), "\n") }

// resync is how Port was told the last run ended, "" if nothing was since untold.
func (w *world) resync() string {
	w.t.Helper()
	var record struct {
		ResyncState struct{ Status string }
	}
	if raw := w.port.Integration("my-jira"); raw != nil {
		if err := json.Unmarshal(raw, &record); err != nil {
			w.t.Fatal(err)
		}
	}
	return record.ResyncState.Status
}

// untold makes Port forget how the last run ended.
func (w *world) untold() {
	w.port.SetIntegration("my-jira", map[string]any{"resyncState": map[string]any{"status": ""}})
}

// said is what a run tells the user: its error, and what it set aside.
func said(report *daemon.Report, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	if report != nil {
		for _, a := range report.Asides {
			fmt.Fprintf(&b, "%s %s: %s\n", a.About, a.Subject, a.Reason)
		}
	}
	return b.String()
}

func serve(t *testing.T, s *httptest.Server) string {
	t.Cleanup(s.Close)
	return s.URL
}

// clients are fresh clients, as a started process has them.
func (w *world) clients() (*jira.Client, *port.Client) {
	w.t.Helper()
	auth, err := jira.Automatic(w.email, w.token)
	if err != nil {
		w.t.Fatal(err)
	}
	j, err := jira.New(w.jiraURL+w.jiraPath, auth, jira.Config{
		Timeout: w.timeout, Retries: w.retries, RetryBase: time.Millisecond, RetryCap: 10 * time.Millisecond,
		Gateway: w.jiraURL,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.noPort {
		return j, nil
	}
	p, err := port.New(port.Config{
		BaseURL: w.portURL, ClientID: clientID, ClientSecret: w.secret, Type: "jira", Identifier: "my-jira", Version: "1.0.0",
		Timeout: 5 * time.Second, Retries: w.retries, RetryBase: time.Millisecond, RetryCap: 10 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	return j, p
}

// started is a ferry as a process of its own has it, with the store on the disk. What it returns
// beside it ends the process.
func (w *world) started() (*daemon.Sync, func()) {
	w.t.Helper()
	store, err := catalog.Open(w.t.Context(), w.store())
	if err != nil {
		w.t.Fatal(err)
	}
	j, p := w.clients()
	s := &daemon.Sync{
		Jira: j, Port: p, Store: store, AcceptDeletions: w.accept, AcceptAccount: w.account, AcceptSite: w.site,
		Logger: slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if w.mapping != "" {
		s.Mapping, s.MappingName = []byte(w.mapping), "mapping.yaml"
	}
	return s, func() {
		if err := store.Close(); err != nil {
			w.t.Errorf("close the store: %v", err)
		}
	}
}

// sync runs once, as `ferry sync` does.
func (w *world) sync() (*daemon.Report, error) {
	w.t.Helper()
	s, end := w.started()
	defer end()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	report, err := s.Run(ctx)
	w.noSecret(fmt.Sprintf("%v %+v %s", err, report, w.logged.String()))
	return report, err
}

// mustSync runs once and wants everything to be right.
func (w *world) mustSync() *daemon.Report {
	w.t.Helper()
	report, err := w.sync()
	if err != nil {
		w.t.Fatalf("sync: %v", err)
	}
	if report.State != catalog.Completed {
		w.t.Fatalf("sync is %s, want completed; set aside: %v", report.State, report.Asides)
	}
	w.addsUp(report)
	return report
}

// addsUp: the parts of a report's rows are the whole.
func (w *world) addsUp(report *daemon.Report) {
	w.t.Helper()
	for _, k := range report.Kinds {
		if parts := k.Created + k.Updated + k.Unchanged + k.Refused + k.Unsent; parts != k.Mapped {
			w.t.Errorf("%s: created, updated, unchanged, refused and unsent are %d, mapped is %d: %+v", k.Kind, parts, k.Mapped, k)
		}
	}
}

func (w *world) noSecret(text string) {
	w.t.Helper()
	for _, secret := range []string{token, clientSecret, "wrong-token", "wrong-secret"} {
		if strings.Contains(text, secret) {
			w.t.Errorf("a secret was printed: %s", text)
		}
	}
}

// identifiers are those that Port has of a blueprint.
func (w *world) identifiers(blueprint string) []string {
	var ids []string
	for _, e := range w.port.Entities(blueprint) {
		ids = append(ids, e.Identifier)
	}
	slices.Sort(ids)
	return ids
}

// writes are the entities Port was sent and told to delete since the last Forget.
func (w *world) writes() int { return w.port.Upserted() + w.port.Deleted() }

// addIssues makes issues KEY-1 to KEY-n in the project.
func (w *world) addIssues(project string, n int) {
	w.jira.AddProject(jirasim.Project{Key: project, Name: "Project " + project})
	for i := range n {
		w.jira.AddIssue(jirasim.Issue{
			Key: fmt.Sprintf("%s-%d", project, i+1), ProjectKey: project, Summary: fmt.Sprintf("Work %d of %s", i+1, project),
			Type: "Task", Status: "To Do", StatusCategory: "To Do", Priority: "Medium",
		})
	}
}

func kind(report *daemon.Report, name string) daemon.KindReport {
	for _, k := range report.Kinds {
		if k.Kind == name {
			return k
		}
	}
	return daemon.KindReport{}
}

// few are the cases of a table that are run: all of them, or, watched by the race detector, one in
// five.
func few[T any](cases []T) []T {
	if !watched {
		return cases
	}
	var some []T
	for i := 0; i < len(cases); i += 5 {
		some = append(some, cases[i])
	}
	return some
}
