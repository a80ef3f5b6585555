package company_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

var now = time.Date(2026, 3, 12, 10, 30, 0, 0, time.UTC) // a Thursday

func byKey(issues []jirasim.Issue) map[string]jirasim.Issue {
	m := make(map[string]jirasim.Issue, len(issues))
	for _, i := range issues {
		m[i.Key] = i
	}
	return m
}

// statuses tells which status there is in which project.
var statuses = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, i := range company.Found(1, now, 5000).Issues {
		known[i.ProjectKey+" "+i.Status] = true
	}
	return known
})

// faults lists what no Jira would hold. Both the founded and the working company
// must be free of it.
func faults(issues []jirasim.Issue, people map[string]bool, now time.Time) []string {
	var found []string
	flows := statuses()
	all, category := byKey(issues), map[string]string{}
	for _, i := range issues {
		check := func(ok bool, what string, args ...any) {
			if !ok {
				found = append(found, i.Key+" "+fmt.Sprintf(what, args...))
			}
		}
		done := i.StatusCategory == "Done"
		check(strings.HasPrefix(i.Key, i.ProjectKey+"-"), "is in project %s", i.ProjectKey)
		check(i.Summary != "" && len(i.Summary) < 255 && !strings.ContainsAny(i.Summary, "{}|\n"), "has the title %q", i.Summary)
		check(done == !i.Resolved.IsZero() && done == (i.Resolution != ""), "is %s, resolved %s as %q", i.Status, i.Resolved, i.Resolution)
		check(!i.Updated.Before(i.Created) && !i.Updated.After(now), "was created %s and updated %s", i.Created, i.Updated)
		check(!done || !i.Resolved.Before(i.Created) && !i.Updated.Before(i.Resolved), "was created %s, resolved %s, updated %s", i.Created, i.Resolved, i.Updated)
		check(people[i.Creator] && people[i.Reporter] && (i.Assignee == "" || people[i.Assignee]), "has people %q %q %q", i.Creator, i.Reporter, i.Assignee)
		check(cmp.Or(category[i.Status], i.StatusCategory) == i.StatusCategory, "is %s of %s and of %s", i.Status, i.StatusCategory, category[i.Status])
		category[i.Status] = i.StatusCategory
		check(flows[i.ProjectKey+" "+i.Status], "is %s, which %s does not have", i.Status, i.ProjectKey)

		parent, known := all[i.Parent]
		check(i.Parent == "" || known, "has the parent %s, which is not there", i.Parent)
		check(i.Type != "Sub-task" || parent.Key != "" && parent.ProjectKey == i.ProjectKey, "is a sub-task of %q", parent.Key)
		check(i.Type != "Sub-task" || slices.Contains([]string{"Story", "Bug", "Task"}, parent.Type), "is a sub-task of the %s %s", parent.Type, parent.Key)
		check(i.Type == "Sub-task" || i.Parent == "" || i.Type != "Epic" && parent.Type == "Epic", "is a %s under the %s %s", i.Type, parent.Type, parent.Key)
		check(i.Parent == "" || parent.StatusCategory != "Done" || done, "is %s under %s, which is done", i.Status, parent.Key)
		check(i.Parent == "" || parent.Created.Before(i.Created), "was created %s, its parent %s", i.Created, parent.Created)
	}
	return found
}

func accounts(c *company.Company) map[string]bool {
	m := map[string]bool{}
	for _, p := range c.People {
		m[p.AccountID] = true
	}
	return m
}

func TestFoundedCompanyIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 800).Draw(t, "issues")
		at := now.Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "after")))
		c := company.Found(rapid.Uint64().Draw(t, "seed"), at, n)
		if len(c.Issues) != n || len(byKey(c.Issues)) != n {
			t.Fatalf("Found(%d issues) has %d, with %d keys", n, len(c.Issues), len(byKey(c.Issues)))
		}
		if found := faults(c.Issues, accounts(c), at); len(found) > 0 {
			t.Fatalf("%d faults, the first: %s", len(found), found[0])
		}
		seen := map[string]bool{"": true}
		for i, issue := range c.Issues {
			if i > 0 && (issue.ID <= c.Issues[i-1].ID || issue.Created.Before(c.Issues[i-1].Created)) {
				t.Fatalf("%s, created %s, has id %d after %d of %s", issue.Key, issue.Created, issue.ID, c.Issues[i-1].ID, c.Issues[i-1].Created)
			}
			if !seen[issue.Parent] {
				t.Fatalf("%s comes before its parent %s", issue.Key, issue.Parent)
			}
			seen[issue.Key] = true
			if issue.Created.Before(at.AddDate(-2, 0, 0)) {
				t.Fatalf("%s was created %s, more than two years before %s", issue.Key, issue.Created, at)
			}
		}
	})
}

// A company is believable in its proportions, not in any single issue.
func TestCompanyLooksLikeOne(t *testing.T) {
	c := company.Found(1, now, 3000)
	count := map[string]int{}
	titles := map[string]bool{}
	for _, i := range c.Issues {
		count["type "+i.Type]++
		count["category "+i.StatusCategory]++
		count["priority "+i.Priority]++
		count["project "+i.ProjectKey]++
		count["resolution "+i.Resolution]++
		count["weekend"] += map[time.Weekday]int{time.Saturday: 1, time.Sunday: 1}[i.Created.Weekday()]
		if i.Updated.After(now.AddDate(0, 0, -7)) {
			count["updated this week"]++
		}
		if i.Assignee != "" {
			count["assigned"]++
		}
		titles[i.Summary] = true
	}
	count["repeated title"] = len(c.Issues) - len(titles)
	for name, bounds := range map[string][2]int{
		"type Epic": {60, 200}, "type Story": {500, 1500}, "type Bug": {500, 1500}, "type Task": {300, 1000}, "type Sub-task": {300, 700},
		"category To Do": {150, 900}, "category In Progress": {60, 600}, "category Done": {1500, 2600},
		"priority Highest": {50, 250}, "priority Medium": {1200, 2000}, "priority Lowest": {50, 300},
		"project PAY": {200, 600}, "project OPS": {100, 400},
		"resolution Done": {1300, 2500}, "resolution Won't Do": {40, 250}, "resolution Cannot Reproduce": {10, 120},
		"weekend": {0, 150}, "updated this week": {30, 600}, "assigned": {1800, 2900},
		"repeated title": {0, 59},
	} {
		if got := count[name]; got < bounds[0] || got > bounds[1] {
			t.Errorf("of 3000 issues %s: %d, want %d to %d", name, got, bounds[0], bounds[1])
		}
	}
	if len(c.Projects) < 7 || len(c.People) < 55 {
		t.Errorf("%d projects and %d people, want at least 7 and 55", len(c.Projects), len(c.People))
	}
}

