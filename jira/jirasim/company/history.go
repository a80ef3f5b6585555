package company

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ferry/jira/jirasim"
)

const day = 24 * time.Hour

// Jira's issue types.
const (
	epic    = "Epic"
	story   = "Story"
	bug     = "Bug"
	task    = "Task"
	subtask = "Sub-task"
)

// historian invents what happened up to now.
type historian struct {
	c   *Company
	r   *rand.Rand
	now time.Time
}

// draft is an issue that has no number yet.
type draft struct {
	jirasim.Issue
	parent   *draft
	about    *theme
	children []*draft
}

func (d *draft) adopt(child *draft) {
	child.parent = d
	d.children = append(d.children, child)
}

// project makes n issues of one project: a few epics, sub-tasks for one issue in
// six, and what is between. The lives of sub-tasks follow from their parents', the
// life of an epic from its children's; so epics come first and end last.
func (h *historian) project(t *trade, n int) []*draft {
	epics, subtasks := n/25, n*3/20
	var all []*draft
	for i := range epics {
		all = append(all, h.epic(t, i, epics))
	}
	for range n - epics - subtasks {
		all = append(all, h.standard(t, all[:epics]))
	}
	standard := all[epics:]
	for range subtasks {
		all = append(all, h.subtask(t, pick(h.r, standard)))
	}
	for _, e := range all[:epics] {
		h.conclude(t, e)
	}
	return all
}

// between draws a moment of working time from one moment to another, the later.
func (h *historian) between(from, to time.Time) time.Time {
	if !to.After(from) {
		return from
	}
	t := atWork(from.Add(time.Duration(h.r.Int64N(int64(to.Sub(from)) + 1))))
	if t.Before(from) {
		t = from.Add(time.Duration(h.r.Int64N(int64(min(to.Sub(from), 2*time.Hour)) + 1)))
	}
	return t.Truncate(time.Millisecond)
}

// atWork moves a moment back to office hours, 8 to 18 from Monday to Friday.
func atWork(t time.Time) time.Time {
	sinceMidnight := t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()))
	at := t.Add(8*time.Hour + sinceMidnight*10/24 - sinceMidnight)
	if at.After(t) {
		at = at.AddDate(0, 0, -1)
	}
	switch at.Weekday() {
	case time.Saturday:
		return at.AddDate(0, 0, -1)
	case time.Sunday:
		return at.AddDate(0, 0, -2)
	}
	return at
}

// begin makes an issue that has only just been created.
func (h *historian) begin(t *trade, kind string, about *theme, created time.Time) *draft {
	return &draft{about: about, Issue: h.c.fresh(h.r, t, about, kind, created)}
}

func (h *historian) epic(t *trade, i, of int) *draft {
	start := h.now.AddDate(0, -historyMonths, 0)
	span := h.now.Sub(start) - 14*day
	from := start.Add(span * time.Duration(i) / time.Duration(of))
	created := h.between(from, from.Add(span/time.Duration(of)))
	return h.begin(t, epic, &t.themes[i%len(t.themes)], created)
}

// latest is when the youngest issues of the history are created. It leaves room
// for their sub-tasks.
func (h *historian) latest() time.Time { return h.now.Add(-3 * time.Hour) }

func (h *historian) standard(t *trade, epics []*draft) *draft {
	kind := pick(h.r, []string{bug, bug, bug, story, story, story, task, task})
	if len(epics) == 0 || h.r.IntN(4) == 0 {
		d := h.begin(t, kind, &t.themes[h.r.IntN(len(t.themes))], h.between(h.now.AddDate(0, -historyMonths, 0), h.latest()))
		h.live(t, d)
		return d
	}
	parent := pick(h.r, epics)
	from, to := parent.Created.Add(time.Hour), parent.Created.AddDate(0, 7, 0)
	if to.After(h.latest()) {
		to = h.latest()
	}
	d := h.begin(t, kind, parent.about, h.between(from, to))
	parent.adopt(d)
	h.live(t, d)
	return d
}

// subtask is done before its parent, and not begun before it.
func (h *historian) subtask(t *trade, parent *draft) *draft {
	end := h.now
	if !parent.Resolved.IsZero() {
		end = parent.Resolved
	}
	from := parent.Created.Add(time.Minute)
	to := from.Add(min(10*day, end.Sub(from)/2))
	d := h.begin(t, subtask, parent.about, h.between(from, to))
	parent.adopt(d)
	switch t.category(parent.Status) {
	case done:
		h.finish(t, d, h.between(d.Created.Add(time.Second), end))
	case inProgress:
		h.live(t, d)
	}
	return d
}

