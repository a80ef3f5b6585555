package jira

import (
	"slices"
	"strings"
)

// EventKind is the sort of object that an event is about.
type EventKind string

// The kinds of events. [EventUnknown], the zero value, is an event that this
// package does not know.
const (
	EventUnknown       EventKind = ""
	EventIssue         EventKind = "issue"
	EventComment       EventKind = "comment"
	EventWorklog       EventKind = "worklog"
	EventAttachment    EventKind = "attachment"
	EventIssueLink     EventKind = "issue link"
	EventIssueProperty EventKind = "issue property"
	EventProject       EventKind = "project"
	EventVersion       EventKind = "version"
	EventSprint        EventKind = "sprint"
	EventBoard         EventKind = "board"
	EventUser          EventKind = "user"
	EventFilter        EventKind = "filter"
	EventIssueType     EventKind = "issue type"
	EventOption        EventKind = "option" // a setting of the whole site
	EventOther         EventKind = "other"  // known, and about no object
)

// Action is what happened to the object.
type Action string

// The actions. [ActionUnknown], the zero value, is that of an unknown event.
const (
	ActionUnknown              Action = ""
	ActionCreated              Action = "created"
	ActionUpdated              Action = "updated"
	ActionDeleted              Action = "deleted"
	ActionSoftDeleted          Action = "soft deleted" // a project, into the trash
	ActionRestored             Action = "restored"     // a project, out of the trash
	ActionArchived             Action = "archived"     // a project
	ActionUnarchived           Action = "unarchived"   // a project, out of the archive
	ActionReleased             Action = "released"     // a version
	ActionUnreleased           Action = "unreleased"   // a version
	ActionMoved                Action = "moved"        // a version, within its project's order
	ActionMerged               Action = "merged"       // a version, into [Event.MergedTo]; it is gone then
	ActionStarted              Action = "started"      // a sprint
	ActionClosed               Action = "closed"       // a sprint
	ActionConfigurationChanged Action = "configuration changed"
	ActionSet                  Action = "set"     // an issue property, for the first time or again
	ActionChanged              Action = "changed" // an option
	ActionFailed               Action = "failed"  // a Jira expression
	ActionBlocked              Action = "blocked" // an app's access
)

// eventType is what is known of an event by its name alone.
type eventType struct {
	name    string // as Jira sends it
	kind    EventKind
	action  Action
	dynamic bool // a dynamic webhook can ask for it
}

