package daemon_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

var firstSeed = flag.Uint64("seed", 0, "of the first of the workdays; 0: by the clock")

// Whatever people do in Jira, and whatever goes wrong between, once all is healed Port is what a
// ferry that knows nothing would make of the same Jira.
func TestWorkdaysWithTrouble(t *testing.T) {
	t.Parallel()
	first := *firstSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for _, n := range few([]uint64{0, 1, 2, 3}) {
		seed := first + n
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			newWorkdays(t, seed).live()
		})
	}
}

// workdays is a company at work with a ferry behind it.
type workdays struct {
	*world
	random  *rand.Rand
	company *company.Company
	now     time.Time
	log     []string // what happened, to be read when it went wrong
}

func newWorkdays(t *testing.T, seed uint64, changes ...func(*jirasim.Config)) *workdays {
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	d := &workdays{random: rand.New(rand.NewPCG(seed, 1)), now: now, company: company.Found(seed, now, 60)}
	d.world = newWorld(t, append(changes, func(c *jirasim.Config) {
		c.Seed, c.IDPageLimit = seed, 25
		c.Clock = func() time.Time { return d.now }
	})...)
	d.retries = 1
	d.company.Settle(d.jira)
	return d
}

func (d *workdays) note(format string, args ...any) {
	d.log = append(d.log, fmt.Sprintf(format, args...))
}

func (d *workdays) live() {
	d.pickMapping(true)
	d.mustSync()
	for range 6 {
		d.now = d.now.Add(time.Hour)
		d.day()
		d.makeTrouble()
		d.accept = d.random.IntN(3) == 0
		report, err := d.sync()
		d.note("sync: %v, and says %q", err == nil && report != nil, said(report, err))
		d.heal()
		d.retries = 1
	}
	for _, p := range d.company.Projects {
		d.jira.ShowProject(p.Key)
	}
	d.accept, d.account = true, true
	d.pickMapping(true)
	d.mustSync()
	d.settled()
}

// day is what happens in Jira, and to the mapping, between two runs.
func (d *workdays) day() {
	for range d.random.IntN(12) {
		d.note("%s", d.company.Work(d.jira, d.random, d.now).Text)
	}
	switch d.random.IntN(8) {
	case 0, 1:
		d.pickMapping(false)
	case 2, 3:
		d.reorganize()
	case 4:
		account := fmt.Sprintf("712020:account-%d", d.random.IntN(2))
		d.note("sign in as %s", account)
		d.jira.SignInAs(account, "Ferry")
	}
}

// settled compares Port with what a fresh ferry makes, but for the stubs that Port made for the
// sake of relations: which of them are left is history.
func (d *workdays) settled() {
	want, got := withoutStubs(d.fresh()), withoutStubs(d.port.Dump())
	if want != got {
		d.t.Errorf("Port is not as Jira is (- want, + got):\n%safter\n%s", diffLines(want, got), strings.Join(d.log, "\n"))
	}
	wrote := d.writes()
	d.mustSync()
	if n := d.writes() - wrote; n != 0 {
		d.t.Errorf("one more run wrote %d entities, want 0, after\n%s", n, strings.Join(d.log, "\n"))
	}
}

// stub is an entity of which nothing was ever sent: all it has is its identifier.
var stub = regexp.MustCompile(`(?m)^.*"properties":\{\},"relations":\{\},.*"title":null\}\n`)

func withoutStubs(dump string) string { return stub.ReplaceAllString(dump, "") }

