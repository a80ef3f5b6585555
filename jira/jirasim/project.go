package jirasim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Project is one project. Only Key must be given.
type Project struct {
	ID          string // a number; "" is the next free one
	Key         string
	Name        string // "" is the key
	Description string
	Lead        string // an account id
	Type        string // software, business or service_desk; "" is software
	TeamManaged bool   // style next-gen
	Archived    bool
	Deleted     bool // lies in the recycle bin
	Hidden      bool // our account may not see it, nor its issues
	// Raw is served as it is in place of everything above, and RawListed in lists,
	// where it is given: Data Center tells less of a project there.
	Raw, RawListed json.RawMessage
}

type project struct {
	Project
	issues     int
	lastNumber int64 // the highest number a key had
}

// payload is the real payload of the project, whole or as lists have it.
func (p *project) payload(whole bool) json.RawMessage {
	if p.RawListed != nil && (!whole || p.Raw == nil) {
		return p.RawListed
	}
	return p.Raw
}

func (p *project) open() bool { return !p.Archived && !p.Deleted && !p.Hidden }

// status is Jira's word in project/search?status=.
func (p *project) status() string {
	switch {
	case p.Deleted:
		return "deleted"
	case p.Archived:
		return "archived"
	}
	return "live"
}

// AddProject puts a project into the site and returns it with what was filled in.
// A project without a key, or with one that is taken, is a mistake of the caller
// and panics.
func (s *Server) AddProject(p Project) Project {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := s.addProject(p)
	s.tellProject("project_created", added)
	return added.Project
}

func (s *Server) addProject(p Project) *project {
	if p.Key == "" || s.projects[p.Key] != nil {
		panic(fmt.Sprintf("jirasim: project key %q is missing or taken", p.Key))
	}
	if p.ID == "" {
		p.ID = strconv.FormatInt(s.nextProject, 10)
	}
	if id, err := strconv.ParseInt(p.ID, 10, 64); err == nil {
		s.nextProject = max(s.nextProject, id+1)
	}
	p.Name, p.Type = cmp.Or(p.Name, p.Key), cmp.Or(p.Type, "software")
	s.ensureUser(p.Lead)
	added := &project{Project: p}
	s.projects[p.Key] = added
	s.projectOrder = append(s.projectOrder, added)
	return added
}

// UpdateProject changes a project; its id and its key stay. It reports whether
// there is such a project.
func (s *Server) UpdateProject(key string, change func(*Project)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[key]
	if p == nil {
		return false
	}
	next := p.Project
	change(&next)
	next.ID, next.Key = p.ID, p.Key
	s.ensureUser(next.Lead)
	before := p.Project
	p.Project = next
	s.parts.clear()
	s.tellProjectChange(p, before)
	return true
}

// HideProject takes our account's permission to see the project and its issues.
func (s *Server) HideProject(key string) bool {
	return s.UpdateProject(key, func(p *Project) { p.Hidden = true })
}

// ShowProject undoes HideProject.
func (s *Server) ShowProject(key string) bool {
	return s.UpdateProject(key, func(p *Project) { p.Hidden = false })
}

// ArchiveProject archives the project: its issues drop out of every answer.
func (s *Server) ArchiveProject(key string) bool {
	return s.UpdateProject(key, func(p *Project) { p.Archived = true })
}

// DeleteProject puts the project into the recycle bin, where status=deleted still
// lists it. Its issues are gone.
func (s *Server) DeleteProject(key string) bool {
	return s.UpdateProject(key, func(p *Project) { p.Deleted = true })
}

// RestoreProject takes the project out of the recycle bin or the archive.
func (s *Server) RestoreProject(key string) bool {
	return s.UpdateProject(key, func(p *Project) { p.Deleted, p.Archived = false, false })
}

// EraseProject deletes the project and its issues for good.
func (s *Server) EraseProject(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[key]
	if p == nil {
		return false
	}
	s.tellProject("project_deleted", p)
	for _, r := range slices.Clone(s.order) {
		if r.project == p && s.issues[r.ID] == r {
			s.remove(r)
		}
	}
	delete(s.projects, key)
	s.projectOrder = slices.DeleteFunc(s.projectOrder, func(o *project) bool { return o == p })
	s.parts.clear()
	return true
}
