package jirasim_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGzip(t *testing.T) {
	for _, c := range []struct {
		name, accept string
		config       jirasim.Config
		path, want   string
	}{
		{"accepted", "gzip", jirasim.Config{}, "issue/PAY-1", "gzip"},
		{"not accepted", "", jirasim.Config{}, "issue/PAY-1", ""},
		{"switched off", "gzip", jirasim.Config{NoGzip: true}, "issue/PAY-1", ""},
		{"short", "gzip", jirasim.Config{}, "issue/NO-1", ""},
	} {
		s := newSite(c.config)
		plain := ask(t, s, "GET /rest/api/3/"+c.path, "")
		r := ask(t, s, "GET /rest/api/3/"+c.path, "", "Accept-Encoding", c.accept)
		if got := r.header.Get("Content-Encoding"); got != c.want {
			t.Errorf("%s: Content-Encoding = %q, want %q", c.name, got, c.want)
			continue
		}
		body := io.Reader(strings.NewReader(string(r.body)))
		if c.want == "gzip" {
			body, _ = gzip.NewReader(body)
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != string(plain.body) {
			t.Errorf("%s: %v, the body differs from the plain one", c.name, err)
		}
	}
}

// Answers share pooled buffers and cached parts: many at once must not mix, over a
// socket and while the site changes.
func TestManyClientsAtOnce(t *testing.T) {
	s := jirasim.New(jirasim.Config{})
	s.Fill(300, 2, 200)
	server := httptest.NewServer(s)
	defer server.Close()
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			for i := range 20 {
				id := 10001 + (n*20+i)%300
				w, err := server.Client().Get(fmt.Sprintf("%s/rest/api/3/issue/%d", server.URL, id))
				if err != nil {
					t.Error(err)
					return
				}
				var issue struct{ ID string }
				err = json.NewDecoder(w.Body).Decode(&issue)
				_ = w.Body.Close()
				if err != nil || issue.ID != fmt.Sprint(id) {
					t.Errorf("issue %d came as %s, %v", id, issue.ID, err)
				}
				s.Update(fmt.Sprint(id), func(i *jirasim.Issue) { i.Summary += "!" })
			}
		})
	}
	clients.Wait()
	server.Client().CloseIdleConnections()
}

