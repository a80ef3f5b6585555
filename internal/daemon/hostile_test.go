package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/internal/catalog"
	"ferry/jira/jirasim"
)

const acme, renamed = "https://acme.atlassian.net", "https://acme-renamed.atlassian.net"

// anotherJira puts a site with another address, the same accounts and ids that begin at the same
// number in the place of the world's.
func (w *world) anotherJira(baseURL, project string, issues int) {
	w.jira = jirasim.New(jirasim.Config{Seed: 1, Email: email, Token: token, BaseURL: baseURL})
	w.addIssues(project, issues)
}

// The ids of another site mean other things.
func TestAnotherSiteIsNotReadIntoTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 20)
	w.mapping = issuesOf(`""`)
	w.mustSync()
	before, bodies := w.port.Dump(), fmt.Sprint(w.bodies())
	acmes, first := w.jira, w.idOf("PAY-1")
	w.anotherJira(renamed, "SBX", 20)
	if other := w.idOf("SBX-1"); other != first {
		t.Fatalf("SBX-1 has id %d, want PAY-1's: %d", other, first)
	}
	for range 2 {
		report, err := w.sync()
		told := said(report, err)
		for _, want := range []string{acme, renamed, "--accept-site"} {
			if err == nil || !strings.Contains(told, want) {
				t.Errorf("sync says %q, want an error with %q", told, want)
			}
		}
		if got := w.port.Dump(); got != before || w.resync() != "failed" {
			t.Errorf("Port was told %q and changed, want failed and nothing:\n%s", w.resync(), diffLines(before, got))
		}
	}
	if got := fmt.Sprint(w.bodies()); got != bodies {
		t.Errorf("the catalogue has %s, want %s", got, bodies)
	}
	w.jira = acmes
	wrote := w.writes()
	w.mustSync()
	if n := w.writes() - wrote; n != 0 {
		t.Errorf("back at the store's own site %d entities were written, want none", n)
	}
	w.right()
}

func TestASiteThatWasRenamedIsAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 20)
	w.mapping = issuesOf(`""`)
	w.mustSync()
	w.anotherJira(renamed, "PAY", 20)
	w.jira.Delete("PAY-3")
	if _, err := w.sync(); err == nil {
		t.Error("before it is accepted, sync gives no error")
	}
	w.site = true
	w.mustSync()
	w.right()
	w.site = false
	w.jira.Delete("PAY-4")
	w.mustSync()
	w.right()
}

func (w *world) idOf(key string) int64 {
	w.t.Helper()
	i, there := w.jira.Issue(key)
	if !there {
		w.t.Fatalf("Jira has no %s", key)
	}
	return i.ID
}

// Whose a store is is known from the first thing that is read into it.
func TestAFirstRunThatFailedIsNotFinishedByAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 250)
	w.mapping = issuesOf(`""`)
	w.jira.Inject(jirasim.Fault{Match: bulkfetch, After: 1, Do: jirasim.ServerError, Status: 503})
	w.jira.Inject(jirasim.Fault{Match: bulkfetch, After: 1, Do: jirasim.Hang, For: 300 * time.Millisecond}) // what came first is delivered meanwhile
	if report, err := w.sync(); err == nil {
		t.Fatalf("the first run is %+v, want it to fail", report)
	}
	before := w.identifiers("jiraIssue")
	if len(before) == 0 || len(before) == 250 {
		t.Fatalf("the first run delivered %d issues, want some and not all", len(before))
	}
	w.jira.Heal()
	w.jira.SignInAs("712020:other", "Somebody else")
	for _, key := range before[1:] {
		w.jira.Update(key, func(i *jirasim.Issue) { i.Hidden = true })
	}
	report, err := w.sync()
	if told := said(report, err); err != nil || report.State != catalog.Partial || !strings.Contains(told, "--accept-account") {
		t.Errorf("sync is %+v, and says %q, want partial for the account", report, told)
	}
	for _, key := range before {
		if _, there := w.port.Entity("jiraIssue", key); !there {
			t.Errorf("%s is gone from Port", key)
		}
	}
}

