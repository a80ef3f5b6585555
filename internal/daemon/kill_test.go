package daemon_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
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

// childVariable makes the test binary be a ferry that syncs once: "jira-url port-url dir".
const childVariable = "FERRY_TEST_SYNC"

func TestMain(m *testing.M) {
	if where, ok := os.LookupEnv(childVariable); ok {
		if err := syncAsChild(strings.Fields(where)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func syncAsChild(where []string) error {
	ctx := context.Background()
	auth, err := jira.Automatic(email, token)
	if err != nil {
		return err
	}
	j, err := jira.New(where[0], auth, jira.Config{})
	if err != nil {
		return err
	}
	p, err := port.New(port.Config{BaseURL: where[1], ClientID: clientID, ClientSecret: clientSecret, Type: "jira", Identifier: "my-jira", Version: "1.0.0"})
	if err != nil {
		return err
	}
	store, err := catalog.Open(ctx, catalog.Config{Dir: where[2], Integration: "my-jira"})
	if err != nil {
		return err
	}
	defer store.Close()
	report, err := (&daemon.Sync{Jira: j, Port: p, Store: store}).Run(ctx)
	if err == nil && report.State != catalog.Completed {
		err = fmt.Errorf("sync is %s: %v", report.State, report.Asides)
	}
	return err
}

// child starts a sync in a process of its own.
func (w *world) child() *exec.Cmd {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{w.jiraURL, w.portURL, w.dir}, " "))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

// TestKilledSyncEndsRight kills syncs with SIGKILL at random moments, while people work in Jira
// between them, and lets the last one finish. Then the catalogue and Port must be what a sync
// that was never killed makes of the same Jira.
func TestKilledSyncEndsRight(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FERRY_TEST_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatalf("FERRY_TEST_SEED is %q, should be a number", text)
		}
	}
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	if text := os.Getenv("FERRY_TEST_ROUNDS"); text != "" {
		if _, err := fmt.Sscan(text, &rounds); err != nil {
			t.Fatalf("FERRY_TEST_ROUNDS is %q, should be a number", text)
		}
	}
	for round := range rounds {
		killAndCompare(t, seed+uint64(round))
	}
}

func killAndCompare(t *testing.T, seed uint64) {
	t.Logf("FERRY_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 9))
	w := slowWorld(t, seed)
	w.addIssues("PAY", 400)
	w.addIssues("APP", 150)
	whole := w.timeOfSync(random)
	for range 6 {
		child := w.child()
		time.Sleep(time.Duration(random.Int64N(int64(whole))))
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		w.workInJira(random)
	}
	if err := w.child().Wait(); err != nil {
		t.Fatalf("the last sync: %v", err)
	}
	w.comparesWithFresh(seed)
}

// slowWorld answers slowly enough for a kill to find every stage of a sync.
func slowWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, dir: t.TempDir(), token: token, secret: clientSecret, retries: 2, timeout: 5 * time.Second}
	w.jira = jirasim.New(jirasim.Config{Seed: seed, Email: email, Token: token, BaseURL: "https://acme.atlassian.net", Latency: 3 * time.Millisecond})
	w.port = portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret, Latency: 3 * time.Millisecond})
	w.jiraURL, w.portURL = serve(t, httptest.NewServer(w.jira)), serve(t, httptest.NewServer(w.port))
	return w
}

// timeOfSync is about what a whole first sync takes here, the start of the process included.
func (w *world) timeOfSync(random *rand.Rand) time.Duration {
	w.t.Helper()
	fresh := slowWorld(w.t, random.Uint64())
	fresh.jira, fresh.jiraURL = w.jira, w.jiraURL
	started := time.Now()
	if err := fresh.child().Wait(); err != nil {
		w.t.Fatalf("a sync that is not killed: %v", err)
	}
	return time.Since(started)
}

// workInJira retitles, deletes and adds some issues.
func (w *world) workInJira(random *rand.Rand) {
	for range 20 {
		w.jira.Update(fmt.Sprintf("PAY-%d", 1+random.IntN(400)), func(i *jirasim.Issue) { i.Summary = fmt.Sprintf("Retitled %d", random.Uint32()) })
	}
	for range 3 {
		w.jira.Delete(fmt.Sprintf("PAY-%d", 1+random.IntN(400)))
		w.jira.AddIssue(jirasim.Issue{ProjectKey: "APP", Summary: fmt.Sprintf("Added %d", random.Uint32()), Type: "Task", Status: "To Do", StatusCategory: "To Do"})
	}
	w.jira.Move(fmt.Sprintf("PAY-%d", 1+random.IntN(400)), "APP")
}

// comparesWithFresh: what we have is what a new ferry, a new store and a new Port have.
func (w *world) comparesWithFresh(seed uint64) {
	w.t.Helper()
	fresh := slowWorld(w.t, seed)
	fresh.jira, fresh.jiraURL = w.jira, w.jiraURL
	if err := fresh.child().Wait(); err != nil {
		w.t.Fatalf("a fresh sync: %v", err)
	}
	if diff := cmp.Diff(content(fresh.port), content(w.port)); diff != "" {
		w.t.Errorf("seed %d: Port differs from a fresh one (-fresh +ours):\n%s", seed, diff)
	}
	if diff := cmp.Diff(fresh.bodies(), w.bodies()); diff != "" {
		w.t.Errorf("seed %d: the catalogue differs from a fresh one (-fresh +ours):\n%s", seed, diff)
	}
}

// content is what Port holds of the blueprints that are mapped, without its own times.
func content(p *portsim.Server) map[string]portsim.Entity {
	all := map[string]portsim.Entity{}
	for _, blueprint := range []string{"jiraProject", "jiraIssue"} {
		for _, e := range p.Entities(blueprint) {
			e.Created, e.Updated = time.Time{}, time.Time{}
			all[blueprint+" "+e.Identifier] = e
		}
	}
	return all
}

// bodies are what the catalogue says each entity should be.
func (w *world) bodies() map[string]string {
	w.t.Helper()
	store, err := catalog.Open(w.t.Context(), catalog.Config{Dir: w.dir, Integration: "my-jira"})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	bodies := map[string]string{}
	for id := range content(w.port) {
		blueprint, identifier, _ := strings.Cut(id, " ")
		body, err := store.Body(w.t.Context(), blueprint, identifier)
		if err != nil {
			w.t.Fatal(err)
		}
		bodies[id] = string(body)
	}
	return bodies
}
