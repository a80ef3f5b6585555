package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/daemon"
	"ferry/internal/port/defaults"
	"ferry/jira/jirasim"
)

const (
	searchingServer = "/rest/api/2/search"
	listingServer   = "/rest/api/2/project"
	readingServer   = "/rest/api/2/issue/"
)

// dataCenter is a site below a context path, with a personal access token.
func dataCenter(c *jirasim.Config) {
	c.Deployment, c.ContextPath, c.BaseURL = jirasim.DataCenter, "/jira", "https://jira.acme.example/jira"
	c.Bearer, c.Email, c.Token = c.Token, "", ""
}

func TestSecondRunOfAnUnchangedDataCenterWritesNothing(t *testing.T) {
	w := newWorld(t, dataCenter)
	w.addIssues("PAY", 250)
	w.addIssues("APP", 30)
	first := w.mustSync()
	want := daemon.KindReport{Kind: "issue", Read: 280, Mapped: 280, Created: 280}
	if diff := cmp.Diff(want, kind(first, "issue")); diff != "" {
		t.Errorf("issues of the first run (-want +got):\n%s", diff)
	}
	e, there := w.port.Entity("jiraIssue", "PAY-7")
	if url := "https://jira.acme.example/jira/browse/PAY-7"; !there || e.Properties["url"] != url {
		t.Errorf("PAY-7 in Port is %+v, want its address to be %s", e, url)
	}
	before, wrote := w.port.Dump(), w.writes()
	want = daemon.KindReport{Kind: "issue", Read: 280, Mapped: 280, Unchanged: 280}
	if diff := cmp.Diff(want, kind(w.mustSync(), "issue")); diff != "" {
		t.Errorf("issues of the second run (-want +got):\n%s", diff)
	}
	if n := w.writes() - wrote; n != 0 {
		t.Errorf("the second run wrote %d entities to Port, want 0", n)
	}
	if diff := cmp.Diff(before, w.port.Dump()); diff != "" {
		t.Errorf("Port changed (-before +after):\n%s", diff)
	}
}

// The projects and issues of real servers come out right by the default mapping.
func TestRealPayloadsOfADataCenter(t *testing.T) {
	dir := filepath.Join(filepath.Dir(realPayloads(t)), "datacenter")
	w := newWorld(t, dataCenter)
	if err := w.jira.ServeDir(dir); err != nil {
		t.Fatal(err)
	}
	w.mapping = strings.ReplaceAll(string(defaults.Mapping()), "jql: (statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)", `jql: ""`)
	w.mustSync()
	text, err := os.ReadFile(filepath.Join(dir, "all_projects.json"))
	if err != nil {
		t.Fatal(err)
	}
	var projects []struct{ Key, Name string }
	if err := json.Unmarshal(text, &projects); err != nil || len(projects) != 567 {
		t.Fatalf("the file holds %d projects, %v, want 567", len(projects), err)
	}
	for _, p := range projects {
		e, there := w.port.Entity("jiraProject", p.Key)
		if url := "https://jira.acme.example/jira/projects/" + p.Key; !there || e.Title != p.Name || e.Properties["url"] != url {
			t.Errorf("project %s in Port is %+v, want %q at %s", p.Key, e, p.Name, url)
		}
	}
	if text, err = os.ReadFile(filepath.Join(dir, "issues_in_sprint.json")); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Issues []struct {
			Key    string
			Fields struct {
				Summary any // some have none
				Status  struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.Issues) == 0 {
		t.Fatalf("the file holds %d issues, %v", len(list.Issues), err)
	}
	for _, i := range list.Issues {
		e, there := w.port.Entity("jiraIssue", i.Key)
		if !there || e.Title != i.Fields.Summary || e.Properties["status"] != i.Fields.Status.Name {
			t.Errorf("issue %s in Port is %+v, want %+v", i.Key, e, i.Fields)
		}
	}
}

// Data Center knows an epic by a custom field: only a sub-task has a parent.
func TestDeparturesAtDataCenter(t *testing.T) {
	t.Parallel()
	subtasks := []string{"PAY-4", "PAY-5", "APP-3", "APP-4"}
	for _, d := range few(departures()[:5]) {
		for i, line := range d.want {
			words := strings.SplitN(line, " ", 3)
			if !slices.Contains(subtasks, words[0]) {
				words[1] = "<nil>"
			}
			d.want[i] = strings.Join(words, " ")
		}
		t.Run(d.name, func(t *testing.T) { d.check(t, family(true, true), dataCenter) })
	}
}

// What vanishes at Data Center is proved to have gone by less: it has no bin, and does not tell
// how many issues a project has.
func TestWhatVanishesAtDataCenter(t *testing.T) {
	t.Parallel()
	waits := map[string][]string{
		"a project is put into the bin":          {"APP-"},
		"the only issue of a project is deleted": {"ONE-"},
	}
	for _, v := range few(vanishings()) {
		if about, ok := waits[v.name]; ok {
			v.waits = about
		}
		t.Run(v.name, func(t *testing.T) { v.check(t, dataCenter) })
	}
}

func TestWorkdaysAtDataCenter(t *testing.T) {
	t.Parallel()
	first := *firstSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for _, n := range few([]uint64{0, 1}) {
		seed := first + n
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			newWorkdays(t, seed, dataCenter, func(c *jirasim.Config) { c.PageLimit, c.ResultWindow = 17, 40 }).live()
		})
	}
}

