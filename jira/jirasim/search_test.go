package jirasim_test

import (
	"fmt"
	"strings"
	"testing"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

func TestSearchEvaluatesJQL(t *testing.T) {
	s := newSite(jirasim.Config{AccountID: "ada", AccountName: "Ada Okafor"})
	s.Update("APP-1", func(i *jirasim.Issue) { i.Status = "Done" })
	for _, c := range []struct{ jql, want string }{
		{"project = PAY", "1 2 3 4"},
		{"project in (pay, 'Mobile App')", "1 2 3 4 5 6"},
		{"project = PAY ORDER BY key DESC", "4 3 2 1"},
		{"key = pay-2", "2"},
		{"id in (10002, 10006)", "2 6"},
		{"parent = PAY-1", "2"},
		{"statusCategory != Done", "1 2 3 6"},
		{"(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)", "1 2 3 5 6"},
		{"assignee = currentUser()", "2"},
		{"reporter = 'Ada Okafor'", "1"},
		{"assignee is empty and project = PAY", "1 3 4"},
		{"resolution = Done", "4"},
		{"resolved <= -10d", "4"},
		{"labels = card", "2"},
		{"component = iOS", "5"},
		{"priority = High", "5"},
		{"type = Bug", "2 6"},
		{"summary ~ crash", "6"},
		{"project = SEC", ""},
		{"project is not empty order by updated desc, key asc", "5 6 1 2 3 4"},
	} {
		if got := search(t, s, fmt.Sprintf(`{"jql":%q}`, c.jql)).ids(); got != c.want {
			t.Errorf("search(%s) = %q, want %q", c.jql, got, c.want)
		}
	}
}

func TestSearchSeesTextsAndCustomFields(t *testing.T) {
	s := newSite(jirasim.Config{})
	custom := func(key, field, value string) {
		s.Update(key, func(i *jirasim.Issue) { i.Custom = map[string]jsonText{field: jsonText(value)} })
	}
	custom("PAY-1", "customfield_10016", "5")
	custom("PAY-2", "customfield_10016", "2.5")
	custom("PAY-3", "customfield_10030", `"red"`)
	custom("PAY-4", "customfield_10030", `{"value":"Blue","id":"7"}`)
	custom("APP-1", "customfield_10030", `{"name":"Red"}`)
	custom("APP-2", "customfield_10030", `["list"]`)
	s.Update("APP-2", func(i *jirasim.Issue) { i.Description = "It falls over" })
	s.AddIssue(jirasim.Issue{Key: "APP-3", Summary: "Orphan", Parent: "APP-99", Assignee: "stranger"})
	for _, c := range []struct{ jql, want string }{
		{"'Story Points' = 5", "1"},
		{"cf[10016] > 4", "1"},
		{"cf[10016] is not empty", "1 2"},
		{"cf[10030] = red", "3 5"},
		{"cf[10030] = blue", "4"},
		{"description ~ falls", "6"},
		{"text ~ falls", "6"},
		{"text ~ refund", "2"},
		{"description is empty and project = APP", "5 8"},
		{"parent is not empty", "2 3 8"},
		{"parent = APP-99", "8"},
		{"assignee = stranger", "8"},
		{"creator is empty and project = APP", "5 6 8"},
		{"sprint is empty and key = PAY-1", "1"},
	} {
		if got := search(t, s, fmt.Sprintf(`{"jql":%q}`, c.jql)).ids(); got != c.want {
			t.Errorf("search(%s) = %q, want %q", c.jql, got, c.want)
		}
	}
	if got := string(search(t, s, `{"jql":"key = APP-3","fields":["parent"]}`).Issues[0].Fields["parent"]); got != "null" {
		t.Errorf("a parent that is not there = %s, want null", got)
	}
}

func TestSearchRefuses(t *testing.T) {
	s := newSite(jirasim.Config{})
	const eight = "key, id, created, updated, status, type, priority, summary"
	for _, c := range []struct{ what, body, want string }{
		{"POST /rest/api/3/search/jql", `{"jql":"order by key"}`, "Unbounded JQL queries are not allowed here"},
		{"POST /rest/api/3/search/jql", `{}`, "Unbounded JQL queries"},
		{"GET /rest/api/3/search/jql?jql=", ``, "Unbounded JQL queries"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = "}`, "Error in the JQL Query"},
		{"POST /rest/api/3/search/jql", `{"jql":"nonsense = 1"}`, "Field 'nonsense' does not exist"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY order by ` + eight + `"}`, "at most 7 fields"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY","startAt":50}`, "Invalid request payload"},
		{"POST /rest/api/3/search/jql", `{"jql":`, "Invalid request payload"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY","maxResults":-1}`, "maxResults"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY","properties":["1","2","3","4","5","6"]}`, "properties"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY","reconcileIssues":` + idsJQL(51) + `}`, "reconcileIssues"},
		{"GET /rest/api/3/search/jql?jql=project=PAY&maxResults=many", ``, "not a number"},
		{"GET /rest/api/3/search/jql?jql=project=PAY&reconcileIssues=PAY-1", ``, "reconcileIssues"},
		{"POST /rest/api/3/search/jql", `{"jql":"project = PAY","nextPageToken":"bogus"}`, "page token"},
		{"POST /rest/api/3/search/approximate-count", `{"jql":"order by key"}`, "Unbounded JQL queries"},
	} {
		r := ask(t, s, c.what, c.body)
		if got := refusal(r); r.status != 400 || !strings.Contains(got, c.want) {
			t.Errorf("%s %s = %d %q, want 400 %q", c.what, c.body, r.status, got, c.want)
		}
		if !strings.Contains(string(r.body), `"errors":{}`) {
			t.Errorf("%s %s: the body %s is not of Jira's form", c.what, c.body, r.body)
		}
	}
}

// A project that is gone or hidden makes a query fail. An empty answer would look
// like a project without issues.
func TestSearchRefusesWhatDoesNotExist(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.HideProject("APP")
	for jql, want := range map[string]string{
		"project = NOPE":                           "The value 'NOPE' does not exist for the field 'project'.",
		"project in (PAY, app)":                    "The value 'app' does not exist for the field 'project'.",
		"not (project != 'Mobile App')":            "The value 'Mobile App' does not exist for the field 'project'.",
		"key = PAY-99":                             "An issue with key 'PAY-99' does not exist for field 'key'.",
		"project = PAY and (key in (PAY-1,APP-1))": "An issue with key 'APP-1' does not exist for field 'key'.",
		"id in (10001, 10005, 77)":                 "A value with ID '10005' does not exist for the field 'id'.; A value with ID '77' does not exist for the field 'id'.",
		"id > 9999":                                "A value with ID '9999' does not exist for the field 'id'.",
		"key = SEC-1":                              "An issue with key 'SEC-1' does not exist for field 'key'.",
		`summary ~ "\"project\" = \"NOPE\""`:       "",
		"labels in (project, key) and project=pay": "",
	} {
		for _, path := range []string{"search/jql", "search/approximate-count"} {
			r := ask(t, s, "POST /rest/api/3/"+path, fmt.Sprintf(`{"jql":%q}`, jql))
			if got := refusal(r); got != want || (r.status == 400) != (want != "") {
				t.Errorf("%s %s = %d %s, want %s", path, jql, r.status, got, want)
			}
		}
	}
	lenient := newSite(jirasim.Config{LenientJQL: true})
	if got := search(t, lenient, `{"jql":"project in (NOPE, APP) or key = NO-1"}`).ids(); got != "5 6" {
		t.Errorf("the lenient site finds %q, want 5 6", got)
	}
}

func TestSearchCapsPagesSilently(t *testing.T) {
	s := jirasim.New(jirasim.Config{})
	s.Fill(5500, 3, 0)
	for _, c := range []struct {
		name, ask string
		want      int
	}{
		{"nothing asked", ``, 50},
		{"zero asked", `,"maxResults":0`, 50},
		{"few asked", `,"maxResults":7`, 7},
		{"ids", `,"maxResults":9000,"fields":["id"]`, 5000},
		{"keys", `,"maxResults":9000,"fields":["id","key"]`, 5000},
		{"no fields", `,"maxResults":9000`, 5000},
		{"one field", `,"maxResults":5000,"fields":["summary"]`, 100},
		{"all fields", `,"maxResults":101,"fields":["*all"]`, 100},
	} {
		f := search(t, s, `{"jql":"project is not empty"`+c.ask+`}`)
		if len(f.Issues) != c.want {
			t.Errorf("%s: a page of %d issues, want %d", c.name, len(f.Issues), c.want)
		}
		if f.NextPageToken == nil || f.IsLast == nil || *f.IsLast {
			t.Errorf("%s: the page does not say that more follows", c.name)
		}
	}
}

func TestSearchWalksToALastPageWithoutToken(t *testing.T) {
	s := newSite(jirasim.Config{})
	const body = `{"jql":"project in (PAY, APP) order by id","maxResults":4%s}`
	first := search(t, s, fmt.Sprintf(body, ""))
	last := search(t, s, fmt.Sprintf(body, `,"nextPageToken":"`+*first.NextPageToken+`"`))
	if got := first.ids() + " | " + last.ids(); got != "1 2 3 4 | 5 6" {
		t.Errorf("pages = %s", got)
	}
	if last.NextPageToken != nil || !*last.IsLast {
		t.Errorf("the last page has token %v and isLast %v, want none and true", last.NextPageToken, *last.IsLast)
	}
	r := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"project = PAY","nextPageToken":"`+*first.NextPageToken+`"}`)
	if r.status != 400 {
		t.Errorf("a token of another query = %d, want 400", r.status)
	}
}

func TestSearchByGETIgnoresStartAt(t *testing.T) {
	s := newSite(jirasim.Config{})
	var first, same found
	ask(t, s, "GET /rest/api/3/search/jql?jql=project=PAY&maxResults=2&fields=key,summary&fields=status", "").decode(t, &first)
	ask(t, s, "GET /rest/api/3/search/jql?jql=project=PAY&maxResults=2&startAt=2", "").decode(t, &same)
	if first.ids() != "1 2" || same.ids() != "1 2" {
		t.Errorf("pages = %q and %q, want the first one twice", first.ids(), same.ids())
	}
	if len(first.Issues[0].Fields) != 2 {
		t.Errorf("fields = %v, want summary and status", first.Issues[0].Fields)
	}
}

func TestAWalkSurvivesBeingForgotten(t *testing.T) {
	s := newSite(jirasim.Config{})
	const body = `{"jql":"project = PAY","maxResults":2%s}`
	first := search(t, s, fmt.Sprintf(body, ""))
	for i := range 50 {
		search(t, s, fmt.Sprintf(`{"jql":"summary !~ x%d","maxResults":1}`, i))
	}
	rest := search(t, s, fmt.Sprintf(body, `,"nextPageToken":"`+*first.NextPageToken+`"`))
	if rest.ids() != "3 4" {
		t.Errorf("the page after 50 other walks = %q, want 3 4", rest.ids())
	}
}

func TestIssuesThatGoDuringAWalkAreMissing(t *testing.T) {
	s := newSite(jirasim.Config{})
	const body = `{"jql":"project = PAY","maxResults":2%s}`
	first := search(t, s, fmt.Sprintf(body, ""))
	s.Delete("PAY-3")
	s.Delete("PAY-4")
	rest := search(t, s, fmt.Sprintf(body, `,"nextPageToken":"`+*first.NextPageToken+`"`))
	if rest.ids() != "" || !*rest.IsLast {
		t.Errorf("the page = %q, isLast %v, want an empty last page", rest.ids(), *rest.IsLast)
	}
}

func TestSearchSelectsFields(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Update("PAY-2", func(i *jirasim.Issue) {
		i.Custom = map[string]jsonText{"customfield_10016": jsonText("5"), "customfield_20000": jsonText(`"x"`)}
	})
	names := func(fields string) []string {
		r := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"key = PAY-2","fields":`+fields+`}`)
		var page struct {
			Issues []struct{ Fields map[string]any }
		}
		r.decode(t, &page)
		return sortedKeys(page.Issues[0].Fields)
	}
	for _, c := range []struct{ fields, want string }{
		{`["summary","status"]`, "status summary"},
		{`["summary","no such field"]`, "summary"},
		{`["key","customfield_20000"]`, "customfield_20000"},
	} {
		if got := strings.Join(names(c.fields), " "); got != c.want {
			t.Errorf("fields %s = %s, want %s", c.fields, got, c.want)
		}
	}
	all, navigable, most := names(`["*all"]`), names(`["*navigable"]`), names(`["*all","-comment"]`)
	if len(all)-len(navigable) != 5 || len(all)-len(most) != 1 {
		t.Errorf("*all, *navigable, *all,-comment = %d, %d, %d fields", len(all), len(navigable), len(most))
	}
	if diff := cmp.Diff(navigable, append(names(`["-summary"]`), "summary"), sortedStrings); diff != "" {
		t.Errorf("-summary is not *navigable without it:\n%s", diff)
	}
}

func TestIssueFormsOfASearch(t *testing.T) {
	s := newSite(jirasim.Config{BaseURL: "https://acme.atlassian.net/"})
	for _, c := range []struct{ fields, want string }{
		{`[]`, `{"issues":[{"id":"10001"}],"isLast":true}`},
		{`["id"]`, `{"issues":[{"id":"10001"}],"isLast":true}`},
		{`["key"]`, `{"issues":[{"expand":"renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations","id":"10001","self":"https://acme.atlassian.net/rest/api/3/issue/10001","key":"PAY-1"}],"isLast":true}`},
	} {
		r := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"key = PAY-1","fields":`+c.fields+`}`)
		if string(r.body) != c.want {
			t.Errorf("fields %s = %s, want %s", c.fields, r.body, c.want)
		}
	}
}

