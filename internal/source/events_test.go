package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/source"
	"ferry/jira"
)

// bodies are what the events of a family, by how their names begin, hold besides these.
var bodies = map[string]string{
	"jira:issue":     `"issue":{"id":"1","key":"ACME-1","fields":{"updated":"1970-01-01T00:00:07.000+0000","project":{"id":"90","key":"ACME"},"parent":{"id":"2","key":"ACME-2"}}}`,
	"comment":        `"comment":{"id":"10","self":"https://acme.example/rest/api/2/issue/1/comment/10"},"issue":{"id":"1","key":"ACME-1","fields":{"summary":"A"}}`,
	"worklog":        `"worklog":{"id":"20","issueId":"1"}`,
	"attachment":     `"attachment":{"id":"30"},"issue":{"id":"1"}`,
	"issuelink":      `"issueLink":{"id":40,"sourceIssueId":1,"destinationIssueId":3}`,
	"issue_property": `"issue":{"id":"1","key":"ACME-1"},"property":{"key":"size"}`,
	"project":        `"project":{"id":90,"key":"ACME"}`,
	"jira:version":   `"version":{"id":"50","projectId":90},"mergedTo":"51"`,
	"sprint":         `"sprint":{"id":60,"originBoardId":70}`,
	"board":          `"board":{"id":70},"configuration":{"id":70}`,
	"user":           `"user":{"accountId":"557058:f5"}`,
	"filter":         `"filter":{"id":80}`,
	"issuetype":      `"issuetype":{"id":81}`,
}

const everyEvent = `
jira:issue_created: issue 1 as of 7000, issue 2
jira:issue_updated: issue 1 as of 7000, issue 2
jira:issue_deleted: issue 1 gone, issue 2
comment_created: issue 1
comment_updated: issue 1
comment_deleted: issue 1
worklog_created: worklog 20 of 1, issue 1
worklog_updated: worklog 20 of 1, issue 1
worklog_deleted: worklog 20 of 1 gone, issue 1
attachment_created: issue 1
attachment_deleted: issue 1
issuelink_created: issue 1, issue 3
issuelink_deleted: issue 1, issue 3
issue_property_set: issue 1
issue_property_deleted: issue 1
project_created: project 90
project_updated: project 90
project_deleted: project 90
project_soft_deleted: project 90
project_restored_deleted: project 90
project_archived: project 90
project_restored_archived: project 90
jira:version_created: release 50 of 90
jira:version_updated: release 50 of 90
jira:version_deleted: release 50 of 90 gone, release 51 of 90
jira:version_merged: release 50 of 90 gone, release 51 of 90
jira:version_released: release 50 of 90
jira:version_unreleased: release 50 of 90
jira:version_moved: release 50 of 90
sprint_created: sprint 60
sprint_updated: sprint 60
sprint_started: sprint 60
sprint_closed: sprint 60
sprint_deleted: sprint 60 gone
board_created: board 70
board_updated: board 70
board_deleted: board 70 gone
board_configuration_changed: board 70
user_created: user 557058:f5
user_updated: user 557058:f5
user_deleted: user 557058:f5 gone
filter_created:
filter_updated:
filter_deleted:
issuetype_created:
issuetype_updated:
issuetype_deleted:
option_voting_changed:
option_watching_changed:
option_unassigned_issues_changed:
option_subtasks_changed:
option_attachments_changed:
option_issuelinks_changed:
option_timetracking_changed:
option_timetracking_provider_changed:
jira_expression_evaluation_failed:
app_access_to_objects_blocked:
app_access_to_objects_in_container_blocked:
`

func TestEveryEventTouchesItsOwn(t *testing.T) {
	var got strings.Builder
	for _, name := range jira.KnownEvents() {
		fmt.Fprintf(&got, "%s:%s\n", name, touched(t, name, bodyOf(name)))
	}
	if diff := cmp.Diff(strings.TrimSpace(everyEvent), strings.TrimSpace(got.String())); diff != "" {
		t.Errorf("what the events touch differs (-want +got):\n%s", diff)
	}
}

// bodyOf is the family's of which the name begins with the most.
func bodyOf(name string) string {
	family := ""
	for begin := range bodies {
		if strings.HasPrefix(name, begin+"_") && len(begin) > len(family) {
			family = begin
		}
	}
	return bodies[family]
}

