package jira_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"ferry/jira"
)

// documented is every event of Atlassian's pages with its kind and action.
const documented = `
jira:issue_created issue created
jira:issue_updated issue updated
jira:issue_deleted issue deleted
comment_created comment created
comment_updated comment updated
comment_deleted comment deleted
worklog_created worklog created
worklog_updated worklog updated
worklog_deleted worklog deleted
attachment_created attachment created
attachment_deleted attachment deleted
issuelink_created issue link, created
issuelink_deleted issue link, deleted
issue_property_set issue property, set
issue_property_deleted issue property, deleted
project_created project created
project_updated project updated
project_deleted project deleted
project_soft_deleted project soft deleted
project_restored_deleted project restored
project_archived project archived
project_restored_archived project unarchived
jira:version_created version created
jira:version_updated version updated
jira:version_deleted version deleted
jira:version_merged version merged
jira:version_released version released
jira:version_unreleased version unreleased
jira:version_moved version moved
sprint_created sprint created
sprint_updated sprint updated
sprint_started sprint started
sprint_closed sprint closed
sprint_deleted sprint deleted
board_created board created
board_updated board updated
board_deleted board deleted
board_configuration_changed board configuration changed
user_created user created
user_updated user updated
user_deleted user deleted
filter_created filter created
filter_updated filter updated
filter_deleted filter deleted
issuetype_created issue type, created
issuetype_updated issue type, updated
issuetype_deleted issue type, deleted
option_voting_changed option changed
option_watching_changed option changed
option_unassigned_issues_changed option changed
option_subtasks_changed option changed
option_attachments_changed option changed
option_issuelinks_changed option changed
option_timetracking_changed option changed
option_timetracking_provider_changed option changed
jira_expression_evaluation_failed other failed
app_access_to_objects_blocked other blocked
app_access_to_objects_in_container_blocked other blocked
`

func TestEveryDocumentedEventIsKnown(t *testing.T) {
	var names []string
	for line := range strings.Lines(strings.TrimSpace(documented)) {
		name, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		names = append(names, name)
		for _, spelled := range []string{name, otherPrefix(name)} {
			e, err := jira.ParseEvent([]byte(`{"webhookEvent":"` + spelled + `"}`))
			got := string(e.Kind) + " " + string(e.Action)
			if err != nil || got != strings.ReplaceAll(want, ",", "") || e.Name != spelled {
				t.Errorf("ParseEvent(%s) = %s of %q, %v, want %s", spelled, got, e.Name, err, want)
			}
		}
	}
	if diff := gocmp.Diff(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(jira.KnownEvents()))); diff != "" {
		t.Errorf("KnownEvents differs from the documentation (-want +got):\n%s", diff)
	}
}

// otherPrefix takes away the prefix that some events have and others lack.
func otherPrefix(name string) string {
	if bare, ok := strings.CutPrefix(name, "jira:"); ok {
		return bare
	}
	return "jira:" + name
}

func TestNamesDifferInMoreThanCaseAndPrefix(t *testing.T) {
	for _, name := range []string{"JIRA:ISSUE_CREATED", "jira:jira:issue_created", "jira:", "issue", "jira:issue_", "issue_created ", "project"} {
		e, err := jira.ParseEvent([]byte(`{"webhookEvent":"` + name + `"}`))
		if err != nil || e.Kind != jira.EventUnknown || e.Action != jira.ActionUnknown {
			t.Errorf("ParseEvent(%q) = %q, %q, %v, want an unknown event", name, e.Kind, e.Action, err)
		}
	}
}

func TestDynamicEventsAreThoseOfTheOpenAPIFile(t *testing.T) {
	text, err := os.ReadFile("../../shared/specs/jira-platform-v3.2026-02-06.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("Atlassian's OpenAPI file is not in ../shared/specs")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Components struct {
			Schemas struct {
				WebhookDetails struct {
					Properties struct {
						Events struct {
							Items struct{ Enum []string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	want := file.Components.Schemas.WebhookDetails.Properties.Events.Items.Enum
	if len(want) != 20 {
		t.Fatalf("the OpenAPI file lists %d events, want 20", len(want))
	}
	if diff := gocmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(jira.DynamicEvents()))); diff != "" {
		t.Errorf("DynamicEvents differs from the OpenAPI file (-want +got):\n%s", diff)
	}
}

func TestEventListsAreTheCallersOwn(t *testing.T) {
	for name, list := range map[string]func() []string{"KnownEvents": jira.KnownEvents, "DynamicEvents": jira.DynamicEvents} {
		first := list()[0]
		clear(list())
		if got := list()[0]; got != first {
			t.Errorf("%s() after a change of its result begins with %q, want %q", name, got, first)
		}
	}
}
