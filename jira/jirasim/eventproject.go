package jirasim

import "strconv"

// tellProject tells of a project in the form that payloads have it, which has less
// than the REST API's, and a number for its id.
func (s *Server) tellProject(event string, project *project) {
	s.tell(happening{event: event, write: func(p *page) {
		p.raw(`,"project":{"self":`)
		p.link(p.api, "/project/", project.ID)
		p.raw(`,"id":`)
		if id, err := strconv.ParseInt(project.ID, 10, 64); err == nil {
			p.num(id)
		} else {
			p.str(project.ID)
		}
		p.raw(`,"key":`)
		p.str(project.Key)
		p.raw(`,"name":`)
		p.str(project.Name)
		p.raw(`,"avatarUrls":`)
		p.projectAvatars(project)
		if project.Lead != "" {
			p.raw(`,"projectLead":`)
			p.eventUser(project.Lead)
		}
		p.raw(`,"assigneeType":"admin.assignee.type.unassigned"}`)
	}})
}

// tellProjectChange tells of what UpdateProject did. A change of permissions is told
// to nobody.
func (s *Server) tellProjectChange(project *project, before Project) {
	now := project.Project
	for _, step := range []struct {
		happened bool
		event    string
	}{
		{!before.Deleted && now.Deleted, "project_soft_deleted"},
		{before.Deleted && !now.Deleted, "project_restored_deleted"},
		{!before.Archived && now.Archived, "project_archived"},
		{before.Archived && !now.Archived, "project_restored_archived"},
		{described(before) != described(now), "project_updated"},
	} {
		if step.happened {
			s.tellProject(step.event, project)
		}
	}
}

// described is what a project_updated is about.
func described(p Project) [6]string {
	return [...]string{p.Name, p.Description, p.Lead, p.Type, strconv.FormatBool(p.TeamManaged), string(p.Raw)}
}

func (s *Server) tellUser(event, accountID string) {
	s.tell(happening{event: event, write: func(p *page) {
		p.raw(`,"user":`)
		p.eventUser(accountID)
	}})
}
