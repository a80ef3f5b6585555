package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

// family is a mapping in which issues relate to parents and sub-tasks, with or without Port's
// cascade and its stubs.
func family(cascade, createMissing bool) string {
	return fmt.Sprintf("deleteDependentEntities: %t\ncreateMissingRelatedEntities: %t\n", cascade, createMissing) +
		issuesOf("status != Done") + "            subtasks: .fields.subtasks | map(.key)\n"
}

// newFamily has the epic PAY-1 with the tasks PAY-2, PAY-3 and APP-1, and PAY-2 with the
// sub-tasks PAY-4 and PAY-5; PAY-6 stands alone.
func newFamily(t *testing.T, changes ...func(*jirasim.Config)) *world {
	w := newWorld(t, changes...)
	for _, key := range []string{"PAY", "APP"} {
		w.jira.AddProject(jirasim.Project{Key: key, Name: "Project " + key})
	}
	for _, i := range []jirasim.Issue{
		{Key: "PAY-1", Type: "Epic"}, {Key: "PAY-2", Parent: "PAY-1"}, {Key: "PAY-3", Parent: "PAY-1"}, {Key: "APP-1", Parent: "PAY-1"},
		{Key: "PAY-4", Type: "Sub-task", Parent: "PAY-2"}, {Key: "PAY-5", Type: "Sub-task", Parent: "PAY-2"}, {Key: "PAY-6"},
	} {
		i.Summary = "Work of " + i.Key
		w.jira.AddIssue(i)
	}
	return w
}

// relations are the parents and sub-tasks of the issues in Port: "key parent [sub-tasks]".
func (w *world) relations() []string {
	var list []string
	for _, e := range w.port.Entities("jiraIssue") {
		list = append(list, fmt.Sprint(e.Identifier, " ", e.Relations["parentIssue"], " ", e.Relations["subtasks"]))
	}
	return list
}

// A departure is what happens to issues of a family, and what is left of it in Port.
type departure struct {
	name   string
	depart func(w *world)
	want   []string
}

func departures() []departure {
	return []departure{
		{"a task is deleted with its sub-tasks", func(w *world) { w.jira.Delete("PAY-2") },
			[]string{"APP-1 PAY-1 []", "PAY-1 <nil> []", "PAY-3 PAY-1 []", "PAY-6 <nil> []"}},
		{"a sub-task is deleted", func(w *world) { w.jira.Delete("PAY-4") },
			[]string{"APP-1 PAY-1 []", "PAY-1 <nil> []", "PAY-2 PAY-1 [PAY-5]", "PAY-3 PAY-1 []", "PAY-5 PAY-2 []", "PAY-6 <nil> []"}},
		{"an epic is deleted and its children stay", func(w *world) { w.jira.Delete("PAY-1") },
			[]string{"APP-1 <nil> []", "PAY-2 <nil> [PAY-4 PAY-5]", "PAY-3 <nil> []", "PAY-4 PAY-2 []", "PAY-5 PAY-2 []", "PAY-6 <nil> []"}},
		{"an issue alone leaves the selector", func(w *world) { w.finish("PAY-6") },
			[]string{"APP-1 PAY-1 []", "PAY-1 <nil> []", "PAY-2 PAY-1 [PAY-4 PAY-5]", "PAY-3 PAY-1 []", "PAY-4 PAY-2 []", "PAY-5 PAY-2 []"}},
		{"a task moves with its sub-tasks", func(w *world) { w.jira.Move("PAY-2", "APP") },
			[]string{"APP-1 PAY-1 []", "APP-2 PAY-1 [APP-3 APP-4]", "APP-3 APP-2 []", "APP-4 APP-2 []", "PAY-1 <nil> []", "PAY-3 PAY-1 []", "PAY-6 <nil> []"}},
		{"an epic moves and its children stay behind", func(w *world) { w.jira.Move("PAY-1", "APP") },
			[]string{"APP-1 APP-2 []", "APP-2 <nil> []", "PAY-2 APP-2 [PAY-4 PAY-5]", "PAY-3 APP-2 []", "PAY-4 PAY-2 []", "PAY-5 PAY-2 []", "PAY-6 <nil> []"}},
		{"an epic moves away and back", func(w *world) { w.jira.Move(w.jira.Move("PAY-1", "APP"), "PAY") },
			[]string{"APP-1 PAY-7 []", "PAY-2 PAY-7 [PAY-4 PAY-5]", "PAY-3 PAY-7 []", "PAY-4 PAY-2 []", "PAY-5 PAY-2 []", "PAY-6 <nil> []", "PAY-7 <nil> []"}},
		{"a task moves and its epic is deleted", func(w *world) { w.jira.Move("PAY-2", "APP"); w.jira.Delete("PAY-1") },
			[]string{"APP-1 <nil> []", "APP-2 <nil> [APP-3 APP-4]", "APP-3 APP-2 []", "APP-4 APP-2 []", "PAY-3 <nil> []", "PAY-6 <nil> []"}},
	}
}

