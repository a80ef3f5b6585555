package jira_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// fixture reads a real site's answer where it lies.
func fixture(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "shared", "fixtures"}, path...)...))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the real payloads in ../shared/fixtures are not here, so they are not tested")
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// served is a Data Center that gives one answer to one path.
func served(t *testing.T, path string, body []byte) *jira.Client {
	return newServerClient(t, inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jira/rest/api/2/serverInfo":
			reply(w, 200, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server","versionNumbers":[9,12,4]}`)
		case "/jira" + path:
			reply(w, 200, string(body))
		default:
			t.Errorf("%s %s was asked for, want %s", r.Method, r.URL.Path, path)
			reply(w, 404, noIssue)
		}
	})})
}

// asServed fails unless got is want with the site's address before its last brace.
func asServed(t *testing.T, got, want []byte, site string) {
	t.Helper()
	want = bytes.TrimSpace(want)
	head, ok := bytes.CutSuffix(want, []byte("}"))
	if !ok {
		t.Fatalf("the item ends in %q, want a brace", want[len(want)-1:])
	}
	if text := string(head) + `,"__siteUrl":"` + site + `"}`; string(got) != text {
		t.Fatalf("an item came out as\n%s\nwant\n%s", got, text)
	}
}

// 567 projects of a real server come out byte for byte, each once, whatever the
// size of the pages.
func TestRealProjectsOfDataCenter(t *testing.T) {
	body := fixture(t, "datacenter", "all_projects.json")
	var want []json.RawMessage
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	byID := map[string]json.RawMessage{}
	for _, raw := range want {
		byID[idOfObject(t, raw)] = raw
	}
	if len(byID) != 567 {
		t.Fatalf("the file holds %d projects, want 567", len(byID))
	}
	c := served(t, "/rest/api/2/project", body)
	for _, size := range []int{0, 1, 566, 567, 1000} {
		var keys []string
		seen := map[string]bool{}
		for page, err := range c.Projects(t.Context(), jira.ProjectQuery{PageSize: size}) {
			if err != nil {
				t.Fatal(err)
			}
			if page.Total != 567 {
				t.Errorf("a page says that there are %d projects, want 567", page.Total)
			}
			for _, raw := range page.Items {
				id := idOfObject(t, raw)
				asServed(t, raw, byID[id], serverSite)
				seen[id] = true
				keys = append(keys, keyOfObject(t, raw))
			}
		}
		if len(seen) != 567 || len(keys) != 567 || !slices.IsSorted(keys) {
			t.Errorf("pages of %d gave %d projects, %d of them different, want 567 in the order of their keys", size, len(keys), len(seen))
		}
	}
}

func TestRealPayloadsOfDataCenter(t *testing.T) {
	project := fixture(t, "datacenter", "project.json")
	got, err := served(t, "/rest/api/2/project/ABDERA", project).Project(t.Context(), "ABDERA")
	if err != nil {
		t.Fatal(err)
	}
	asServed(t, got, project, serverSite)

	issues := fixture(t, "datacenter", "issues_in_sprint.json")
	var list struct{ Issues []json.RawMessage }
	if err := json.Unmarshal(issues, &list); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Replace(issues, []byte(`"total": 10`), fmt.Appendf(nil, `"total": %d`, len(list.Issues)), 1)
	var items []json.RawMessage
	for page, err := range served(t, "/rest/api/2/search", whole).SearchIssues(t.Context(), jira.IssueQuery{JQL: "sprint = 1", Fields: []string{"*all"}}) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	if len(items) != len(list.Issues) || len(items) == 0 {
		t.Fatalf("%d issues came out, want %d", len(items), len(list.Issues))
	}
	for i, raw := range items {
		asServed(t, raw, list.Issues[i], serverSite)
	}
	issue := list.Issues[0]
	if got, err = served(t, "/rest/api/2/issue/AR-86", issue).Issue(t.Context(), "AR-86", nil); err != nil {
		t.Fatal(err)
	}
	asServed(t, got, issue, serverSite)
}