func TestPeopleAreInvented(t *testing.T) {
	c := company.Found(3, now, 0)
	id := regexp.MustCompile(`^712020:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	address := regexp.MustCompile(`^[a-z.]+@example\.com$`)
	seen := map[string]bool{}
	for _, p := range c.People {
		if !id.MatchString(p.AccountID) || !address.MatchString(p.Email) || !strings.Contains(p.DisplayName, " ") {
			t.Errorf("person %+v, want an account id, a name and an address at example.com", p)
		}
		for _, s := range []string{p.AccountID, p.DisplayName, p.Email} {
			if seen[s] {
				t.Errorf("%s is there twice", s)
			}
			seen[s] = true
		}
	}
	for _, p := range c.Projects {
		if !seen[p.Lead] {
			t.Errorf("project %s is led by %q, who is not there", p.Key, p.Lead)
		}
	}
}

func TestSameSeedSameCompany(t *testing.T) {
	same := gocmp.Options{gocmp.FilterPath(func(p gocmp.Path) bool {
		f, ok := p.Last().(gocmp.StructField)
		return ok && strings.ToLower(f.Name()[:1]) == f.Name()[:1]
	}, gocmp.Ignore())}
	a, b := company.Found(7, now, 400), company.Found(7, now, 400)
	if diff := gocmp.Diff(a, b, same); diff != "" {
		t.Errorf("two companies of one seed differ:\n%s", diff)
	}
	if other := company.Found(8, now, 400); gocmp.Equal(a.Issues, other.Issues) {
		t.Error("companies of different seeds are the same")
	}
	if x, y := work(t, a, 60), work(t, b, 60); !slices.Equal(x, y) {
		t.Errorf("two companies of one seed work differently:\n%v\n%v", x, y)
	}
}

// settled puts the company into a server whose clock the test moves.
func settled(c *company.Company, clock *time.Time) *jirasim.Server {
	s := jirasim.New(jirasim.Config{Clock: func() time.Time { return *clock }})
	c.Settle(s)
	return s
}

func work(t *testing.T, c *company.Company, steps int) []company.Event {
	t.Helper()
	clock := now
	s, r := settled(c, &clock), rand.New(rand.NewPCG(1, 2))
	var events []company.Event
	for range steps {
		clock = clock.Add(time.Second)
		events = append(events, c.Work(s, r, clock))
	}
	return events
}

// present collects what the server holds now, under every key that was ever used.
func present(s *jirasim.Server, keys []string) []jirasim.Issue {
	issues := map[int64]jirasim.Issue{}
	for _, k := range keys {
		if i, ok := s.Issue(k); ok {
			issues[i.ID] = i
		}
	}
	return slices.SortedFunc(maps.Values(issues), func(a, b jirasim.Issue) int { return cmp.Compare(a.ID, b.ID) })
}

func TestSettledIsFounded(t *testing.T) {
	c, clock := company.Found(5, now, 500), now
	s := settled(c, &clock)
	var keys []string
	for _, i := range c.Issues {
		keys = append(keys, i.Key)
	}
	if diff := gocmp.Diff(c.Issues, present(s, keys)); diff != "" {
		t.Errorf("the server holds something else than was founded (-founded +settled):\n%s", diff)
	}
	if s.Len() != 500 {
		t.Errorf("Len() = %d, want 500", s.Len())
	}
}

// The selector that integrations use by default finds the part of the company that
// is open or recent, evaluated here in plain Go and there as JQL.
func TestDefaultSelectorOverTheCompany(t *testing.T) {
	c, clock := company.Found(1, now, 3000), now
	client := &http.Client{Transport: settled(c, &clock).Transport()}
	want, week := 0, now.AddDate(0, 0, -7)
	for _, i := range c.Issues {
		if i.StatusCategory != "Done" || !i.Created.Before(week) || !i.Updated.Before(week) {
			want++
		}
	}
	body := `{"jql":"(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)"}`
	resp, err := client.Post("https://tallow-finch.example.com/rest/api/3/search/approximate-count", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ Count int }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Count != want || want < 300 || want > 1500 {
		t.Errorf("the default selector finds %d of 3000 issues, want %d, and that between 300 and 1500", got.Count, want)
	}
}

func TestWorkKeepsTheCompanySound(t *testing.T) {
	c, clock := company.Found(11, now, 600), now
	s, r := settled(c, &clock), rand.New(rand.NewPCG(11, 0))
	var keys []string
	for _, i := range c.Issues {
		keys = append(keys, i.Key)
	}
	kinds := map[string]int{}
	for step := range 1000 {
		clock = clock.Add(time.Minute)
		before := map[string]jirasim.Issue{}
		if step%10 == 0 {
			before = byKey(present(s, keys))
		}
		e := c.Work(s, r, clock)
		kinds[e.Kind]++
		keys = append(keys, e.Key)
		if !strings.HasPrefix(e.Text, e.Key+" ") || strings.Contains(e.Text, "\n") {
			t.Fatalf("step %d: event %+v, want one line that begins with the key", step, e)
		}
		if step%10 != 0 {
			continue
		}
		checkEvent(t, s, e, before[e.Key], clock)
		issues := present(s, keys)
		if found := faults(issues, accounts(c), clock); len(found) > 0 {
			t.Fatalf("step %d, after %q: %d faults, the first: %s", step, e.Text, len(found), found[0])
		}
		if len(issues) != s.Len() {
			t.Fatalf("step %d: the server has %d issues, the events account for %d", step, s.Len(), len(issues))
		}
	}
	for _, k := range []string{company.Created, company.Transitioned, company.Assigned, company.Retitled, company.Commented, company.Moved, company.Deleted} {
		if kinds[k] < 5 {
			t.Errorf("%d of 1000 steps are %s, want a few of each kind: %v", kinds[k], k, kinds)
		}
	}
}

// checkEvent holds an event to what the server says now and said before.
func checkEvent(t *testing.T, s *jirasim.Server, e company.Event, before jirasim.Issue, at time.Time) {
	t.Helper()
	after, exists := s.Issue(e.Key)
	if exists == (e.Kind == company.Deleted) || exists && !after.Updated.Equal(at) {
		t.Fatalf("after %q at %s: exists = %t, updated %s", e.Text, at, exists, after.Updated)
	}
	happened := map[string]bool{
		company.Created:      before.Key == "" && strings.Contains(e.Text, after.Summary),
		company.Transitioned: before.Status != after.Status && strings.HasSuffix(e.Text, after.Status),
		company.Assigned:     before.Assignee != after.Assignee && after.Assignee != "",
		company.Retitled:     before.Summary != after.Summary && strings.Contains(e.Text, after.Summary),
		company.Commented:    before.Summary == after.Summary && before.Status == after.Status,
		company.Moved:        before.ProjectKey != after.ProjectKey && before.ID == after.ID && strings.HasSuffix(e.Text, after.Key),
		company.Deleted:      before.Key == e.Key,
	}
	if !happened[e.Kind] {
		t.Fatalf("event %+v, but before %+v and after %+v", e, before, after)
	}
}

func TestWorkBeginsFromNothing(t *testing.T) {
	c := company.Found(2, now, 0)
	events := work(t, c, 200)
	if events[0].Kind != company.Created {
		t.Errorf("first event of an empty company: %+v, want an issue created", events[0])
	}
}

// What others delete is not worked on.
func TestWorkGoesOnWhenOthersDelete(t *testing.T) {
	c, clock := company.Found(4, now, 100), now
	s, r := settled(c, &clock), rand.New(rand.NewPCG(4, 0))
	for _, i := range c.Issues {
		s.Delete(i.Key)
	}
	for range 50 {
		clock = clock.Add(time.Second)
		if e := c.Work(s, r, clock); strings.HasPrefix(e.Text, "-") || e.Key == "" {
			t.Fatalf("event %+v of a company that lost its issues", e)
		}
	}
	if s.Len() == 0 {
		t.Error("after 50 steps there is still no issue")
	}
}

// An event tells when an issue was updated. Were that to go back, whoever reads the issue after it would
// take the answer for an old one.
func TestNoUpdateIsTakenBack(t *testing.T) {
	c, clock := company.Found(5, now, 200), now.Add(time.Hour)
	s, r := settled(c, &clock), rand.New(rand.NewPCG(5, 0))
	for range 400 {
		e := c.Work(s, r, now) // the work takes its time: the site's clock goes on
		if e.Kind != company.Moved {
			continue
		}
		key := e.Text[strings.LastIndex(e.Text, " ")+1:]
		if i, ok := s.Issue(key); !ok || i.Updated.Before(clock) {
			t.Fatalf("after %q %s was updated at %s, want when it moved, at %s", e.Text, key, i.Updated, clock)
		}
	}
}

func BenchmarkFound(b *testing.B) {
	for b.Loop() {
		company.Found(1, now, 3000)
	}
}

func ExampleFound() {
	c := company.Found(1, time.Date(2026, 3, 12, 10, 30, 0, 0, time.UTC), 3000)
	fmt.Println(c.Name, len(c.Projects), "projects", len(c.People), "people", len(c.Issues), "issues")
	// Output: Tallow & Finch 9 projects 61 people 3000 issues
}
