package jirasim

import (
	"strconv"
	"strings"
)

// tellIssue tells of an issue as it is now.
func (s *Server) tellIssue(event, kind string, r *record, changes []change, secondary bool) {
	s.tell(happening{event: event, secondary: secondary, about: r, changed: fieldIDs(changes), write: func(p *page) {
		p.raw(`,"issue_event_type_name":"` + kind + `","user":`)
		p.eventUser(s.account.AccountID)
		p.raw(`,"issue":`)
		p.issue(r, selectFields(nil, "*all").whole())
		if event != "jira:issue_updated" {
			return
		}
		p.raw(`,"changelog":{"id":`)
		p.quotedNum(int64(digest(r.Key+r.Updated.String()) >> 40))
		p.raw(`,"items":[`)
		for i, c := range changes {
			p.comma(i)
			c.write(p)
		}
		p.raw(`]}`)
	}})
}

// eventUser is a person as payloads have them: without the e-mail address, which the
// REST API may show.
func (p *page) eventUser(accountID string) {
	start := len(p.b)
	p.user(accountID)
	u := p.s.users[accountID]
	if _, atDataCenter := p.s.dataCenter(); atDataCenter || u == nil || u.Email == "" {
		return
	}
	email := `,"emailAddress":` + string(appendString(nil, u.Email))
	p.b = append(p.b[:start], strings.Replace(string(p.b[start:]), email, "", 1)...)
}

// tellCreated tells of an issue that was added, and of its link to its parent if it is a
// sub-task.
func (s *Server) tellCreated(r *record) {
	s.tellIssue("jira:issue_created", "issue_created", r, nil, false)
	s.tellSubtaskLink("issuelink_created", r, false)
}

// tellUpdated tells of what changed between the two. Whoever only loses or gets back
// the permission to see an issue is told nothing.
func (s *Server) tellUpdated(r *record, before Issue) {
	if !s.listened() {
		return
	}
	changes := s.changes(before, r.Issue)
	if len(changes) == 0 && before.Hidden != r.Hidden {
		return
	}
	s.tellIssue("jira:issue_updated", eventType(changes), r, changes, false)
}

// eventType is Jira's name for what happened, from before there were webhooks.
func eventType(changes []change) string {
	ids := fieldIDs(changes)
	switch {
	case len(ids) == 1 && ids[0] == "assignee":
		return "issue_assigned"
	case len(ids) > 0 && overlap([]string{"status"}, ids):
		return "issue_generic"
	}
	return "issue_updated"
}

// tellMoved tells of an issue that has come to its project from another.
func (s *Server) tellMoved(r *record, key string, from *project) {
	if !s.listened() {
		return
	}
	s.tellIssue("jira:issue_updated", "issue_moved", r, []change{
		{field: "project", id: "project", from: from.ID, fromText: from.Name, to: r.project.ID, toText: r.project.Name},
		{field: "Key", id: "issuekey", fromText: key, toText: r.Key},
	}, false)
}

// tellDeleted tells of an issue that is about to be deleted and of what goes with it:
// its sub-tasks and the links to them, which come in the secondary flow.
func (s *Server) tellDeleted(r *record, secondary bool) {
	if !s.listened() {
		return
	}
	s.tellIssue("jira:issue_deleted", "issue_deleted", r, nil, secondary)
	s.tellSubtaskLink("issuelink_deleted", r, true)
	for _, child := range s.children[r.Key] {
		if child.isSubtask() {
			s.tellDeleted(child, true)
		}
	}
}

// tellSubtaskLink tells of the link between a sub-task and its parent, which is kept
// as one of the system's own. Its id is the sub-task's.
func (s *Server) tellSubtaskLink(event string, r *record, secondary bool) {
	parent := s.find(r.Parent)
	if !r.isSubtask() || parent == nil {
		return
	}
	s.tell(happening{event: event, secondary: secondary, write: func(p *page) {
		p.raw(`,"issueLink":{"id":` + strconv.FormatInt(r.ID, 10) +
			`,"sourceIssueId":` + strconv.FormatInt(parent.ID, 10) + `,"destinationIssueId":` + strconv.FormatInt(r.ID, 10) +
			`,"issueLinkType":{"id":10000,"name":"jira_subtask_link","outwardName":"jira_subtask_outward",` +
			`"inwardName":"jira_subtask_inward","isSubTaskLinkType":true,"isSystemLinkType":true},"systemLink":true}`)
	}})
}
