package daemon_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

// A trouble hurts the second of three runs. Between the first and the second an issue is
// retitled, one is deleted and one is made; before the third everything is healed.
type trouble struct {
	name  string
	hurt  func(w *world)
	says  []string      // what the user must be told, in this order
	fails bool          // the run ends with an error
	state catalog.State // of the report; "" if there is none
	port  string        // what Port is told, "" if it cannot be told
}

const (
	searching = "/rest/api/3/search/jql"
	bulkfetch = "/rest/api/3/issue/bulkfetch"
	listing   = "/rest/api/3/project/search"
)

func ofJira(f jirasim.Fault) func(*world) { return func(w *world) { w.jira.Inject(f) } }

func ofPort(f portsim.Fault) func(*world) { return func(w *world) { w.port.Inject(f) } }

// upserting matches what carries entities to Port.
func upserting(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/entities/bulk") }

func jiraTroubles() []trouble {
	const token, account = "check the e-mail and the API token", "check what this account"
	return []trouble{
		{"dead token", ofJira(jirasim.Fault{Do: jirasim.DeadToken}), []string{token}, true, "", "failed"},
		{"wrong token", func(w *world) { w.token = "wrong-token" }, []string{token}, true, "", "failed"},
		{"401 everywhere", ofJira(jirasim.Fault{Do: jirasim.Unauthorized}), []string{"401", token}, true, "", "failed"},
		{"token dies before the sweep", ofJira(jirasim.Fault{Match: searching, Do: jirasim.DeadToken}), []string{token}, true, catalog.Failed, "failed"},
		{"token dies in the sweep", ofJira(jirasim.Fault{Match: searching, After: 1, Do: jirasim.DeadToken}), []string{token}, true, catalog.Failed, "failed"},
		{"token dies before the reads", ofJira(jirasim.Fault{Match: bulkfetch, Do: jirasim.DeadToken}), []string{token}, true, catalog.Failed, "failed"},
		{"token dies in the reads", ofJira(jirasim.Fault{Match: bulkfetch, After: 1, Do: jirasim.Unauthorized}), []string{token}, true, catalog.Failed, "failed"},
		{"token dies before a deletion is proved", ofJira(jirasim.Fault{Match: "/rest/api/3/myself", After: 2, Do: jirasim.Unauthorized}), []string{"401", token}, true, catalog.Failed, "failed"},
		{"token dies before the projects", ofJira(jirasim.Fault{Match: listing, Do: jirasim.DeadToken}), []string{token}, true, catalog.Failed, "failed"},
		{"403 on the search", ofJira(jirasim.Fault{Match: searching, Do: jirasim.Forbidden}), []string{"403", account}, true, catalog.Failed, "failed"},
		{"403 on the reads", ofJira(jirasim.Fault{Match: bulkfetch, Do: jirasim.Forbidden}), []string{"403", account}, true, catalog.Failed, "failed"},
		{"403 on the projects", ofJira(jirasim.Fault{Match: listing, Do: jirasim.Forbidden}), []string{"403", account}, true, catalog.Failed, "failed"},
		{"HTML with 200", ofJira(jirasim.Fault{Do: jirasim.HTML}), []string{"Jira"}, true, "", "failed"},
		{"HTML with 200 for the sweep", ofJira(jirasim.Fault{Match: searching, Do: jirasim.HTML}), []string{"Jira"}, true, catalog.Failed, "failed"},
		{"HTML with 503 for ever", ofJira(jirasim.Fault{Match: bulkfetch, Do: jirasim.ServerError, Status: 503, HTML: true}), []string{"503"}, true, catalog.Failed, "failed"},
		{"HTML with 503 for a while", ofJira(jirasim.Fault{Match: bulkfetch, Times: 2, Do: jirasim.ServerError, Status: 503, HTML: true}), nil, false, catalog.Completed, "completed"},
		{"500 for ever", ofJira(jirasim.Fault{Match: searching, Do: jirasim.ServerError}), []string{"500"}, true, catalog.Failed, "failed"},
		{"500 for a while", ofJira(jirasim.Fault{Match: searching, Times: 2, Do: jirasim.ServerError}), nil, false, catalog.Completed, "completed"},
		{"429 for ever", ofJira(jirasim.Fault{Match: searching, Do: jirasim.Throttle}), []string{"slow down"}, true, catalog.Failed, "failed"},
		{"429 that asks for an hour", ofJira(jirasim.Fault{Match: searching, Do: jirasim.Throttle, RetryAfter: "3600"}), []string{"slow down", "1h0m0s"}, true, catalog.Failed, "failed"},
		{"429 for a while", ofJira(jirasim.Fault{Times: 2, After: 2, Do: jirasim.Throttle}), nil, false, catalog.Completed, "completed"},
		{"429 with a wait", ofJira(jirasim.Fault{Match: bulkfetch, Times: 1, Do: jirasim.Throttle, RetryAfter: "1", Reason: "jira-burst-based"}), nil, false, catalog.Completed, "completed"},
		{"429 as a page", ofJira(jirasim.Fault{Match: searching, Times: 1, Do: jirasim.Throttle, HTML: true}), nil, false, catalog.Completed, "completed"},
		{"an empty page with a token", ofJira(jirasim.Fault{Times: 1, Do: jirasim.EmptyPageWithToken}), nil, false, catalog.Completed, "completed"},
		{"a repeated token", ofJira(jirasim.Fault{Do: jirasim.RepeatToken}), []string{"page"}, true, catalog.Failed, "failed"},
		{"a search in the shape of the removed API", ofJira(jirasim.Fault{Match: searching, Do: jirasim.OldShape}), []string{searching}, true, catalog.Failed, "failed"},
		{"projects in the shape of a proxy", ofJira(jirasim.Fault{Match: listing, Do: jirasim.OldShape}), []string{listing}, true, catalog.Failed, "failed"},
		{"a redirect", ofJira(jirasim.Fault{Match: searching, Do: jirasim.Redirect, Location: "https://id.example.com/login"}), []string{searching}, true, catalog.Failed, "failed"},
		{"a cut body for a while", ofJira(jirasim.Fault{Match: bulkfetch, Times: 1, Do: jirasim.Cut}), nil, false, catalog.Completed, "completed"},
		{"a cut body for ever", ofJira(jirasim.Fault{Match: bulkfetch, Do: jirasim.Cut}), []string{bulkfetch}, true, catalog.Failed, "failed"},
		{"a cut page of projects for ever", ofJira(jirasim.Fault{Match: listing, Do: jirasim.Cut}), []string{listing}, true, catalog.Failed, "failed"},
		{"no answer in time", func(w *world) {
			w.timeout, w.retries = 300*time.Millisecond, 1
			w.jira.Inject(jirasim.Fault{Match: bulkfetch, Do: jirasim.Hang})
		}, []string{bulkfetch}, true, catalog.Failed, "failed"},
		{"no answer once", func(w *world) {
			w.timeout = time.Second
			w.jira.Inject(jirasim.Fault{Match: bulkfetch, Times: 1, Do: jirasim.Hang})
		}, nil, false, catalog.Completed, "completed"},
		{"one issue cannot be read for a while", ofJira(jirasim.Fault{Times: 1, Do: jirasim.PerIssueError}), nil, false, catalog.Completed, "completed"},
		{"one issue cannot be read", func(w *world) {
			i, _ := w.jira.Issue("PAY-2")
			w.jira.Inject(jirasim.Fault{Do: jirasim.PerIssueError, IDs: []int64{i.ID}})
		}, []string{"it stays as it was"}, false, catalog.Partial, "completed"},
		{"issues lost from the index", func(w *world) {
			var ids []int64
			for n := 4; n < 12; n++ {
				i, _ := w.jira.Issue(fmt.Sprintf("PAY-%d", n))
				ids = append(ids, i.ID)
			}
			w.jira.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: ids})
		}, nil, false, catalog.Completed, "completed"},
		{"a walk that ends early", ofJira(jirasim.Fault{Times: 1, Do: jirasim.ShortWalk}), nil, false, "", "completed"},
		{"an index that is behind", ofJira(jirasim.Fault{Do: jirasim.StaleIndex}), nil, false, catalog.Completed, "completed"},
		{"another account", func(w *world) { w.jira.SignInAs("712020:other", "Somebody else") }, []string{"--accept-account"}, false, catalog.Partial, "failed"},
	}
}

