package jirasim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

func bulk(t *testing.T, s *jirasim.Server, body string, headers ...string) found {
	t.Helper()
	r := ask(t, s, "POST /rest/api/3/issue/bulkfetch", body, headers...)
	if r.status != 200 {
		t.Fatalf("bulkfetch %s = %d %s", body, r.status, r.body)
	}
	var f found
	r.decode(t, &f)
	return f
}

func TestBulkFetchFindsWhatMayBeSeen(t *testing.T) {
	s := newSite(jirasim.Config{})
	moved := s.Move("APP-2", "PAY")
	f := bulk(t, s, `{"issueIdsOrKeys":["10005","app-2","PAY-1","10001","SEC-1","NO-1","99999"],"fields":["summary"]}`)
	if f.ids() != "1 5 6" {
		t.Errorf("issues = %s, want each one once, by id, without the hidden and the unknown", f.ids())
	}
	if got := f.Issues[2].Key; got != moved || moved != "PAY-5" {
		t.Errorf("the moved issue came as %s, want %s = PAY-5", got, moved)
	}
	if len(f.Issues[0].Fields) != 1 || f.Issues[0].Self == "" || f.IssueErrors == nil {
		t.Errorf("bulkfetch = %+v, want one field, a self link, an empty issueErrors", f)
	}
}

func TestBulkFetchDefaultsToNavigableFields(t *testing.T) {
	s := newSite(jirasim.Config{})
	f := bulk(t, s, `{"issueIdsOrKeys":["PAY-1"]}`).Issues[0]
	if f.Fields["summary"] == nil || f.Fields["comment"] != nil || f.Fields["worklog"] != nil {
		t.Errorf("fields = %v", sortedKeys(f.Fields))
	}
}

func TestBulkFetchRefuses(t *testing.T) {
	s := newSite(jirasim.Config{})
	many := strings.NewReplacer("[", `["`, ",", `","`, "]", `"]`).Replace(idsJQL(101))
	for _, body := range []string{`{"issueIdsOrKeys":[]}`, `{"issueIdsOrKeys":` + many + `}`, `{"issueIdsOrKeys":["1"],"expand":"names"}`, `{"issues":["1"]}`} {
		if r := ask(t, s, "POST /rest/api/3/issue/bulkfetch", body); r.status != 400 {
			t.Errorf("bulkfetch %.60s = %d, want 400", body, r.status)
		}
	}
}

func TestOneIssue(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Move("PAY-2", "APP")
	for _, c := range []struct {
		path   string
		status int
		key    string
		fields int
	}{
		{"PAY-1", 200, "PAY-1", 48}, // an epic has no parent, not even null
		{"10001", 200, "PAY-1", 48},
		{"PAY-1?fields=summary,status", 200, "PAY-1", 2},
		{"pay-2?fields=*all,-comment", 200, "APP-3", 48}, // the former key, no redirect
		{"SEC-1", 404, "", 0},
		{"PAY-99", 404, "", 0},
	} {
		r := ask(t, s, "GET /rest/api/3/issue/"+c.path, "")
		var i struct {
			Key    string
			Fields map[string]json.RawMessage
		}
		r.decode(t, &i)
		if r.status != c.status || i.Key != c.key || len(i.Fields) != c.fields {
			t.Errorf("issue/%s = %d %s with %d fields, want %+v", c.path, r.status, i.Key, len(i.Fields), c)
		}
	}
}

// whole is what an issue's body says of its place among others.
type whole struct {
	Key    string
	Fields struct {
		Parent   *struct{ Key string }
		Subtasks []struct {
			Key    string
			Fields struct{ Summary string }
		}
		Project struct{ Key string }
		Updated string
		Status  struct {
			Name           string
			StatusCategory struct{ Key string }
		}
		Assignee    *struct{ DisplayName, EmailAddress string }
		Description *struct{ Content []json.RawMessage }
	}
}

func read(t *testing.T, s *jirasim.Server, key string) whole {
	t.Helper()
	r := ask(t, s, "GET /rest/api/3/issue/"+key, "")
	if r.status != 200 {
		t.Fatalf("issue %s = %d %s", key, r.status, r.body)
	}
	var w whole
	r.decode(t, &w)
	return w
}

