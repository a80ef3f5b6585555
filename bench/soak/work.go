package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"ferry/jira/jirasim"
)

// act is something that people do in Jira. It reports false where it was not possible.
type act struct {
	name  string
	quiet bool // nothing goes by it, so that a catch-up finds it where no delivery told of it
	shown bool // parents show it; of an issue that the mapping does not select they are not known
	do    func(*site) bool
}

// acts are what is done beside the company's own work: what an integration gets wrong.
var acts = []act{
	{"retitle", true, false, (*site).retitle},
	{"finish or reopen", true, false, (*site).flip},
	{"change many times", true, false, (*site).hammer},
	{"relabel", true, false, (*site).relabel},
	{"make", true, true, (*site).make},
	{"rename a project", false, false, (*site).rename},
	{"give another parent", true, true, (*site).reparent},
	{"move there and back", false, false, (*site).thereAndBack},
	{"move", false, false, (*site).moveAway},
	{"make and delete", false, false, (*site).bornAndGone},
	{"delete", false, false, (*site).remove},
}

// work makes about n changes within the time, in bursts.
func (s *site) work(ctx context.Context, n int, span time.Duration, do func()) error {
	began := time.Now()
	for until := s.events + n; s.events < until; {
		for range 1 + s.random.IntN(60) {
			do()
		}
		done := 1 - float64(until-s.events)/float64(n)
		pause := time.Until(began.Add(time.Duration(done * float64(span))))
		select {
		case <-time.After(max(0, pause)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// something is the company at its work, or one of the acts.
func (s *site) something() {
	if s.random.IntN(3) > 0 {
		e := s.company.Work(s.Server, s.random, time.Now())
		if i, ok := s.Issue(e.Key); ok && e.Kind == "created" {
			s.ids = append(s.ids, i.ID)
		}
		s.note("%s", e.Text)
		return
	}
	s.try(acts[s.random.IntN(len(acts))])
}

// harmless is something after which everything that was there still is.
func (s *site) harmless() {
	for {
		if a := acts[s.random.IntN(len(acts))]; a.quiet && (s.everything || !a.shown) {
			s.try(a)
			return
		}
	}
}

func (s *site) try(a act) {
	if !a.do(s) {
		s.note("%s: not possible", a.name)
	}
}

// note writes into the diary, and counts.
func (s *site) note(form string, args ...any) {
	s.events++
	fmt.Fprintf(s.diary, "%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(form, args...))
}

// some draws an issue that is there and suits.
func (s *site) some(suits func(jirasim.Issue) bool) (jirasim.Issue, bool) {
	for range 50 {
		i, ok := s.Issue(strconv.FormatInt(s.ids[s.random.IntN(len(s.ids))], 10))
		if ok && suits(i) {
			return i, true
		}
	}
	return jirasim.Issue{}, false
}

func anyIssue(jirasim.Issue) bool { return true }

// mayLeave tells whether an issue may be moved or deleted, and that it may not again. The children of an
// epic stay, and are not updated: that they have another parent, or none, is found through the entity
// of the epic's former key. Where ferry may not have come to have one, since it had not read the epic
// yet, or not before it went on, or the mapping does not select it, it is for the next resync to find.
func (s *site) mayLeave(i jirasim.Issue) bool {
	if i.Type != "Epic" {
		return true
	}
	if !s.everything || s.early || s.left[i.ID] {
		return false
	}
	s.left[i.ID] = true
	return true
}

func isSubtask(i jirasim.Issue) bool  { return i.Type == "Sub-task" }
func isOrdinary(i jirasim.Issue) bool { return i.Type != "Sub-task" && i.Type != "Epic" }

func (s *site) retitle() bool {
	i, ok := s.some(anyIssue)
	if !ok {
		return false
	}
	s.note("retitle %s (%d)", i.Key, i.ID)
	return s.Update(i.Key, func(i *jirasim.Issue) { i.Summary = fmt.Sprintf("Retitled %d", s.random.Uint32()) })
}

func (s *site) relabel() bool {
	i, ok := s.some(anyIssue)
	if !ok {
		return false
	}
	s.note("relabel %s (%d)", i.Key, i.ID)
	return s.Update(i.Key, func(i *jirasim.Issue) { i.Labels = []string{"soaked", fmt.Sprint(s.random.IntN(9))} })
}

// flip lets an issue leave the selector, or come back.
func (s *site) flip() bool {
	i, ok := s.some(anyIssue)
	if !ok {
		return false
	}
	return s.setDone(i, i.StatusCategory != "Done")
}

func (s *site) setDone(i jirasim.Issue, done bool) bool {
	s.note("%s (%d) done: %t", i.Key, i.ID, done)
	return s.Update(i.Key, func(i *jirasim.Issue) {
		i.Status, i.StatusCategory, i.Resolution, i.Resolved = "In Progress", "In Progress", "", time.Time{}
		if done {
			i.Status, i.StatusCategory, i.Resolution, i.Resolved = "Done", "Done", "Done", time.Now()
		}
	})
}

// hammer changes one issue many times, and lets it leave the selector now and then.
func (s *site) hammer() bool {
	i, ok := s.some(anyIssue)
	if !ok {
		return false
	}
	for n := range 4 + s.random.IntN(20) {
		if s.random.IntN(4) == 0 {
			s.setDone(i, n%2 == 0)
			continue
		}
		s.note("hammer %s (%d)", i.Key, i.ID)
		s.Update(i.Key, func(i *jirasim.Issue) { i.Summary = fmt.Sprintf("Hammered %d", s.random.Uint32()) })
	}
	return true
}

func (s *site) make() bool {
	i := jirasim.Issue{Summary: fmt.Sprintf("Made %d", s.random.Uint32()), Type: "Story", Status: "To Do", StatusCategory: "To Do"}
	i.ProjectKey = s.company.Projects[s.random.IntN(len(s.company.Projects))].Key
	if parent, ok := s.some(isOrdinary); ok && s.random.IntN(2) == 0 {
		i.Type, i.Parent, i.ProjectKey = "Sub-task", parent.Key, parent.ProjectKey
	}
	i = s.AddIssue(i)
	s.ids = append(s.ids, i.ID)
	s.note("make %s (%d) below %q", i.Key, i.ID, i.Parent)
	return true
}

func (s *site) rename() bool {
	key := s.company.Projects[s.random.IntN(len(s.company.Projects))].Key
	s.note("rename project %s", key)
	return s.UpdateProject(key, func(p *jirasim.Project) { p.Name = fmt.Sprintf("Renamed %d", s.random.Uint32()) })
}

// reparent gives a sub-task another parent in its project.
func (s *site) reparent() bool {
	child, ok := s.some(isSubtask)
	if !ok {
		return false
	}
	parent, ok := s.some(func(i jirasim.Issue) bool { return isOrdinary(i) && i.ProjectKey == child.ProjectKey })
	if !ok {
		return false
	}
	s.note("%s (%d) from parent %s to %s (%d)", child.Key, child.ID, child.Parent, parent.Key, parent.ID)
	return s.Update(child.Key, func(i *jirasim.Issue) { i.Parent = parent.Key })
}

func (s *site) moveAway() bool {
	i, ok := s.some(func(i jirasim.Issue) bool { return !isSubtask(i) && s.mayLeave(i) })
	return ok && s.move(i) != ""
}

func (s *site) move(i jirasim.Issue) string {
	to := s.company.Projects[s.random.IntN(len(s.company.Projects))].Key
	if to == i.ProjectKey {
		return ""
	}
	key := s.Move(i.Key, to)
	s.note("move %s (%d) to %s", i.Key, i.ID, key)
	return key
}

func (s *site) thereAndBack() bool {
	i, ok := s.some(isOrdinary)
	if !ok {
		return false
	}
	key := s.move(i)
	if key == "" {
		return false
	}
	back := s.Move(key, i.ProjectKey)
	s.note("move %s (%d) back as %s", key, i.ID, back)
	return back != ""
}

func (s *site) bornAndGone() bool {
	s.make()
	i, ok := s.Issue(strconv.FormatInt(s.ids[len(s.ids)-1], 10))
	if !ok {
		return false
	}
	s.note("delete %s (%d), just made", i.Key, i.ID)
	return s.Delete(i.Key)
}

// remove deletes an issue with its sub-tasks, or an epic whose children stay.
func (s *site) remove() bool {
	i, ok := s.some(s.mayLeave)
	if !ok || s.Len() < 60 {
		return false
	}
	s.note("delete %s (%d), %s", i.Key, i.ID, i.Type)
	return s.Delete(i.Key)
}