func portTroubles() []trouble {
	const secret = "OCEAN__PORT__CLIENT_SECRET"
	return []trouble{
		{"wrong secret", func(w *world) { w.secret = "wrong-secret" }, []string{secret}, true, "", ""},
		{"401 for the token", ofPort(portsim.Fault{Match: portsim.On("POST", "/auth/access_token"), Status: 401}), []string{secret}, true, "", ""},
		{"401 for every call", ofPort(portsim.Fault{Match: func(r *http.Request) bool { return !strings.Contains(r.URL.Path, "/auth/") }, Status: 401}), []string{"401"}, true, "", ""},
		{"401 for every bulk", ofPort(portsim.Fault{Match: upserting, Status: 401}), []string{"401"}, true, catalog.Failed, "failed"},
		{"401 once", ofPort(portsim.Fault{Match: upserting, Times: 1, Status: 401}), nil, false, catalog.Completed, "completed"},
		{"403 for every bulk", ofPort(portsim.Fault{Match: upserting, Status: 403}), []string{"403"}, true, catalog.Failed, "failed"},
		{"422 for every bulk", ofPort(portsim.Fault{Match: upserting, Status: 422}), []string{"Port refused it"}, false, catalog.Partial, "completed"},
		{"422 for one bulk", ofPort(portsim.Fault{Match: upserting, Times: 1, Status: 422}), nil, false, "", "completed"},
		{"413 for every bulk", ofPort(portsim.Fault{Match: upserting, Status: 413}), []string{"larger than Port takes"}, false, catalog.Partial, "completed"},
		{"413 for one bulk", ofPort(portsim.Fault{Match: upserting, Times: 1, Status: 413}), nil, false, "", "completed"},
		{"429 with a wait", ofPort(portsim.Fault{Match: upserting, Times: 1, Status: 429, Header: http.Header{"Retry-After": {"1"}}}), nil, false, catalog.Completed, "completed"},
		{"429 for ever", ofPort(portsim.Fault{Match: upserting, Status: 429}), []string{"429"}, true, catalog.Failed, "failed"},
		{"503 for a while", ofPort(portsim.Fault{Times: 2, After: 3}), nil, false, catalog.Completed, "completed"},
		{"503 for every bulk", ofPort(portsim.Fault{Match: upserting}), []string{"503"}, true, catalog.Failed, "failed"},
		{"503 for everything", ofPort(portsim.Fault{}), []string{"503"}, true, "", ""},
		{"503 for deletions", ofPort(portsim.Fault{Match: portsim.On("POST", "/entities/delete")}), []string{"delete from Port", "503"}, true, catalog.Failed, "failed"},
		{"503 for the audit", ofPort(portsim.Fault{Match: portsim.On("POST", "/datasource-entities")}), []string{"compare with what Port holds"}, true, catalog.Failed, "failed"},
		{"500 for every bulk", ofPort(portsim.Fault{Match: upserting, Status: 500}), []string{"500"}, true, catalog.Failed, "failed"},
		{"500 that did the work", ofPort(portsim.Fault{Match: upserting, Status: 500, Late: true, Times: 1}), nil, false, catalog.Completed, "completed"},
		{"a deletion whose answer is lost", ofPort(portsim.Fault{Match: portsim.On("POST", "/entities/delete"), Status: 502, Late: true}), []string{"502"}, true, catalog.Failed, "failed"},
		{"HTML", ofPort(portsim.Fault{Match: upserting, Status: 200, Body: "<html>Sign in</html>"}), []string{"/entities/bulk"}, true, catalog.Failed, "failed"},
		{"HTML for everything", ofPort(portsim.Fault{Status: 200, Body: "<html>Sign in</html>"}), []string{"Port"}, true, "", ""},
		{"404 as a page", ofPort(portsim.Fault{Match: upserting, Status: 404, Body: "<html>Nothing here</html>"}), []string{"404"}, true, catalog.Failed, "failed"},
		{"a cut answer for a while", ofPort(portsim.Fault{Match: upserting, Times: 1, Status: 200, Cut: true, Body: `{"ok":true,"entities":[]}`}), nil, false, catalog.Completed, "completed"},
		{"a cut answer for ever", ofPort(portsim.Fault{Match: upserting, Status: 200, Cut: true, Body: `{"ok":true,"entities":[]}`}), []string{"/entities/bulk"}, true, catalog.Failed, "failed"},
		{"an answer without outcomes", ofPort(portsim.Fault{Match: upserting, Status: 200, Body: `{"ok":true,"entities":[],"errors":[]}`}), []string{"sent again in every run"}, false, catalog.Partial, "completed"},
	}
}

