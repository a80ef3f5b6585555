package jirasim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/jira/jirasim"
)

// clocked is a site whose clock is moved by hand; it holds PAY-1 to PAY-3.
func clocked(config jirasim.Config) (s *jirasim.Server, pass func(time.Duration)) {
	now := noon
	config.Clock = func() time.Time { return now }
	s = jirasim.New(config)
	s.AddProject(jirasim.Project{Key: "PAY"})
	s.AddProject(jirasim.Project{Key: "APP"})
	for range 3 {
		s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Summary: "one", Created: noon.AddDate(0, 0, -1)})
	}
	return s, func(d time.Duration) { now = now.Add(d) }
}

// summaries is a search with a few fields, as "PAY-1=one PAY-2=one".
func summaries(t *testing.T, s *jirasim.Server, more string) string {
	t.Helper()
	var all []string
	for _, i := range search(t, s, `{"jql":"created is not EMPTY","fields":["summary"]`+more+`}`).Issues {
		all = append(all, i.Key+"="+strings.Trim(string(i.Fields["summary"]), `"`))
	}
	return strings.Join(all, " ")
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

func TestTheIndexLags(t *testing.T) {
	s, pass := clocked(jirasim.Config{IndexLag: time.Minute})
	check(t, "what was there before", summaries(t, s, ""), "PAY-1=one PAY-2=one PAY-3=one")
	s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Summary: "four"})
	pass(20 * time.Second)
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "two" })
	pass(20 * time.Second)
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "three" })
	check(t, "after 40 seconds", summaries(t, s, ""), "PAY-1=one PAY-2=one PAY-3=one")
	check(t, "reconciled", summaries(t, s, `,"reconcileIssues":[10001,10004]`), "PAY-1=three PAY-2=one PAY-3=one PAY-4=four")
	r := ask(t, s, "GET /rest/api/3/issue/PAY-4?fields=summary", "")
	check(t, "read by its key", fmt.Sprint(r.status, strings.Contains(string(r.body), `"four"`)), "200 true")
	pass(20 * time.Second)
	check(t, "after a minute", summaries(t, s, ""), "PAY-1=one PAY-2=one PAY-3=one PAY-4=four")
	pass(20 * time.Second)
	check(t, "a minute after the first update", summaries(t, s, ""), "PAY-1=two PAY-2=one PAY-3=one PAY-4=four")
	pass(20 * time.Second)
	check(t, "a minute after the second", summaries(t, s, ""), "PAY-1=three PAY-2=one PAY-3=one PAY-4=four")
}

func TestALaggingIndexStillHasWhatIsDeleted(t *testing.T) {
	s, pass := clocked(jirasim.Config{IndexLag: time.Minute})
	s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Parent: "PAY-2", Type: "Sub-task", Created: noon.AddDate(0, 0, -1)})
	s.Delete("PAY-2")
	const ids = `{"jql":"project = PAY"}`
	check(t, "the ids", search(t, s, ids).ids(), "1 2 3 4")
	check(t, "with fields", summaries(t, s, ""), "PAY-1=one PAY-3=one")
	check(t, "reconciled", search(t, s, `{"jql":"project = PAY","reconcileIssues":[10002]}`).ids(), "1 3 4")
	check(t, "counted", string(ask(t, s, "POST /rest/api/3/search/approximate-count", ids).body), `{"count":4}`)
	var read found
	ask(t, s, "POST /rest/api/3/issue/bulkfetch", `{"issueIdsOrKeys":["10002"],"fields":["summary"]}`).decode(t, &read)
	check(t, "read in bulk", read.ids(), "")
	pass(time.Minute)
	check(t, "the ids after a minute", search(t, s, ids).ids(), "1 3")
}

func TestALaggingIndexHasAMovedIssueInItsFormerProject(t *testing.T) {
	s, pass := clocked(jirasim.Config{IndexLag: time.Minute})
	s.Move("PAY-1", "APP")
	check(t, "in the former project", search(t, s, `{"jql":"project = PAY"}`).ids(), "1 2 3")
	check(t, "in its project", search(t, s, `{"jql":"project = APP"}`).ids(), "")
	check(t, "with fields", summaries(t, s, ""), "PAY-1=one PAY-2=one PAY-3=one")
	s.EraseProject("PAY") // what the index shows of a project must not need it
	check(t, "without the former project", search(t, s, `{"jql":"project = APP","fields":["*all"]}`).ids(), "1")
	pass(time.Minute)
	check(t, "after a minute", summaries(t, s, ""), "APP-1=one")
}

func TestALaggingIndexKnowsRenamedStatuses(t *testing.T) {
	s, _ := clocked(jirasim.Config{IndexLag: time.Minute})
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status = "Done" })
	s.Delete("PAY-2")
	s.RenameStatus("To Do", "Open")
	check(t, "by the name of the former status", search(t, s, `{"jql":"status = Open"}`).ids(), "1 2 3")
}

func TestTheIndexLosesIssuesForOneSearch(t *testing.T) {
	const all = "1 2 3"
	run := func(seed uint64) string {
		s, _ := clocked(jirasim.Config{Seed: seed, IndexLoss: 0.3})
		var got []string
		for range 30 {
			got = append(got, search(t, s, `{"jql":"project = PAY"}`).ids())
		}
		check(t, "reconciled", search(t, s, `{"jql":"project = PAY","reconcileIssues":[10001,10002,10003]}`).ids(), all)
		return strings.Join(got, ",")
	}
	first := run(1)
	if whole := strings.Count(","+first+",", ","+all+","); whole == 0 || whole == 30 {
		t.Errorf("of 30 searches %d find everything: %s", whole, first)
	}
	if again := run(1); again != first {
		t.Errorf("the same seed loses %s, then %s", first, again)
	}
}
