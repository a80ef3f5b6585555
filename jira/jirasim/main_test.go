package jirasim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the present in these tests.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// newSite is a site with three projects, seven issues and, unless it is given another, a
// clock that stands.
func newSite(config jirasim.Config) *jirasim.Server {
	if config.Clock == nil {
		config.Clock = func() time.Time { return noon }
	}
	s := jirasim.New(config)
	s.AddUser(jirasim.User{AccountID: "ada", DisplayName: "Ada Okafor", Email: "ada@example.com"})
	s.AddProject(jirasim.Project{Key: "PAY", Name: "Payments", Lead: "ada", Description: "Money"})
	s.AddProject(jirasim.Project{Key: "APP", Name: "Mobile App"})
	s.AddProject(jirasim.Project{Key: "SEC", Name: "Security", Type: "business"})
	for _, i := range []jirasim.Issue{
		{Key: "PAY-1", Summary: "Refunds", Type: "Epic", Status: "In Progress", Reporter: "ada"},
		{Key: "PAY-2", Summary: `Refund "fails"`, Type: "Bug", Parent: "PAY-1", Assignee: "ada", Labels: []string{"card"}},
		{Key: "PAY-3", Summary: "Write a test", Type: "Sub-task", Parent: "PAY-2"},
		{Key: "PAY-4", Summary: "Receipts", Status: "Done", Resolved: noon.AddDate(0, 0, -20)},
		{Key: "APP-1", Summary: "Dark mode", Priority: "High", Components: []string{"iOS"}},
		{Key: "APP-2", Summary: "Crash on start", Type: "Bug"},
		{Key: "SEC-1", Summary: "Secret plan", Hidden: true},
	} {
		i.Created, i.Updated = noon.AddDate(0, 0, -30), noon.AddDate(0, 0, -20)
		s.AddIssue(i)
	}
	return s
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading the body
}

func (r reply) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%v in %.300s", err, r.body)
	}
}

// ask sends "GET /path" or, with a body, "POST /path" to the site.
func ask(t *testing.T, s *jirasim.Server, what, body string, headers ...string) reply {
	t.Helper()
	method, path, _ := strings.Cut(what, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "https://jira.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(t, s, r)
}

func send(t *testing.T, s *jirasim.Server, r *http.Request) reply {
	t.Helper()
	w, err := s.Transport().RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	return reply{w.StatusCode, w.Header, text, err}
}

// found is a page of a search.
type found struct {
	Issues []struct {
		ID, Key, Self, Expand string
		Fields                map[string]json.RawMessage
	}
	NextPageToken *string
	IsLast        *bool
	IssueErrors   []struct{ ID, ErrorMessage string }
}

// ids lists the ids after 10000, as "1 2 3".
func (f found) ids() string {
	var all []string
	for _, i := range f.Issues {
		all = append(all, strings.TrimLeft(strings.TrimPrefix(i.ID, "1"), "0"))
	}
	return strings.Join(all, " ")
}

func search(t *testing.T, s *jirasim.Server, body string, headers ...string) found {
	t.Helper()
	r := ask(t, s, "POST /rest/api/3/search/jql", body, headers...)
	if r.status != 200 {
		t.Fatalf("search %s = %d %s", body, r.status, r.body)
	}
	var f found
	r.decode(t, &f)
	return f
}

// refusal is what Jira said against a request, or "" where it was served.
func refusal(r reply) string {
	var e struct{ ErrorMessages []string }
	if json.Unmarshal(r.body, &e) != nil {
		return string(r.body)
	}
	return strings.Join(e.ErrorMessages, "; ")
}

// shared finds a file beside the module, and skips the test without it.
func shared(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path = filepath.Join(dir, "..", "shared", path)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there, so nothing was checked against it", path)
	}
	return path
}

func idsJQL(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(10001 + i)
	}
	return "[" + strings.Join(ids, ",") + "]"
}

type jsonText = json.RawMessage

var sortedStrings = cmpopts.SortSlices(func(a, b string) bool { return a < b })

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
