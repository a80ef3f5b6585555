package daemon_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/hooks"
	"ferry/internal/port/portsim"
	"ferry/jira"
	"ferry/jira/jirasim"
)

// read waits until nothing is left that was said of Jira.
func (a *alive) read() {
	a.w.t.Helper()
	a.until("all that was said is read", func() bool {
		s, err := a.daemon.Standing(context.Background())
		return err == nil && s.Catalogue != nil && len(s.Catalogue.Dirty) == 0
	})
}

// hear puts hints down, as a receiver does.
func (a *alive) hear(hints ...catalog.Hint) {
	a.w.t.Helper()
	must(a.w.t, a.database.Inbox().Receive(a.w.t.Context(), time.Now(), hints))
}

// Jira tells of every issue, also of those that our account may not see, and refuses a search that
// names one of them.
func TestEventsOfWhatIsNotSeenCostFewCalls(t *testing.T) {
	t.Parallel()
	for name, mapping := range map[string]string{"one query": issuesOf(`""`), "two queries": second(issuesOf(`""`), "project = PAY")} {
		for name, expect := range map[string]int64{name + ", changed": time.Now().UnixMilli(), name + ", deleted": catalog.ExpectGone, name: 0} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.addIssues("PAY", 5)
				w.addIssues("HID", 100)
				w.jira.HideProject("HID")
				w.mapping = mapping
				w.mustSync()
				a := w.live(seldom())
				a.read()
				w.jira.ForgetRequests()
				hints := []catalog.Hint{{Kind: "issue", ID: fmt.Sprint(w.idOf("PAY-2"))}}
				for i := range 100 {
					hints = append(hints, catalog.Hint{Kind: "issue", ID: fmt.Sprint(w.idOf(fmt.Sprintf("HID-%d", i+1))), Expect: expect})
				}
				a.hear(hints...)
				a.read()
				if n := w.jira.Count(""); n > 60 {
					t.Errorf("%d requests for 100 issues that are not seen, want at most 60", n)
				}
			})
		}
	}
}

// What a person accepts holds for the resync that it was said for.
func TestAcceptedDeletionsAreThoseOfOneRun(t *testing.T) {
	t.Parallel()
	w := newVanishingWorld(t)
	w.accept = true
	a := w.live(often())
	must(t, a.daemon.Resync(t.Context()))
	w.jira.HideProject("APP")
	w.jira.Delete("PAY-3")
	a.hear(catalog.Hint{Kind: "issue", ID: fmt.Sprint(w.idOf("APP-1"))})
	a.until("PAY-3 is gone", func() bool { return !slices.Contains(w.identifiers("jiraIssue"), "PAY-3") })
	time.Sleep(200 * time.Millisecond)
	for _, id := range []string{"APP-1", "APP-12"} {
		if _, there := w.port.Entity("jiraIssue", id); !there {
			t.Errorf("%s is gone, which nobody can see any more", id)
		}
	}
}

// Credentials that become another account's stop no reading, and delete nothing.
func TestAnotherAccountWhileFerryRuns(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, true)
	w.mustSync()
	a := w.live(seldom())
	a.read()
	w.jira.SignInAs("712020:other", "Somebody else")
	gone, done := fmt.Sprint(w.idOf("PAY-4")), fmt.Sprint(w.idOf("PAY-6"))
	w.jira.Delete("PAY-4")
	w.finish("PAY-6")
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	a.hear(catalog.Hint{Kind: "issue", ID: gone}, catalog.Hint{Kind: "issue", ID: done}, catalog.Hint{Kind: "issue", ID: fmt.Sprint(w.idOf("PAY-3"))})
	a.until("PAY-3 is as in Jira", func() bool {
		e, _ := w.port.Entity("jiraIssue", "PAY-3")
		return e.Title == "Refund fails"
	})
	for _, id := range []string{"PAY-4", "PAY-6"} {
		if _, there := w.port.Entity("jiraIssue", id); !there {
			t.Errorf("%s is gone by the word of another account", id)
		}
	}
	a.until("a person is asked", func() bool {
		s, err := a.daemon.Standing(context.Background())
		return err == nil && slices.ContainsFunc(s.Catalogue.Asides, func(g catalog.AsideGroup) bool { return g.About == catalog.AsideDecision })
	})
}

// Only what relates to a key that is no more was read again is the key deleted: else Port would make
// it anew for the sake of a relation that is over.
func TestAFormerKeyWaitsForWhatRelatesToIt(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = second(family(true, true), "project = PAY")
	w.mustSync()
	w.delivers(jirasim.Delivery{})
	a := w.live(seldom())
	a.heard()
	a.read()
	heal := w.jira.Inject(jirasim.Fault{Do: jirasim.PerIssueError, IDs: []int64{w.idOf("PAY-2")}})
	w.jira.Move("PAY-1", "APP")
	time.Sleep(1500 * time.Millisecond)
	heal()
	a.right()
}

// A listing that Jira refuses does not keep the rest from being followed.
func TestARefusedListingStopsNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = second(issuesOf("project = PAY"), "project = NOSUCH")
	a := w.live(often())
	a.until("the first run has ended", func() bool { return a.runs() > 0 })
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	w.jira.Delete("PAY-4")
	a.until("PAY-3 is as in Jira, and PAY-4 gone", func() bool {
		e, _ := w.port.Entity("jiraIssue", "PAY-3")
		_, there := w.port.Entity("jiraIssue", "PAY-4")
		return e.Title == "Refund fails" && !there
	})
}