// live carries an issue from its creation to now: some wait for ever, most are
// done after weeks, the rest is on its way.
func (h *historian) live(t *trade, d *draft) {
	started := d.Created.Add(time.Hour + time.Duration(h.r.ExpFloat64()*float64(14*day)))
	finished := started.Add(time.Hour + time.Duration(h.r.ExpFloat64()*float64(21*day)))
	switch {
	case h.r.IntN(10) == 0 || started.After(h.now):
		if h.r.IntN(2) == 0 {
			d.Updated = h.between(d.Created, h.now)
		}
	case finished.After(h.now):
		h.start(t, d, started, finished)
	default:
		h.finish(t, d, h.between(finished.Add(-time.Hour), finished))
	}
}

// start puts an issue as far along the flow as its time has passed.
func (h *historian) start(t *trade, d *draft, started, finished time.Time) {
	passed := float64(h.now.Sub(started)) / float64(finished.Sub(started))
	between := len(t.flow) - 2
	d.Status = t.flow[1+min(int(passed*float64(between)), between-1)]
	d.StatusCategory = inProgress
	d.Updated = h.between(started, h.now)
	h.assign(t, d)
}

func (h *historian) finish(t *trade, d *draft, at time.Time) {
	d.Status, d.StatusCategory = t.last(), done
	d.Resolved, d.Updated = at, at
	d.Resolution = resolution(h.r, d.Type)
	if h.r.IntN(5) == 0 {
		if d.Updated = h.between(at, at.Add(20*day)); d.Updated.After(h.now) {
			d.Updated = h.now
		}
	}
	h.assign(t, d)
}

func (h *historian) assign(t *trade, d *draft) {
	if d.Assignee == "" && h.r.IntN(30) > 0 {
		d.Assignee = pick(h.r, h.c.teams[t.key])
	}
}

// conclude gives an epic the state that its children show.
func (h *historian) conclude(t *trade, e *draft) {
	var last time.Time
	open, begun := 0, false
	for _, child := range e.children {
		if child.Resolved.IsZero() {
			open++
		}
		begun = begun || t.category(child.Status) != toDo
		if child.Resolved.After(last) {
			last = child.Resolved
		}
	}
	switch {
	case len(e.children) > 0 && open == 0:
		h.finish(t, e, last)
	case begun:
		h.assign(t, e)
		e.Status, e.StatusCategory = t.flow[1], inProgress
		e.Updated = h.between(e.Created, h.now)
	}
}

// resolution is mostly Done, even in a good company not always.
func resolution(r *rand.Rand, kind string) string {
	switch n := r.IntN(100); {
	case n < 6:
		return "Won't Do"
	case n < 9:
		return "Duplicate"
	case n < 14 && kind == bug:
		return "Cannot Reproduce"
	}
	return "Done"
}

// fresh is an issue as it is when somebody has just created it.
func (c *Company) fresh(r *rand.Rand, t *trade, about *theme, kind string, at time.Time) jirasim.Issue {
	reporter := pick(r, c.teams[t.key])
	if r.IntN(3) == 0 {
		reporter = pick(r, c.People).AccountID
	}
	i := jirasim.Issue{
		ProjectKey: t.key,
		Summary:    c.title(r, about, strings.ToLower(kind)),
		Type:       kind,
		Status:     t.flow[0], StatusCategory: toDo,
		Priority: priority(r),
		Labels:   labels(r, t),
		Creator:  reporter, Reporter: reporter,
		Created: at, Updated: at,
		Description: description(r, about, kind),
	}
	if r.IntN(7) > 0 {
		i.Components = []string{about.name}
	}
	if r.IntN(3) == 0 {
		i.Assignee = pick(r, c.teams[t.key])
	}
	return i
}

func priority(r *rand.Rand) string {
	switch n := r.IntN(100); {
	case n < 4:
		return "Highest"
	case n < 22:
		return "High"
	case n < 77:
		return "Medium"
	case n < 95:
		return "Low"
	}
	return "Lowest"
}

func labels(r *rand.Rand, t *trade) []string {
	var all []string
	for range r.IntN(3) {
		label := t.label.alternatives("label")
		if l := pick(r, label)[0].text; !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}

func description(r *rand.Rand, about *theme, kind string) string {
	if r.IntN(4) == 0 {
		return ""
	}
	symbol := map[string]string{bug: "about-bug", task: "about-task", subtask: "about-task"}[kind]
	if symbol == "" {
		symbol = "about-story"
	}
	return about.voice.text(r, symbol)
}
