package daemon_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

func TestSecondRunOfAnUnchangedSiteWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 250)
	w.addIssues("APP", 30)
	first := w.mustSync()
	want := daemon.KindReport{Kind: "issue", Read: 280, Mapped: 280, Created: 280}
	if diff := cmp.Diff(want, kind(first, "issue")); diff != "" {
		t.Errorf("issues of the first run (-want +got):\n%s", diff)
	}
	before, wrote := w.port.Dump(), w.writes()
	second := w.mustSync()
	want = daemon.KindReport{Kind: "issue", Read: 280, Mapped: 280, Unchanged: 280}
	if diff := cmp.Diff(want, kind(second, "issue")); diff != "" {
		t.Errorf("issues of the second run (-want +got):\n%s", diff)
	}
	if n := w.writes() - wrote; n != 0 {
		t.Errorf("the second run wrote %d entities to Port, want 0", n)
	}
	if diff := cmp.Diff(before, w.port.Dump()); diff != "" {
		t.Errorf("Port changed (-before +after):\n%s", diff)
	}
}

func TestOneChangeIsOneWrite(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 120)
	w.mustSync()
	w.jira.Update("PAY-7", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	wrote := w.writes()
	report := w.mustSync()
	if got := kind(report, "issue"); got.Updated != 1 || got.Unchanged != 119 {
		t.Errorf("issues = %+v, want 1 updated and 119 unchanged", got)
	}
	if n := w.writes() - wrote; n != 1 {
		t.Errorf("%d entities were written, want 1", n)
	}
	if e, _ := w.port.Entity("jiraIssue", "PAY-7"); e.Title != "Refund fails" {
		t.Errorf("PAY-7's title in Port = %v, want the one in Jira", e.Title)
	}
}

func TestWithoutPortTheCatalogueIsFilled(t *testing.T) {
	w := newWorld(t)
	w.noPort = true
	w.addIssues("PAY", 12)
	if got := kind(w.mustSync(), "issue"); got.Created != 12 {
		t.Errorf("issues = %+v, want 12 created", got)
	}
	w.jira.Delete("PAY-3")
	if got := kind(w.mustSync(), "issue"); got.Deleted != 1 || got.Unchanged != 11 {
		t.Errorf("issues = %+v, want 1 deleted and 11 unchanged", got)
	}
	w.noPort = false
	if got := kind(w.mustSync(), "issue"); got.Created != 11 {
		t.Errorf("issues when Port comes = %+v, want 11 created", got)
	}
}

func TestDeletedAndUnselectedIssuesGo(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 40)
	w.mapping = issuesOf("project = PAY AND status != Done")
	w.mustSync()
	w.jira.Delete("PAY-3")
	w.jira.Update("PAY-4", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "Done", "Done" })
	if got := kind(w.mustSync(), "issue"); got.Deleted != 2 || got.Unchanged != 38 {
		t.Errorf("issues = %+v, want 2 deleted and 38 unchanged", got)
	}
	for _, id := range []string{"PAY-3", "PAY-4"} {
		if _, there := w.port.Entity("jiraIssue", id); there {
			t.Errorf("%s is still in Port", id)
		}
	}
}

// issuesOf is a mapping of issues alone, with relations to their parents.
func issuesOf(jql string) string {
	return `
resources:
  - kind: issue
    selector:
      query: "true"
      jql: ` + jql + `
    port:
      entity:
        mappings:
          identifier: .key
          title: .fields.summary
          blueprint: '"jiraIssue"'
          properties:
            status: .fields.status.name
          relations:
            parentIssue: .fields.parent.key
`
}

func TestUnknownKindIsSetAsideByName(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 3)
	w.mapping = issuesOf("project = PAY") + `
  - kind: team
    selector:
      query: "true"
    port:
      entity:
        mappings:
          identifier: .teamId
          blueprint: '"jiraTeam"'
`
	report, err := w.sync()
	if err != nil {
		t.Fatal(err)
	}
	if report.State != catalog.Partial || report.AsideTotal != 1 || report.Asides[0].Kind != "team" {
		t.Errorf("sync is %s with %v set aside, want partial with the resource of kind team", report.State, report.Asides)
	}
	if len(w.identifiers("jiraIssue")) != 3 {
		t.Errorf("Port has issues %v, want 3", w.identifiers("jiraIssue"))
	}
}

func TestWhatNobodyAsksForIsCountedAndLeft(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 3)
	w.jira.AddUser(jirasim.User{AccountID: "ada", DisplayName: "Ada"})
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Assignee = "ada" })
	w.mustSync()
	if _, stub := w.port.Entity("jiraUser", "ada"); !stub {
		t.Fatal("Port made no stub for the assignee")
	}
	w.port.Put(portsim.Entity{Blueprint: "jiraIssue", Identifier: "OLD-1"}, "port-ocean/jira/0.7.99/my-jira/exporter")
	report := w.mustSync()
	if report.Unclaimed != 1 || report.UnclaimedNames[0] != "jiraIssue OLD-1" {
		t.Errorf("unclaimed are %d, %v, want OLD-1 alone: the stub is related to", report.Unclaimed, report.UnclaimedNames)
	}
	if _, there := w.port.Entity("jiraIssue", "OLD-1"); !there {
		t.Error("OLD-1 was deleted")
	}
}
