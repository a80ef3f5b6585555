package daemon_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ferry/internal/daemon"
	"ferry/jira/jirasim"
)

// A pod without a disk of its own begins with nothing: what happens while it starts is heard, what
// happened while it was away is found, and nothing goes that Jira only hides.
func TestALostDiskIsMadeGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 30)
	w.addIssues("APP", 12)
	w.delivers(jirasim.Delivery{MinBackoff: 20 * time.Millisecond, MaxBackoff: 50 * time.Millisecond})
	first := w.live(seldom(), func(d *daemon.Daemon) { d.Schedule.NoStart = false })
	first.heard()
	first.right()
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	w.dir = t.TempDir()
	w.jira.Delete("PAY-4")
	w.jira.Move("PAY-5", "APP")
	w.jira.Update("PAY-6", func(i *jirasim.Issue) { i.Summary = "Changed while nobody listened" })
	second := w.live(seldom(), func(d *daemon.Daemon) { d.Schedule.NoStart = false })
	for i := range 20 {
		w.jira.Update(fmt.Sprintf("PAY-%d", i+10), func(i *jirasim.Issue) { i.Summary = "Changed during the start" })
	}
	w.jira.Delete("APP-3")
	second.right()
	if len(w.door.refused) > 0 {
		t.Errorf("deliveries were answered with %v, want all taken", w.door.refused)
	}
	if ids := w.identifiers("jiraIssue"); slices.Contains(ids, "PAY-4") || slices.Contains(ids, "PAY-5") || len(ids) != 40 {
		t.Errorf("Port has %v, want PAY-4, PAY-5 and APP-3 gone", ids)
	}
}
