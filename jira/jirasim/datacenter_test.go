package jirasim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

// onPremises is the usual site at Data Center, below /jira.
func onPremises(config jirasim.Config) *jirasim.Server {
	config.Deployment, config.ContextPath = jirasim.DataCenter, "/jira"
	return newSite(config)
}

func TestDataCenterSaysWhatItIs(t *testing.T) {
	for version, numbers := range map[string][]int{"9.12.4": {9, 12, 4}, "10.3.0": {10, 3, 0}, "": {10, 3, 0}} {
		var info struct {
			BaseURL, DeploymentType string
			VersionNumbers          []int
		}
		r := ask(t, onPremises(jirasim.Config{Version: version}), "GET /jira/rest/api/2/serverInfo", "")
		r.decode(t, &info)
		if info.DeploymentType != "Server" || !slices.Equal(info.VersionNumbers, numbers) || info.BaseURL != "https://jira.test/jira" {
			t.Errorf("version %q: serverInfo = %s", version, r.body)
		}
		if strings.Contains(string(r.body), "serverTimeZone") {
			t.Errorf("serverInfo = %s, with what only Cloud has", r.body)
		}
	}
}

// What is Cloud's alone, or not below the context path, is a page that is not there.
func TestDataCenterHasNothingOfClouds(t *testing.T) {
	s := onPremises(jirasim.Config{})
	for _, what := range []string{
		"GET /jira/rest/api/3/serverInfo", "GET /jira/rest/api/3/myself", "GET /jira/rest/api/3/project/search",
		"GET /jira/rest/api/3/search/jql", "GET /jira/rest/api/2/search/jql",
		"POST /jira/rest/api/2/search/approximate-count", "POST /jira/rest/api/2/issue/bulkfetch",
		"GET /jira/_edge/tenant_info", "GET /_edge/tenant_info", "GET /rest/api/2/serverInfo", "GET /jirarest/api/2/serverInfo",
		"GET /ex/jira/c1/rest/api/2/serverInfo",
	} {
		if r := ask(t, s, what, ""); r.status != 404 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s = %d %.80s, want a page with 404", what, r.status, r.body)
		}
	}
	if r := ask(t, s, "GET /jira/rest/api/2/project/search", ""); r.status != 404 || !strings.Contains(refusal(r), "key 'search'") {
		t.Errorf("project/search = %d %s, want to hear of no project with that key", r.status, r.body)
	}
	if r := ask(t, s, "POST /jira/rest/api/2/serverInfo", ""); r.status != 405 {
		t.Errorf("POST serverInfo = %d, want 405", r.status)
	}
	if r := ask(t, s, "GET /jira/rest/api/latest/myself", ""); r.status != 200 {
		t.Errorf("latest/myself = %d %s, want 200", r.status, r.body)
	}
}

func TestDataCenterKnowsPeopleByName(t *testing.T) {
	s := onPremises(jirasim.Config{Email: "bot", Token: "secret", AccountName: "The Bot"})
	login := []string{"Authorization", basic("bot", "secret")}
	var me map[string]json.RawMessage
	r := ask(t, s, "GET /jira/rest/api/2/myself", "", login...)
	r.decode(t, &me)
	for name, want := range map[string]string{"name": `"bot"`, "key": `"JIRAUSER10100"`, "displayName": `"The Bot"`, "timeZone": `"UTC"`,
		"self": `"https://jira.test/jira/rest/api/2/user?username=bot"`} {
		if string(me[name]) != want {
			t.Errorf("myself.%s = %s, want %s", name, me[name], want)
		}
	}
	if strings.Contains(string(r.body), "account") {
		t.Errorf("myself = %s, which speaks of an account", r.body)
	}
	all := ask(t, s, "GET /jira/rest/api/2/mypermissions", "", login...)
	for _, key := range []string{"ADMINISTER", "BROWSE_PROJECTS"} {
		if !strings.Contains(string(all.body), `"`+key+`"`) {
			t.Errorf("mypermissions without a parameter = %s, want %s in it", all.body, key)
		}
	}
}