// Without resyncs too, what was not heard while nobody listened is asked for.
func TestAGapIsClosedWithoutRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = issuesOf("project = PAY")
	schedule := seldom()
	schedule.NoRuns = true
	a := w.live(schedule)
	a.until("it has begun", func() bool {
		newest, _, err := a.daemon.Fresh(context.Background())
		return err == nil && !newest.IsZero()
	})
	must(t, a.stop())
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	a = w.live(schedule)
	a.until("PAY-3 is in Port", func() bool {
		e, _ := w.port.Entity("jiraIssue", "PAY-3")
		return e.Title == "Refund fails"
	})
}

// A person who asks for a resync need not wait for as long as a failed one does.
func TestAResyncIsAskedForAfterOneThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = issuesOf("project = PAY")
	w.mustSync()
	a := w.live(seldom())
	heal := w.jira.Inject(jirasim.Fault{Match: "search", Do: jirasim.ServerError, Status: 503})
	if err := a.daemon.Resync(t.Context()); err == nil {
		t.Fatal("the resync went well without a Jira")
	}
	heal()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.daemon.Resync(ctx); err != nil {
		t.Errorf("a resync that was asked for when Jira was there again: %v", err)
	}
}

// The clocks of replicas differ.
func TestAResyncIsAskedForByAnotherClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = issuesOf("project = PAY")
	w.mustSync()
	a := w.live(seldom())
	must(t, a.database.Inbox().SetMoment(t.Context(), "resync asked for", time.Now().Add(time.Hour)))
	a.until("a run has ended", func() bool { return a.runs() > 0 })
	time.Sleep(2500 * time.Millisecond)
	if n := a.runs(); n != 1 {
		t.Errorf("%d runs for one that was asked for", n)
	}
}

// The net under the webhook has no hole where the webhook was good before it was mended: of what is
// known to be registered, not everything is delivered.
func TestTheNetHasNoHoleWhereTheWebhookWasGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newUnheard(t, jirasim.Config{})
		m.begin()
		defer m.end()
		time.Sleep(3 * time.Hour)
		m.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Not heard" })
		time.Sleep(3 * time.Hour) // the webhook is looked at every hour
		m.daemon.Mended(t.Context(), time.Now())
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if e, _ := m.port.Entity("jiraIssue", "PAY-3"); e.Title != "Not heard" {
			t.Errorf("Port has the title %v, want the one in Jira; it logged\n%s", e.Title, &m.logged)
		}
	})
}

// What Jira's index does not hold yet when changes are asked for after a gap is asked for again, before the
// net would find it.
func TestAGapIsClosedThoughTheIndexLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newUnheard(t, jirasim.Config{IndexLag: time.Minute})
		m.daemon.Schedule.Look = time.Minute
		m.begin()
		defer m.end()
		time.Sleep(3 * time.Hour)
		m.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Not heard" })
		m.daemon.Mended(t.Context(), time.Now())
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if e, _ := m.port.Entity("jiraIssue", "PAY-3"); e.Title != "Not heard" {
			t.Errorf("Port has the title %v, want the one in Jira; it logged\n%s", e.Title, &m.logged)
		}
	})
}

// newUnheard is a site that delivers nothing, although its webhook is right.
func newUnheard(t *testing.T, config jirasim.Config) *month {
	const app, secret = "app-id", "app-secret-51b0"
	config.Seed, config.BaseURL = 1, monthSite
	site := jirasim.New(config)
	site.AddApp(jirasim.App{ClientID: app, ClientSecret: secret})
	store := &memoryTokens{tokens: jira.Tokens{Refresh: site.Consent(app).Refresh}}
	auth, err := jira.OAuth(jira.OAuthConfig{ClientID: app, ClientSecret: secret, Store: store, Transport: site.Hosts()})
	must(t, err)
	m := newMonth(t, site, auth, hooks.Trust{ClientSecrets: []string{secret}})
	m.delivery.Lose = 1
	return m
}

// A store that cannot be written for a while ends nothing.
func TestAStoreThatCannotBeWrittenAtFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = issuesOf("project = PAY")
	w.mustSync()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "catalogue.db"))
	must(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE TRIGGER full BEFORE INSERT ON moment BEGIN SELECT RAISE(FAIL, 'the disk is full'); END`)
	must(t, err)
	_, err = db.Exec(`CREATE TRIGGER fuller BEFORE UPDATE ON integration WHEN NEW.epoch = OLD.epoch BEGIN SELECT RAISE(FAIL, 'the disk is full'); END`)
	must(t, err)
	schedule := seldom()
	schedule.Every = time.Hour
	a := w.live(schedule)
	time.Sleep(500 * time.Millisecond)
	for _, name := range []string{"full", "fuller"} {
		_, err = db.Exec(`DROP TRIGGER ` + name)
		must(t, err)
		time.Sleep(1500 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.daemon.Resync(ctx); err != nil {
		t.Error(err)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

// The grace is one, however many parts of a run wait for Port.
func TestTheEndOfARunIsWithinTheGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.mapping = issuesOf("project = PAY")
	w.mustSync()
	a := w.live(seldom())
	a.read()
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	w.port.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = a.daemon.Resync(ctx) }() // it is cut off
	a.until("Port is sent the change", func() bool { return w.port.Count("POST", "/bulk") > 1 })
	w.port.Inject(portsim.Fault{Hang: true})
	began := time.Now()
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the end took %v, with a grace of 2 s", took)
	}
}
