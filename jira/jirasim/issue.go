package jirasim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Issue is one issue. Only Key, or ProjectKey, must be given: ids and keys that
// are left out are the next free ones, times the present one.
type Issue struct {
	ID         int64
	Key        string
	ProjectKey string // made if there is no such project yet

	Summary        string
	Type           string // "" is Task; Sub-task is what moves and goes with its parent
	Status         string // "" is To Do
	StatusCategory string // To Do, In Progress or Done; "" is guessed from Status
	Priority       string // "" is Medium
	Resolution     string // "" with Resolved set is Done
	Parent         string // a key
	Labels         []string
	Components     []string

	Creator, Reporter, Assignee string // account ids; an unknown one becomes a user of that name

	Created, Updated time.Time
	Resolved         time.Time // zero: unresolved

	Description string // plain text; an empty line begins a paragraph
	Filler      int    // without a Description: about so many bytes of one are made up
	// Custom holds custom fields by id, such as customfield_10016.
	Custom map[string]json.RawMessage

	Hidden   bool // our account may not see it
	Archived bool // at Data Center: in no search, and still read by id
	// Raw is served in place of everything above, which then only searching sees.
	Raw json.RawMessage
}

// AddIssue puts an issue into the site and returns it with what was filled in. An
// issue without a key and a project, or with an id or a key that is taken, is a
// mistake of the caller and panics.
func (s *Server) AddIssue(i Issue) Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	projects := len(s.projectOrder)
	r := s.addIssue(i)
	if len(s.projectOrder) > projects {
		s.tellProject("project_created", r.project)
	}
	s.tellCreated(r)
	return r.Issue
}

func (s *Server) addIssue(i Issue) *record {
	p := s.projectFor(&i)
	if i.Key == "" {
		i.Key = fmt.Sprintf("%s-%d", p.Key, p.lastNumber+1)
	}
	if i.ID == 0 {
		i.ID = s.nextIssue
	}
	if s.issues[i.ID] != nil || s.byKey[strings.ToUpper(i.Key)] != 0 {
		panic(fmt.Sprintf("jirasim: issue %s (%d) is there already", i.Key, i.ID))
	}
	s.nextIssue = max(s.nextIssue, i.ID+1)
	s.complete(&i)
	r := &record{Issue: i, project: p}
	s.issues[i.ID] = r
	s.place(r)
	s.index(r)
	p.issues++
	return r
}

func (s *Server) projectFor(i *Issue) *project {
	if i.ProjectKey == "" {
		i.ProjectKey, _, _ = cutKey(i.Key)
	}
	if i.ProjectKey == "" {
		panic(fmt.Sprintf("jirasim: issue %q has neither a project nor a key like PAY-1", i.Key))
	}
	if p := s.projects[i.ProjectKey]; p != nil {
		return p
	}
	return s.addProject(Project{Key: i.ProjectKey})
}

// complete fills in what was left out, and gets the names it uses an id.
func (s *Server) complete(i *Issue) {
	i.Type = cmp.Or(i.Type, "Task")
	i.Status = cmp.Or(i.Status, "To Do")
	i.Priority = cmp.Or(i.Priority, "Medium")
	if i.Created.IsZero() {
		i.Created = s.now()
	}
	if i.Updated.IsZero() {
		i.Updated = i.Created
	}
	if i.Resolved.IsZero() {
		i.Resolution = ""
	} else {
		i.Resolution = cmp.Or(i.Resolution, "Done")
	}
	if parent := s.find(i.Parent); parent != nil {
		i.Parent = parent.Key
	}
	s.status(i)
	s.register(typeFragment, i.Type)
	s.register(priorityFragment, i.Priority)
	if i.Resolution != "" {
		s.register(resolutionFragment, i.Resolution)
	}
	for _, c := range i.Components {
		s.register(componentFragment, c)
	}
	for _, account := range []string{i.Creator, i.Reporter, i.Assignee} {
		s.ensureUser(account)
	}
}

// Update changes an issue in place. Where change leaves Updated as it was, it
// becomes the present time. The id, the key and the project stay: see [Server.Move].
// It reports whether there is such an issue.
func (s *Server) Update(key string, change func(*Issue)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(key)
	if r == nil {
		return false
	}
	next := r.Issue
	next.Labels, next.Components, next.Custom = slices.Clone(r.Labels), slices.Clone(r.Components), maps.Clone(r.Custom)
	change(&next)
	next.ID, next.Key, next.ProjectKey = r.ID, r.Key, r.ProjectKey
	if next.Updated.Equal(r.Updated) {
		next.Updated = s.now()
	}
	if next.Status != r.Status && next.StatusCategory == r.StatusCategory {
		next.StatusCategory = s.knownCategory(next.Status)
	}
	s.complete(&next)
	s.leaveParent(r)
	s.hindsight.remember(r, false)
	before := r.Issue
	r.Issue = next
	s.index(r)
	s.tellUpdated(r, before)
	return true
}

// Delete deletes an issue and its sub-tasks, as Jira does. Children of an epic
// stay. It reports whether there was such an issue.
func (s *Server) Delete(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(key)
	if r != nil {
		s.tellDeleted(r, false)
		s.remove(r)
	}
	return r != nil
}

// Move moves an issue and its sub-tasks to another project and returns its key
// there, or "" where the issue or the project is unknown. The id stays, and the
// former key still finds the issue. Children that stay behind name the key of
// their parent as it is now, without having been updated.
func (s *Server) Move(key, toProject string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, p := s.find(key), s.projects[toProject]
	if r == nil || p == nil {
		return ""
	}
	s.move(r, p)
	return r.Key
}

func (s *Server) move(r *record, p *project) {
	key, from := r.Key, r.project
	children := s.children[r.Key]
	delete(s.children, r.Key)
	s.leaveParent(r)
	s.hindsight.remember(r, true)
	former := append(r.formerKeys(), r.Key)
	r.project.issues--
	p.issues++
	r.project, r.ProjectKey = p, p.Key
	r.Key = fmt.Sprintf("%s-%d", p.Key, p.lastNumber+1)
	r.Updated = s.now()
	r.spellings = append([]string{"", ""}, former...)
	s.index(r)
	for _, child := range children {
		child.Parent = r.Key
		s.children[r.Key] = append(s.children[r.Key], child)
	}
	s.tellMoved(r, key, from)
	for _, child := range children {
		if child.isSubtask() {
			s.move(child, p)
		}
	}
}

// Issue returns the issue with the id, the key or the former key as it is now,
// hidden or not.
func (s *Server) Issue(idOrKey string) (Issue, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.find(idOrKey); r != nil {
		return r.Issue, true
	}
	return Issue{}, false
}

// Len is the number of issues, also of those nobody may see.
func (s *Server) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.issues)
}