func TestDataCenterProjects(t *testing.T) {
	s := onPremises(jirasim.Config{Version: "9.12.4"})
	s.ArchiveProject("APP")
	s.HideProject("SEC")
	keys := func(query string) (all []string) {
		t.Helper()
		var list []struct{ Key, Self, Description string }
		ask(t, s, "GET /jira/rest/api/2/project"+query, "").decode(t, &list)
		for _, p := range list {
			all = append(all, p.Key)
			if !strings.HasPrefix(p.Self, "https://jira.test/jira/rest/api/2/project/") {
				t.Errorf("self = %s", p.Self)
			}
			if (p.Description == "Money") != (p.Key == "PAY" && strings.Contains(query, "description")) {
				t.Errorf("project%s: the description of %s = %q", query, p.Key, p.Description)
			}
		}
		return all
	}
	for query, want := range map[string][]string{
		"": {"PAY"}, "?includeArchived=true": {"APP", "PAY"}, "?expand=description,projectKeys": {"PAY"},
	} {
		if got := keys(query); !slices.Equal(got, want) {
			t.Errorf("project%s = %v, want %v", query, got, want)
		}
	}
	var one struct {
		Key      string
		Archived *bool
		Lead     struct{ Name, Key string }
	}
	ask(t, s, "GET /jira/rest/api/2/project/APP", "").decode(t, &one)
	if one.Key != "APP" || one.Archived == nil || !*one.Archived {
		t.Errorf("project/APP = %+v, want it archived", one)
	}
	r := ask(t, s, "GET /jira/rest/api/2/project/PAY", "")
	r.decode(t, &one)
	if one.Lead.Name != "ada" || one.Lead.Key == "" || *one.Archived || strings.Contains(string(r.body), "simplified") {
		t.Errorf("project/PAY = %s", r.body)
	}
	if r := ask(t, s, "GET /jira/rest/api/2/project/SEC", ""); r.status != 404 {
		t.Errorf("a hidden project = %d", r.status)
	}
}

// paged is a page of Data Center's search.
type paged struct {
	StartAt, MaxResults, Total int
	Expand                     string
	Issues                     []struct {
		ID, Key, Self string
		Fields        map[string]json.RawMessage
	}
}

func (p paged) keys() string {
	var all []string
	for _, i := range p.Issues {
		all = append(all, i.Key)
	}
	return strings.Join(all, " ")
}

func searchPaged(t *testing.T, s *jirasim.Server, body string) paged {
	t.Helper()
	r := ask(t, s, "POST /jira/rest/api/2/search", body)
	if r.status != 200 {
		t.Fatalf("search %s = %d %s", body, r.status, r.body)
	}
	var p paged
	r.decode(t, &p)
	return p
}

func TestDataCenterSearch(t *testing.T) {
	s := onPremises(jirasim.Config{PageLimit: 5})
	for _, c := range []struct {
		query      string
		from, size int
		keys       string
	}{
		{`{"jql":"project = PAY order by key"}`, 0, 5, "PAY-1 PAY-2 PAY-3 PAY-4"},
		{`{"jql":"project = PAY order by key","startAt":1,"maxResults":2}`, 1, 2, "PAY-2 PAY-3"},
		{`{"jql":"project = PAY order by key","startAt":3,"maxResults":2}`, 3, 2, "PAY-4"},
		{`{"jql":"project = PAY","startAt":9}`, 9, 5, ""},
		{`{"jql":"project = PAY","maxResults":0}`, 0, 0, ""},
		{`{"jql":"project = PAY order by key desc","maxResults":-1,"validateQuery":true,"expand":["names"]}`, 0, 5, "PAY-4 PAY-3 PAY-2 PAY-1"},
		{`{"jql":"order by key","maxResults":1000}`, 0, 5, "APP-1 APP-2 PAY-1 PAY-2 PAY-3"},
	} {
		p := searchPaged(t, s, c.query)
		if p.StartAt != c.from || p.MaxResults != c.size || p.keys() != c.keys {
			t.Errorf("search %s = %+v %s, want %+v", c.query, []int{p.StartAt, p.MaxResults}, p.keys(), c)
		}
	}
	var p paged
	ask(t, s, "GET /jira/rest/api/2/search?startAt=2&maxResults=1&fields=summary,assignee&jql="+url.QueryEscape("project = PAY order by key"), "").decode(t, &p)
	if p.Total != 4 || p.keys() != "PAY-3" || len(p.Issues[0].Fields) != 2 {
		t.Errorf("GET search = %+v", p)
	}
	for body, want := range map[string]string{
		`{"jql":"project ="}`:                            "Error in the JQL Query",
		`{"jql":"project = NOPE"}`:                       "The value 'NOPE' does not exist for the field 'project'.",
		`{"jql":"project = PAY","expand":"names"}`:       "Invalid request payload",
		`{"jql":"project = PAY","nextPageToken":"abcd"}`: "Invalid request payload",
	} {
		if r := ask(t, s, "POST /jira/rest/api/2/search", body); r.status != 400 || !strings.Contains(refusal(r), want) {
			t.Errorf("search %s = %d %s, want 400 %s", body, r.status, r.body, want)
		}
	}
	if p := searchPaged(t, s, `{"jql":"project = NOPE","validateQuery":false}`); p.Total != 0 {
		t.Errorf("a search for what is not there, not validated = %+v", p)
	}
}

