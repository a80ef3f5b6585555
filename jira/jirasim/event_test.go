package jirasim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

// told runs what people do to a site of [newSite] with one webhook, and returns what
// is delivered, in the order in which it happened.
func told(t *testing.T, config jirasim.Config, w jirasim.Webhook, act func(*jirasim.Server)) []received {
	t.Helper()
	v := &receiver{}
	order := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		s := newSite(config)
		w.URL = "https://ferry.test"
		s.AddWebhook(w)
		act(s)
		delivering(t, s, jirasim.Delivery{Transport: v, Primary: 1, Secondary: 1})
		settle(t, s)
		for i, d := range s.Deliveries() {
			order[d.Identifier] = i
		}
	})
	got := v.all()
	slices.SortFunc(got, func(a, b received) int { return order[a.Identifier] - order[b.Identifier] })
	return got
}

// everything is every event that the site itself tells of.
var everything = strings.Fields(`jira:issue_created jira:issue_updated jira:issue_deleted issuelink_created issuelink_deleted
	project_created project_updated project_deleted project_soft_deleted project_restored_deleted project_archived project_restored_archived
	user_created user_updated`)

// payload is what tests look at in a body.
type payload struct {
	Timestamp    int64
	WebhookEvent string
	Type         string `json:"issue_event_type_name"`
	User         map[string]any
	Issue        struct {
		ID, Key, Self string
		Fields        struct {
			Summary     string
			Description any
			Project     struct{ Key string }
		}
	}
	Changelog struct {
		ID    string
		Items []map[string]any
	}
	IssueLink struct {
		ID, SourceIssueID, DestinationIssueID int64
		IssueLinkType                         struct{ IsSubTaskLinkType bool }
	}
	Project map[string]any
}

func (r received) payload(t *testing.T) payload {
	t.Helper()
	var p payload
	if err := json.Unmarshal([]byte(r.Body), &p); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
	return p
}

