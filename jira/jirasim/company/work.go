package company

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"ferry/jira/jirasim"
)

// The kinds of events.
const (
	Created      = "created"
	Transitioned = "transitioned" // to another status
	Assigned     = "assigned"
	Retitled     = "retitled"
	Commented    = "commented"
	Moved        = "moved" // to another project
	Deleted      = "deleted"
)

// Event is one thing that happened.
type Event struct {
	Kind string
	Key  string // of the issue; its former key where it moved or went
	Text string // one line for people
}

// step is one call of Work.
type step struct {
	c   *Company
	s   *jirasim.Server
	r   *rand.Rand
	now time.Time
}

// acts and how often, out of a hundred, each is tried.
var acts = []struct {
	chance int
	do     func(*step) (Event, bool)
}{
	{20, (*step).create},
	{36, (*step).transition},
	{13, (*step).assign},
	{7, (*step).retitle},
	{17, (*step).comment},
	{3, (*step).move},
	{4, (*step).delete},
}

// Work lets somebody do one thing: an issue is created, goes on to its next status,
// is assigned, retitled, commented on, moved to another project or deleted. The
// server must be the one in which the company settled; others may change it too.
func (c *Company) Work(s *jirasim.Server, r *rand.Rand, now time.Time) Event {
	at := &step{c: c, s: s, r: r, now: now}
	for range 20 {
		n := r.IntN(100)
		for _, act := range acts {
			if n -= act.chance; n >= 0 {
				continue
			}
			if e, ok := act.do(at); ok {
				return e
			}
			break
		}
	}
	e, _ := at.create() // possible even when nothing else is
	return e
}

// find draws an issue that suits; people mostly work on the younger ones.
func (w *step) find(suits func(jirasim.Issue) bool) (jirasim.Issue, bool) {
	for range 60 {
		n := len(w.c.live)
		if n == 0 {
			break
		}
		at := n - 1 - min(n-1, int(w.r.ExpFloat64()*float64(n)/6))
		i, ok := w.s.Issue(strconv.FormatInt(w.c.live[at], 10))
		if !ok {
			w.c.live = slices.Delete(w.c.live, at, at+1)
			continue
		}
		if !i.Hidden && tradeOf(i.ProjectKey) != nil && suits(i) {
			return i, true
		}
	}
	return jirasim.Issue{}, false
}

func open(i jirasim.Issue) bool { return i.StatusCategory != done }

func ordinary(i jirasim.Issue) bool { return open(i) && i.Type != epic && i.Type != subtask }

// children of the issue, by looking at all: a few thousand look-ups are nothing
// beside the seconds between two steps.
func (w *step) children(key string) []jirasim.Issue {
	var all []jirasim.Issue
	for _, id := range w.c.live {
		if i, ok := w.s.Issue(strconv.FormatInt(id, 10)); ok && i.Parent == key {
			all = append(all, i)
		}
	}
	return all
}

func (w *step) create() (Event, bool) {
	t := pick(w.r, trades())
	kind, parent := pick(w.r, []string{bug, bug, story, story, task}), jirasim.Issue{}
	about := &t.themes[w.r.IntN(len(t.themes))]
	switch w.r.IntN(5) {
	case 0: // a sub-task of something open, whichever project that is in
		if p, ok := w.find(ordinary); ok {
			kind, parent, t = subtask, p, tradeOf(p.ProjectKey)
			about = t.theme(p.Components)
		}
	case 1, 2, 3:
		if p, ok := w.find(func(i jirasim.Issue) bool { return open(i) && i.Type == epic && i.ProjectKey == t.key }); ok {
			parent, about = p, t.theme(p.Components)
		}
	}
	i := w.c.fresh(w.r, t, about, kind, w.now)
	i.Parent = parent.Key
	i = w.s.AddIssue(i)
	w.c.live = append(w.c.live, i.ID)
	return Event{Created, i.Key, fmt.Sprintf("%s created by %s: %s", i.Key, w.c.name(i.Reporter), i.Summary)}, true
}

func (w *step) transition() (Event, bool) {
	i, ok := w.find(open)
	if !ok {
		return Event{}, false
	}
	t := tradeOf(i.ProjectKey)
	next := w.nextStatus(t, i.Status)
	if next == t.last() {
		// What has open children is not done; one of them goes on instead.
		if i, next = w.deepestOpen(i, next); next == "" {
			t = tradeOf(i.ProjectKey)
			next = w.nextStatus(t, i.Status)
		}
	}
	w.set(i.Key, t, next)
	return Event{Transitioned, i.Key, fmt.Sprintf("%s moved to %s", i.Key, next)}, true
}