// pickMapping draws a mapping: projects or not, one or two resources of issues, in any order. The
// JQL has no relative date: what it selects does not change by the hour. If it need not be right,
// it may fail for every seventh issue.
func (d *workdays) pickMapping(right bool) {
	toggle := func() bool { return d.random.IntN(2) == 0 }
	resources := []string{d.issueResource(right)}
	if toggle() {
		resources = append(resources, d.issueResource(right))
	}
	if toggle() {
		projects, _, _ := strings.Cut(projectsAndIssues, "  - kind: issue")
		_, projects, _ = strings.Cut(projects, "resources:\n")
		resources = append(resources, projects)
	}
	d.random.Shuffle(len(resources), func(i, j int) { resources[i], resources[j] = resources[j], resources[i] })
	// Without the cascade Port keeps what left the selector while something that stays relates to it.
	d.mapping = fmt.Sprintf("deleteDependentEntities: %t\ncreateMissingRelatedEntities: true\nenableMergeEntity: %t\nentityDeletionThreshold: 0.4\nresources:\n", right || toggle(), toggle()) +
		strings.Join(resources, "")
	d.note("mapping:\n%s", d.mapping)
}

func (d *workdays) issueResource(right bool) string {
	_, resource, _ := strings.Cut(projectsAndIssues, "  - kind: issue")
	jqls := []string{`""`, "statusCategory != Done", "issuetype != Epic", "priority in (High, Highest, Medium)"}
	resource = strings.Replace(resource, `jql: ""`, "jql: "+jqls[d.random.IntN(len(jqls))], 1)
	if !right && d.random.IntN(3) == 0 {
		resource = strings.Replace(resource, `query: "true"`, `query: if (.id | tonumber) % 7 == 0 then error("no") else true end`, 1)
	}
	return "  - kind: issue" + resource + "            subtasks: .fields.subtasks | map(.key)\n"
}

// reorganize hides, archives or deletes a project, or brings one back.
func (d *workdays) reorganize() {
	key := d.company.Projects[d.random.IntN(len(d.company.Projects))].Key
	verbs := map[string]func(string) bool{
		"hide": d.jira.HideProject, "show": d.jira.ShowProject, "archive": d.jira.ArchiveProject,
		"delete": d.jira.DeleteProject, "restore": d.jira.RestoreProject,
	}
	verb := []string{"hide", "show", "archive", "delete", "restore"}[d.random.IntN(5)]
	d.note("%s project %s", verb, key)
	verbs[verb](key)
}

// makeTrouble hurts the next run in none, one or two ways.
func (d *workdays) makeTrouble() {
	after, times := d.random.IntN(8), d.random.IntN(6)
	troubles := []func(){
		func() { d.jira.Inject(jirasim.Fault{After: after, Times: times, Do: jirasim.ServerError, Status: 503}) },
		func() { d.jira.Inject(jirasim.Fault{Match: bulkfetch, After: after, Do: jirasim.DeadToken}) },
		func() { d.jira.Inject(jirasim.Fault{After: after, Times: times, Do: jirasim.Cut}) },
		func() { d.jira.Inject(jirasim.Fault{Times: times, Do: jirasim.ShortWalk}) },
		func() { d.jira.Inject(jirasim.Fault{Do: jirasim.StaleIndex}) },
		func() { d.jira.Inject(jirasim.Fault{Match: searching, After: after, Do: jirasim.Forbidden}) },
		func() { d.jira.Inject(jirasim.Fault{Times: 1, Do: jirasim.EmptyPageWithToken}) },
		func() { d.port.Inject(portsim.Fault{After: after, Times: times}) },
		func() {
			d.port.Inject(portsim.Fault{Match: upserting, Status: http.StatusInternalServerError, Probability: 0.5, Seed: d.random.Uint64(), Late: true})
		},
		func() {
			d.port.Inject(portsim.Fault{Match: upserting, Status: http.StatusUnprocessableEntity, Probability: 0.3, Seed: d.random.Uint64()})
		},
		func() {
			d.port.Inject(portsim.Fault{Match: portsim.On("POST", "/entities/delete"), Status: http.StatusBadGateway, Late: true})
		},
	}
	for range d.random.IntN(3) {
		n := d.random.IntN(len(troubles))
		d.note("trouble %d after %d, %d times", n, after, times)
		troubles[n]()
	}
}