func (d departure) check(t *testing.T, mapping string, changes ...func(*jirasim.Config)) {
	t.Parallel()
	w := newFamily(t, changes...)
	w.mapping = mapping
	w.mustSync()
	d.depart(w)
	w.mustSync()
	if diff := cmp.Diff(d.want, w.relations()); diff != "" {
		t.Errorf("issues and their relations in Port (-want +got):\n%s", diff)
	}
	wrote := w.writes()
	w.mustSync()
	if n := w.writes() - wrote; n != 0 {
		t.Errorf("one more run wrote %d entities, want 0", n)
	}
}

func TestDepartures(t *testing.T) {
	t.Parallel()
	for _, c := range few(departures()) {
		for _, cascade := range []bool{false, true} {
			for _, createMissing := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/cascade=%t/createMissing=%t", c.name, cascade, createMissing), func(t *testing.T) {
					c.check(t, family(cascade, createMissing))
				})
			}
		}
	}
}

// An issue that left the selector and to which others still relate: Port's cascade takes those
// along, and then they come back, with a stub of what they relate to.
func TestParentLeavesTheSelectorAndItsChildrenStay(t *testing.T) {
	t.Parallel()
	w := newFamily(t)
	w.mapping = family(true, true)
	w.mustSync()
	w.finish("PAY-1")
	w.mustSync()
	for _, id := range []string{"PAY-2", "PAY-3", "APP-1"} {
		e, there := w.port.Entity("jiraIssue", id)
		if !there || e.Relations["parentIssue"] != "PAY-1" || e.Title != "Work of "+id {
			t.Errorf("%s in Port is %+v, want it whole, related to PAY-1", id, e)
		}
	}
	if e, there := w.port.Entity("jiraIssue", "PAY-1"); there && e.Title != nil {
		t.Errorf("PAY-1 in Port is %+v, want nothing, or a stub", e)
	}
	w.right()
}

// What Port made for the sake of a relation is ours, also if nothing relates to it any more when
// its issue is read: it goes with the issue.
func TestAStubThatBecameAnIssueGoesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = "createMissingRelatedEntities: true\n" + issuesOf("status != Done")
	w.addIssues("PAY", 3)
	w.finish("PAY-1")
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Parent = "PAY-1" })
	w.mustSync()
	if e, there := w.port.Entity("jiraIssue", "PAY-1"); !there || e.Title != nil {
		t.Fatalf("PAY-1 in Port is %+v, want a stub", e)
	}
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Parent = "" })
	w.mustSync()
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
	w.mustSync()
	w.finish("PAY-1")
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-2", "PAY-3"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
}

// second adds to a mapping of issues a resource that selects others.
func second(mapping, jql string) string {
	return mapping + strings.TrimPrefix(issuesOf(jql), "\nresources:\n")
}

func TestAnIssueLeavesOneResourceAndStaysInTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 6)
	done := strings.NewReplacer("title: .fields.summary", `title: '"done: " + .fields.summary'`, "identifier: .key", `identifier: .key + "-done"`)
	w.mapping = issuesOf("status != Done") + done.Replace(strings.TrimPrefix(issuesOf("project = PAY"), "\nresources:\n"))
	w.mustSync()
	if n := w.port.Len("jiraIssue"); n != 12 {
		t.Fatalf("Port has %d issues, want 12: each of 6 twice", n)
	}
	w.finish("PAY-3")
	if got := kind(w.mustSync(), "issue"); got.Deleted != 1 {
		t.Errorf("issues = %+v, want 1 deleted", got)
	}
	ids := w.identifiers("jiraIssue")
	if slices.Contains(ids, "PAY-3") || !slices.Contains(ids, "PAY-3-done") {
		t.Errorf("Port has %v, want PAY-3-done and not PAY-3", ids)
	}
	w.right()
}