func TestIssuesKnowTheirRelatives(t *testing.T) {
	s := newSite(jirasim.Config{})
	child := read(t, s, "PAY-3")
	if child.Fields.Parent.Key != "PAY-2" {
		t.Errorf("parent = %v, want PAY-2", child.Fields.Parent)
	}
	bug := read(t, s, "PAY-2").Fields
	if len(bug.Subtasks) != 1 || bug.Subtasks[0].Fields.Summary != "Write a test" {
		t.Errorf("subtasks of PAY-2 = %v", bug.Subtasks)
	}
	if epic := read(t, s, "PAY-1").Fields; len(epic.Subtasks) != 0 || epic.Parent != nil {
		t.Errorf("the epic has subtasks %v and parent %v: its stories are neither", epic.Subtasks, epic.Parent)
	}
}

func TestMoveTakesSubtasksAlong(t *testing.T) {
	s := newSite(jirasim.Config{})
	before := read(t, s, "PAY-2").Fields.Updated
	if got := s.Move("PAY-1", "APP"); got != "APP-3" {
		t.Fatalf("Move(PAY-1, APP) = %q, want APP-3", got)
	}
	story := read(t, s, "PAY-2").Fields
	if story.Parent.Key != "APP-3" || story.Updated != before || story.Project.Key != "PAY" {
		t.Errorf("the epic's story = %+v, want it to stay, not updated, and to name its parent's key", story)
	}
	s.Move("PAY-2", "APP")
	sub := read(t, s, "PAY-3")
	if sub.Key != "APP-5" || sub.Fields.Parent.Key != "APP-4" || sub.Fields.Project.Key != "APP" {
		t.Errorf("the sub-task became %+v, want APP-5 below APP-4", sub)
	}
	s.Move("APP-4", "PAY")
	if got := read(t, s, "PAY-2").Key; got != "PAY-5" {
		t.Errorf("moved back, PAY-2 is %s, want PAY-5: a number is never given twice", got)
	}
	if got := s.Move("PAY-5", "NOWHERE") + s.Move("NO-1", "APP"); got != "" {
		t.Errorf("moving to or from nowhere = %q", got)
	}
	if got := search(t, s, `{"jql":"key = APP-4"}`).ids(); got != "2" {
		t.Errorf("JQL by a former key = %q, want 2", got)
	}
}

func TestDeleteTakesSubtasksAlong(t *testing.T) {
	s := newSite(jirasim.Config{})
	if !s.Delete("PAY-2") || s.Delete("PAY-2") || s.Len() != 5 {
		t.Errorf("after deleting PAY-2 twice %d issues are left, want 5", s.Len())
	}
	s.Delete("PAY-1")
	if got := bulk(t, s, `{"issueIdsOrKeys":["10001","10002","10003","10004"]}`).ids(); got != "4" {
		t.Errorf("left are %s, want 4", got)
	}
}

func TestDeletingAnEpicLeavesItsStories(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Delete("PAY-1")
	if got := read(t, s, "PAY-2").Fields.Parent; got != nil {
		t.Errorf("the story's parent = %v, want none", got)
	}
}

func TestUpdateChangesWhatIsServedAndFound(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.AddUser(jirasim.User{AccountID: "lin", DisplayName: "Lin Mei"})
	ok := s.Update("APP-2", func(i *jirasim.Issue) {
		i.Status, i.Assignee, i.Parent, i.Key = "Done", "lin", "APP-1", "X-1"
		i.Description = "First\n\nSecond"
	})
	got := read(t, s, "APP-2").Fields
	if !ok || got.Status.StatusCategory.Key != "done" || got.Parent.Key != "APP-1" || len(got.Description.Content) != 2 {
		t.Errorf("Update = %v, %+v", ok, got)
	}
	if got.Updated != "2026-03-04T12:00:00.000+0000" {
		t.Errorf("updated = %s, want the present", got.Updated)
	}
	if who := got.Assignee; who.DisplayName != "Lin Mei" || who.EmailAddress != "" {
		t.Errorf("assignee = %v, want Lin Mei, whose address is private", who)
	}
	if got := search(t, s, `{"jql":"assignee = lin and updated >= -1h and statusCategory = Done"}`).ids(); got != "6" {
		t.Errorf("the search finds %q, want 6", got)
	}
	if s.Update("NO-1", func(*jirasim.Issue) {}) {
		t.Error("Update(NO-1) = true")
	}
}

func TestRenamingAStatusUpdatesNoIssue(t *testing.T) {
	s := newSite(jirasim.Config{})
	before := read(t, s, "PAY-1")
	s.RenameStatus("In Progress", "Doing")
	after := read(t, s, "PAY-1")
	if after.Fields.Status.Name != "Doing" || after.Fields.Updated != before.Fields.Updated {
		t.Errorf("after the renaming %+v, want Doing and the same updated", after.Fields)
	}
}
