package daemon_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/catalog/postgrestest"
	"ferry/internal/daemon"
	"ferry/internal/hooks"
	"ferry/jira"
	"ferry/jira/jirasim"
)

// hookSecret signs what the simulated Jira delivers.
const hookSecret = "hook-secret-8a1c"

// alive is a running ferry.
type alive struct {
	w        *world
	daemon   *daemon.Daemon
	database *catalog.Database
	stop     func() error // and wait for its end

	mu      sync.Mutex
	reports []*daemon.Report
	changes []daemon.Change
	lags    []time.Duration
}

// often lets everything that is periodic come soon.
func often() daemon.Schedule {
	const soon = 20 * time.Millisecond
	return daemon.Schedule{NoStart: true, Watch: soon, Polled: soon, Net: soon, Sweep: soon, SweepPolled: soon}
}

// seldom leaves everything to webhooks.
func seldom() daemon.Schedule {
	return daemon.Schedule{NoStart: true, Watch: time.Hour, Polled: time.Hour, Net: time.Hour, Sweep: time.Hour, SweepPolled: time.Hour}
}

// live starts a ferry that goes on until it is stopped, or the test ends.
func (w *world) live(schedule daemon.Schedule, changes ...func(*daemon.Daemon)) *alive {
	w.t.Helper()
	database, err := catalog.Connect(w.t.Context(), w.store())
	if err != nil {
		w.t.Fatal(err)
	}
	j, p := w.clients()
	a := &alive{w: w, database: database}
	a.daemon = &daemon.Daemon{
		Sync: daemon.Sync{
			Jira: j, Port: p, Lag: a.lag, Grace: 2 * time.Second, AcceptDeletions: w.accept, AcceptAccount: w.account, AcceptSite: w.site,
			Logger: slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		},
		Database: database, Schedule: schedule,
		Ran: a.ran, Changed: a.changed,
	}
	if w.mapping != "" {
		a.daemon.Mapping, a.daemon.MappingName = []byte(w.mapping), "mapping.yaml"
	}
	for _, change := range changes {
		change(a.daemon)
	}
	unhook := func() {}
	if w.door != nil {
		unhook = w.hooked(a.daemon)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.daemon.Run(ctx) }()
	a.stop = sync.OnceValue(func() error {
		unhook()
		cancel()
		err := <-ended
		if e := database.Close(); e != nil {
			w.t.Errorf("close the database: %v", e)
		}
		return err
	})
	w.t.Cleanup(func() { _ = a.stop() })
	return a
}

// store is where the world's catalogue is.
func (w *world) store() catalog.Config {
	return catalog.Config{URL: w.database, Dir: w.dir, Integration: "my-jira"}
}

// onBoth runs a test on a SQLite file and on a PostgreSQL server, if there is one.
func onBoth(t *testing.T, test func(t *testing.T, place func(*world))) {
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, func(*world) {}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := postgrestest.Schema(t)
		test(t, func(w *world) { w.database = url })
	})
}

func (a *alive) ran(r *daemon.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reports = append(a.reports, r)
}

func (a *alive) changed(c daemon.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, c)
}

func (a *alive) lag(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lags = append(a.lags, d)
}

func (a *alive) runs() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.reports)
}

// until waits for something to become so, and fails the test if it does not.
func (a *alive) until(what string, so func() bool) {
	a.w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if so() {
			return
		}
	}
	a.w.t.Fatalf("%s: not so after 20 s; it logged\n%s", what, a.w.logged)
}

// right: Port comes to hold what a ferry that knows nothing would make of this Jira, which is quiet
// by now.
func (a *alive) right() {
	a.w.t.Helper()
	want := a.w.fresh()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := a.w.port.Dump()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			a.w.t.Fatalf("Port is not as Jira is (-want +got):\n%s\nit logged\n%s", cmp.Diff(lines(want), lines(got)), a.w.logged)
		}
	}
}

// door is the address at which Jira reaches a world's ferry, whichever runs.
type door struct {
	mu       sync.Mutex
	receiver http.Handler // nil: nobody is there
	refused  []int        // what a receiver answered and Jira will not take for taken
}

func (d *door) let(receiver http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.receiver = receiver
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	receiver := d.receiver
	d.mu.Unlock()
	if receiver == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		d.mu.Lock()
		d.refused = append(d.refused, answer.Code)
		d.mu.Unlock()
	}
	w.WriteHeader(answer.Code)
}

// delivers lets Jira deliver for as long as the test lasts.
func (w *world) delivers(delivery jirasim.Delivery) {
	w.door = &door{}
	server := httptest.NewServer(w.door)
	w.hookURL = server.URL
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := w.jira.Deliver(ctx, delivery); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { cancel(); group.Wait(); server.Close() })
}