// Two resources make the same entity of an issue: while one still does, it stays.
func TestAnEntityOfTwoResourcesStaysWithTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 4)
	w.mapping = second(issuesOf("status != Done"), "labels = keep")
	for _, key := range []string{"PAY-2", "PAY-3"} {
		w.jira.Update(key, func(i *jirasim.Issue) { i.Labels = []string{"keep"} })
	}
	w.mustSync()
	w.finish("PAY-2")
	w.finish("PAY-4")
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-1", "PAY-2", "PAY-3"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Labels = nil })
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-1", "PAY-3"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
	w.right()
}

func TestWhatOthersWroteIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, merge := range []bool{true, false} {
		t.Run(fmt.Sprintf("merge=%t", merge), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addIssues("PAY", 3)
			w.mapping = fmt.Sprintf("enableMergeEntity: %t\n", merge) + issuesOf(`""`)
			w.mustSync()
			theirs := portsim.Entity{Blueprint: "jiraIssue", Identifier: "HAND-1", Title: "Written by hand", Properties: map[string]any{"status": "Mine"}}
			w.port.Put(theirs, "a person")
			ours, _ := w.port.Entity("jiraIssue", "PAY-2")
			ours.Properties["priority"] = "set by hand"
			w.port.Put(ours, ours.Datasource)
			w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
			w.jira.Delete("PAY-3")
			w.mustSync()
			if e, there := w.port.Entity("jiraIssue", "HAND-1"); !there || e.Title != theirs.Title || e.Datasource != "a person" {
				t.Errorf("HAND-1 in Port is %+v, want it as it was", e)
			}
			e, _ := w.port.Entity("jiraIssue", "PAY-2")
			if kept := e.Properties["priority"] == "set by hand"; kept != merge || e.Title != "Refund fails" {
				t.Errorf("PAY-2 in Port is %+v, want our title, and the key of another kept: %t", e, merge)
			}
			if diff := cmp.Diff([]string{"HAND-1", "PAY-1", "PAY-2"}, w.identifiers("jiraIssue")); diff != "" {
				t.Errorf("issues in Port (-want +got):\n%s", diff)
			}
		})
	}
}

// An entity that somebody made in Port before Ferry came is enriched, and stays when its issue goes.
func TestAnEntityThatWasThereBeforeIsOnlyEnriched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 3)
	w.mapping = issuesOf(`""`)
	w.addBlueprint(issueBlueprint)
	w.port.Put(portsim.Entity{Blueprint: "jiraIssue", Identifier: "PAY-2", Title: "Written by hand", Properties: map[string]any{"priority": "by hand"}}, "a person")
	w.mustSync()
	if e, _ := w.port.Entity("jiraIssue", "PAY-2"); e.Title != "Work 2 of PAY" || e.Properties["priority"] != "by hand" {
		t.Errorf("PAY-2 in Port is %+v, want our title and their priority", e)
	}
	w.jira.Delete("PAY-2")
	w.jira.Delete("PAY-3")
	w.mustSync()
	if diff := cmp.Diff([]string{"PAY-1", "PAY-2"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
}

const issueBlueprint = `{"identifier":"jiraIssue","title":"Issue","schema":{"properties":{
	"status":{"type":"string"},"priority":{"type":"string"}}},
	"relations":{"parentIssue":{"target":"jiraIssue","required":false,"many":false}}}`

func TestResourcesReorderedDeleteNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 6)
	w.addIssues("APP", 6)
	w.mapping = second(issuesOf("project = PAY"), "project = APP")
	w.mustSync()
	before := w.port.Dump()
	w.mapping = second(issuesOf("project = APP"), "project = PAY")
	w.mustSync()
	if n := w.port.Deleted(); n != 0 || w.port.Dump() != before {
		t.Errorf("%d entities were deleted, want none:\n%s", n, diffLines(before, w.port.Dump()))
	}
	wrote := w.writes()
	w.mustSync()
	if n := w.writes() - wrote; n != 0 {
		t.Errorf("one more run wrote %d entities, want none", n)
	}
}

func TestAResourceTakenOutOfTheMapping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 6)
	w.addIssues("APP", 6)
	w.mapping = projectsAndIssues
	w.mustSync()
	w.mapping = issuesOf("project = PAY")
	w.mustSync()
	if n, m := w.port.Len("jiraProject"), w.port.Len("jiraIssue"); n != 0 || m != 6 {
		t.Errorf("Port has %d projects and %d issues, want none and 6", n, m)
	}
	w.mapping = projectsAndIssues
	w.mustSync()
	w.right()
}