func TestADataCenterIssue(t *testing.T) {
	s := onPremises(jirasim.Config{})
	s.Update("PAY-2", func(i *jirasim.Issue) { i.Description = "*bold*\n\nand plain" })
	s.Move("PAY-3", "APP")
	var i struct {
		Self, Key string
		Fields    struct {
			Description string
			Assignee    map[string]any
			Parent      *struct{ Key string }
			IssueType   map[string]any
		}
	}
	r := ask(t, s, "GET /jira/rest/api/2/issue/PAY-2", "")
	r.decode(t, &i)
	if i.Fields.Description != "*bold*\n\nand plain" || i.Fields.Assignee["name"] != "ada" || i.Fields.Assignee["accountId"] != nil || i.Fields.Parent != nil {
		t.Errorf("issue = %s", r.body)
	}
	if i.Self != "https://jira.test/jira/rest/api/2/issue/10002" || strings.Contains(string(r.body), "/rest/api/3") {
		t.Errorf("the links of the issue = %s", r.body)
	}
	ask(t, s, "GET /jira/rest/api/2/issue/PAY-3", "").decode(t, &i)
	if i.Key != "APP-3" || i.Fields.Parent == nil || i.Fields.Parent.Key != "PAY-2" {
		t.Errorf("a moved sub-task = %+v", i)
	}
}

// The links begin with BaseURL, and with the context path in any case.
func TestTheContextPathIsInTheLinks(t *testing.T) {
	for base, want := range map[string]string{
		"":                             "https://jira.test/jira",
		"https://jira.corp.test":       "https://jira.corp.test/jira",
		"https://jira.corp.test/jira/": "https://jira.corp.test/jira",
	} {
		var i struct{ Self string }
		ask(t, onPremises(jirasim.Config{BaseURL: base}), "GET /jira/rest/api/2/issue/PAY-1", "").decode(t, &i)
		if i.Self != want+"/rest/api/2/issue/10001" {
			t.Errorf("with the base %q, self = %s, want it below %s", base, i.Self, want)
		}
	}
}

// Cloud's version 2 is its version 3 but for the links and the texts.
func TestCloudServesVersion2(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Update("PAY-2", func(i *jirasim.Issue) { i.Description = "plain" })
	var i struct {
		Self   string
		Fields struct{ Description any }
	}
	for api, want := range map[string]any{"2": "plain", "latest": "plain"} {
		ask(t, s, "GET /rest/api/"+api+"/issue/PAY-2", "").decode(t, &i)
		if i.Fields.Description != want || i.Self != "https://jira.test/rest/api/2/issue/10002" {
			t.Errorf("version %s of the issue = %+v", api, i)
		}
	}
	ask(t, s, "GET /rest/api/3/issue/PAY-2", "").decode(t, &i)
	if _, document := i.Fields.Description.(map[string]any); !document || i.Self != "https://jira.test/rest/api/3/issue/10002" {
		t.Errorf("version 3 of the issue = %+v", i)
	}
	for _, path := range []string{"myself", "serverInfo"} {
		if r := ask(t, s, "GET /rest/api/2/"+path, ""); r.status != 200 {
			t.Errorf("version 2 of %s = %d", path, r.status)
		}
	}
}

// From version 10 on a page may not end beyond the search platform's limit.
func TestTheResultWindow(t *testing.T) {
	const beyond = `{"jql":"order by key","startAt":10000,"maxResults":100}`
	r := ask(t, onPremises(jirasim.Config{Version: "10.3.0"}), "POST /jira/rest/api/2/search", beyond)
	var e struct{ Message string }
	r.decode(t, &e)
	if want := "it requests 10,100 results which exceeded the search platform limit of 10,000."; r.status != 500 || !strings.Contains(e.Message, want) {
		t.Errorf("search beyond the window = %d %s, want 500 and %s", r.status, r.body, want)
	}
	searchPaged(t, onPremises(jirasim.Config{Version: "9.12.4"}), beyond)
	small := onPremises(jirasim.Config{ResultWindow: 4})
	searchPaged(t, small, `{"jql":"order by key","startAt":2,"maxResults":2}`)
	if r := ask(t, small, "POST /jira/rest/api/2/search", `{"jql":"order by key","startAt":2,"maxResults":3}`); r.status != 500 {
		t.Errorf("search beyond a window of 4 = %d", r.status)
	}
}