// touched is what an event touches, in words.
func touched(t *testing.T, name, body string) string {
	t.Helper()
	if body != "" {
		body = "," + body
	}
	e, err := jira.ParseEvent([]byte(`{"webhookEvent":"` + name + `"` + body + `}`))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, touch := range source.Touched(e) {
		word := " " + touch.Kind + " " + touch.ID
		if touch.Parent != "" {
			word += " of " + touch.Parent
		}
		if touch.Updated != 0 {
			word += fmt.Sprintf(" as of %d", touch.Updated)
		}
		if touch.Gone {
			word += " gone"
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

func TestEventsThatSayMoreOrLess(t *testing.T) {
	issue := func(rest string) string { return `"issue":{"id":"1","fields":{"parent":{"id":"2"}}}` + rest }
	changed := func(items string) string { return issue(`,"changelog":{"items":[` + items + `]}`) }
	for _, test := range []struct{ name, event, body, want string }{
		{"Data Center's spelling", "jira:worklog_updated", `"worklog":{"id":"20","issueId":"1"}`, " worklog 20 of 1, issue 1"},
		{"Cloud's spelling of a version", "version_released", `"version":{"id":"50"}`, " release 50"},
		{"a field the parent does not show", "jira:issue_updated", changed(`{"field":"assignee","fieldId":"assignee"}`), " issue 1"},
		{"a field the parent shows", "jira:issue_updated", changed(`{"field":"labels","fieldId":"labels"},{"field":"status","fieldId":"status"}`), " issue 1, issue 2"},
		{"a field without an id", "jira:issue_updated", changed(`{"field":"issue type"}`), " issue 1, issue 2"},
		{"a move", "jira:issue_updated", changed(`{"field":"project","fieldId":"project","from":"90","to":"91"},{"field":"Key"}`), " issue 1, issue 2"},
		{"another parent", "jira:issue_updated", changed(`{"field":"Parent","from":"4","to":"2"}`), " issue 1, issue 4, issue 2"},
		{"another parent, by Cloud's name", "jira:issue_updated", changed(`{"field":"IssueParentAssociation","from":"4","to":"2"}`), " issue 1, issue 4, issue 2"},
		{"no parent any more", "jira:issue_updated", `"issue":{"id":"1"},"changelog":{"items":[{"field":"Parent","from":"4","to":null}]}`, " issue 1, issue 4"},
		{"an issue that is its own parent", "jira:issue_created", `"issue":{"id":"2","fields":{"parent":{"id":"2"}}}`, " issue 2"},
		{"a worklog without its issue", "worklog_created", `"worklog":{"id":"20"}`, " worklog 20"},
		{"an attachment without its issue", "attachment_created", `"attachment":{"id":"30"}`, ""},
		{"a comment that shows its issue's time", "comment_created", `"comment":{"id":"10"},"issue":{"id":"1","fields":{"updated":"1970-01-01T00:00:07.000+0000"}}`,
			" issue 1 as of 7000"},
		{"an issue without an id", "jira:issue_deleted", `"issue":{"key":"ACME-1"}`, ""},
		{"a project without an id", "project_soft_deleted", `"project":{"key":"PRJ"}`, ""},
		{"a version that went without a merge", "jira:version_deleted", `"version":{"id":"50","projectId":90}`, " release 50 of 90 gone"},
		{"a user of Data Center", "user_created", `"user":{"name":"fred","key":"JIRAUSER10100"}`, " user JIRAUSER10100"},
		{"an unknown event", "jira:issue_swallowed", issue(`,"project":{"id":90}`), ""},
		{"an event with a name that only looks known", `jira:issue_\u0001created`, issue(""), ""},
	} {
		if got := touched(t, test.event, test.body); got != test.want {
			t.Errorf("%s: %s touches%s, want%s", test.name, test.event, got, test.want)
		}
	}
}

// Jira is asked for every event that touches anything, and a dynamic webhook for those of them
// that it may ask for.
func TestEventsToAskFor(t *testing.T) {
	var all, dynamic []string
	for line := range strings.Lines(strings.TrimSpace(everyEvent)) {
		name, touches, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if touches == "" {
			continue
		}
		all = append(all, name)
		if slices.Contains(jira.DynamicEvents(), name) {
			dynamic = append(dynamic, name)
		}
	}
	if diff := cmp.Diff(all, source.Events(false)); diff != "" {
		t.Errorf("Events(false) differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(dynamic, source.Events(true)); diff != "" {
		t.Errorf("Events(true) differs (-want +got):\n%s", diff)
	}
}
