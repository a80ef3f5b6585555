package source

import (
	"cmp"
	"slices"
	"strings"

	"ferry/jira"
)

// Touch is an item that an event is about: which, never how it is now.
type Touch struct {
	Kind    string
	Parent  string // of a release the project, of a worklog the issue, by id; empty if unknown
	ID      string
	Updated int64 // of an issue, its `updated` as the event shows it, in milliseconds since 1970; or 0
	Gone    bool  // the event says that there is no such item any more, which a read has to show
}

// touching finds items of one sort in an event. Those without an id are none.
type touching func(jira.Event) []Touch

// events says of each event of Jira's what it touches
// (https://developer.atlassian.com/cloud/jira/platform/webhooks/). Those that touch nothing Ferry
// could read are here too, so that one that is missing was forgotten.
var events = []event{
	on("jira:issue_created", issue, parent),
	on("jira:issue_updated", issue, parentThatShowsIt),
	on("jira:issue_deleted", issueGone, parent),

	on("comment_created", issues),
	on("comment_updated", issues),
	on("comment_deleted", issues),
	on("worklog_created", worklog, issues),
	on("worklog_updated", worklog, issues),
	on("worklog_deleted", gone(worklog), issues),
	on("attachment_created", issues),
	on("attachment_deleted", issues),
	on("issuelink_created", issues),
	on("issuelink_deleted", issues),
	on("issue_property_set", issues), // JQL can ask for properties
	on("issue_property_deleted", issues),

	// A project in the trash or the archive is still read by id, and what it takes to call it gone
	// is more than an event: see [Source.Departed].
	on("project_created", project),
	on("project_updated", project),
	on("project_deleted", project),
	on("project_soft_deleted", project),
	on("project_restored_deleted", project),
	on("project_archived", project),
	on("project_restored_archived", project),

	on("jira:version_created", release),
	on("jira:version_updated", release),
	on("jira:version_deleted", gone(release), mergedTo), // a merge is mostly told as this
	on("jira:version_merged", gone(release), mergedTo),
	on("jira:version_released", release),
	on("jira:version_unreleased", release),
	on("jira:version_moved", release),

	on("sprint_created", sprint),
	on("sprint_updated", sprint),
	on("sprint_started", sprint),
	on("sprint_closed", sprint),
	on("sprint_deleted", gone(sprint)),
	on("board_created", board),
	on("board_updated", board),
	on("board_deleted", gone(board)),
	on("board_configuration_changed", board),

	on("user_created", user),
	on("user_updated", user),
	on("user_deleted", gone(user)),

	on("filter_created"),
	on("filter_updated"),
	on("filter_deleted"),
	on("issuetype_created"),
	on("issuetype_updated"),
	on("issuetype_deleted"),
	on("option_voting_changed"),
	on("option_watching_changed"),
	on("option_unassigned_issues_changed"),
	on("option_subtasks_changed"),
	on("option_attachments_changed"),
	on("option_issuelinks_changed"),
	on("option_timetracking_changed"),
	on("option_timetracking_provider_changed"),
	on("jira_expression_evaluation_failed"),
	on("app_access_to_objects_blocked"),
	on("app_access_to_objects_in_container_blocked"),
}

type event struct {
	name    string
	touches []touching
}

func on(name string, touches ...touching) event { return event{name, touches} }

// Touched are the items that an event is about, each once. An event that is not known touches
// nothing, whatever its body holds.
func Touched(e jira.Event) []Touch {
	var list []Touch
	for _, find := range touchesOf(e) {
		for _, t := range find(e) {
			if t.ID != "" && !slices.ContainsFunc(list, t.same) {
				list = append(list, t)
			}
		}
	}
	return list
}

func (t Touch) same(other Touch) bool {
	return t.Kind == other.Kind && t.Parent == other.Parent && t.ID == other.ID
}