// brackets is a value nested so deep.
func brackets(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

// What one issue is like, or makes, is no trouble for the others.
func TestAnIssueOfAHostileShapeIsSetAside(t *testing.T) {
	t.Parallel()
	const parse = `      itemsToParse: 'if .key == "PAY-2" then [range(40000)] else [0] end'` + "\n"
	cases := []struct {
		name         string
		mapping      string
		spoil        func(w *world)
		says         string
		setAsideOnly string
	}{
		{"nested 600 deep", strings.Replace(issuesOf(`""`), "status: .fields.status.name", "status: .fields.customfield_1 | tojson", 1), func(w *world) {
			w.jira.Update("PAY-2", func(i *jirasim.Issue) {
				i.Raw = json.RawMessage(fmt.Sprintf(`{"id":"%d","key":"PAY-2","fields":{"summary":"Deep","customfield_1":%s}}`, i.ID, brackets(600)))
			})
		}, "nested more than 512 deep", "PAY-2"},
		{"40,000 entities", strings.Replace(strings.Replace(issuesOf(`""`), "    port:\n", "    port:\n"+parse, 1), "identifier: .key", `identifier: .key + "-" + (.item | tostring)`, 1), func(*world) {},
			"10000", "PAY-2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addIssues("PAY", 25)
			w.mapping = c.mapping
			c.spoil(w)
			report, err := w.sync()
			told := said(report, err)
			if err != nil || report.State != catalog.Partial || report.AsideTotal != 1 {
				t.Fatalf("sync is %+v, and says %.300q, want partial with one set aside", report, told)
			}
			if id := fmt.Sprint(w.idOf(c.setAsideOnly)); !strings.Contains(told, "item "+id) || !strings.Contains(told, c.says) {
				t.Errorf("sync says %.300q, want %s set aside because of %q", told, id, c.says)
			}
			if n := w.port.Len("jiraIssue"); n != 24 {
				t.Errorf("Port has %d issues, want the other 24", n)
			}
		})
	}
}

// forbidDeparted answers 403 to what Jira is asked about projects that were deleted or archived.
func (w *world) forbidDeparted() {
	w.jiraURL = serve(w.t, httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, listing) && r.URL.Query().Has("status") {
			answer.Header().Set("Content-Type", "application/json")
			answer.WriteHeader(http.StatusForbidden)
			fmt.Fprint(answer, `{"errorMessages":["You may not see archived projects"]}`)
			return
		}
		w.jira.ServeHTTP(answer, r)
	})))
}

// An account that may not be told which projects were deleted is not proof either way.
func TestAHiddenProjectWaitsWhereJiraWillNotSayThatItIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forbidDeparted()
	w.addIssues("PAY", 12)
	w.addIssues("APP", 5)
	w.mapping = issuesOf(`""`)
	w.mustSync()
	w.jira.HideProject("APP")
	w.jira.Delete("PAY-3")
	report, err := w.sync()
	told := said(report, err)
	for _, want := range []string{"decision", "such as APP-", "would not say", "403", "--accept-deletions"} {
		if err != nil || report.State != catalog.Partial || !strings.Contains(told, want) {
			t.Errorf("sync is %+v, and says %q, want partial and %q", report, told, want)
		}
	}
	ids := w.identifiers("jiraIssue")
	if slices.Contains(ids, "PAY-3") || !slices.Contains(ids, "APP-1") || len(ids) != 16 {
		t.Errorf("Port has %v, want only PAY-3 gone", ids)
	}
	w.jira.ShowProject("APP")
	w.mustSync()
	w.right()
}

// Nothing is set up for credentials that lead nowhere.
func TestAFreshInstallWithRefusedCredentialsLeavesPortEmpty(t *testing.T) {
	t.Parallel()
	for _, mapping := range []string{"", issuesOf(`""`)} {
		w := newWorld(t)
		w.addIssues("PAY", 3)
		w.mapping, w.token = mapping, "wrong-token"
		if report, err := w.sync(); err == nil || report != nil || !strings.Contains(err.Error(), "check the e-mail and the API token") {
			t.Errorf("sync is %+v, %v, want an error about the token", report, err)
		}
		if raw, blueprints := w.port.Integration("my-jira"), w.port.Blueprints(); raw != nil || len(blueprints) > 0 {
			t.Errorf("Port has integration %s and blueprints %v, want neither", raw, blueprints)
		}
	}
}
