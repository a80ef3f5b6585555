package daemon_test

import (
	"testing"
	"time"

	"ferry/jira/jirasim"
)

// The field of an issue that lists its sub-tasks changes without the issue's having been updated. Where
// no event told of it, what changed itself leads there.
func TestParentsAreReadAgainThatNoEventNamed(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, true)
	w.mustSync()
	w.jira.AddIssue(jirasim.Issue{Key: "PAY-70", Type: "Sub-task", Parent: "PAY-3", Summary: "Made while nobody listened"})
	w.jira.Update("PAY-5", func(i *jirasim.Issue) { i.Parent = "PAY-6" })
	schedule := seldom()
	schedule.Polled = 20 * time.Millisecond
	a := w.live(schedule)
	a.right()
}
