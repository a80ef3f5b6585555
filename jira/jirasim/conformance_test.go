package jirasim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// deviations are the places where Atlassian's file is at odds with Jira itself. What
// is not among them is our mistake.
var deviations = []struct {
	match  *regexp.Regexp // of the error, on one line
	reason string
}{
	{regexp.MustCompile(`string doesn't match the format "date-time"`),
		"Jira writes times as 2021-04-22T05:37:05.000+0000, also in the file's own examples; date-time wants +00:00"},
	{regexp.MustCompile(`^Error at "[^"]*/fields/\w+": Value is not nullable Schema: \{\} Value: null`),
		"the fields of an issue are free-form, and many are null; the file's empty schema for them does not say nullable"},
	{regexp.MustCompile(`property "entityId" is unsupported`),
		"the real projects of the fixtures have an entityId, which the file's Project does not know"},
}

// conformance validates each request and each answer that passes through it.
type conformance struct {
	t          *testing.T
	next       http.RoundTripper
	router     routers.Router
	operations map[string]int // how often each was validated
	deviated   map[string]int // by the reason of the deviation
}

func newConformance(t *testing.T, s *jirasim.Server) *conformance {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(excerpt(t, shared(t, "specs/jira-platform-v3.2026-02-06.json")))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://jira.test"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &conformance{t: t, next: s.Transport(), router: router, operations: map[string]int{}, deviated: map[string]int{}}
}

// validated are the operations that the simulated Jira knows.
var validated = append([]string{
	"GET /rest/api/3/search/jql", "POST /rest/api/3/search/jql", "POST /rest/api/3/search/approximate-count",
	"POST /rest/api/3/issue/bulkfetch", "GET /rest/api/3/issue/{issueIdOrKey}", "GET /rest/api/3/project/search",
	"GET /rest/api/3/project/{projectIdOrKey}", "GET /rest/api/3/serverInfo", "GET /rest/api/3/myself", "GET /rest/api/3/mypermissions",
}, webhookOperations...)

// excerpt is the file with those operations alone and the schemas they lead to. The
// whole of it takes many seconds to load under the race detector.
func excerpt(t *testing.T, path string) []byte {
	t.Helper()
	var doc struct {
		OpenAPI    string                                `json:"openapi"`
		Info       json.RawMessage                       `json:"info"`
		Paths      map[string]json.RawMessage            `json:"paths"`
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal([]byte(readText(t, path)), &doc); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(doc.Paths, func(path string, _ json.RawMessage) bool {
		return !slices.ContainsFunc(validated, func(operation string) bool { return strings.HasSuffix(operation, " "+path) })
	})
	reached := map[string]bool{}
	reference := regexp.MustCompile(`"#/components/schemas/([^"]+)"`)
	var reach func(text []byte)
	reach = func(text []byte) {
		for _, m := range reference.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !reached[name] {
				reached[name] = true
				reach(doc.Components["schemas"][name])
			}
		}
	}
	for _, item := range doc.Paths {
		reach(item)
	}
	maps.DeleteFunc(doc.Components["schemas"], func(name string, _ json.RawMessage) bool { return !reached[name] })
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *conformance) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBack(&r.Body)
	if err != nil {
		return nil, err
	}
	route, params, err := c.router.FindRoute(asVersion3(r))
	if err != nil {
		c.t.Errorf("%s %s is no operation of the file: %v", r.Method, r.URL, err)
		return c.next.RoundTrip(r)
	}
	c.operations[r.Method+" "+route.Path]++
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SkipSettingDefaults: true,
	}}
	c.report("request "+r.Method+" "+r.URL.String()+" "+string(body), openapi3filter.ValidateRequest(r.Context(), in))
	r.Body = io.NopCloser(bytes.NewReader(body))
	w, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := readBack(&w.Body)
	if err != nil {
		return nil, err
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.StatusCode, Header: w.Header, Options: in.Options}
	out.SetBodyBytes(text)
	c.report(fmt.Sprintf("answer %d to %s %s", w.StatusCode, r.Method, r.URL), openapi3filter.ValidateResponse(r.Context(), out))
	return w, nil
}

// asVersion3 is the request as the file knows it: serverInfo is asked for in version
// 2, which Data Center has too, and is the same there.
func asVersion3(r *http.Request) *http.Request {
	if r.URL.Path != "/rest/api/2/serverInfo" {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/rest/api/3/serverInfo"
	return r
}

// readBack reads a body and puts it back.
func readBack(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	text, err := io.ReadAll(*body)
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(text))
	return text, err
}

func (c *conformance) report(what string, err error) {
	for _, fault := range leaves(err) {
		known, text := false, strings.Join(strings.Fields(fault.Error()), " ")
		for _, d := range deviations {
			if d.match.MatchString(text) {
				c.deviated[d.reason]++
				known = true
			}
		}
		if !known {
			c.t.Errorf("%.300s does not conform: %.600s", what, text)
		}
	}
}