// A resource that cannot be used keeps what it made, and only that: what the resource made that
// was in its place before is not its own.
func TestAResourceThatIsSetAsideBeforeAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 6)
	w.mapping = issuesOf("status != Done")
	w.mustSync()
	w.mapping = strings.Replace(w.mapping, "resources:\n", "resources:\n"+teamResource, 1)
	w.finish("PAY-2")
	report, err := w.sync()
	if err != nil || report.State != catalog.Partial || report.AsideTotal != 1 {
		t.Errorf("sync is %+v, %v, want partial for the teams", report, err)
	}
	w.finish("PAY-3")
	if _, err := w.sync(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"PAY-1", "PAY-4", "PAY-5", "PAY-6"}, w.identifiers("jiraIssue")); diff != "" {
		t.Errorf("issues in Port (-want +got):\n%s", diff)
	}
}

const teamResource = `  - kind: team
    selector:
      query: "true"
    port:
      entity:
        mappings:
          identifier: .teamId
          blueprint: '"jiraTeam"'
`

// A resource of issues whose selector cannot be used keeps what it made.
func TestAResourceWithABadSelectorKeepsItsEntities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 6)
	w.mapping = issuesOf("status != Done")
	w.mustSync()
	before, right := w.port.Dump(), w.mapping
	w.mapping = strings.Replace(right, "jql: status", "fields: 12\n      jql: status", 1)
	w.finish("PAY-2")
	report, err := w.sync()
	if told := said(report, err); err != nil || report.State != catalog.Partial || !strings.Contains(told, "selector.fields should be") {
		t.Errorf("sync is %+v, %v, and says %q, want partial for the selector", report, err, told)
	}
	if got := w.port.Dump(); got != before {
		t.Errorf("Port changed:\n%s", diffLines(before, got))
	}
	w.mapping = right
	w.mustSync()
	w.right()
}

// A mapping that somebody empties, or breaks, is not a wish to delete everything.
func TestAMappingThatIsEmptiedOrBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 12)
	w.mapping = issuesOf("status != Done")
	w.mustSync()
	before, right := w.port.Dump(), w.mapping
	for _, wrong := range []string{"resources: []", "resources: [", "{}"} {
		w.mapping = wrong
		w.untold()
		report, err := w.sync()
		if err == nil && report.State != catalog.Partial || w.resync() != "failed" {
			t.Errorf("with the mapping %q, sync is %+v, %v, and Port was told %q, want an error or a decision, and failed", wrong, report, err, w.resync())
		}
		if got := w.port.Dump(); got != before {
			t.Fatalf("with the mapping %q, Port changed:\n%s", wrong, diffLines(before, got))
		}
	}
	w.mapping = right
	w.mustSync()
	w.right()
}

// A property that the mapping no longer makes is sent once as null.
func TestAPropertyTakenOutOfTheMapping(t *testing.T) {
	t.Parallel()
	for _, merge := range []bool{true, false} {
		w := newWorld(t)
		w.addIssues("PAY", 5)
		whole := fmt.Sprintf("enableMergeEntity: %t\n", merge) + issuesOf(`""`)
		w.mapping = whole
		w.mustSync()
		w.mapping = strings.Replace(whole, "status: .fields.status.name", "priority: .fields.priority.name", 1)
		if got := kind(w.mustSync(), "issue"); got.Updated != 5 {
			t.Errorf("merge %t: issues = %+v, want 5 updated", merge, got)
		}
		e, _ := w.port.Entity("jiraIssue", "PAY-2")
		if e.Properties["status"] != nil || e.Properties["priority"] != "Medium" {
			t.Errorf("merge %t: PAY-2 in Port has %v, want no status and the priority", merge, e.Properties)
		}
		wrote := w.writes()
		e.Properties["status"] = "set by hand"
		w.port.Put(e, e.Datasource)
		w.mustSync()
		w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
		w.mustSync()
		if n := w.writes() - wrote; n != 1 {
			t.Errorf("merge %t: %d entities were written, want 1", merge, n)
		}
		e, _ = w.port.Entity("jiraIssue", "PAY-2")
		if merge && e.Properties["status"] != "set by hand" {
			t.Errorf("PAY-2 in Port has %v, want what was set by hand left alone", e.Properties)
		}
	}
}
