package jirasim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// named is a status, issue type, priority, resolution or component: a name that
// has got an id.
type named struct {
	id       int64
	name     string
	category *category // of a status
	values   []string  // what JQL accepts: the name and the id
}

// category is one of Jira's fixed status categories.
type category struct {
	id               int64
	key, color, name string
	values           []string
}

// categories with their ids and colours as every Jira has them; the real payloads
// show the first.
var categories = func() []*category {
	all := []*category{
		{id: 2, key: "new", color: "blue-gray", name: "To Do"},
		{id: 4, key: "indeterminate", color: "yellow", name: "In Progress"},
		{id: 3, key: "done", color: "green", name: "Done"},
		{id: 1, key: "undefined", color: "medium-gray", name: "No Category"},
	}
	for _, c := range all {
		c.values = []string{c.name, c.key, strconv.FormatInt(c.id, 10)}
	}
	return all
}()

func categoryNamed(name string) *category {
	for _, c := range categories {
		if strings.EqualFold(c.name, name) || strings.EqualFold(c.key, name) {
			return c
		}
	}
	return nil
}

// guessCategory is for sites that name a status and leave the rest to us.
func guessCategory(status string) *category {
	switch strings.ToLower(status) {
	case "done", "closed", "resolved", "released", "cancelled", "won't do":
		return categories[2]
	case "to do", "open", "backlog", "new", "reopened", "selected for development", "ready":
		return categories[0]
	}
	return categories[1]
}

// firstID is where the ids of each sort of name begin.
var firstID = [...]int64{statusFragment: 10100, typeFragment: 10001, priorityFragment: 1, resolutionFragment: 10000, componentFragment: 10000}

func (s *site) registerDefaults() {
	for i := range s.names {
		s.names[i] = make(map[string]*named)
	}
	for _, name := range []string{"Highest", "High", "Medium", "Low", "Lowest"} {
		s.register(priorityFragment, name)
	}
	for _, name := range []string{"Task", "Story", "Bug", "Epic", "Sub-task"} {
		s.register(typeFragment, name)
	}
	for _, name := range []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"} {
		s.register(resolutionFragment, name)
	}
}

func (s *site) register(kind fragmentKind, name string) *named {
	if n := s.names[kind][name]; n != nil {
		return n
	}
	n := &named{id: firstID[kind] + int64(len(s.names[kind])), name: name}
	n.values = []string{name, strconv.FormatInt(n.id, 10)}
	s.names[kind][name] = n
	return n
}

// status registers the issue's status and writes its category back. A status has
// one category: the one it was first given.
func (s *Server) status(i *Issue) {
	n := s.register(statusFragment, i.Status)
	if n.category == nil {
		n.category = cmp.Or(categoryNamed(i.StatusCategory), guessCategory(i.Status))
	}
	i.StatusCategory = n.category.name
}

// knownCategory is the category a status has already, or "".
func (s *Server) knownCategory(status string) string {
	if n := s.names[statusFragment][status]; n != nil && n.category != nil {
		return n.category.name
	}
	return ""
}

// RenameStatus renames a status, and with it the status of every issue in it,
// without updating any of them: as Jira does.
func (s *Server) RenameStatus(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.names[statusFragment][from]
	if n == nil {
		return
	}
	delete(s.names[statusFragment], from)
	n.name, n.values = to, []string{to, n.values[1]}
	s.names[statusFragment][to] = n
	for _, r := range s.order {
		r.renameStatus(from, to)
	}
	for _, g := range s.hindsight.gone {
		g.renameStatus(from, to)
	}
	s.parts.clear()
}

func (r *record) renameStatus(from, to string) {
	if r.Status == from {
		r.Status = to
	}
	for i := range r.past {
		if was := &r.past[i].issue; was.Status == from {
			was.Status = to
		}
	}
}

func subtaskType(name string) bool {
	return slices.Contains([]string{"sub-task", "subtask"}, strings.ToLower(name))
}

// hierarchyLevel is 1 for epics, -1 for sub-tasks, 0 for the rest.
func hierarchyLevel(name string) int64 {
	switch {
	case strings.EqualFold(name, "Epic"):
		return 1
	case subtaskType(name):
		return -1
	}
	return 0
}