func TestEachVerbTellsOfWhatItDid(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(*jirasim.Server)
		want string
	}{
		{"add", func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{Key: "PAY-9"}) }, "jira:issue_created PAY-9"},
		{"add with a project", func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{Key: "NEW-1"}) }, "project_created NEW, jira:issue_created NEW-1"},
		{"add a sub-task", func(s *jirasim.Server) {
			s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Parent: "PAY-4", Type: "Sub-task"})
		}, "jira:issue_created PAY-5, issuelink_created 10004-10008"},
		{"fill", func(s *jirasim.Server) { s.Fill(10, 1, 0) }, ""},
		{"update", func(s *jirasim.Server) { s.Update("PAY-4", func(i *jirasim.Issue) { i.Summary = "x" }) }, "jira:issue_updated PAY-4 summary"},
		{"touch", func(s *jirasim.Server) { s.Update("PAY-4", func(*jirasim.Issue) {}) }, "jira:issue_updated PAY-4"},
		{"hide", func(s *jirasim.Server) { s.Update("PAY-4", func(i *jirasim.Issue) { i.Hidden = true }) }, ""},
		{"update nothing", func(s *jirasim.Server) { s.Update("PAY-99", func(i *jirasim.Issue) { i.Summary = "x" }) }, ""},
		{"move", func(s *jirasim.Server) { s.Move("PAY-4", "APP") }, "jira:issue_updated APP-3 project issuekey"},
		{"move with sub-tasks", func(s *jirasim.Server) { s.Move("PAY-2", "APP") },
			"jira:issue_updated APP-3 project issuekey, jira:issue_updated APP-4 project issuekey"},
		{"delete", func(s *jirasim.Server) { s.Delete("PAY-4") }, "jira:issue_deleted PAY-4"},
		{"delete with sub-tasks", func(s *jirasim.Server) { s.Delete("PAY-2") },
			"jira:issue_deleted PAY-2, jira:issue_deleted PAY-3, issuelink_deleted 10002-10003"},
		{"delete an epic, whose children stay", func(s *jirasim.Server) { s.Delete("PAY-1") }, "jira:issue_deleted PAY-1"},
		{"project", func(s *jirasim.Server) {
			s.AddProject(jirasim.Project{Key: "NEW"})
			s.UpdateProject("NEW", func(p *jirasim.Project) { p.Name = "New" })
			s.HideProject("NEW")
			s.ShowProject("NEW")
			s.ArchiveProject("NEW")
			s.RestoreProject("NEW")
			s.DeleteProject("NEW")
			s.RestoreProject("NEW")
			s.EraseProject("NEW")
		}, "project_created NEW, project_updated NEW, project_archived NEW, project_restored_archived NEW, " +
			"project_soft_deleted NEW, project_restored_deleted NEW, project_deleted NEW"},
		{"user", func(s *jirasim.Server) {
			s.AddUser(jirasim.User{AccountID: "bob", DisplayName: "Bob", Email: "bob@example.com"})
			s.AddUser(jirasim.User{AccountID: "bob", DisplayName: "Robert"})
		}, "user_created Bob, user_updated Robert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, one := range told(t, jirasim.Config{}, jirasim.Webhook{Events: everything}, c.act) {
				got = append(got, inShort(one.payload(t)))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// inShort says an event and what it is about.
func inShort(p payload) string {
	about := p.Issue.Key
	switch {
	case p.Project != nil:
		about = fmt.Sprint(p.Project["key"])
	case p.IssueLink.ID != 0:
		about = fmt.Sprint(p.IssueLink.SourceIssueID, "-", p.IssueLink.DestinationIssueID)
	case about == "":
		about = fmt.Sprint(p.User["displayName"])
	}
	text := p.WebhookEvent + " " + about
	for _, item := range p.Changelog.Items {
		text += " " + fmt.Sprint(item["fieldId"])
	}
	return strings.ReplaceAll(text, " - ", "-")
}

func TestThePayloadOfAnUpdate(t *testing.T) {
	got := told(t, jirasim.Config{BaseURL: "https://acme.atlassian.net", AccountID: "me", AccountName: "Me", Email: "me@example.com"},
		jirasim.Webhook{Events: everything}, func(s *jirasim.Server) {
			s.Update("PAY-2", func(i *jirasim.Issue) {
				i.Status, i.Assignee, i.Description = "Done", "bob", "Line one\n\nLine two"
				i.Labels = []string{"card", "fast"}
				i.Custom = map[string]json.RawMessage{"customfield_10016": json.RawMessage(`3`)}
			})
		})
	p := got[0].payload(t)
	if p.Timestamp != noon.UnixMilli() || p.Type != "issue_generic" || p.Issue.Self != "https://acme.atlassian.net/rest/api/2/issue/10002" ||
		p.Issue.Fields.Description != "Line one\n\nLine two" || p.Issue.Fields.Project.Key != "PAY" || p.Changelog.ID == "" {
		t.Errorf("the payload is %+v", p)
	}
	if p.User["accountId"] != "me" || p.User["emailAddress"] != nil {
		t.Errorf("the user is %v, want me without an address", p.User)
	}
	item := func(field, kind, id string, from, fromText, to, toText any) map[string]any {
		return map[string]any{"field": field, "fieldtype": kind, "fieldId": id, "from": from, "fromString": fromText, "to": to, "toString": toText}
	}
	want := []map[string]any{
		item("status", "jira", "status", "10101", "To Do", "10102", "Done"),
		item("assignee", "jira", "assignee", "ada", "Ada Okafor", "bob", "bob"),
		item("description", "jira", "description", nil, nil, nil, "Line one\n\nLine two"),
		item("labels", "jira", "labels", nil, "card", nil, "card fast"),
		item("customfield_10016", "custom", "customfield_10016", nil, nil, nil, "3"),
	}
	if diff := cmp.Diff(want, p.Changelog.Items); diff != "" {
		t.Errorf("the changelog (-want +got):\n%s", diff)
	}
}

func TestThePayloadOfAMoveHasTheFormerKey(t *testing.T) {
	got := told(t, jirasim.Config{}, jirasim.Webhook{Events: everything}, func(s *jirasim.Server) { s.Move("PAY-4", "APP") })
	p := got[0].payload(t)
	var items []string
	for _, i := range p.Changelog.Items {
		items = append(items, fmt.Sprint(i["field"], " ", i["from"], " ", i["fromString"], " ", i["to"], " ", i["toString"]))
	}
	want := []string{"project 10001 Payments 10002 Mobile App", "Key <nil> PAY-4 <nil> APP-3"}
	if diff := cmp.Diff(want, items); diff != "" || p.Issue.ID != "10004" || p.Issue.Key != "APP-3" {
		t.Errorf("issue %s %s, the changelog (-want +got):\n%s", p.Issue.ID, p.Issue.Key, diff)
	}
}

func TestWhatGoesWithADeletedIssueIsSecondary(t *testing.T) {
	got := told(t, jirasim.Config{}, jirasim.Webhook{Events: everything}, func(s *jirasim.Server) { s.Delete("PAY-2") })
	flows := map[string]string{}
	for _, one := range got {
		flows[inShort(one.payload(t))] = one.Header.Get("X-Atlassian-Webhook-Flow")
	}
	want := map[string]string{"jira:issue_deleted PAY-2": "Primary", "jira:issue_deleted PAY-3": "Secondary", "issuelink_deleted 10002-10003": "Secondary"}
	if diff := cmp.Diff(want, flows); diff != "" {
		t.Errorf("the flows (-want +got):\n%s", diff)
	}
}

func TestTheFormOfAProjectAndOfAUserAtDataCenter(t *testing.T) {
	got := told(t, jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.test"}, jirasim.Webhook{Events: everything}, func(s *jirasim.Server) {
		s.AddProject(jirasim.Project{Key: "NEW", ID: "500", Lead: "ada"})
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "x" })
	})
	project := got[0].payload(t).Project
	if project["id"] != 500.0 || project["self"] != "https://jira.acme.test/rest/api/2/project/500" || project["avatarUrls"] == nil || project["projectLead"] == nil {
		t.Errorf("the project is %v", project)
	}
	if user := got[1].payload(t).User; user["name"] == nil || user["key"] == nil || user["accountId"] != nil {
		t.Errorf("the user is %v, want a name and a key", user)
	}
	if got[1].Header.Get("X-Atlassian-Webhook-Flow") != "" {
		t.Error("Data Center has no flows")
	}
}

