package jira_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"ferry/jira"
)

// transcript answers requests out of a txtar file. The name of a section is a
// request, "POST /path?query {body}", with " #2" and so on for one that comes
// again; its text is the answer. A request that is not there fails the test,
// and so does an answer that is not used.
type transcript struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][][]byte
}

func newTranscript(t *testing.T, name string) *transcript {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	tr := &transcript{t: t, answers: make(map[string][][]byte)}
	for _, f := range archive.Files {
		request, _, _ := strings.Cut(f.Name, " #")
		tr.answers[request] = append(tr.answers[request], f.Data)
	}
	t.Cleanup(func() {
		for request, left := range tr.answers {
			if len(left) > 0 {
				t.Errorf("%s: %d answers to %q were not used", name, len(left), request)
			}
		}
	})
	return tr
}

func (tr *transcript) RoundTrip(r *http.Request) (*http.Response, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	request := r.Method + " " + r.URL.RequestURI()
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		request += " " + string(body)
	}
	left := tr.answers[request]
	if len(left) == 0 {
		tr.t.Errorf("request without an answer: %s", request)
		return nil, fmt.Errorf("no answer to %s", request)
	}
	tr.answers[request] = left[1:]
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(left[0])), r)
}

// transcriptClient is a client at the gateway, whose path prefix each request
// must keep.
func transcriptClient(t *testing.T, name string) *jira.Client {
	t.Helper()
	auth, err := jira.Bearer("sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://api.atlassian.com/ex/jira/c1/", auth, jira.Config{Transport: newTranscript(t, name), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProjectsFromTranscript(t *testing.T) {
	c := transcriptClient(t, "projects.txtar")
	var got []string
	for page, err := range c.Projects(t.Context(), jira.ProjectQuery{
		Expand: []string{"lead", "insight"}, Status: []string{"live", "archived"}, Keys: []string{"A", "B", "C"}, PageSize: 2,
	}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s cursor=%q total=%d", page.Items, page.Cursor, page.Total))
	}
	want := []string{
		`[{"id":"1","key":"A","__siteUrl":"https://acme.atlassian.net"} {"id":"2","key":"B","__siteUrl":"https://acme.atlassian.net"}] cursor="2" total=3`,
		`[{ "key":"C" , "x":1.50 ,"__siteUrl":"https://acme.atlassian.net"}] cursor="" total=3`,
	}
	compare(t, got, want)
	raw, err := c.Project(t.Context(), "A", "lead")
	if want := `{"id":"1","key":"A","__siteUrl":"https://acme.atlassian.net"}`; err != nil || string(raw) != want {
		t.Errorf("Project = %s, %v, want %s", raw, err, want)
	}
}

func TestIssuesFromTranscript(t *testing.T) {
	c := transcriptClient(t, "issues.txtar")
	var got []string
	list := func(query jira.IssueQuery) {
		t.Helper()
		for page, err := range c.SearchIssues(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s cursor=%q total=%d", page.Items, page.Cursor, page.Total))
		}
	}
	list(jira.IssueQuery{JQL: `project = "A"`, Reconcile: []int64{7}})
	list(jira.IssueQuery{JQL: `project = "A"`, Fields: []string{"summary"}, Expand: []string{"names", "changelog"}, Cursor: "t1"})
	bulk, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1", "A-2"}, Fields: []string{"summary"}, Expand: []string{"changelog"}})
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, fmt.Sprintf("%s %v", bulk.Issues, bulk.Errors))
	one, err := c.Issue(t.Context(), "A-1", []string{"summary", "status"}, "changelog")
	if err != nil {
		t.Fatal(err)
	}
	count, err := c.ApproximateCount(t.Context(), `project = "A"`)
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, string(one), fmt.Sprint(count))
	compare(t, got, []string{
		`[{"id":"1"} {"id":"2"}] cursor="t1" total=-1`,
		`[] cursor="t2" total=-1`,
		`[{"id":"3"}] cursor="" total=-1`,
		`[{"id":"3","fields":{},"__siteUrl":"https://acme.atlassian.net"}] cursor="" total=-1`,
		`[{"id":"1","__siteUrl":"https://acme.atlassian.net"}] [{2 try again}]`,
		`{"id":"1","__siteUrl":"https://acme.atlassian.net"}`,
		`197762`,
	})
}

func TestSiteFromTranscript(t *testing.T) {
	c := transcriptClient(t, "site.txtar")
	user, err := c.Myself(t.Context())
	if want := (jira.User{AccountID: "5b10a", DisplayName: "Sam", TimeZone: "Europe/Berlin"}); err != nil || user != want {
		t.Errorf("Myself = %+v, %v, want %+v", user, err, want)
	}
	info, err := c.ServerInfo(t.Context())
	got := fmt.Sprintf("%+v", info)
	if want := "{BaseURL:https://acme.atlassian.net DeploymentType:Cloud Version:1001.0.0-SNAPSHOT VersionNumbers:[1001 0 0] ServerTimeZone:Etc/UTC}"; err != nil || got != want {
		t.Errorf("ServerInfo = %s, %v, want %s", got, err, want)
	}
	for range 2 {
		if url, err := c.SiteURL(t.Context()); err != nil || url != "https://acme.atlassian.net" {
			t.Errorf("SiteURL = %q, %v", url, err)
		}
	}
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("answer %d = %s\nwant %s", i, g, w)
		}
	}
}
