package jirasim

import (
	"slices"
	"strings"
)

// dynamicEvents are the only ones that dynamic webhooks can have: the enum of
// WebhookDetails in Atlassian's file.
var dynamicEvents = strings.Fields(`jira:issue_created jira:issue_updated jira:issue_deleted
	comment_created comment_updated comment_deleted issue_property_set issue_property_deleted
	sprint_created sprint_updated sprint_closed sprint_deleted sprint_started
	jira:version_released jira:version_unreleased jira:version_created jira:version_moved
	jira:version_updated jira:version_merged jira:version_deleted`)

// otherEvents are those that only an administrator's webhooks can have:
// https://developer.atlassian.com/cloud/jira/platform/webhooks/
var otherEvents = strings.Fields(`worklog_created worklog_updated worklog_deleted
	attachment_created attachment_deleted issuelink_created issuelink_deleted
	project_created project_updated project_deleted project_soft_deleted project_restored_deleted
	project_archived project_restored_archived
	board_created board_updated board_deleted board_configuration_changed
	user_created user_updated user_deleted
	filter_created filter_updated filter_deleted issuetype_created issuetype_updated issuetype_deleted
	option_voting_changed option_watching_changed option_unassigned_issues_changed option_subtasks_changed
	option_attachments_changed option_issuelinks_changed option_timetracking_changed
	option_timetracking_provider_changed
	jira_expression_evaluation_failed app_access_to_objects_blocked app_access_to_objects_in_container_blocked`)

func knownEvent(name string) bool {
	return slices.Contains(dynamicEvents, name) || slices.Contains(otherEvents, name)
}

// aboutIssue tells of which events the JQL of a webhook is asked. Those about links,
// though links join issues, are not among them.
func aboutIssue(event string) bool {
	for _, prefix := range []string{"jira:issue_", "comment_", "worklog_", "attachment_", "issue_property_"} {
		if strings.HasPrefix(event, prefix) {
			return true
		}
	}
	return false
}
