package jirasim_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// visit is one call of a method of the client.
type visit struct {
	what string // begins with the method's name
	want error  // a *jira.Error stands for status 400
	call func(context.Context) error
}

// Whatever the client asks of Cloud by an operation that Atlassian's files have, and whatever the
// simulated Jira answers, is as the files say; and every method that asks is called.
func TestTheClientAndTheSimulatedJiraConformToAtlassiansFiles(t *testing.T) {
	s := newSite(jirasim.Config{BaseURL: "https://jira.test", Email: "me@example.com", Token: "t", Bearer: "b", NoGzip: true,
		Clock: time.Now}) // as the client's, or webhooks end before they begin
	s.AddProject(jirasim.Project{Key: "RAW", Raw: []byte(strings.TrimSpace(readText(t, shared(t, "fixtures/cloud")+"/project/a.json")))})
	s.AddIssue(jirasim.Issue{ID: 73987, Key: "RAW-108", Raw: []byte(readText(t, shared(t, "fixtures/cloud")+"/issue/a.json"))})
	s.AddBoard(jirasim.Board{ProjectKey: "APP", Type: "kanban"})
	s.Update("PAY-2", func(i *jirasim.Issue) {
		i.Components, i.Resolved, i.Description = []string{"API"}, noon, "Text"
	})
	check := newConformance(t, s)
	visited := map[string]bool{}
	for _, v := range slices.Concat(readingTour(client(t, check, "me@example.com", "t")), checkTour(s, client(t, check, "me@example.com", "t")),
		webhookTour(client(t, check, "", "b"))) {
		method, _, _ := strings.Cut(v.what, ",")
		visited[method] = true
		want(t, v.what, v.want, v.call(t.Context()))
	}
	check.compare(visited)
	tourByHand(t, check)
	tourWebhooks(t, check)
	for _, d := range deviations {
		if check.deviated[d.reason] == 0 {
			t.Errorf("the deviation %q does not occur: take it off the list", d.reason)
		}
	}
}

// compare says what of the documented operations and of the methods that use them was left out.
func (c *conformance) compare(visited map[string]bool) {
	c.t.Helper()
	var documented []string
	for _, o := range usedOperations(c.t) {
		if !o.inFiles {
			continue
		}
		documented = append(documented, o.name)
		for _, method := range o.methods {
			if !visited[method] {
				c.t.Errorf("%s, which uses %s, was not called", method, o.name)
			}
		}
	}
	if diff := cmp.Diff(documented, slices.Collect(maps.Keys(c.operations)), sortedStrings); diff != "" {
		c.t.Errorf("operations of docs/jira-operations.md and those validated (-want +got)\n%s", diff)
	}
}

