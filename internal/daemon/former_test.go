package daemon_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"ferry/internal/catalog"
	"ferry/jira/jirasim"
)

const open = "status != Done"

// expandingProjects is projectsAndIssues with another reading of projects.
func expandingProjects() string {
	return strings.Replace(projectsAndIssues, "selector:\n", "selector:\n      expand: lead\n", 1)
}

// TestAnEditHidesNoLoss: the mapping is edited so that its claims belong to a reading that is not
// asked any more, or to a resource that is gone, and at the same time Jira does not show what they
// are of. Nothing goes; when Jira shows it again everything is as a fresh ferry has it.
func TestAnEditHidesNoLoss(t *testing.T) {
	hide := func(w *world) func() { w.jira.HideProject("APP"); return func() { w.jira.ShowProject("APP") } }
	lag := func(w *world) func() {
		issue, _ := w.jira.Issue("APP-2")
		return w.jira.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{issue.ID}})
	}
	for _, test := range []struct {
		name, before, after string
		hurt                func(*world) func()
		state               catalog.State
	}{
		{"another reading, a project hidden", mappingOf(issueResource(open)), mappingOf(expanding(open)), hide, catalog.Partial},
		{"another reading, the index lags", mappingOf(issueResource(open)), mappingOf(expanding(open)), lag, catalog.Completed},
		{"two readings swapped and one edited, a project hidden", mappingOf(issueResource(open), expanding(ofPay)),
			mappingOf(expanding(ofPay), issueResource(open+" AND created > 1990-01-01")), hide, catalog.Partial},
		{"another reading of projects, a project hidden", projectsAndIssues, expandingProjects(), hide, catalog.Partial},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addIssues("PAY", 12)
			w.addIssues("APP", 5)
			w.mapping = test.before
			w.mustSync()
			w.mapping = test.after
			heal := test.hurt(w)
			report, err := w.sync()
			if err != nil || report.State != test.state || w.port.Deleted() > 0 {
				t.Errorf("sync is %v, %v with %d deleted, want %s and none", report, err, w.port.Deleted(), test.state)
			}
			heal()
			w.right()
		})
	}
}

// TestOneForbiddenProjectStopsNoIssues: a project that Jira neither lists nor shows by id.
func TestOneForbiddenProjectStopsNoIssues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = projectsAndIssues
	w.addIssues("PAY", 2)
	w.addIssues("APP", 2)
	w.mustSync()
	w.jira.HideProject("APP")
	w.jira.Inject(jirasim.Fault{Match: "/rest/api/3/project/1", Do: jirasim.Forbidden})
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "Changed meanwhile" })
	report, err := w.sync()
	if err != nil || report.State != catalog.Partial || w.port.Deleted() > 0 {
		t.Errorf("sync is %v, %v with %d deleted, want partial and none", report, err, w.port.Deleted())
	}
	if e, _ := w.port.Entity("jiraIssue", "PAY-1"); e.Title != "Changed meanwhile" {
		t.Errorf("PAY-1's title in Port = %v, want the changed one", e.Title)
	}
}

// TestACatchUpWhoseListFailsLosesNothing: what it could not decide about is read again later.
func TestACatchUpWhoseListFailsLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 12)
	w.addIssues("APP", 5)
	w.mapping = mappingOf(issueResource(ofPay), issueResource(ofApp))
	w.mustSync()
	heal := w.jira.Inject(jirasim.Fault{Match: "approximate-count", Do: jirasim.Forbidden})
	var counted atomic.Int32
	w.arrives = func(r *http.Request) {
		if strings.Contains(r.URL.Path, "approximate-count") && counted.Add(1) == 5 {
			heal()
		}
	}
	a := w.live(often())
	w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Changed while the list failed" })
	w.jira.Delete("APP-5")
	a.until("the list works again", func() bool { return counted.Load() >= 5 })
	a.right()
}