// An order that leaves issues equal repeats some over the pages and leaves out
// others; an order by key does not.
func TestUnsettledPages(t *testing.T) {
	s := onPremises(jirasim.Config{Seed: 3, Unsettled: true})
	for n := range 40 {
		s.AddIssue(jirasim.Issue{ProjectKey: "APP", Summary: fmt.Sprint(n)})
	}
	walk := func(order string) map[string]int {
		seen := map[string]int{}
		for from := 0; from < 42; from += 7 {
			for _, i := range searchPaged(t, s, fmt.Sprintf(`{"jql":"project = APP order by %s","startAt":%d,"maxResults":7}`, order, from)).Issues {
				seen[i.Key]++
			}
		}
		return seen
	}
	for _, order := range []string{"key", "id DESC", "priority, key"} {
		if seen := walk(order); len(seen) != 42 {
			t.Errorf("ordered by %s, the pages hold %d issues, want all 42", order, len(seen))
		}
	}
	if seen := walk("project"); len(seen) >= 42 {
		t.Errorf("in no order, the pages hold all %d issues, want some left out", len(seen))
	}
}

// Made-up work comes out in the form of Data Center through and through.
func TestMadeUpWorkAtDataCenter(t *testing.T) {
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4"})
	s.Fill(250, 3, 900)
	seen := 0
	for from := 0; ; from += 100 {
		r := ask(t, s, "POST /rest/api/2/search", fmt.Sprintf(`{"jql":"order by key","startAt":%d,"maxResults":100,"fields":["*all"]}`, from))
		var p paged
		r.decode(t, &p)
		for _, foreign := range []string{"accountId", "/rest/api/3", `"type":"doc"`, "statuscategorychangedate", "hierarchyLevel"} {
			if strings.Contains(string(r.body), foreign) {
				t.Errorf("from %d: %s is of Cloud", from, foreign)
			}
		}
		if len(p.Issues) == 0 {
			break
		}
		seen += len(p.Issues)
	}
	if seen != 250 {
		t.Errorf("the pages hold %d issues, want 250", seen)
	}
}

// A list that cannot be read is an error that names its file.
func TestServeDirOfLists(t *testing.T) {
	for file, text := range map[string]string{
		"all_projects.json": `{}`, "project.json": `{"key":"A"}`, "issues_in_sprint.json": `{"issues":[{"id":"x"}]}`,
	} {
		dir := t.TempDir()
		writeText(t, dir+"/"+file, text)
		if err := jirasim.New(jirasim.Config{}).ServeDir(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s of %s: %v, want an error that names it", text, file, err)
		}
	}
	dir := t.TempDir()
	writeText(t, dir+"/all_projects.json", `[{"id":"1","key":"A","name":"First"}]`)
	writeText(t, dir+"/project.json", `{"id":"2","key":"B","name":"Second"}`)
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter})
	if err := s.ServeDir(dir); err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"1","key":"A","name":"First"},{"id":"2","key":"B","name":"Second"}]`
	if r := ask(t, s, "GET /rest/api/2/project", ""); string(r.body) != want {
		t.Errorf("project = %s, want %s", r.body, want)
	}
}

func TestRealDataCenterPayloads(t *testing.T) {
	dir := shared(t, "fixtures/datacenter")
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter})
	if err := s.ServeDir(dir); err != nil {
		t.Fatal(err)
	}
	var served, given []json.RawMessage
	ask(t, s, "GET /rest/api/2/project", "").decode(t, &served)
	if err := json.Unmarshal([]byte(readText(t, dir+"/all_projects.json")), &given); err != nil {
		t.Fatal(err)
	}
	texts := func(all []json.RawMessage) (texts []string) {
		for _, one := range all {
			texts = append(texts, string(one))
		}
		return texts
	}
	got, want := texts(served), texts(given)
	// The project that only an issue names is made up, and comes on top.
	got = slices.DeleteFunc(got, func(text string) bool { return strings.Contains(text, "Team Argon") })
	if diff := cmp.Diff(want, got, sortedStrings); diff != "" {
		t.Errorf("the projects are not served byte for byte: %s", diff)
	}
	if got := ask(t, s, "GET /rest/api/2/project/ABDERA", ""); string(got.body) != strings.TrimSpace(readText(t, dir+"/project.json")) {
		t.Errorf("project/ABDERA = %.300s", got.body)
	}
	var sprint struct{ Issues []json.RawMessage }
	if err := json.Unmarshal([]byte(readText(t, dir+"/issues_in_sprint.json")), &sprint); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "GET /rest/api/2/issue/AR-86", ""); string(got.body) != string(sprint.Issues[0]) {
		t.Errorf("issue/AR-86 = %.300s", got.body)
	}
	var p paged
	ask(t, s, "GET /rest/api/2/search?fields=summary&jql="+url.QueryEscape(`assignee = "mister.morris" and status = Ready`), "").decode(t, &p)
	if p.keys() != "AR-86" {
		t.Errorf("the search by assignee = %+v", p)
	}
}