// client asks the site with an API token, or with a bearer token where there is no e-mail.
func client(t *testing.T, check *conformance, email, token string) *jira.Client {
	t.Helper()
	auth, err := jira.Basic(email, token)
	if email == "" {
		auth, err = jira.Bearer(token)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://jira.test", auth, jira.Config{Transport: check, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readingTour calls the methods that read, with all that they can ask.
func readingTour(c *jira.Client) []visit {
	projects := func(q jira.ProjectQuery) func(context.Context) error {
		return func(ctx context.Context) error { return walk(c.Projects(ctx, q)) }
	}
	issues := func(q jira.IssueQuery) func(context.Context) error {
		return func(ctx context.Context) error { return walk(c.SearchIssues(ctx, q)) }
	}
	bulk := func(q jira.BulkQuery) func(context.Context) error {
		return func(ctx context.Context) error { return last(c.BulkFetch(ctx, q)) }
	}
	return []visit{
		{"Myself", nil, func(ctx context.Context) error { return last(c.Myself(ctx)) }},
		{"ServerInfo", nil, func(ctx context.Context) error { return last(c.ServerInfo(ctx)) }},
		{"Projects, page by page", nil, projects(jira.ProjectQuery{PageSize: 2, Expand: []string{"insight", "lead", "description", "issueTypes"}})},
		{"Projects, by key and status", nil, projects(jira.ProjectQuery{Keys: []string{"PAY", "APP"}, Status: []string{"live", "archived", "deleted"}})},
		{"Projects, by id", nil, projects(jira.ProjectQuery{IDs: []string{"10001", "10002"}})},
		{"Projects, none", nil, projects(jira.ProjectQuery{Keys: []string{"NONE"}})},
		{"Project", nil, func(ctx context.Context) error { return last(c.Project(ctx, "PAY", "insight")) }},
		{"Project, none", jira.ErrNotFound, func(ctx context.Context) error { return last(c.Project(ctx, "NONE")) }},
		{"SearchIssues", nil, issues(jira.IssueQuery{JQL: "project is not empty order by id"})},
		{"SearchIssues, with fields", nil, issues(jira.IssueQuery{JQL: "project = PAY", Fields: []string{"*all"}, PageSize: 2,
			Expand: []string{"names"}, Reconcile: []int64{10001}})},
		{"SearchIssues, bad", &jira.Error{}, issues(jira.IssueQuery{JQL: "order by key"})},
		{"BulkFetch", nil, bulk(jira.BulkQuery{IDs: []string{"10001", "10002", "73987", "5"}, Fields: []string{"*all"}})},
		{"BulkFetch, few fields", nil, bulk(jira.BulkQuery{IDs: []string{"10001"}, Fields: []string{"summary", "parent"}, Expand: []string{"names"}})},
		{"Issue", nil, func(ctx context.Context) error { return last(c.Issue(ctx, "PAY-2", []string{"*all"}, "names")) }},
		{"Issue, none", jira.ErrNotFound, func(ctx context.Context) error { return last(c.Issue(ctx, "NONE-1", nil)) }},
		{"ApproximateCount", nil, func(ctx context.Context) error { return last(c.ApproximateCount(ctx, "project = PAY")) }},
	}
}

// checkTour checks everything, where no board has sprints and where one has.
func checkTour(s *jirasim.Server, c *jira.Client) []visit {
	everything := []jira.Ability{jira.ReadProjects, jira.ReadIssues, jira.ReadUsers, jira.ReadVersions, jira.ReadComponents, jira.ReadWorklogs,
		jira.ReadBoards, jira.ReadSprints, jira.ReadEpics, jira.ReadBacklogs, jira.AdminWebhooks, jira.DynamicWebhooks}
	all := func(ctx context.Context) error {
		report, err := c.Check(ctx, everything...)
		for _, row := range report.Rows {
			if row.State != jira.CheckOK && row.Subject != string(jira.DynamicWebhooks) && row.Subject != "clock" {
				err = errors.Join(err, errors.New(row.Subject+" "+string(row.State)+": "+row.Detail))
			}
		}
		return err
	}
	return []visit{
		{"Check, without a scrum board", nil, all},
		{"Check, with one", nil, func(ctx context.Context) error {
			s.AddBoard(jirasim.Board{ProjectKey: "PAY"})
			return all(ctx)
		}},
	}
}

// webhookTour makes, changes and removes dynamic webhooks as an app does.
func webhookTour(c *jira.Client) []visit {
	const here, elsewhere = "https://ferry.test/hook", "https://other.test/hook"
	ensure := func(events ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			return last(c.EnsureWebhook(ctx, jira.WebhookWish{Identifier: "acme", URL: here, Events: events, Family: jira.FamilyDynamic}))
		}
	}
	create := func(url string, specs ...jira.DynamicSpec) func(context.Context) error {
		return func(ctx context.Context) error { return last(c.CreateDynamicWebhooks(ctx, url, specs)) }
	}
	var ids []string
	return []visit{
		{"EnsureWebhook, none yet", nil, ensure("jira:issue_created", "project_created")},
		{"EnsureWebhook, with other events", nil, ensure("jira:issue_created", "jira:issue_deleted")},
		{"EnsureWebhook, of an administrator", jira.ErrForbidden, func(ctx context.Context) error {
			return last(c.EnsureWebhook(ctx, jira.WebhookWish{Identifier: "acme", URL: here, Events: []string{"jira:issue_created"}, Family: jira.FamilyAdmin}))
		}},
		{"CreateDynamicWebhooks, one good", nil, create(here,
			jira.DynamicSpec{Events: []string{"jira:issue_updated"}, JQL: "project = PAY", Fields: []string{"summary"}, PropertyKeys: []string{"k"}},
			jira.DynamicSpec{Events: []string{"jira:issue_updated"}, JQL: "labels = x"})},
		{"CreateDynamicWebhooks, elsewhere", &jira.Error{}, create(elsewhere, jira.DynamicSpec{Events: []string{"jira:issue_updated"}, JQL: "project = PAY"})},
		{"DynamicWebhooks", nil, func(ctx context.Context) error {
			hooks, err := c.DynamicWebhooks(ctx)
			for _, w := range hooks {
				ids = append(ids, w.ID)
			}
			if len(ids) != 2 {
				return errors.Join(err, errors.New("not the two webhooks that were made"))
			}
			return err
		}},
		{"RefreshDynamicWebhooks", nil, func(ctx context.Context) error { return last(c.RefreshDynamicWebhooks(ctx, ids...)) }},
		{"DeleteDynamicWebhooks", nil, func(ctx context.Context) error { return c.DeleteDynamicWebhooks(ctx, ids...) }},
	}
}

func want(t *testing.T, what string, want, got error) {
	t.Helper()
	if _, any := want.(*jira.Error); any {
		if e, ok := errors.AsType[*jira.Error](got); !ok || e.Status != 400 {
			t.Errorf("%s = %v, want status 400", what, got)
		}
		return
	}
	if !errors.Is(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func last[T any](_ T, err error) error { return err }

func walk(pages iter.Seq2[jira.Page, error]) error {
	for _, err := range pages {
		if err != nil {
			return err
		}
	}
	return nil
}

// tourByHand asks what the client has no method for.
func tourByHand(t *testing.T, check *conformance) {
	t.Helper()
	for path, status := range map[string]int{
		"search/jql?maxResults=2&fields=summary,status&reconcileIssues=10001&jql=" + url.QueryEscape("project = PAY"): 200,
		"search/jql?jql=" + url.QueryEscape("project ="):                                                              400,
		"mypermissions?permissions=ADMINISTER,BROWSE_PROJECTS":                                                        200,
		"mypermissions": 400,
		"project/search?orderBy=-issueCount&query=pay&typeKey=software": 200,
		"issue/RAW-108": 200,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://jira.test/rest/api/3/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("me@example.com", "t")
		w, err := check.RoundTrip(r)
		if err != nil || w.StatusCode != status {
			t.Errorf("%s = %v, %v, want %d", path, w, err, status)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://jira.test/rest/api/3/myself", nil)
	r.SetBasicAuth("me@example.com", "wrong")
	if w, err := check.RoundTrip(r); err != nil || w.StatusCode != 401 {
		t.Errorf("myself with a wrong token = %v, %v", w, err)
	}
}