// The issues and projects of a real Cloud site come out byte for byte of every
// method that gives them.
func TestRealPayloadsOfCloud(t *testing.T) {
	for _, kind := range []string{"issue", "project"} {
		for _, name := range []string{"a", "b", "c", "d"} {
			body := bytes.TrimSpace(fixture(t, "cloud", kind, name+".json"))
			c := newClient(t, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
				switch path := r.URL.Path; {
				case strings.HasSuffix(path, "/project/search"):
					reply(w, 200, fmt.Sprintf(`{"values":[%s],"startAt":0,"total":1,"isLast":true}`, body))
				case strings.HasSuffix(path, "/search/jql"), strings.HasSuffix(path, "/bulkfetch"):
					reply(w, 200, fmt.Sprintf(`{"issues":[%s],"isLast":true}`, body))
				default:
					reply(w, 200, string(body))
				}
			})
			var all []json.RawMessage
			take := func(one json.RawMessage, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, one)
			}
			if kind == "project" {
				for page, err := range c.Projects(t.Context(), jira.ProjectQuery{}) {
					take(page.Items[0], err)
				}
				take(c.Project(t.Context(), "10000"))
			} else {
				for page, err := range c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a = b", Fields: []string{"*all"}}) {
					take(page.Items[0], err)
				}
				take(c.Issue(t.Context(), "10000", nil))
				bulk, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"10000"}})
				take(bulk.Issues[0], err)
			}
			for _, got := range all {
				asServed(t, got, body, "https://acme.example")
			}
		}
	}
}

func idOfObject(t *testing.T, raw []byte) string  { return textOfObject(t, raw).ID }
func keyOfObject(t *testing.T, raw []byte) string { return textOfObject(t, raw).Key }

func textOfObject(t *testing.T, raw []byte) (object struct{ ID, Key string }) {
	t.Helper()
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestProjectFiltersOfDataCenter(t *testing.T) {
	s, c := newDataCenter(t, jirasim.Config{})
	for _, p := range []jirasim.Project{{Key: "B", ID: "2"}, {Key: "A", ID: "1"}, {Key: "OLD", ID: "3"}, {Key: "SECRET", ID: "4"}} {
		s.AddProject(p)
	}
	s.ArchiveProject("OLD")
	s.HideProject("SECRET")
	for name, test := range map[string]struct {
		query jira.ProjectQuery
		want  string
	}{
		"all":              {jira.ProjectQuery{}, "A B"},
		"archived":         {jira.ProjectQuery{Status: []string{"archived", "deleted"}}, "OLD"},
		"live or archived": {jira.ProjectQuery{Status: []string{"live", "archived"}}, "A B OLD"},
		"deleted":          {jira.ProjectQuery{Status: []string{"deleted"}}, ""},
		"by id":            {jira.ProjectQuery{IDs: []string{"2", "3"}}, "B"},
		"by key":           {jira.ProjectQuery{Keys: []string{"A", "NONE"}}, "A"},
		"from a cursor":    {jira.ProjectQuery{Cursor: "1"}, "B"},
		"beyond the end":   {jira.ProjectQuery{Cursor: "9"}, ""},
	} {
		var keys []string
		for page, err := range c.Projects(t.Context(), test.query) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, raw := range page.Items {
				keys = append(keys, keyOfObject(t, raw))
			}
		}
		if got := strings.Join(keys, " "); got != test.want {
			t.Errorf("%s: Projects = %q, want %q", name, got, test.want)
		}
	}
	for body, kind := range map[string]error{`{"values":[]}`: jira.ErrNotJira, `null`: jira.ErrNotJira, `[7]`: jira.ErrNotJira, `[{"id":"1"}`: jira.ErrNotJira} {
		for _, err := range served(t, "/rest/api/2/project", []byte(body)).Projects(t.Context(), jira.ProjectQuery{}) {
			if !errors.Is(err, kind) {
				t.Errorf("Projects answered %s = %v, want %v", body, err, kind)
			}
		}
	}
}