// hooked lets a ferry hear what Jira delivers, which it registers for.
func (w *world) hooked(d *daemon.Daemon) (unhook func()) {
	trust := hooks.Trust{Secrets: []string{hookSecret}}
	receiver := hooks.NewReceiver(d.Database.Inbox(), hooks.ReceiverConfig{Trust: trust, Logger: d.Logger})
	registrar := hooks.NewRegistrar(d.Jira, receiver, hooks.RegistrarConfig{
		Identifier: "my-jira", BaseURL: w.hookURL, Trust: trust,
		Mended: d.Mended, Logger: d.Logger,
	})
	d.Webhook = daemon.Webhook{
		Keep: registrar.Run,
		Hears: func(kind string) bool {
			s := registrar.State()
			return s.Live && (s.Outcome.Family == jira.FamilyAdmin || kind == "issue")
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { receiver.Run(ctx) })
	w.door.let(receiver)
	return func() { w.door.let(nil); cancel(); group.Wait() }
}

// heard waits until Jira has a webhook.
func (a *alive) heard() {
	a.w.t.Helper()
	a.until("Jira has a webhook", func() bool { return len(a.w.jira.Webhooks()) > 0 })
}

func TestWhatChangesIsLiveByWebhooks(t *testing.T) { onBoth(t, testLiveByWebhooks) }

func testLiveByWebhooks(t *testing.T, place func(*world)) {
	w := newFamily(t)
	place(w)
	w.mapping = family(true, true)
	w.mustSync()
	w.delivers(jirasim.Delivery{})
	a := w.live(seldom())
	a.heard()
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	w.jira.Delete("PAY-4")
	w.jira.Move("PAY-2", "APP")
	w.finish("PAY-6")
	w.jira.AddIssue(jirasim.Issue{Key: "PAY-70", ProjectKey: "PAY", Summary: "Made just now", Type: "Task", Status: "To Do", StatusCategory: "To Do"})
	a.right()
	if a.runs() > 0 {
		t.Errorf("%d runs made it right, want webhooks alone", a.runs())
	}
	if len(a.lags) == 0 || slices.Max(a.lags) > 10*time.Second {
		t.Errorf("the lags of %d changes are %v", len(a.lags), a.lags)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	w.noSecret(w.logged.String())
}

func TestWhatChangesIsFollowedWithoutWebhooks(t *testing.T) {
	t.Parallel()
	for name, at := range map[string][]func(*jirasim.Config){"Cloud": nil, "Data Center": {dataCenter}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFamily(t, at...)
			w.mapping = family(true, true)
			w.mustSync()
			a := w.live(often())
			w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
			w.jira.Delete("PAY-4")
			w.jira.Move("PAY-2", "APP")
			w.finish("PAY-6")
			a.right()
		})
	}
}

// A catch-up proves as much as a run before anything goes.
func TestNothingOfAHiddenProjectIsDeleted(t *testing.T) {
	t.Parallel()
	w := newVanishingWorld(t)
	a := w.live(often())
	w.jira.HideProject("APP")
	w.jira.Delete("PAY-3")
	a.until("PAY-3 is gone", func() bool { return !slices.Contains(w.identifiers("jiraIssue"), "PAY-3") })
	if ids := w.identifiers("jiraIssue"); !slices.Contains(ids, "APP-1") || !slices.Contains(ids, "APP-12") {
		t.Errorf("Port has %v, want APP's issues among them", ids)
	}
	w.jira.ShowProject("APP")
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	w.mustSync()
	w.right()
}

func TestAnEmptyStoreIsFilledAtTheStart(t *testing.T) { onBoth(t, testEmptyStore) }

func testEmptyStore(t *testing.T, place func(*world)) {
	w := newFamily(t)
	place(w)
	w.mapping = family(true, true)
	a := w.live(seldom())
	a.right()
	a.until("the run is told of", func() bool { return a.runs() == 1 })
	if got := a.reports[0]; got.State != catalog.Completed {
		t.Errorf("the run is %s: %v", got.State, got.Asides)
	}
}

func TestAResyncThatIsAskedForIsOneForAll(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, true)
	w.mustSync()
	a := w.live(seldom())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := a.daemon.Resync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := a.runs(); n < 1 || n > 3 {
		t.Errorf("%d runs for 20 who asked at once, want one or two", n)
	}
}

func TestAChangedMappingIsAppliedWithoutARestart(t *testing.T) { onBoth(t, testChangedMapping) }

func testChangedMapping(t *testing.T, place func(*world)) {
	w := newWorld(t)
	place(w)
	w.addIssues("PAY", 3)
	schedule := often()
	schedule.Polled, schedule.SweepPolled = time.Hour, time.Hour
	a := w.live(schedule)
	a.until("the first run has ended", func() bool { return a.runs() == 1 })
	w.port.SetIntegration("my-jira", map[string]any{"config": map[string]any{
		"createMissingRelatedEntities": true, "deleteDependentEntities": true, "entityDeletionThreshold": 1,
		"resources": []any{map[string]any{
			"kind": "issue", "selector": map[string]any{"query": "true", "jql": "project = PAY"},
			"port": map[string]any{"entity": map[string]any{"mappings": map[string]any{
				"identifier": ".key", "blueprint": `"jiraIssue"`, "title": `"Changed " + .key`,
			}}},
		}},
	}})
	a.until("the new mapping was run", func() bool { return a.runs() == 2 })
	for _, e := range w.port.Entities("jiraIssue") {
		if want := "Changed " + e.Identifier; e.Title != want {
			t.Errorf("Port has %s with the title %s, want %s", e.Identifier, e.Title, want)
		}
	}
}

// A mapping that somebody broke in Port must not stop a ferry that starts: the last good one is known.
func TestAMappingBrokenInPortIsOutlived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 3)
	first := w.live(seldom())
	first.until("the first run has ended", func() bool { return first.runs() == 1 })
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	w.port.SetIntegration("my-jira", map[string]any{"config": map[string]any{"resources": "none"}})
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Changed under the last mapping" })
	second := w.live(often())
	second.until("the change is in Port", func() bool {
		e, _ := w.port.Entity("jiraIssue", "PAY-2")
		return e.Title == "Changed under the last mapping"
	})
}