// Whatever goes wrong with the credentials or with the index, nothing is deleted; once all is well,
// all is made good.
func TestTroubleAtDataCenter(t *testing.T) {
	t.Parallel()
	everything := []string{"APP-1", "PAY-1", "PAY-2", "PAY-3", "PAY-4", "PAY-5", "PAY-6"}
	lose := func(w *world, key string) {
		issue, _ := w.jira.Issue(key)
		w.jira.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{issue.ID}})
	}
	cases := []struct {
		name string
		hurt func(w *world)
		says string // of the run; empty: it completes
	}{
		{"dead token", ofJira(jirasim.Fault{Do: jirasim.DeadToken}), "token"},
		{"401 for the searches", ofJira(jirasim.Fault{Match: searchingServer, Do: jirasim.Unauthorized}), "401"},
		{"nobody for the searches", ofJira(jirasim.Fault{Match: searchingServer, Do: jirasim.DeadToken}), "token"},
		{"nobody for the reads", func(w *world) {
			lose(w, "PAY-3")
			w.jira.Inject(jirasim.Fault{Match: readingServer, Do: jirasim.DeadToken})
		}, "token"},
		{"nobody for the projects", ofJira(jirasim.Fault{Match: listingServer, Do: jirasim.DeadToken}), "token"},
		{"403 for the searches", ofJira(jirasim.Fault{Match: searchingServer, Do: jirasim.Forbidden}), "403"},
		{"500 for the searches", ofJira(jirasim.Fault{Match: searchingServer, Do: jirasim.ServerError}), "500"},
		{"an issue is lost from the index", func(w *world) { lose(w, "PAY-3") }, "does not show yet"},
		{"every issue is lost from the index", func(w *world) {
			for _, key := range everything {
				lose(w, key)
			}
		}, "does not show yet"},
		{"the index is behind an issue that stays", func(w *world) {
			w.finish("PAY-6") // in the index it is not
			w.jira.Update("PAY-6", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
			w.jira.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
		}, "does not show yet"},
	}
	for _, c := range few(cases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newFamily(t, dataCenter, ticking)
			w.mapping = projectsAndOpenIssues
			w.mustSync()
			c.hurt(w)
			report, err := w.sync()
			if told := said(report, err); c.says == "" && err != nil || !strings.Contains(told, c.says) {
				t.Errorf("the run says %q, want it to say %q", told, c.says)
			}
			if diff := cmp.Diff(everything, w.identifiers("jiraIssue")); diff != "" {
				t.Errorf("issues in Port (-want +got):\n%s", diff)
			}
			w.jira.Heal()
			w.mustSync()
			w.right()
		})
	}
}

