package daemon_test

import (
	"fmt"
	"slices"
	"strings"
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

// An entity that nothing asks for is the work of another version, or of a store that was lost.
func TestWhatNobodyAsksForGoesWhenAllWasRead(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 3)
	w.jira.AddUser(jirasim.User{AccountID: "ada", DisplayName: "Ada"})
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Assignee = "ada" })
	w.mustSync()
	if _, stub := w.port.Entity("jiraUser", "ada"); !stub {
		t.Fatal("Port made no stub for the assignee")
	}
	const former = "port-ocean/jira/0.7.99/my-jira/exporter"
	w.port.Put(portsim.Entity{Blueprint: "jiraIssue", Identifier: "OLD-1"}, former)
	w.port.Put(portsim.Entity{Blueprint: "jiraIssue", Identifier: "OTHERS-1"}, "somebody else")
	heal := w.jira.Inject(jirasim.Fault{Match: "approximate-count", Do: jirasim.Forbidden})
	if _, err := w.sync(); err == nil {
		t.Error("a sync without the list of issues succeeded")
	}
	if _, there := w.port.Entity("jiraIssue", "OLD-1"); !there {
		t.Error("OLD-1 was deleted by a run that could not list the issues")
	}
	heal()
	report := w.mustSync()
	if report.Unclaimed != 0 || kind(report, "issue").Deleted != 1 {
		t.Errorf("unclaimed are %d, %v, and %d were deleted, want OLD-1 deleted: the stub is related to",
			report.Unclaimed, report.UnclaimedNames, kind(report, "issue").Deleted)
	}
	if ids := w.identifiers("jiraIssue"); !slices.Equal(ids, []string{"OTHERS-1", "PAY-1", "PAY-2", "PAY-3"}) {
		t.Errorf("Port has %v, want OLD-1 alone to be gone", ids)
	}
	if _, stub := w.port.Entity("jiraUser", "ada"); !stub {
		t.Error("the stub of the assignee was deleted")
	}
}

// More than the threshold allows waits for a person, and what may be somebody else's is left.
func TestWhatNobodyAsksForWaits(t *testing.T) {
	const former = "port-ocean/jira/0.7.99/my-jira/exporter"
	for name, test := range map[string]struct {
		mapping string
		old     int
		left    int
	}{
		"the brake":            {issuesWith("entityDeletionThreshold: 0.5", "'.key'"), 20, 20},
		"few are no landslide": {issuesWith("entityDeletionThreshold: 0.5", "'.key'"), 9, 0},
		"none may go":          {issuesWith("entityDeletionThreshold: 0", "'.key'"), 1, 1},
		"named by a search":    {issuesWith("", "{combinator: '\"and\"', rules: [{property: '\"title\"', operator: '\"=\"', value: .key}]}"), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.addIssues("PAY", 3)
			w.mustSync() // makes the blueprints
			w.mapping = test.mapping
			for i := range test.old {
				w.port.Put(portsim.Entity{Blueprint: "jiraIssue", Identifier: fmt.Sprintf("OLD-%d", i)}, former)
			}
			report, err := w.sync()
			if err != nil && test.left == 0 {
				t.Fatal(err)
			}
			left := 0
			for _, id := range w.identifiers("jiraIssue") {
				if strings.HasPrefix(id, "OLD-") {
					left++
				}
			}
			if left != test.left || report.Unclaimed != test.left {
				t.Errorf("%d are left, and %d reported, want %d; set aside %v", left, report.Unclaimed, test.left, report.Asides)
			}
		})
	}
}

// issuesWith is a mapping of issues with a switch and an identifier.
func issuesWith(line, identifier string) string {
	return line + `
resources:
  - kind: issue
    selector: {query: "true", jql: ""}
    port:
      entity:
        mappings:
          identifier: ` + identifier + `
          blueprint: '"jiraIssue"'
          title: .fields.summary
`
}
