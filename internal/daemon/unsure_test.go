package daemon_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"ferry/jira/jirasim"
)

// unsure is a Data Center of which no answer can be trusted: its index is behind and loses issues,
// clocks go back, a permission is lost for a while, credentials die, and people work all the time.
type unsure struct {
	*world
	random *rand.Rand

	mu  sync.Mutex
	now time.Time

	busy     sync.Mutex      // guards what is below, while a run is under way
	left     map[string]bool // keys that no open issue has had all the time since the run before
	requests int
	strike   int    // the request at which something happens
	hide     string // what happens then: this project is hidden, or, if it is none, somebody works
}

var unsureProjects = []string{"PAY", "APP", "OPS"}

func newUnsure(t *testing.T, seed uint64) *unsure {
	u := &unsure{random: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC), left: map[string]bool{}}
	u.world = newWorld(t, dataCenter, func(c *jirasim.Config) {
		c.Clock, c.PageLimit, c.IndexLag = u.clock, 7, time.Duration(u.random.IntN(3))*time.Minute
	})
	u.mapping = projectsAndOpenIssues
	for _, project := range unsureProjects {
		u.addIssues(project, 12)
	}
	u.pass(time.Hour)
	u.mustSync()
	return u
}

// clock gives each change a time of its own.
func (u *unsure) clock() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.now = u.now.Add(time.Millisecond)
	return u.now
}

func (u *unsure) pass(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.now = u.now.Add(d)
}

func (u *unsure) project() string { return unsureProjects[u.random.IntN(len(unsureProjects))] }

// somebodyWorks changes an issue. Its key is noted if it may leave Port for that.
func (u *unsure) somebodyWorks() {
	key := fmt.Sprintf("%s-%d", u.project(), 1+u.random.IntN(15))
	switch u.random.IntN(6) {
	case 0:
		u.left[key] = true
		u.finish(key)
	case 1:
		u.left[key] = true
		u.jira.Delete(key)
	case 2:
		u.left[key] = true
		u.jira.Move(key, u.project())
	case 3:
		u.left[key] = true
		u.jira.Update(key, func(i *jirasim.Issue) { i.Archived = !i.Archived })
	case 4:
		u.jira.Update(key, func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
	default:
		u.jira.Update(key, func(i *jirasim.Issue) { i.Summary += "!" })
	}
}

// trouble hurts the next run.
func (u *unsure) trouble() {
	for range 2 {
		ids := make([]int64, 8)
		for i := range ids {
			ids[i] = 10001 + u.random.Int64N(36)
		}
		chance := []float64{0.2, 0.5, 0.9, 1}[u.random.IntN(4)]
		u.jira.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: ids, Probability: chance})
	}
	if u.random.IntN(2) == 0 {
		u.jira.Inject(jirasim.Fault{Do: jirasim.StaleIndex, Probability: 0.5})
	}
	if u.random.IntN(4) == 0 {
		dies := []jirasim.FaultKind{jirasim.DeadToken, jirasim.Unauthorized, jirasim.Cut}[u.random.IntN(3)]
		u.jira.Inject(jirasim.Fault{Do: dies, After: u.random.IntN(80)})
	}
	u.requests, u.strike, u.hide = 0, 1+u.random.IntN(60), ""
	if u.random.IntN(2) == 0 {
		u.hide = u.project()
	}
}

func (u *unsure) strikes(*http.Request) {
	u.busy.Lock()
	defer u.busy.Unlock()
	u.requests++
	switch {
	case u.requests != u.strike:
	case u.hide != "":
		u.jira.HideProject(u.hide)
	default:
		u.somebodyWorks()
	}
}

// live works, runs, and wants nothing to go that was open all the time.
func (u *unsure) live() {
	held := u.identifiers("jiraIssue")
	clear(u.left)
	for range 6 {
		u.somebodyWorks()
		u.pass(time.Duration(u.random.IntN(60)-15) * time.Second)
	}
	u.trouble()
	u.arrives = u.strikes
	_, err := u.sync() // which may fail
	u.busy.Lock()
	defer u.busy.Unlock()
	u.arrives = nil
	for _, key := range held {
		issue, _ := u.jira.Issue(key)
		open := issue.Key == key && issue.Status != "Done" && !issue.Archived && !u.left[key]
		if _, there := u.port.Entity("jiraIssue", key); open && !there {
			u.t.Errorf("%s is gone from Port; the run ended with %v", key, err)
		}
	}
	u.jira.Heal()
	u.jira.ShowProject(u.hide)
}

// Nothing goes by doubt, and in the end all is right.
func TestAnUnsureDataCenterLosesNothing(t *testing.T) {
	t.Parallel()
	first := *firstSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for _, n := range few([]uint64{0, 1, 2, 3}) {
		seed := first + n
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			u := newUnsure(t, seed)
			for range 3 {
				u.live()
			}
			u.pass(2 * time.Hour)
			u.mustSync()
			u.pass(time.Hour)
			u.mustSync()
			u.right()
		})
	}
}