func TestMyselfAtDataCenter(t *testing.T) {
	c := served(t, "/rest/api/2/myself", []byte(`{"self":"x","key":"JIRAUSER10100","name":"sam","displayName":"Sam","timeZone":"Europe/Berlin"}`))
	got, err := c.Myself(t.Context())
	want := jira.User{Key: "JIRAUSER10100", Name: "sam", DisplayName: "Sam", TimeZone: "Europe/Berlin"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || got.ID() != want.Key {
		t.Errorf("Myself = %v, ID %s (-want +got):\n%s", err, got.ID(), diff)
	}
}

func TestCountAtDataCenter(t *testing.T) {
	s, c := newDataCenter(t, jirasim.Config{})
	s.AddIssue(jirasim.Issue{Key: "A-1"})
	s.AddIssue(jirasim.Issue{Key: "B-1"})
	if n, err := c.ApproximateCount(t.Context(), "project = A"); n != 1 || err != nil {
		t.Errorf("ApproximateCount = %d, %v, want 1", n, err)
	}
	if n, err := c.ApproximateCount(t.Context(), "nonsense = ="); err == nil {
		t.Errorf("ApproximateCount of nonsense = %d, want an error", n)
	}
}

// What is not in the answer is not there, whatever the index has: as at Cloud.
func TestBulkFetchAtDataCenter(t *testing.T) {
	s, c := newDataCenter(t, jirasim.Config{})
	var ids []string
	for range 20 {
		ids = append(ids, fmt.Sprint(s.AddIssue(jirasim.Issue{ProjectKey: "A", Summary: "was"}).ID))
	}
	s.Update("A-5", func(i *jirasim.Issue) { i.Hidden = true })
	s.Delete("A-6")
	s.Update("A-7", func(i *jirasim.Issue) { i.Summary = "is" })
	lost := textID(t, ids[7])
	s.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{lost}})
	s.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	want := slices.Concat(ids[:4], ids[6:])
	asked := append([]string{"A-1", "99", "NONE-1", ids[3]}, ids...)
	for name, test := range map[string]struct {
		client   *jira.Client
		query    jira.BulkQuery
		searches int
		seventh  string
	}{
		"by the index":  {c, jira.BulkQuery{}, 1, "was"},
		"each directly": {c, jira.BulkQuery{Direct: true}, 0, "is"},
		"urgently":      {c.Urgent(), jira.BulkQuery{}, 0, "is"},
	} {
		s.ForgetRequests()
		test.query.IDs, test.query.Fields = asked, []string{"summary"}
		bulk, err := test.client.BulkFetch(t.Context(), test.query)
		if err != nil || len(bulk.Errors) > 0 {
			t.Fatalf("%s: BulkFetch = %v, %v", name, bulk.Errors, err)
		}
		var got []string
		for _, raw := range bulk.Issues {
			object := struct {
				ID      string
				SiteURL string `json:"__siteUrl"`
				Fields  map[string]string
			}{}
			if err := json.Unmarshal(raw, &object); err != nil {
				t.Fatal(err)
			}
			got = append(got, object.ID)
			if object.SiteURL != serverSite || len(object.Fields) != 1 {
				t.Errorf("%s: issue %s comes as %s, want its summary and the site's address", name, object.ID, raw)
			}
			if object.ID == ids[6] && object.Fields["summary"] != test.seventh {
				t.Errorf("%s: the summary is %q, want %q", name, object.Fields["summary"], test.seventh)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the issues that came (-want +got):\n%s", name, diff)
		}
		if n := s.Count("/rest/api/2/search"); n != test.searches || bulk.Indexed != (n > 0) {
			t.Errorf("%s: %d searches, Indexed is %t, want %d", name, n, bulk.Indexed, test.searches)
		}
	}
}