// touchesOf looks an event up. Data Center puts "jira:" before some names where Cloud does not.
func touchesOf(e jira.Event) []touching {
	if e.Kind == jira.EventUnknown {
		return nil
	}
	bare := strings.TrimPrefix(e.Name, "jira:")
	at := slices.IndexFunc(events, func(row event) bool { return strings.TrimPrefix(row.name, "jira:") == bare })
	if at < 0 {
		return nil
	}
	return events[at].touches
}

// Events are the names of the events that touch anything: those to ask Jira for. Dynamic webhooks
// know only some of them.
func Events(dynamic bool) []string {
	var names []string
	known := jira.DynamicEvents()
	for _, row := range events {
		if len(row.touches) > 0 && (!dynamic || slices.Contains(known, row.name)) {
			names = append(names, row.name)
		}
	}
	return names
}

func issue(e jira.Event) []Touch { return []Touch{{Kind: Issue, ID: e.ID, Updated: updated(e)}} }

// issueGone expects no `updated`: what is gone shows none.
func issueGone(e jira.Event) []Touch { return []Touch{{Kind: Issue, ID: e.ID, Gone: true}} }

// issues are those that something belongs to. `updated` is of the first.
func issues(e jira.Event) []Touch {
	var list []Touch
	for _, ref := range e.Issues {
		list = append(list, Touch{Kind: Issue, ID: ref.ID})
	}
	if len(list) > 0 {
		list[0].Updated = updated(e)
	}
	return list
}

func updated(e jira.Event) int64 {
	if e.Updated.IsZero() {
		return 0
	}
	return e.Updated.UnixMilli()
}

// parent is the issue above, whose field `subtasks` may list this one. Of an epic's children it is
// read in vain: no event says which of the two it is.
func parent(e jira.Event) []Touch { return []Touch{{Kind: Issue, ID: e.Parent.ID}} }

// shownByParent are the fields of an issue that `subtasks` shows of it. A move to another project
// changes its key. Where Jira gives a change no field id, its field has a name.
var shownByParent = []string{"summary", "status", "priority", "issuetype", "issue type", "project", "key"}

// parentFields are what changes of the parent are called.
var parentFields = []string{"parent", "issueparentassociation"}

// parentThatShowsIt is the parent where something that it shows has changed, and both parents where
// the issue went from one to another.
func parentThatShowsIt(e jira.Event) []Touch {
	shown := len(e.Changes) == 0
	var list []Touch
	for _, c := range e.Changes {
		field := strings.ToLower(c.Field)
		shown = shown || slices.Contains(shownByParent, field)
		if slices.Contains(parentFields, field) {
			for _, id := range slices.Concat(c.From, c.To) {
				list = append(list, Touch{Kind: Issue, ID: id})
			}
		}
	}
	if shown || len(list) > 0 {
		list = append(list, parent(e)...)
	}
	return list
}

func project(e jira.Event) []Touch { return []Touch{{Kind: Project, ID: e.ID}} }
func board(e jira.Event) []Touch   { return []Touch{{Kind: Board, ID: e.ID}} }
func sprint(e jira.Event) []Touch  { return []Touch{{Kind: Sprint, ID: e.ID}} }

func release(e jira.Event) []Touch {
	return []Touch{{Kind: Release, Parent: e.Project.ID, ID: e.ID}}
}

// mergedTo is the version that took over what a merged one had.
func mergedTo(e jira.Event) []Touch {
	return []Touch{{Kind: Release, Parent: e.Project.ID, ID: e.MergedTo}}
}

func worklog(e jira.Event) []Touch {
	t := Touch{Kind: Worklog, ID: e.ID}
	if len(e.Issues) > 0 {
		t.Parent = e.Issues[0].ID
	}
	return []Touch{t}
}

// user is known as [jira.User.ID] has it: Data Center has keys where Cloud has account ids.
func user(e jira.Event) []Touch {
	return []Touch{{Kind: User, ID: cmp.Or(e.User.AccountID, e.User.Key)}}
}

// gone is an event's word that what it touches is no more.
func gone(find touching) touching {
	return func(e jira.Event) []Touch {
		list := find(e)
		for i := range list {
			list[i].Gone = true
		}
		return list
	}
}