func TestFiltersAreAboutIssuesAlone(t *testing.T) {
	events := append(strings.Fields("comment_created worklog_created sprint_closed issuelink_created attachment_created"), everything...)
	got := told(t, jirasim.Config{}, jirasim.Webhook{Events: events, JQL: "project = PAY AND status != Done"}, func(s *jirasim.Server) {
		s.AddIssue(jirasim.Issue{Key: "PAY-10", Summary: "in"})
		s.AddIssue(jirasim.Issue{Key: "APP-10", Summary: "out"})
		s.Update("PAY-10", func(i *jirasim.Issue) { i.Status = "Done" }) // does not match any more
		s.Update("PAY-4", func(i *jirasim.Issue) { i.Status = "To Do" }) // matches now
		s.Delete("APP-10")
		s.Move("PAY-1", "APP")
		s.UpdateProject("APP", func(p *jirasim.Project) { p.Name = "App" })
		s.Emit("comment_created", map[string]any{"comment": map[string]any{"id": "1"}, "issue": map[string]any{"id": 10002}})
		s.Emit("comment_created", map[string]any{"comment": map[string]any{"id": "2"}, "issue": map[string]any{"key": "APP-2"}})
		s.Emit("worklog_created", map[string]any{"worklog": map[string]any{"id": "3", "issueId": "10002"}})
		s.Emit("attachment_created", map[string]any{"attachment": map[string]any{"id": "4"}}) // of no issue that anybody could tell
		s.Emit("sprint_closed", map[string]any{"sprint": map[string]any{"id": 5}})
	})
	var short []string
	for _, one := range got {
		short = append(short, one.Event)
	}
	want := "jira:issue_created jira:issue_updated project_updated comment_created worklog_created sprint_closed"
	if diff := cmp.Diff(want, strings.Join(short, " ")); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestWhoIsNotTold(t *testing.T) {
	for name, w := range map[string]jirasim.Webhook{
		"a disabled webhook":   {Events: everything, Disabled: true},
		"one for other events": {Events: []string{"user_created"}},
		"one for no events":    {},
	} {
		if got := told(t, jirasim.Config{}, w, func(s *jirasim.Server) { s.AddIssue(jirasim.Issue{Key: "PAY-10"}) }); len(got) != 0 {
			t.Errorf("%s is told %v", name, got)
		}
	}
}

func TestADynamicWebhookIsToldOfItsFieldsAndOfWhatThePersonMaySee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(jirasim.Config{Bearer: "b"})
		register(t, s, `{"events":["jira:issue_updated","issue_property_set"],"jqlFilter":"project in (PAY, SEC)","fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]}`)
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "x" })
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Priority = "High" })
		s.Update("SEC-1", func(i *jirasim.Issue) { i.Summary = "x" })
		for _, key := range []string{"k", "other"} {
			s.Emit("issue_property_set", map[string]any{"property": map[string]any{"key": key}, "issue": map[string]any{"id": "10001"}})
		}
		v := &receiver{}
		delivering(t, s, jirasim.Delivery{Transport: v, Primary: 1})
		settle(t, s)
		if got := v.list(); got != "jira:issue_updated issue_property_set" {
			t.Errorf("told %s, want the summary of PAY-1 and the property k", got)
		}
	})
}