// leaves takes joined errors apart, down to one schema error each.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	var response *openapi3filter.ResponseError
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	switch many := err.(type) {
	case openapi3.MultiError:
		var all []error
		for _, one := range many {
			all = append(all, leaves(one)...)
		}
		return all
	default:
		if errors.As(err, &schema) && schema == err {
			if schema.Origin != nil {
				return leaves(schema.Origin)
			}
			return []error{err}
		}
		if errors.As(err, &response) && response == err && response.Err != nil {
			return leaves(response.Err)
		}
		if errors.As(err, &request) && request == err && request.Err != nil {
			return leaves(request.Err)
		}
	}
	return []error{err}
}

func TestTheClientAndTheSimulatedJiraConformToAtlassiansFile(t *testing.T) {
	s := newSite(jirasim.Config{BaseURL: "https://jira.test", Email: "me@example.com", Token: "t", Bearer: "b", NoGzip: true})
	s.AddProject(jirasim.Project{Key: "RAW", Raw: []byte(strings.TrimSpace(readText(t, shared(t, "fixtures/cloud")+"/project/a.json")))})
	s.AddIssue(jirasim.Issue{ID: 73987, Key: "RAW-108", Raw: []byte(readText(t, shared(t, "fixtures/cloud")+"/issue/a.json"))})
	s.Update("PAY-2", func(i *jirasim.Issue) {
		i.Components, i.Resolved, i.Description = []string{"API"}, noon, "Text"
	})
	check := newConformance(t, s)
	auth, err := jira.Basic("me@example.com", "t")
	if err != nil {
		t.Fatal(err)
	}
	client, err := jira.New("https://jira.test", auth, jira.Config{Transport: check, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	tour(t, client)
	tourByHand(t, check)
	tourWebhooks(t, check)
	for _, operation := range validated {
		if check.operations[operation] == 0 {
			t.Errorf("%s was not validated", operation)
		}
	}
	for _, d := range deviations {
		if check.deviated[d.reason] == 0 {
			t.Errorf("the deviation %q does not occur: take it off the list", d.reason)
		}
	}
}

// tour calls every method of the client, with all that it can ask.
func tour(t *testing.T, c *jira.Client) {
	t.Helper()
	ctx := t.Context()
	want(t, "Myself", nil, last(c.Myself(ctx)))
	want(t, "ServerInfo", nil, last(c.ServerInfo(ctx)))
	want(t, "SiteURL", nil, last(c.SiteURL(ctx)))
	want(t, "Projects", nil, walk(c.Projects(ctx, jira.ProjectQuery{PageSize: 2, Expand: []string{"insight", "lead", "description", "issueTypes"}})))
	want(t, "Projects by key and status", nil, walk(c.Projects(ctx, jira.ProjectQuery{Keys: []string{"PAY", "APP"}, Status: []string{"live", "archived", "deleted"}})))
	want(t, "Projects by id", nil, walk(c.Projects(ctx, jira.ProjectQuery{IDs: []string{"10001", "10002"}})))
	want(t, "Projects, none", nil, walk(c.Projects(ctx, jira.ProjectQuery{Keys: []string{"NONE"}})))
	want(t, "Project", nil, last(c.Project(ctx, "PAY", "insight")))
	want(t, "Project, none", jira.ErrNotFound, last(c.Project(ctx, "NONE")))
	want(t, "SearchIssues", nil, walk(c.SearchIssues(ctx, jira.IssueQuery{JQL: "project is not empty order by id"})))
	want(t, "SearchIssues with fields", nil, walk(c.SearchIssues(ctx, jira.IssueQuery{JQL: "project = PAY", Fields: []string{"*all"}, PageSize: 2,
		Expand: []string{"names"}, Reconcile: []int64{10001}})))
	want(t, "SearchIssues, bad", &jira.Error{}, walk(c.SearchIssues(ctx, jira.IssueQuery{JQL: "order by key"})))
	want(t, "BulkFetch", nil, last(c.BulkFetch(ctx, jira.BulkQuery{IDs: []string{"10001", "10002", "73987", "5"}, Fields: []string{"*all"}, Urgent: true})))
	want(t, "BulkFetch, few fields", nil, last(c.BulkFetch(ctx, jira.BulkQuery{IDs: []string{"10001"}, Fields: []string{"summary", "parent"}, Expand: []string{"names"}})))
	want(t, "Issue", nil, last(c.Issue(ctx, "PAY-2", []string{"*all"}, "names")))
	want(t, "Issue, none", jira.ErrNotFound, last(c.Issue(ctx, "NONE-1", nil)))
	want(t, "ApproximateCount", nil, last(c.ApproximateCount(ctx, "project = PAY")))
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