// eventTypes are the events of
// https://developer.atlassian.com/cloud/jira/platform/webhooks/#configuring-a-webhook
// and, marked dynamic, those of the enumeration in
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/#api-rest-api-3-webhook-post
var eventTypes = []eventType{
	{"jira:issue_created", EventIssue, ActionCreated, true},
	{"jira:issue_updated", EventIssue, ActionUpdated, true},
	{"jira:issue_deleted", EventIssue, ActionDeleted, true},
	{"comment_created", EventComment, ActionCreated, true},
	{"comment_updated", EventComment, ActionUpdated, true},
	{"comment_deleted", EventComment, ActionDeleted, true},
	{"worklog_created", EventWorklog, ActionCreated, false},
	{"worklog_updated", EventWorklog, ActionUpdated, false},
	{"worklog_deleted", EventWorklog, ActionDeleted, false},
	{"attachment_created", EventAttachment, ActionCreated, false},
	{"attachment_deleted", EventAttachment, ActionDeleted, false},
	{"issuelink_created", EventIssueLink, ActionCreated, false},
	{"issuelink_deleted", EventIssueLink, ActionDeleted, false},
	{"issue_property_set", EventIssueProperty, ActionSet, true},
	{"issue_property_deleted", EventIssueProperty, ActionDeleted, true},
	{"project_created", EventProject, ActionCreated, false},
	{"project_updated", EventProject, ActionUpdated, false},
	{"project_deleted", EventProject, ActionDeleted, false},
	{"project_soft_deleted", EventProject, ActionSoftDeleted, false},
	{"project_restored_deleted", EventProject, ActionRestored, false},
	{"project_archived", EventProject, ActionArchived, false},
	{"project_restored_archived", EventProject, ActionUnarchived, false},
	{"jira:version_created", EventVersion, ActionCreated, true},
	{"jira:version_updated", EventVersion, ActionUpdated, true},
	{"jira:version_deleted", EventVersion, ActionDeleted, true},
	{"jira:version_merged", EventVersion, ActionMerged, true},
	{"jira:version_released", EventVersion, ActionReleased, true},
	{"jira:version_unreleased", EventVersion, ActionUnreleased, true},
	{"jira:version_moved", EventVersion, ActionMoved, true},
	{"sprint_created", EventSprint, ActionCreated, true},
	{"sprint_updated", EventSprint, ActionUpdated, true},
	{"sprint_started", EventSprint, ActionStarted, true},
	{"sprint_closed", EventSprint, ActionClosed, true},
	{"sprint_deleted", EventSprint, ActionDeleted, true},
	{"board_created", EventBoard, ActionCreated, false},
	{"board_updated", EventBoard, ActionUpdated, false},
	{"board_deleted", EventBoard, ActionDeleted, false},
	{"board_configuration_changed", EventBoard, ActionConfigurationChanged, false},
	{"user_created", EventUser, ActionCreated, false},
	{"user_updated", EventUser, ActionUpdated, false},
	{"user_deleted", EventUser, ActionDeleted, false},
	{"filter_created", EventFilter, ActionCreated, false},
	{"filter_updated", EventFilter, ActionUpdated, false},
	{"filter_deleted", EventFilter, ActionDeleted, false},
	{"issuetype_created", EventIssueType, ActionCreated, false},
	{"issuetype_updated", EventIssueType, ActionUpdated, false},
	{"issuetype_deleted", EventIssueType, ActionDeleted, false},
	{"option_voting_changed", EventOption, ActionChanged, false},
	{"option_watching_changed", EventOption, ActionChanged, false},
	{"option_unassigned_issues_changed", EventOption, ActionChanged, false},
	{"option_subtasks_changed", EventOption, ActionChanged, false},
	{"option_attachments_changed", EventOption, ActionChanged, false},
	{"option_issuelinks_changed", EventOption, ActionChanged, false},
	{"option_timetracking_changed", EventOption, ActionChanged, false},
	{"option_timetracking_provider_changed", EventOption, ActionChanged, false},
	{"jira_expression_evaluation_failed", EventOther, ActionFailed, false},
	{"app_access_to_objects_blocked", EventOther, ActionBlocked, false},
	{"app_access_to_objects_in_container_blocked", EventOther, ActionBlocked, false},
}

// KnownEvents lists the names of the events that [ParseEvent] knows, as Jira
// sends them. Not every Jira can be asked for all of them.
func KnownEvents() []string {
	return eventNames(func(eventType) bool { return true })
}

// DynamicEvents lists the names of the events that a dynamic webhook, which
// OAuth 2.0 apps register, can be asked for. Changes of projects, users, boards,
// worklogs, attachments and links are not among them.
func DynamicEvents() []string {
	return eventNames(func(t eventType) bool { return t.dynamic })
}

func eventNames(want func(eventType) bool) []string {
	var names []string
	for _, t := range eventTypes {
		if want(t) {
			names = append(names, t.name)
		}
	}
	return names
}

// typeOf looks an event up by its name; the zero eventType if it is unknown.
// Data Center puts "jira:" before some names where Cloud does not, as in
// jira:worklog_updated, and no two events differ in that alone.
func typeOf(name string) eventType {
	bare := strings.TrimPrefix(name, "jira:")
	at := slices.IndexFunc(eventTypes, func(t eventType) bool {
		return strings.TrimPrefix(t.name, "jira:") == bare
	})
	if at < 0 {
		return eventType{}
	}
	return eventTypes[at]
}