func TestTroubleAtJira(t *testing.T) { suffer(t, jiraTroubles()) }

func TestTroubleAtPort(t *testing.T) { suffer(t, portTroubles()) }

// suffer takes a world through each trouble. Whatever it is: nothing goes from Port but what is
// to go, no entity is in Port but as it was or as it is to be, and the run after the trouble
// makes all right.
func suffer(t *testing.T, troubles []trouble) {
	t.Parallel()
	afterwards := sync.OnceValue(func() string {
		w := newTroubledWorld(t)
		w.someWork()
		return w.fresh()
	})
	for _, trouble := range few(troubles) {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			trouble.run(t, afterwards())
		})
	}
}

// pageSize makes the small world's listing and reads take several pages.
const pageSize = 15

func newTroubledWorld(t *testing.T) *world {
	w := newWorld(t, func(c *jirasim.Config) { c.IDPageLimit = pageSize })
	w.mapping = projectsAndIssues
	w.addIssues("PAY", 30)
	w.addIssues("APP", 12)
	for _, key := range []string{"PAY-7", "PAY-8", "APP-3"} {
		w.jira.Update(key, func(i *jirasim.Issue) { i.Parent = "PAY-1" })
	}
	return w
}

// someWork is what people do in Jira before the run that suffers.
func (w *world) someWork() {
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	w.jira.Delete("PAY-9")
	w.jira.AddIssue(jirasim.Issue{ProjectKey: "APP", Summary: "Tell the customer why", Parent: "PAY-1"})
}