// ticking gives each change a time of its own.
func ticking(c *jirasim.Config) {
	var ticks atomic.Int64
	began := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	c.Clock = func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
}

var projectsAndOpenIssues = strings.ReplaceAll(projectsAndIssues, `jql: ""`, `jql: status != Done`)

// An issue whose field has become empty is in the answer neither for the selector nor for its
// opposite. It goes when it has not changed for a while.
func TestEmptiedFieldLeavesTheSelectorAtDataCenter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, dataCenter, func(c *jirasim.Config) { c.Clock = func() time.Time { return now } })
	w.mapping = issuesOf("assignee = sam")
	w.jira.AddProject(jirasim.Project{Key: "PAY"})
	for _, key := range []string{"PAY-1", "PAY-2"} {
		w.jira.AddIssue(jirasim.Issue{Key: key, Summary: key, Assignee: "sam"})
	}
	w.mustSync()
	now = now.Add(time.Hour)
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Assignee = "" })
	if report, err := w.sync(); err != nil || !strings.Contains(said(report, err), "does not show yet") {
		t.Errorf("the run at once says %q, want that it waits", said(report, err))
	}
	if ids := w.identifiers("jiraIssue"); !slices.Contains(ids, "PAY-1") {
		t.Errorf("Port has %v, want PAY-1 to wait", ids)
	}
	now = now.Add(time.Hour)
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-2"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
}

// More issues than a search lets anybody look into, and than a page holds, are all there.
func TestManyIssuesOfADataCenter(t *testing.T) {
	n, window := 3000, 1200
	if watched {
		n, window = 600, 250
	}
	w := newWorld(t, dataCenter, func(c *jirasim.Config) { c.ResultWindow = window })
	w.jira.Fill(n, 7, 0)
	w.mapping, w.noPort = issuesOf(`""`), true
	report := w.mustSync()
	if got := kind(report, "issue").Read; got != n {
		t.Errorf("%d issues were read, want %d", got, n)
	}
	refused := 0
	for _, r := range w.jira.Requests() {
		if r.Status >= 500 {
			refused++
		}
	}
	if refused > 1 {
		t.Errorf("%d requests went beyond the result window, want one to learn it by", refused)
	}
	if asked := len(w.jira.Requests()); asked > n/100+n/1000+50 {
		t.Errorf("%d requests were made for %d issues, want little more than one for a hundred", asked, n)
	}
}

// What is archived at Data Center can still be read by id. It goes all the same, and comes back.
func TestWhatIsArchivedAtDataCenterGoes(t *testing.T) {
	t.Parallel()
	w := newFamily(t, dataCenter, ticking)
	w.mapping = projectsAndOpenIssues
	w.mustSync()
	before := w.identifiers("jiraIssue")
	w.jira.Update("PAY-6", func(i *jirasim.Issue) { i.Archived = true })
	w.jira.ArchiveProject("APP")
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-1", "PAY-2", "PAY-3", "PAY-4", "PAY-5"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
	w.right()
	w.jira.Update("PAY-6", func(i *jirasim.Issue) { i.Archived = false })
	w.jira.RestoreProject("APP")
	w.mustSync()
	if diff := cmp.Diff(before, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
	w.right()
}

// What happens in Jira between the list and the reads.
func TestJiraChangesWhileADataCenterIsRead(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		do   func(w *world)
	}{
		{"an issue moves", func(w *world) { w.jira.Move("PAY-6", "APP") }},
		{"an issue is done", func(w *world) { w.finish("PAY-6") }},
		{"an issue is deleted", func(w *world) { w.jira.Delete("PAY-6") }},
		{"a project is archived", func(w *world) { w.jira.ArchiveProject("APP") }},
	}
	for _, c := range few(cases) {
		for _, at := range []string{searchingServer, readingServer, listingServer} {
			t.Run(c.name+" at "+at, func(t *testing.T) {
				t.Parallel()
				w := newFamily(t, dataCenter, ticking)
				w.mapping = projectsAndOpenIssues
				w.mustSync()
				stays := w.identifiers("jiraIssue")
				w.jira.Delete("PAY-5") // so that something is read by id
				var first sync.Once
				w.arrives = func(r *http.Request) {
					if strings.Contains(r.URL.Path, at) {
						first.Do(func() { c.do(w) })
					}
				}
				if report, err := w.sync(); err != nil {
					t.Fatalf("sync is %+v, %v", report, err)
				}
				for _, key := range stays {
					if _, there := w.port.Entity("jiraIssue", key); !there && !slices.Contains([]string{"PAY-5", "PAY-6", "APP-1"}, key) {
						t.Errorf("%s is gone from Port", key)
					}
				}
				w.mustSync()
				w.right()
			})
		}
	}
}