func TestApproximateCount(t *testing.T) {
	s := newSite(jirasim.Config{})
	r := ask(t, s, "POST /rest/api/3/search/approximate-count", `{"jql":"project in (PAY, SEC)"}`)
	if string(r.body) != `{"count":4}` {
		t.Errorf("count = %s, want 4: the hidden issue does not count", r.body)
	}
}

func TestRemovedAndUnknownPaths(t *testing.T) {
	s := newSite(jirasim.Config{})
	for _, what := range []string{"GET /rest/api/3/search?jql=project=PAY", "POST /rest/api/2/search"} {
		r := ask(t, s, what, "")
		if r.status != 410 || !strings.Contains(refusal(r), "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.") {
			t.Errorf("%s = %d %s, want 410", what, r.status, r.body)
		}
	}
	for what, want := range map[string]int{
		"GET /rest/api/3/nothing": 404, "GET /": 404, "GET /rest/api/3/issue/PAY-1/nothing": 404,
		"GET /rest/api/3/issue/bulkfetch": 405, "DELETE /rest/api/3/project/PAY": 404,
	} {
		if r := ask(t, s, what, ""); r.status != want || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s = %d %s, want %d and HTML", what, r.status, r.header.Get("Content-Type"), want)
		}
	}
	r := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"project = PAY"}`, "Content-Type", "text/plain")
	if r.status != 415 {
		t.Errorf("a body that is not JSON = %d, want 415", r.status)
	}
}