func TestEmitKeepsThePayload(t *testing.T) {
	got := told(t, jirasim.Config{}, jirasim.Webhook{Events: []string{"jira:version_deleted", "board_created"}}, func(s *jirasim.Server) {
		s.Emit("jira:version_deleted", json.RawMessage(`{"version":{"id":"1"},"mergedTo":{"id":"2"},"big":12345678901234567890}`))
		s.Emit("board_created", json.RawMessage(`{"timestamp":"yesterday","webhookEvent":"odd"}`))
		s.Emit("board_created", struct{}{})
	})
	want := []string{
		`{"timestamp":1772625600000,"webhookEvent":"jira:version_deleted","version":{"id":"1"},"mergedTo":{"id":"2"},"big":12345678901234567890}`,
		`{"timestamp":"yesterday","webhookEvent":"odd"}`,
		`{"timestamp":1772625600000,"webhookEvent":"board_created"}`,
	}
	for i, one := range got {
		if one.Body != want[i] {
			t.Errorf("body %d = %s, want %s", i, one.Body, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d deliveries, want %d", len(got), len(want))
	}
}

func TestASiteWithoutWebhooksQueuesNothing(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "x" })
	s.Emit("sprint_created", map[string]any{})
	s.AddWebhook(jirasim.Webhook{URL: "https://ferry.test", Events: everything})
	if got := s.Deliveries(); len(got) != 0 {
		t.Errorf("what happened before is queued: %v", got)
	}
}

func TestMistakesOfTheCallerPanic(t *testing.T) {
	s := newSite(jirasim.Config{})
	for name, act := range map[string]func(){
		"a payload that is no object": func() { s.Emit("sprint_created", []int{1}) },
		"no payload":                  func() { s.Emit("sprint_created", nil) },
		"a payload that is no JSON":   func() { s.Emit("sprint_created", func() {}) },
		"a filter that is no JQL":     func() { s.AddWebhook(jirasim.Webhook{JQL: "project ="}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			act()
		}()
	}
}