// A project with the key of one that was deleted: its issues have the same keys, and other ids.
func TestAKeyIsUsedAgainAtDataCenter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dataCenter)
	w.mapping = projectsAndOpenIssues
	w.addIssues("PAY", 4)
	w.addIssues("APP", 3)
	w.mustSync()
	w.jira.EraseProject("APP")
	w.addIssues("APP", 2)
	w.jira.Update("APP-1", func(i *jirasim.Issue) { i.Summary = "Another life" })
	report, err := w.sync()
	if told := said(report, err); err != nil || !strings.Contains(told, "such as APP-") {
		t.Errorf("the run says %q, want a decision about the issues of the former APP", told)
	}
	if e, there := w.port.Entity("jiraIssue", "APP-1"); !there || e.Title != "Another life" {
		t.Errorf("APP-1 in Port is %+v, want that of the present APP", e)
	}
	w.accept = true
	w.mustSync()
	w.accept = false
	w.mustSync()
	w.right()
}

// A site behind another context path or scheme is not read into the store before a person says
// that it is the same. Then nothing goes for it.
func TestADataCenterUnderAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newFamily(t, dataCenter)
	w.mapping = projectsAndOpenIssues
	w.mustSync()
	before := w.identifiers("jiraIssue")
	elsewhere := newFamily(t, dataCenter, func(c *jirasim.Config) { c.ContextPath, c.BaseURL = "/tracker", "https://jira.acme.example/tracker" })
	w.jira, w.jiraPath = elsewhere.jira, elsewhere.jiraPath
	if report, err := w.sync(); err == nil || !strings.Contains(err.Error(), "--accept-site") {
		t.Errorf("sync is %+v, %v, want an error about another site", report, err)
	}
	w.site = true
	w.mustSync()
	if diff := cmp.Diff(before, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
	w.right()
}

// What a page of the index shows may be as it was: on a node whose index stands still, and by a
// clock that was ahead, or of a project whose key was changed, which changes no issue's time.
func TestAPageOfTheIndexTakesNothingAway(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, dataCenter, func(c *jirasim.Config) { c.Clock = func() time.Time { return now } })
	w.mapping = strings.Replace(issuesOf(`""`), `query: "true"`, `query: .fields.status.name != "Done"`, 1)
	w.addIssues("PAY", 6)
	now = now.Add(time.Hour)
	w.finish("PAY-6")
	now = now.Add(-time.Minute)
	w.jira.Update("PAY-6", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
	now = now.Add(time.Hour)
	w.mustSync()
	before := w.port.Dump()
	w.jira.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	if report, err := w.sync(); err != nil {
		t.Fatalf("sync is %+v, %v", report, err)
	}
	if got := w.port.Dump(); got != before {
		t.Errorf("Port changed:\n%s", diffLines(before, got))
	}
	w.jira.Heal()
	now = now.Add(time.Hour)
	w.finish("PAY-6")
	w.mustSync()
	if ids := w.identifiers("jiraIssue"); slices.Contains(ids, "PAY-6") {
		t.Errorf("Port has %v, want PAY-6 gone when it is done", ids)
	}
	w.right()
}