func textID(t *testing.T, id string) (n int64) {
	t.Helper()
	if _, err := fmt.Sscan(id, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// One issue that Jira cannot give is named; the site's own troubles are errors of
// the whole.
func TestBulkFetchTroubleAtDataCenter(t *testing.T) {
	for status, test := range map[int]struct {
		body         string
		named, fails bool
	}{
		http.StatusInternalServerError: {`{"errorMessages":["A field is broken."],"errors":{}}`, true, false},
		http.StatusForbidden:           {`{"errorMessages":["You do not have the permission to see the specified issue."],"errors":{}}`, false, false},
		http.StatusNotFound:            {noIssue, false, false},
		http.StatusUnauthorized:        {`{}`, false, true},
		http.StatusServiceUnavailable:  {`{}`, false, true},
	} {
		c := newServerClient(t, inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/serverInfo"):
				reply(w, 200, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server"}`)
			case strings.HasSuffix(r.URL.Path, "/issue/2"):
				reply(w, status, test.body)
			default:
				reply(w, 200, `{"id":"1"}`)
			}
		})})
		bulk, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1", "2"}})
		if (err != nil) != test.fails || len(bulk.Errors) > 0 != test.named || !test.fails && len(bulk.Issues) != 1 {
			t.Errorf("BulkFetch with a %d for one issue = %d issues, %v, %v, want it named %t, failed %t",
				status, len(bulk.Issues), bulk.Errors, err, test.named, test.fails)
		}
	}
}

// A refusal to look so deep is final: it is not asked again after a pause, and
// the number it names is kept to.
func TestResultWindowIsLearntAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", ResultWindow: 20})
		auth, _ := jira.Bearer("sesame-token")
		c, err := jira.New(serverSite, auth, jira.Config{Transport: s.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			s.AddIssue(jirasim.Issue{ProjectKey: "A"})
		}
		if _, err := list(t.Context(), c, jira.IssueQuery{JQL: "project = A"}, nil); !errors.Is(err, jira.ErrCrowded) {
			t.Errorf("SearchIssues = %v, want ErrCrowded", err)
		}
		if n := c.Stats().Retries; n != 0 {
			t.Errorf("%d requests were repeated, want none", n)
		}
	})
}

// Beside the context path a web server answers that is not Jira. It is not given the credentials.
func TestTheContextPathIsForgotten(t *testing.T) {
	s, _ := newDataCenter(t, jirasim.Config{})
	for _, site := range []string{"https://jira.acme.example", "https://jira.acme.example/tracker"} {
		auth, err := jira.Automatic("sam", "sesame-token")
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New(site, auth, jira.Config{Transport: s.Transport(), Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Myself(t.Context())
		if !errors.Is(err, jira.ErrNotJira) || errors.Is(err, jira.ErrUnauthorized) {
			t.Errorf("at %s Myself = %v, want ErrNotJira", site, err)
		}
		for _, part := range []string{"there is no Jira at " + site, "context path"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("at %s Myself = %v, want it to say %q", site, err, part)
			}
		}
	}
	for _, r := range s.Requests() {
		if r.Scheme != "" {
			t.Errorf("%s was asked for with credentials (%s)", r.Path, r.Scheme)
		}
	}
}

// A server that refuses to search for ids that are not there is asked for each issue.
func TestBulkFetchWhereTheSearchForIDsIsRefused(t *testing.T) {
	c := newServerClient(t, inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/serverInfo"):
			reply(w, 200, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server"}`)
		case strings.HasSuffix(r.URL.Path, "/search"):
			reply(w, 400, `{"errorMessages":["A value with ID '4' does not exist for the field 'id'."],"errors":{}}`)
		case strings.HasSuffix(r.URL.Path, "/issue/4"):
			reply(w, 404, noIssue)
		default:
			reply(w, 200, `{"id":"`+filepath.Base(r.URL.Path)+`"}`)
		}
	})})
	bulk, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1", "2", "3", "4", "5"}})
	if err != nil || len(bulk.Issues) != 4 || bulk.Indexed || len(bulk.Errors) > 0 {
		t.Errorf("BulkFetch = %d issues, indexed %t, %v, %v, want the four that are there, from the database", len(bulk.Issues), bulk.Indexed, bulk.Errors, err)
	}
}
