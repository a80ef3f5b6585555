package daemon_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/jira/jirasim"
)

// follow catches up with Jira after do, until each of the identifiers was told to have changed so,
// and then until PAY-1 was, which changes only then: what was told before is delivered by that time.
func (w *world) follow(do func(), until map[string]catalog.Verb) {
	w.t.Helper()
	w.followTo("PAY-1", do, until)
}

// followTo is follow with another issue for the last change.
func (w *world) followTo(key string, do func(), until map[string]catalog.Verb) {
	w.t.Helper()
	s, end := w.started()
	defer end()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	do()
	last := false
	err := s.Follow(ctx, 10*time.Millisecond, func(c daemon.Change) {
		if until[c.Identifier] == c.Verb {
			delete(until, c.Identifier)
		}
		if len(until) > 0 {
			return
		}
		if last {
			cancel()
		}
		last, until[key] = true, catalog.Changed
		w.jira.Update(key, func(i *jirasim.Issue) { i.Summary = "The last change" })
	})
	if err != nil || ctx.Err() != context.Canceled {
		w.t.Fatalf("follow ends with %v, and was not told of %v; it logged\n%s", err, until, w.logged)
	}
}

func TestFollowingTellsAndDeliversWhatChanged(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, true)
	w.mustSync()
	w.follow(func() {
		w.jira.Update("PAY-3", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
		w.jira.Delete("PAY-4")
		w.jira.Move("PAY-2", "APP")
		w.finish("PAY-6")
	}, map[string]catalog.Verb{
		"PAY-3": catalog.Changed, "PAY-4": catalog.Went, "PAY-2": catalog.Went, "APP-2": catalog.Made, "APP-3": catalog.Made, "PAY-6": catalog.Went,
	})
	w.mustSync()
	w.right()
}

// A catch-up proves as much as a run before anything goes.
func TestFollowingDeletesNothingOfAHiddenProject(t *testing.T) {
	t.Parallel()
	w := newVanishingWorld(t)
	w.follow(func() {
		w.jira.HideProject("APP")
		w.jira.Delete("PAY-3")
	}, map[string]catalog.Verb{"PAY-3": catalog.Went})
	if ids := w.identifiers("jiraIssue"); slices.Contains(ids, "PAY-3") {
		t.Errorf("Port has %v, want PAY-3 gone", ids)
	}
	if ids := w.identifiers("jiraIssue"); !slices.Contains(ids, "APP-1") || !slices.Contains(ids, "APP-12") {
		t.Errorf("Port has %v, want APP's issues among them", ids)
	}
	w.jira.ShowProject("APP")
	w.mustSync()
	w.right()
}