func TestRequestsAreLogged(t *testing.T) {
	s := newSite(jirasim.Config{})
	ask(t, s, "GET /rest/api/3/issue/PAY-1?fields=summary", "", "Authorization", "Bearer secret")
	ask(t, s, "POST /rest/api/3/search/jql", `{"jql":""}`)
	ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"project = PAY"}`)
	if one, all := s.Count("/rest/api/3/search/jql"), s.Count(""); one != 2 || all != 3 {
		t.Errorf("Count = %d and %d, want 2 and 3", one, all)
	}
	var got []string
	for _, r := range s.Requests() {
		got = append(got, fmt.Sprint(r.Method, " ", r.Path, " ", r.Query.Encode(), " ", string(r.Body), " ", r.Scheme, " ", r.Status))
	}
	want := []string{
		"GET /rest/api/3/issue/PAY-1 fields=summary  Bearer 200",
		`POST /rest/api/3/search/jql  {"jql":""}  400`,
		`POST /rest/api/3/search/jql  {"jql":"project = PAY"}  200`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Requests differ (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", s.Requests()), "secret") {
		t.Error("the log holds a credential")
	}
	s.ForgetRequests()
	if s.Count("") != 0 || len(s.Requests()) != 0 {
		t.Error("ForgetRequests left something")
	}
}

func TestServesADirectoryOfRealPayloads(t *testing.T) {
	dir := shared(t, "fixtures/cloud")
	s := jirasim.New(jirasim.Config{})
	if err := s.ServeDir(dir); err != nil {
		t.Fatal(err)
	}
	if got := projects(t, s, "").keys(); got != "AI DE DEMO DGS SEC" {
		t.Errorf("projects = %s", got)
	}
	if f := search(t, s, `{"jql":"project = SEC and statusCategory = 'To Do' order by key desc","fields":["key"]}`); len(f.Issues) != 4 || f.Issues[0].Key != "SEC-108" {
		t.Errorf("search = %+v", f.Issues)
	}
	whole := ask(t, s, "GET /rest/api/3/issue/SEC-108", "")
	if want := readText(t, dir+"/issue/a.json"); string(whole.body) != want {
		t.Error("the issue is not served byte for byte")
	}
	if r := ask(t, s, "GET /rest/api/3/project/DE", ""); string(r.body) != readText(t, dir+"/project/b.json") {
		t.Error("the project is not served byte for byte")
	}
	part := bulk(t, s, `{"issueIdsOrKeys":["73987"],"fields":["summary","status"]}`).Issues[0]
	if len(part.Fields) != 2 || part.Key != "SEC-108" || !strings.HasPrefix(part.Self, "https://api.atlassian.com/ex/jira/") {
		t.Errorf("two fields of it = %+v", part)
	}
	if err := s.ServeDir(dir); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second time: %v", err)
	}
}

func TestServeDirRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"not JSON": "{", "no id": `{"key":"A-1"}`, "no key": `{"id":"1"}`, "a bad time": `{"id":"1","key":"A-1","fields":{"created":"yesterday"}}`,
	} {
		dir := t.TempDir()
		writeText(t, dir+"/issue/one.json", content)
		if err := jirasim.New(jirasim.Config{}).ServeDir(dir); err == nil || !strings.Contains(err.Error(), "one.json") {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	if err := jirasim.New(jirasim.Config{}).ServeDir(t.TempDir()); err == nil {
		t.Error("an empty directory was accepted")
	}
}

// The shape of an issue is that of the real payloads: the same fields in the same
// order, and in each the same members of the same type.
func TestIssueShapeIsThatOfRealPayloads(t *testing.T) {
	real := readText(t, shared(t, "fixtures/cloud")+"/issue/a.json")
	s := newSite(jirasim.Config{})
	s.Update("PAY-2", func(i *jirasim.Issue) { i.Reporter, i.Creator, i.Description = "ada", "ada", "text" })
	ours := ask(t, s, "GET /rest/api/3/issue/PAY-2", "").body
	if diff := cmp.Diff(shape(t, []byte(real)), shape(t, ours)); diff != "" {
		t.Errorf("shapes differ (-real +ours):\n%s", diff)
	}
}

// shape lists the paths of an issue with their types, without those that depend on
// what the issue is about.
func shape(t *testing.T, text []byte) map[string]string {
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	fields := v["fields"].(map[string]any)
	for _, name := range []string{"description", "attachment", "parent", "subtasks", "labels"} {
		delete(fields, name)
	}
	delete(fields["issuetype"].(map[string]any), "entityId") // only team-managed projects have it
	out := map[string]string{}
	describe(out, "", v)
	return out
}

func describe(out map[string]string, path string, v any) {
	if m, ok := v.(map[string]any); ok {
		for name, member := range m {
			describe(out, path+"."+name, member)
		}
		return
	}
	out[path] = fmt.Sprintf("%T", v)
}

func TestTimesAreWrittenInTheAccountsZone(t *testing.T) {
	s := newSite(jirasim.Config{Zone: time.FixedZone("", 2*60*60)})
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Updated = noon.Add(1234 * time.Millisecond) })
	if got, want := read(t, s, "PAY-1").Fields.Updated, "2026-03-04T14:00:01.234+0200"; got != want {
		t.Errorf("updated = %s, want %s", got, want)
	}
	if got := search(t, s, `{"jql":"updated >= '2026-03-04 14:00'"}`).ids(); got != "1" {
		t.Errorf("a date in JQL is read as %q, want it in the account's zone", got)
	}
}

// Whatever people write must come out as it went in.
func TestTextSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		s := newSite(jirasim.Config{})
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary, i.Labels = text, []string{text} })
		var i struct {
			Fields struct {
				Summary string
				Labels  []string
			}
		}
		body := ask(t, s, "GET /rest/api/3/issue/PAY-1", "").body
		if err := json.Unmarshal(body, &i); err != nil || !utf8.Valid(body) {
			rt.Fatalf("%v in %s", err, body)
		}
		if i.Fields.Summary != text || i.Fields.Labels[0] != text {
			rt.Fatalf("summary = %q, want %q", i.Fields.Summary, text)
		}
	})
	s := newSite(jirasim.Config{})
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "a\xffb\x00\"\\\t\r\n" })
	var i struct{ Fields struct{ Summary string } }
	ask(t, s, "GET /rest/api/3/issue/PAY-1", "").decode(t, &i)
	if want := "a\ufffdb\x00\"\\\t\r\n"; i.Fields.Summary != want {
		t.Errorf("bytes that are no UTF-8 = %q, want %q", i.Fields.Summary, want)
	}
}

func TestMisuseOfAddPanics(t *testing.T) {
	for name, misuse := range map[string]func(*jirasim.Server){
		"no key, no project": func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{Summary: "x"}) },
		"key taken":          func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{Key: "PAY-1"}) },
		"id taken":           func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{ID: 10001, ProjectKey: "PAY"}) },
		"project taken":      func(s *jirasim.Server) { s.AddProject(jirasim.Project{Key: "PAY"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			misuse(newSite(jirasim.Config{}))
		}()
	}
}

func TestAddIssueFillsIn(t *testing.T) {
	s := newSite(jirasim.Config{})
	got := s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Status: "Closed", Resolved: noon})
	want := jirasim.Issue{ID: 10008, Key: "PAY-5", ProjectKey: "PAY", Type: "Task", Status: "Closed", StatusCategory: "Done",
		Priority: "Medium", Resolution: "Done", Created: noon, Updated: noon, Resolved: noon}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AddIssue (-want +got):\n%s", diff)
	}
	if i, ok := s.Issue("pay-5"); !ok || i.ID != 10008 {
		t.Errorf("Issue(pay-5) = %+v, %v", i, ok)
	}
	if _, ok := s.Issue("PAY-6"); ok {
		t.Error("Issue(PAY-6) is there")
	}
	s.AddIssue(jirasim.Issue{ID: 5, Key: "NEW-7"})
	if got := search(t, s, `{"jql":"id < 10002"}`).Issues; len(got) != 2 || got[0].ID != "5" {
		t.Errorf("an id added late is not found in its place: %+v", got)
	}
}

func TestRoundTripClosesTheRequestBody(t *testing.T) {
	body := &closing{Reader: strings.NewReader(`{"jql":"project = PAY"}`)}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "https://jira.test/rest/api/3/search/jql", body)
	r.Header.Set("Content-Type", "application/json")
	if got := send(t, newSite(jirasim.Config{}), r); got.status != 200 || !body.closed {
		t.Errorf("status %d, closed %v", got.status, body.closed)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }
