package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/jira"
	"ferry/jira/jirasim"
)

const serverSite = "https://jira.acme.example/jira"

// newDataCenter is a Data Center below a context path, and a client of it.
func newDataCenter(t testing.TB, config jirasim.Config) (*jirasim.Server, *jira.Client) {
	t.Helper()
	config.Deployment, config.ContextPath, config.Bearer = jirasim.DataCenter, "/jira", "sesame-token"
	s := jirasim.New(config)
	return s, newServerClient(t, s.Transport())
}

func newServerClient(t testing.TB, transport http.RoundTripper) *jira.Client {
	t.Helper()
	auth, err := jira.Bearer("sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(serverSite, auth, jira.Config{Transport: transport, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listing is what a search gave: how often each issue came, in which order, and
// the cursors after its pages.
type listing struct {
	times   map[string]int
	keys    []string
	cursors []string
	totals  []int
}

func list(ctx context.Context, c *jira.Client, query jira.IssueQuery, between func()) (listing, error) {
	l := listing{times: map[string]int{}}
	for page, err := range c.SearchIssues(ctx, query) {
		if err != nil {
			return l, err
		}
		for _, raw := range page.Items {
			var issue struct{ ID, Key string }
			if err := json.Unmarshal(raw, &issue); err != nil {
				return l, err
			}
			l.times[issue.ID]++
			l.keys = append(l.keys, issue.Key)
		}
		l.cursors, l.totals = append(l.cursors, page.Cursor), append(l.totals, page.Total)
		if between != nil {
			between()
		}
	}
	return l, nil
}

// Whatever the size of the site, of its pages and of its result window: each
// issue comes once, and only a site's first refusals are asked for in vain.
func TestWindowsListEachIssueOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := jirasim.Config{
			ResultWindow: rapid.IntRange(10, 25).Draw(rt, "window"),
			PageLimit:    rapid.IntRange(2, 30).Draw(rt, "cap"),
			Unsettled:    rapid.Bool().Draw(rt, "unsettled"),
			Zone:         rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("", -8*3600), time.FixedZone("", 14*3600)}).Draw(rt, "zone"),
		}
		s, c := newDataCenter(t, config)
		n := rapid.IntRange(0, 70).Draw(rt, "issues")
		minute := time.Date(2001, 4, 1, 9, 30, 0, 0, time.UTC)
		for i := range n {
			minute = minute.Add(time.Duration(rapid.SampledFrom([]int{1, 1, 1, 2, 60, 100_000}).Draw(rt, "gap")) * 15 * time.Second)
			s.AddIssue(jirasim.Issue{ProjectKey: rapid.SampledFrom([]string{"A", "B", "CC"}).Draw(rt, "project"), Created: minute, Priority: "Low",
				Key: "", Summary: fmt.Sprint(i)})
		}
		query := jira.IssueQuery{
			JQL:      rapid.SampledFrom([]string{"", "ORDER BY priority", "created > 1990-01-01", "project is not empty OR status = \"To Do\" ORDER BY created DESC"}).Draw(rt, "jql"),
			PageSize: rapid.IntRange(0, 40).Draw(rt, "size"),
		}
		got, err := list(t.Context(), c, query, nil)
		if err != nil || len(got.times) != n {
			rt.Fatalf("SearchIssues gave %d of %d issues, %v", len(got.times), n, err)
		}
		for id, times := range got.times {
			if times != 1 {
				rt.Errorf("issue %s came %d times, want once", id, times)
			}
		}
		refused := 0
		for _, r := range s.Requests() {
			if r.Status == http.StatusInternalServerError {
				refused++
			}
		}
		if refused > 1 {
			rt.Errorf("%d searches went beyond the result window, want one to learn it by", refused)
		}
		if last := len(got.cursors) - 1; last < 0 || got.cursors[last] != "" {
			rt.Errorf("the cursors of the pages are %q, want the last to be empty", got.cursors)
		}
	})
}

// While issues come, go and change, whatever was there all the time is listed.
func TestWindowsLoseNothingWhileTheListMoves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c := newDataCenter(t, jirasim.Config{ResultWindow: 20, PageLimit: rapid.IntRange(3, 9).Draw(rt, "cap")})
		created := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		stay := map[string]bool{}
		n := rapid.IntRange(5, 45).Draw(rt, "issues")
		for i := range n {
			stay[s.AddIssue(jirasim.Issue{ProjectKey: string("AB"[i%2]), Created: created.Add(time.Duration(i) * time.Hour)}).Key] = true
		}
		change := func() {
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				if rapid.Bool().Draw(rt, "add") {
					s.AddIssue(jirasim.Issue{ProjectKey: "A", Created: created.Add(time.Duration(rapid.IntRange(0, n).Draw(rt, "at")) * time.Hour)})
					continue
				}
				key := fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "project"), rapid.IntRange(1, n/2+1).Draw(rt, "number"))
				if s.Delete(key) {
					delete(stay, key)
				}
			}
		}
		got, err := list(t.Context(), c, jira.IssueQuery{JQL: "created > 1990-01-01"}, change)
		if err != nil {
			rt.Fatal(err)
		}
		for key := range stay {
			if !slices.Contains(got.keys, key) {
				rt.Errorf("%s was there all the time and is not among the %d issues listed", key, len(got.keys))
			}
		}
	})
}

// A listing goes on from each of its cursors, also after what stood there has gone.
func TestWindowsGoOnFromACursor(t *testing.T) {
	s, c := newDataCenter(t, jirasim.Config{ResultWindow: 20, PageLimit: 6})
	for i := range 50 {
		s.AddIssue(jirasim.Issue{ProjectKey: "A", Created: time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)})
	}
	query := jira.IssueQuery{JQL: "project = A"}
	all, err := list(t.Context(), c, query, nil)
	if err != nil || len(all.keys) != 50 {
		t.Fatalf("SearchIssues gave %d issues, %v", len(all.keys), err)
	}
	pages := 0
	for page, err := range c.SearchIssues(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		pages += len(page.Items)
		if page.Cursor == "" {
			break
		}
		query := query
		query.Cursor = page.Cursor
		rest, err := list(t.Context(), c, query, nil)
		if err != nil || !slices.Equal(rest.keys, all.keys[pages:]) {
			t.Fatalf("after %q came %v, %v, want %v", page.Cursor, rest.keys, err, all.keys[pages:])
		}
	}
	for _, cursor := range []string{"x", "0.0", "-1.0.0.", "0.0.7.", "0.0.-7.1"} {
		if _, err := list(t.Context(), c, jira.IssueQuery{JQL: "project = A", Cursor: cursor}, nil); err == nil || !strings.Contains(err.Error(), "is no cursor") {
			t.Errorf("SearchIssues from the cursor %q = %v, want an error", cursor, err)
		}
	}
}

// More issues of one minute than a search lets through cannot be listed, and
// that is said.
func TestCrowdedMinuteIsAnError(t *testing.T) {
	s, c := newDataCenter(t, jirasim.Config{ResultWindow: 10})
	for range 11 {
		s.AddIssue(jirasim.Issue{ProjectKey: "A", Created: time.Date(2020, 1, 1, 0, 0, 30, 0, time.UTC)})
	}
	_, err := list(t.Context(), c, jira.IssueQuery{JQL: "project = A"}, nil)
	if !errors.Is(err, jira.ErrCrowded) {
		t.Errorf("SearchIssues = %v, want ErrCrowded", err)
	}
}

// The order of the JQL is kept where one search holds all, with the key to decide
// between equals.
func TestOrderAtDataCenter(t *testing.T) {
	for jql, want := range map[string]string{
		"":                                   "ORDER BY key ASC",
		"project = A":                        "project = A ORDER BY key ASC",
		"project = A ORDER BY updated":       "project = A ORDER BY updated, key ASC",
		"project = A order by id DESC":       "project = A order by id DESC",
		"project = A ORDER BY rank, \"key\"": "project = A ORDER BY rank, \"key\"",
	} {
		s, c := newDataCenter(t, jirasim.Config{})
		s.AddProject(jirasim.Project{Key: "A"})
		if _, err := list(t.Context(), c, jira.IssueQuery{JQL: jql}, nil); err != nil {
			t.Errorf("SearchIssues(%q) = %v", jql, err)
			continue
		}
		var asked struct{ JQL string }
		requests := s.Requests()
		if err := json.Unmarshal(requests[len(requests)-1].Body, &asked); err != nil || asked.JQL != want {
			t.Errorf("SearchIssues(%q) asks %q, %v, want %q", jql, asked.JQL, err, want)
		}
	}
}

// script answers searches of a Data Center from a function of the offset and the
// size.
func script(t *testing.T, search func(start, size int) (total int, ids []int)) *jira.Client {
	return newServerClient(t, inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/serverInfo") {
			reply(w, 200, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server","versionNumbers":[9,12,4]}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var asked struct{ StartAt, MaxResults int }
		if err := json.Unmarshal(body, &asked); err != nil {
			t.Error(err)
		}
		total, ids := search(asked.StartAt, asked.MaxResults)
		var issues []string
		for _, id := range ids {
			issues = append(issues, fmt.Sprintf(`{"id":"%d"}`, id))
		}
		reply(w, 200, fmt.Sprintf(`{"startAt":%d,"maxResults":%d,"total":%d,"issues":[%s]}`, asked.StartAt, asked.MaxResults, total, strings.Join(issues, ",")))
	})})
}

func numbers(from, to int) []int {
	var all []int
	for i := from; i < to; i++ {
		all = append(all, i+1)
	}
	return all
}

// A listing that does not give what it counts, in whatever way, never ends as if
// it were whole.
func TestShortListIsAnError(t *testing.T) {
	for name, search := range map[string]func(start, size int) (int, []int){
		"nothing of what is counted": func(int, int) (int, []int) { return 50, nil },
		"the same page for ever":     func(int, int) (int, []int) { return 500, numbers(0, 100) },
		"nothing from somewhere on": func(start, size int) (int, []int) {
			return 500, numbers(min(start, 200), min(start+size, 200))
		},
		"the same issues twice": func(start, size int) (int, []int) {
			ids := numbers(start, min(start+size, 300))
			for i := range ids {
				ids[i] = (ids[i] + 1) / 2
			}
			return 300, ids
		},
	} {
		c := script(t, search)
		got, err := list(t.Context(), c, jira.IssueQuery{JQL: "a = b", PageSize: 50}, nil)
		if err == nil {
			t.Errorf("%s: SearchIssues gave %d issues and no error", name, len(got.times))
		}
	}
}

// A page that cannot be the one that was asked for is refused.
func TestOtherPageIsRefused(t *testing.T) {
	for _, body := range []string{
		`{"issues":[]}`, `{"issues":[],"total":-1}`, `{"issues":[{"id":"1"},{"id":"2"}],"total":1}`,
		`{"issues":[{"id":"1"}],"total":1,"startAt":1}`, `{"issues":[{"key":"A-1"}],"total":1}`, `{"total":0}`, `{"issues":[],"total":"0"}`,
	} {
		c := served(t, "/rest/api/2/search", []byte(body))
		if _, err := list(t.Context(), c, jira.IssueQuery{JQL: "a = b"}, nil); !errors.Is(err, jira.ErrNotJira) {
			t.Errorf("SearchIssues answered %s = %v, want ErrNotJira", body, err)
		}
	}
}

// FuzzOffsetSearch: whatever a site answers, again and again, a listing ends, and it ends well only
// with as many issues as were counted.
func FuzzOffsetSearch(f *testing.F) {
	for _, seed := range []string{
		`{"issues":[],"total":0}`, `{"issues":[{"id":"1"},{"id":"2"}],"total":2}`, `{"issues":[{"id":"1"}],"total":20000}`,
		`{"issues":[{"id":"1"}],"total":500}`, `{"issues":[],"total":9000}`, `{"issues":[{"id":"1"},{"id":"1"}],"total":2}`, `{"message":"Search limit exceeded"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked := 0
		c := newServerClient(t, inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/serverInfo") {
				reply(w, 200, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server"}`)
				return
			}
			if asked++; asked > 1000 {
				t.Fatalf("SearchIssues answered %s asks for ever", body)
			}
			reply(w, 200, string(body))
		})})
		got, err := list(t.Context(), c, jira.IssueQuery{JQL: "a = b"}, nil)
		var said struct{ Total int }
		if err != nil || json.Unmarshal(body, &said) != nil {
			return
		}
		if n := len(got.times); n > said.Total || n < said.Total-10 {
			t.Errorf("SearchIssues answered %s gave %d issues and no error", body, n)
		}
	})
}

// Deleted issues that an index still counts do not make a listing fail.
func TestGhostsInTheIndexAreFew(t *testing.T) {
	c := script(t, func(start, size int) (int, []int) {
		return 210, slices.DeleteFunc(numbers(start, min(start+size, 210)), func(id int) bool { return id%50 == 0 })
	})
	got, err := list(t.Context(), c, jira.IssueQuery{JQL: "a = b", PageSize: 30}, nil)
	if err != nil || len(got.times) != 206 {
		t.Errorf("SearchIssues gave %d issues, %v, want the 206 that the index can give", len(got.times), err)
	}
}

// Nodes that each lack other issues make a whole together.
func TestNodesMakeAWhole(t *testing.T) {
	request := 0
	c := script(t, func(start, size int) (int, []int) {
		request++
		ids := numbers(start, min(start+size, 100))
		if request == 2 { // a node that has some twice, for others
			for i := 5; i < 25; i++ {
				ids[i] = ids[3]
			}
		}
		return 100, ids
	})
	got, err := list(t.Context(), c, jira.IssueQuery{JQL: "a = b", PageSize: 30}, nil)
	want := listing{times: map[string]int{}}
	for _, id := range numbers(0, 100) {
		want.times[fmt.Sprint(id)] = 1
	}
	if diff := cmp.Diff(want.times, got.times); diff != "" || err != nil {
		t.Errorf("the issues listed, %v (-want +got):\n%s", err, diff)
	}
}

// Sites that answer nothing beyond their result window, instead of refusing, are
// walked in smaller windows.
func TestSilentWindowIsNoticed(t *testing.T) {
	created := func(id int) time.Time { return time.Date(2020, 1, 1, id, 0, 0, 0, time.UTC) }
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", Version: "9.12.0"})
	for i := range 2500 {
		s.AddIssue(jirasim.Issue{ProjectKey: "A", Created: created(i)})
	}
	c := newServerClient(t, silent{s.Transport(), 1200})
	got, err := list(t.Context(), c, jira.IssueQuery{JQL: "project = A", PageSize: 500}, nil)
	if err != nil || len(got.times) != 2500 {
		t.Errorf("SearchIssues gave %d issues, %v, want 2500", len(got.times), err)
	}
}

// silent cuts what a search gives beyond a window.
type silent struct {
	http.RoundTripper
	window int
}

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/search") {
		return s.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	asked := map[string]any{}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	size, start := asked["maxResults"].(float64), asked["startAt"].(float64)
	asked["maxResults"] = max(0, min(size, float64(s.window)-start))
	body, _ = json.Marshal(asked)
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return s.RoundTripper.RoundTrip(r)
}
