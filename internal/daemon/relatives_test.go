package daemon_test

import (
	"testing"

	"ferry/jira/jirasim"
)

// Two that relate to one another, of which Port takes neither before the other. Between runs nobody
// else is waited for.
func TestWhatRelatesToOneAnotherIsDeliveredAsItComes(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, false)
	w.mustSync()
	w.delivers(jirasim.Delivery{})
	a := w.live(seldom())
	a.heard()
	w.jira.AddIssue(jirasim.Issue{Key: "PAY-70", Summary: "A task"})
	w.jira.AddIssue(jirasim.Issue{Key: "PAY-71", Summary: "Its sub-task", Type: "Sub-task", Parent: "PAY-70"})
	a.right()
}
