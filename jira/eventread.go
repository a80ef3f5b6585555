package jira

import (
	"cmp"
	"slices"
	"strings"
)

// maxChanges is how many changed fields of an issue are listed. No issue has
// that many on its screens.
const maxChanges = 256

// ownMember names the member that holds the object, of which the id is read,
// for the kinds that need nothing but that.
var ownMember = map[EventKind]string{
	EventComment:    "comment",
	EventWorklog:    "worklog",
	EventAttachment: "attachment",
	EventIssueLink:  "issueLink",
	EventVersion:    "version",
	EventSprint:     "sprint",
	EventFilter:     "filter",
}

// ownID is the id of the object that the event is about.
func (e *Event) ownID(d members) string {
	switch e.Kind {
	case EventIssue:
		return memberID(d["issue"])
	case EventProject:
		return memberID(d["project"])
	case EventBoard:
		return e.Board
	case EventIssueType:
		return cmp.Or(memberID(d["issuetype"]), memberID(d["issueType"]))
	}
	return memberID(d[ownMember[e.Kind]])
}

func memberID(raw []byte) string { return idOf(pick(raw, "id")["id"]) }

// readIssues collects the issues that are touched. Their order and repetition in
// the body mean nothing, but for a link.
func (e *Event) readIssues(d members) {
	issue := pick(d["issue"], "id", "key", "fields")
	e.addIssue(Ref{idOf(issue["id"]), issueKeyOf(issue["key"])})
	fields := pick(issue["fields"], "project", "parent", "updated")
	e.Project = projectOf(fields["project"])
	if idOf(issue["id"]) != "" {
		e.Updated = dateTimeOf(fields["updated"])
	}
	parent := pick(fields["parent"], "id", "key")
	e.Parent = Ref{idOf(parent["id"]), issueKeyOf(parent["key"])}

	comment := pick(d["comment"], "self")
	e.addIssue(Ref{ID: issueOfLink(comment["self"])})
	worklog := pick(d["worklog"], "issueId", "self")
	e.addIssue(Ref{ID: cmp.Or(idOf(worklog["issueId"]), issueOfLink(worklog["self"]))})
	link := pick(d["issueLink"], "sourceIssueId", "destinationIssueId")
	e.addIssue(Ref{ID: idOf(link["sourceIssueId"])})
	e.addIssue(Ref{ID: idOf(link["destinationIssueId"])})
}

// addIssue adds an issue unless nothing is known of it or it is there.
func (e *Event) addIssue(issue Ref) {
	known := slices.ContainsFunc(e.Issues, func(r Ref) bool { return r.ID == issue.ID })
	if issue != (Ref{}) && !known {
		e.Issues = append(e.Issues, issue)
	}
}

// issueOfLink finds the issue of a comment or a worklog, which Data Center sends
// without it, in the object's own link,
// "https://acme.example/rest/api/2/issue/10027/worklog/10000".
func issueOfLink(self []byte) string {
	found := issueInLink.FindStringSubmatch(textOf(self))
	if found == nil {
		return ""
	}
	return found[1]
}

// readVersion reads the project of a version and where it was merged to, of
// which no documentation shows whether it is an object or an id, and whether it
// stands beside the version or in it.
func (e *Event) readVersion(d members) {
	version := pick(d["version"], "projectId", "mergedTo")
	if e.Project == (Ref{}) {
		e.Project.ID = idOf(version["projectId"])
	}
	for _, raw := range [][]byte{d["mergedTo"], version["mergedTo"]} {
		e.MergedTo = cmp.Or(e.MergedTo, idOf(raw), memberID(raw))
	}
	if e.Kind == EventVersion && e.Action == ActionDeleted && e.MergedTo != "" {
		e.Action = ActionMerged
	}
}

// readProject prefers the project that the event is about to one that its issue
// is in.
func (e *Event) readProject(raw []byte) {
	if project := projectOf(raw); project != (Ref{}) {
		e.Project = project
	}
}

func projectOf(raw []byte) Ref {
	project := pick(raw, "id", "key")
	return Ref{idOf(project["id"]), projectKeyOf(project["key"])}
}

func (e *Event) readBoard(d members) {
	sprint := pick(d["sprint"], "originBoardId")
	e.Board = cmp.Or(memberID(d["board"]), memberID(d["configuration"]), idOf(sprint["originBoardId"]))
}

func userOf(raw []byte) UserRef {
	user := pick(raw, "accountId", "name", "key")
	return UserRef{
		AccountID: matching(accountIDPattern, textOf(user["accountId"])),
		Name:      matching(userNamePattern, textOf(user["name"])),
		Key:       matching(userNamePattern, textOf(user["key"])),
	}
}

// readChanges reads the changelog of an issue. A list of which any part is not
// understood would hide a change, so that it is then none at all.
func (e *Event) readChanges(changelog []byte) {
	items := pick(changelog, "items")["items"]
	s := scanner{text: items}
	if s.peek() != '[' {
		return
	}
	whole := true
	err := s.array(func(item []byte) {
		whole = whole && len(e.Changes) < maxChanges && e.readChange(item)
	})
	if err != nil || !whole {
		e.Changes = nil
	}
}

// readChange reads one changed field; false if it has no name.
func (e *Event) readChange(item []byte) bool {
	d := pick(item, "field", "fieldId", "fieldtype", "from", "fromString", "to", "toString")
	field := tidy(textOf(d["field"]))
	change := Change{
		Field: cmp.Or(tidy(textOf(d["fieldId"])), field),
		From:  idsOf(d["from"]),
		To:    idsOf(d["to"]),
	}
	e.Changes = append(e.Changes, change)
	if textOf(d["fieldtype"]) != "custom" {
		e.readMove(field, d)
	}
	return change.Field != ""
}

// readMove reads where an issue was before it moved to another project. A move
// shows as changes of the fields "Key" and "project".
func (e *Event) readMove(field string, d members) {
	switch {
	case strings.EqualFold(field, "Key"):
		e.Former = issueKeyOf(d["fromString"])
		if at := strings.LastIndexByte(e.Former, '-'); at >= 0 {
			e.FormerProject.Key = e.Former[:at]
		}
	case strings.EqualFold(field, "project"):
		e.FormerProject.ID = idOf(d["from"])
	}
}
