package daemon_test

import (
	"testing"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/jira/jirasim"
)

// Who fills the catalogue alone has nothing to deliver, and is as fresh as it reads.
func TestWithoutPortNothingWaitsForIt(t *testing.T) {
	w := newWorld(t)
	w.noPort = true
	w.addIssues("PAY", 3)
	w.mapping = issuesOf(`""`)
	a := w.live(often())
	a.until("all is read", func() bool { return a.runs() > 0 })
	standing, err := a.daemon.Standing(t.Context())
	if err != nil || standing.Catalogue.Undelivered.N != 0 {
		t.Errorf("standing = %+v, %v, want nothing undelivered", standing.Catalogue, err)
	}
	mark := time.Now()
	a.until("it is fresh", func() bool {
		newest, promised, err := a.daemon.Fresh(t.Context())
		return err == nil && promised > 0 && newest.After(mark)
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

// Freshness is that of what the mapping reads: issues need not be among it.
func TestProjectsAloneAreFresh(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 1)
	w.mapping = projectsOnly
	schedule := often()
	schedule.Sweep, schedule.SweepPolled = time.Hour, time.Hour
	a := w.live(schedule)
	a.until("all is read", func() bool { return a.runs() > 0 })
	mark := time.Now()
	a.until("it is fresh", func() bool {
		newest, _, err := a.daemon.Fresh(t.Context())
		return err == nil && newest.After(mark)
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

const projectsOnly = `
resources:
  - kind: project
    selector:
      query: "true"
    port:
      entity:
        mappings:
          identifier: .key
          title: .name
          blueprint: '"jiraProject"'
`

// What is between resyncs is told too: a catch-up that went through, and one that Jira did not let go through.
func TestCatchUpsAreTold(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 3)
	told := make(chan catalog.State, 1000)
	a := w.live(often(), func(d *daemon.Daemon) { d.CaughtUp = func(s catalog.State) { told <- s } })
	a.until("one went through", func() bool { return len(told) > 0 && <-told == catalog.Completed })
	w.jira.Inject(jirasim.Fault{Match: "/rest/api/3/project/search", Do: jirasim.Forbidden})
	a.until("one failed", func() bool { return len(told) > 0 && <-told == catalog.Failed })
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}