func (x *trouble) run(t *testing.T, afterwards string) {
	w := newTroubledWorld(t)
	w.mustSync()
	before := w.port.Dump()
	w.someWork()
	w.untold()
	x.hurt(w)
	report, err := w.sync()
	x.check(t, w, said(report, err))
	if got := err != nil; got != x.fails {
		t.Errorf("the run's error is %v, want one: %t", err, x.fails)
	}
	switch {
	case x.state == "" && x.fails && report != nil:
		t.Errorf("the run reports %s, want no report: it could not begin", report.State)
	case x.state != "" && (report == nil || report.State != x.state):
		t.Errorf("the run's report is %+v, want state %s", report, x.state)
	}
	unharmed(t, before, w.port.Dump(), afterwards)
	if err == nil && report.State == catalog.Completed {
		w.addsUp(report)
	}
	w.heal()
	w.account = true
	w.mustSync()
	if got := w.port.Dump(); got != afterwards {
		t.Errorf("after the trouble Port is not right (-want +got):\n%s", diffLines(afterwards, got))
	}
	if got := w.resync(); got != "completed" {
		t.Errorf("after the trouble Port was told %q, want completed", got)
	}
}

func (x *trouble) check(t *testing.T, w *world, told string) {
	t.Helper()
	rest := told
	for _, want := range x.says {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Errorf("the run says %q, want it to contain %q in turn", told, x.says)
			break
		}
		rest = after
	}
	if got := w.resync(); got != x.port {
		t.Errorf("Port was told %q, want %q", got, x.port)
	}
}

// heal ends every trouble.
func (w *world) heal() {
	w.jira.Heal()
	w.port.Heal()
	w.token, w.secret, w.timeout, w.retries = token, clientSecret, 5*time.Second, 2
}

// unharmed: what Port holds during the trouble is of before or of afterwards, entity by entity,
// and nothing is missing that is there both before and afterwards.
func unharmed(t *testing.T, before, during, afterwards string) {
	t.Helper()
	was, will, is := entities(before), entities(afterwards), entities(during)
	for name, body := range is {
		stub := was[name] == "" && strings.Contains(body, `"title":null`) // Port makes it for a relation
		if body != was[name] && body != will[name] && !stub {
			t.Errorf("%s is %s in Port, want it as before (%s) or as it is to be (%s)", name, body, was[name], will[name])
		}
	}
	for name := range was {
		if _, stays := will[name]; stays && is[name] == "" {
			t.Errorf("%s is gone from Port", name)
		}
	}
}

// entities are the lines of a dump, by name.
func entities(dump string) map[string]string {
	byName := map[string]string{}
	for _, line := range lines(dump) {
		name, body, _ := strings.Cut(line, " ")
		byName[name] = body
	}
	return byName
}

// diffLines are the lines that only one of two dumps has.
func diffLines(want, got string) string {
	var b strings.Builder
	for _, line := range lines(want) {
		if !slices.Contains(lines(got), line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	for _, line := range lines(got) {
		if !slices.Contains(lines(want), line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	return b.String()
}

const projectsAndIssues = `
deleteDependentEntities: true
createMissingRelatedEntities: true
enableMergeEntity: true
resources:
  - kind: project
    selector:
      query: "true"
    port:
      entity:
        mappings:
          identifier: .key
          title: .name
          blueprint: '"jiraProject"'
  - kind: issue
    selector:
      query: "true"
      jql: ""
    port:
      entity:
        mappings:
          identifier: .key
          title: .fields.summary
          blueprint: '"jiraIssue"'
          properties:
            status: .fields.status.name
          relations:
            project: .fields.project.key
            parentIssue: .fields.parent.key
`
