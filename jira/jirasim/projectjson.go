package jirasim

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// insight is what expand=insight tells of a project.
type insight struct {
	issues int
	last   time.Time
}

// projectPage writes projects with what was expanded.
type projectPage struct {
	*page
	expand   []string
	insights map[*project]insight // nil unless asked for
	whole    bool                 // as GET project/{key} gives it
}

func (p projectPage) expanded(name string) bool { return p.whole || slices.Contains(p.expand, name) }

func (p projectPage) project(project *project) {
	p.cost++
	if raw := project.payload(p.whole); raw != nil {
		p.b = append(p.b, raw...)
		return
	}
	if p.s.config.Deployment == DataCenter {
		p.dataCenterProject(project)
		return
	}
	p.raw(`{"expand":"description,lead,issueTypes,url,projectKeys,permissions,insight",`)
	p.projectHead(project)
	if p.expanded("description") {
		p.raw(`,"description":`)
		p.str(project.Description)
	}
	if p.expanded("lead") && project.Lead != "" {
		p.raw(`,"lead":`)
		p.user(project.Lead)
	}
	p.raw(`,"avatarUrls":`)
	p.projectAvatars(project)
	p.raw(`,"projectTypeKey":`)
	p.str(project.Type)
	p.raw(`,"simplified":`)
	p.flag(project.TeamManaged)
	p.raw(`,"style":"` + map[bool]string{true: "next-gen", false: "classic"}[project.TeamManaged] + `"`)
	p.raw(`,"isPrivate":false,"properties":{}`)
	p.extras(project)
	p.raw(`}`)
}

func (p projectPage) extras(project *project) {
	if p.expanded("issueTypes") {
		p.raw(`,"issueTypes":[`)
		for i, name := range []string{"Epic", "Story", "Task", "Bug", "Sub-task"} {
			p.comma(i)
			p.part(typeFragment, name, (*page).writeType)
		}
		p.raw(`]`)
	}
	if p.whole {
		p.raw(`,"components":[],"versions":[],"roles":{},"assigneeType":"UNASSIGNED"`)
	}
	if project.Archived {
		p.raw(`,"archived":true`)
	}
	if project.Deleted {
		p.raw(`,"deleted":true`)
	}
	if p.insights == nil {
		return
	}
	in := p.insights[project]
	p.raw(`,"insight":{"totalIssueCount":`)
	p.num(int64(in.issues))
	if !in.last.IsZero() {
		p.raw(`,"lastIssueUpdateTime":`)
		p.instant(in.last)
	}
	p.raw(`}`)
}

// insights counts the issues of every project.
func (s *site) insights() map[*project]insight {
	all := make(map[*project]insight, len(s.projects))
	for _, r := range s.order {
		in := all[r.project]
		in.issues++
		if r.Updated.After(in.last) {
			in.last = r.Updated
		}
		all[r.project] = in
	}
	return all
}

// oneProject answers GET /rest/api/3/project/{idOrKey}.
func (s *Server) oneProject(c *call, idOrKey string) *answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, refused := s.projectCalled(c, idOrKey)
	if refused != nil {
		return refused
	}
	p := projectPage{page: s.newPage(c), expand: c.list("expand"), whole: true}
	if slices.Contains(p.expand, "insight") && s.config.Deployment == Cloud { // Data Center does not know it
		p.insights = s.insights()
	}
	p.project(found)
	return jsonAnswer(p.page)
}

// projectCalled finds the project that a path names, if the account may see it; called
// with the site locked.
func (s *Server) projectCalled(c *call, idOrKey string) (*project, *answer) {
	found := s.projects[idOrKey]
	if _, err := strconv.Atoi(idOrKey); err == nil {
		for _, p := range s.projectOrder {
			if p.ID == idOrKey {
				found = p
			}
		}
	}
	if found == nil || found.Hidden || found.Deleted || c.identity.anonymous() {
		return nil, refuse(http.StatusNotFound, "No project could be found with key '"+idOrKey+"'.")
	}
	return found, nil
}