// nextStatus is mostly one further along the flow, and now and then one back.
func (w *step) nextStatus(t *trade, status string) string {
	at := slices.Index(t.flow, status)
	if at > 1 && w.r.IntN(10) == 0 {
		return t.flow[at-1]
	}
	return t.flow[min(at+1, len(t.flow)-1)]
}

// deepestOpen descends to an issue without open children. It returns next as it is
// for the issue itself, and none for a descendant.
func (w *step) deepestOpen(i jirasim.Issue, next string) (jirasim.Issue, string) {
	for {
		children := slices.DeleteFunc(w.children(i.Key), func(c jirasim.Issue) bool { return !open(c) })
		if len(children) == 0 {
			return i, next
		}
		i, next = pick(w.r, children), ""
	}
}

// set gives an issue a status of the flow and what goes with it.
func (w *step) set(key string, t *trade, status string) {
	w.s.Update(key, func(i *jirasim.Issue) {
		i.Status, i.StatusCategory, i.Updated = status, t.category(status), w.now
		i.Resolved, i.Resolution = time.Time{}, ""
		if i.StatusCategory == done {
			i.Resolved, i.Resolution = w.now, resolution(w.r, i.Type)
		}
		if i.Assignee == "" && i.StatusCategory != toDo {
			i.Assignee = pick(w.r, w.c.teams[t.key])
		}
	})
}

func (w *step) assign() (Event, bool) {
	i, ok := w.find(open)
	if !ok {
		return Event{}, false
	}
	others := slices.DeleteFunc(slices.Clone(w.c.teams[i.ProjectKey]), func(a string) bool { return a == i.Assignee })
	if len(others) == 0 {
		return Event{}, false
	}
	to := pick(w.r, others)
	w.s.Update(i.Key, func(i *jirasim.Issue) { i.Assignee, i.Updated = to, w.now })
	return Event{Assigned, i.Key, fmt.Sprintf("%s assigned to %s", i.Key, w.c.name(to))}, true
}

func (w *step) retitle() (Event, bool) {
	i, ok := w.find(open)
	if !ok {
		return Event{}, false
	}
	title := w.c.title(w.r, tradeOf(i.ProjectKey).theme(i.Components), strings.ToLower(i.Type))
	w.s.Update(i.Key, func(i *jirasim.Issue) { i.Summary, i.Updated = title, w.now })
	return Event{Retitled, i.Key, fmt.Sprintf("%s retitled: %s", i.Key, title)}, true
}

func (w *step) comment() (Event, bool) {
	i, ok := w.find(func(jirasim.Issue) bool { return true })
	if !ok {
		return Event{}, false
	}
	who := pick(w.r, w.c.teams[i.ProjectKey])
	w.s.Update(i.Key, func(i *jirasim.Issue) { i.Updated = w.now })
	return Event{Commented, i.Key, fmt.Sprintf("%s commented on by %s", i.Key, w.c.name(who))}, true
}

func (w *step) move() (Event, bool) {
	i, ok := w.find(ordinary)
	if !ok {
		return Event{}, false
	}
	to := pick(w.r, trades())
	if to.key == i.ProjectKey {
		return Event{}, false
	}
	key := w.s.Move(i.Key, to.key)
	if key == "" {
		return Event{}, false
	}
	w.settleIn(key, to)
	for _, child := range w.children(key) {
		w.settleIn(child.Key, to)
	}
	return Event{Moved, i.Key, fmt.Sprintf("%s moved to %s, where it is %s", i.Key, to.name, key)}, true
}

// settleIn gives a moved issue a status of its new project's flow, of the same
// category, and takes away the components, which belong to the former. It was updated when
// it moved, which is after now, and must not seem to be older than that.
func (w *step) settleIn(key string, t *trade) {
	w.s.Update(key, func(i *jirasim.Issue) {
		i.Components = nil
		if slices.Contains(t.flow, i.Status) {
			return
		}
		switch i.StatusCategory {
		case toDo:
			i.Status = t.flow[0]
		case done:
			i.Status = t.last()
		default:
			i.Status = t.flow[1]
		}
	})
}

func (w *step) delete() (Event, bool) {
	i, ok := w.find(func(i jirasim.Issue) bool { return open(i) && i.Type != epic })
	if !ok || !w.s.Delete(i.Key) {
		return Event{}, false
	}
	return Event{Deleted, i.Key, fmt.Sprintf("%s deleted: %s", i.Key, i.Summary)}, true
}
