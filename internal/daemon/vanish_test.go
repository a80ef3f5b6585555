package daemon_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"ferry/internal/catalog"
	"ferry/jira/jirasim"
)

// A vanishing makes something of Jira invisible between two runs.
type vanishing struct {
	name   string
	happen func(w *world)
	undo   func(w *world) // nil: it cannot be undone
	// waits: the run cannot tell it from a lost permission, and leaves the decision to a person.
	waits []string // what the decision is about
	gone  []string // issues that are to be gone at once, or when a person has decided
	stays []string
}

func vanishings() []vanishing {
	hide := func(keys ...string) func(*world) {
		return func(w *world) {
			for _, key := range keys {
				w.jira.HideProject(key)
			}
		}
	}
	show := func(w *world) { w.jira.ShowProject("PAY"); w.jira.ShowProject("APP") }
	return []vanishing{
		{"a project is hidden", hide("APP"), show, []string{"APP-"}, []string{"APP-1", "APP-3"}, []string{"PAY-1"}},
		{"every project is hidden", hide("APP", "PAY"), show, []string{"APP-", "PAY-"}, []string{"APP-1", "PAY-1"}, nil},
		{"a project is hidden of which something was done", func(w *world) {
			w.jira.HideProject("OLD")
		}, func(w *world) { w.jira.ShowProject("OLD") }, []string{"OLD-"}, []string{"OLD-2", "OLD-3"}, []string{"PAY-1"}},
		{"a project is erased", func(w *world) { w.jira.EraseProject("APP") }, nil, []string{"APP-"}, []string{"APP-1"}, []string{"PAY-1"}},
		{"a project is put into the bin", func(w *world) { w.jira.DeleteProject("APP") }, nil, nil, []string{"APP-1", "APP-3"}, []string{"PAY-1"}},
		{"a project is archived", func(w *world) { w.jira.ArchiveProject("APP") }, nil, nil, []string{"APP-1", "APP-3"}, []string{"PAY-1"}},
		{"the only issue of a project is deleted", func(w *world) { w.jira.Delete("ONE-1") }, nil, nil, []string{"ONE-1"}, []string{"PAY-1"}},
		{"the only open issue of a project is deleted", func(w *world) { w.jira.Delete("DEED-2") }, nil, nil, []string{"DEED-2"}, []string{"PAY-1"}},
		{"the only issue of a project moves", func(w *world) { w.jira.Move("ONE-1", "APP") }, nil, nil, []string{"ONE-1"}, []string{"APP-13"}},
	}
}

// newVanishingWorld has projects PAY and APP with open issues, ONE with one, OLD with one that
// was done after it had been read, and DEED with one that was done from the first.
func newVanishingWorld(t *testing.T, changes ...func(*jirasim.Config)) *world {
	w := newWorld(t, changes...)
	w.mapping = strings.ReplaceAll(projectsAndIssues, `jql: ""`, `jql: status != Done`)
	w.addIssues("PAY", 12)
	w.addIssues("APP", 12)
	w.addIssues("ONE", 1)
	w.addIssues("OLD", 3)
	w.addIssues("DEED", 2)
	w.finish("DEED-1")
	w.mustSync()
	w.finish("OLD-1")
	w.mustSync()
	return w
}

// finish does what the issue asks for.
func (w *world) finish(key string) {
	w.jira.Update(key, func(i *jirasim.Issue) { i.Status, i.StatusCategory = "Done", "Done" })
}

func TestWhatVanishes(t *testing.T) {
	t.Parallel()
	for _, v := range few(vanishings()) {
		t.Run(v.name, func(t *testing.T) { v.check(t) })
	}
}

func (v *vanishing) check(t *testing.T, changes ...func(*jirasim.Config)) {
	t.Parallel()
	w := newVanishingWorld(t, changes...)
	before := w.port.Dump()
	v.happen(w)
	w.untold()
	if v.waits == nil {
		w.mustSync()
	} else {
		v.wait(w, before)
	}
	if v.undo != nil {
		w.accept = false
		v.undo(w)
		w.mustSync()
		w.right()
		v.happen(w)
		w.accept = true
		w.mustSync()
	}
	v.over(w)
	w.accept = false
	w.mustSync()
	w.right()
}

// wait runs without and, where there is no way back, with a person's word.
func (v *vanishing) wait(w *world, before string) {
	report, err := w.sync()
	if err != nil || report.State != catalog.Partial || w.resync() != "failed" {
		w.t.Errorf("sync is %+v, %v, and Port was told %q, want partial, and failed", report, err, w.resync())
	}
	for _, want := range v.waits {
		if told := said(report, err); !strings.Contains(told, "decision") || !strings.Contains(told, want) || !strings.Contains(told, "--accept-deletions") {
			w.t.Errorf("the run says %q, want a decision about %s", told, want)
		}
	}
	if got := w.port.Dump(); got != before {
		w.t.Errorf("Port changed before anybody decided:\n%s", diffLines(before, got))
	}
	if v.undo == nil {
		w.accept = true
		w.mustSync()
	}
}

func (v *vanishing) over(w *world) {
	for _, id := range v.gone {
		if _, there := w.port.Entity("jiraIssue", id); there {
			w.t.Errorf("%s is still in Port", id)
		}
	}
	for _, id := range v.stays {
		if _, there := w.port.Entity("jiraIssue", id); !there {
			w.t.Errorf("%s is not in Port", id)
		}
	}
}

func TestAnAccountThatSeesLessDeletesNothingUntilItIsAccepted(t *testing.T) {
	w := newVanishingWorld(t)
	before := w.port.Dump()
	w.jira.SignInAs("712020:other", "Somebody else")
	w.jira.HideProject("APP")
	report, err := w.sync()
	if told := said(report, err); err != nil || report.State != catalog.Partial || !strings.Contains(told, "--accept-account") {
		t.Errorf("sync is %+v, %v, want partial for the account", report, err)
	}
	if w.resync() != "failed" || w.port.Dump() != before {
		t.Errorf("Port was told %q and changed, want failed and nothing:\n%s", w.resync(), diffLines(before, w.port.Dump()))
	}
	w.account = true // but APP's issues vanish all the same
	if report, err = w.sync(); err != nil || report.State != catalog.Partial || w.port.Dump() != before {
		t.Errorf("with --accept-account, sync is %+v, %v, want partial for APP", report, err)
	}
	w.account, w.accept = false, true
	w.mustSync()
	w.right()
}

// once does something when a request of the path comes for the first time.
func once(path string, do func()) func(*http.Request) {
	var first sync.Once
	return func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, path) {
			first.Do(do)
		}
	}
}

// A project that is hidden after the listings held its issues, and before they are read.
func TestAPermissionIsLostWhileJiraIsRead(t *testing.T) {
	t.Parallel()
	w := newVanishingWorld(t)
	before := w.port.Dump()
	w.arrives = once(bulkfetch, func() { w.jira.HideProject("APP") })
	report, err := w.sync()
	if told := said(report, err); err != nil || report.State != catalog.Partial || !strings.Contains(told, "such as APP-") {
		t.Errorf("sync is %+v, %v, and says %q, want a decision about APP", report, err, told)
	}
	if w.resync() != "failed" || w.port.Dump() != before {
		t.Errorf("Port was told %q and changed, want failed and nothing:\n%s", w.resync(), diffLines(before, w.port.Dump()))
	}
	w.jira.ShowProject("APP")
	w.mustSync()
	w.right()
}

func TestTheAccountChangesWhileJiraIsRead(t *testing.T) {
	t.Parallel()
	w := newVanishingWorld(t)
	before := w.port.Dump()
	w.jira.Delete("PAY-3")
	w.arrives = once(bulkfetch, func() { w.jira.SignInAs("712020:other", "Somebody else") })
	report, err := w.sync()
	if told := said(report, err); err == nil || !strings.Contains(told, "account changed") || w.resync() != "failed" {
		t.Errorf("sync is %+v, %v, and Port was told %q, want it to fail because the account changed", report, err, w.resync())
	}
	if got := w.port.Dump(); got != before {
		t.Errorf("Port changed:\n%s", diffLines(before, got))
	}
	w.account = true
	w.mustSync()
	w.right()
}

func TestBrake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = "entityDeletionThreshold: 0.3\n" + issuesOf("status != Done")
	w.addIssues("PAY", 30)
	w.mustSync()
	before := w.port.Dump()
	for n := 1; n <= 10; n++ {
		w.finish(w.identifiers("jiraIssue")[n])
	}
	w.jira.Update("PAY-1", func(i *jirasim.Issue) { i.Summary = "Still to do" })
	for range 2 {
		report, err := w.sync()
		told := said(report, err)
		if err != nil || report.State != catalog.Partial || !strings.Contains(told, "10 of 30 entities") || !strings.Contains(told, "--accept-deletions") {
			t.Errorf("sync is %v, %v, and says %q, want partial and a decision about 10 of 30", report, err, told)
		}
		if n := w.port.Deleted(); n != 0 || w.resync() != "failed" {
			t.Errorf("%d were deleted and Port was told %q, want none and failed", n, w.resync())
		}
	}
	if got := strings.ReplaceAll(w.port.Dump(), "Still to do", "Work 1 of PAY"); got != before {
		t.Errorf("Port changed otherwise than by a title:\n%s", diffLines(before, got))
	}
	w.accept = true
	if got := kind(w.mustSync(), "issue"); got.Deleted != 10 || got.Unchanged != 20 {
		t.Errorf("issues = %+v, want 10 deleted and 20 unchanged", got)
	}
	w.right()
}

func TestNineOfTenMayGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = "entityDeletionThreshold: 0.1\n" + issuesOf("status != Done")
	w.addIssues("PAY", 10)
	w.mustSync()
	for _, id := range w.identifiers("jiraIssue")[1:] {
		w.finish(id)
	}
	if got := kind(w.mustSync(), "issue"); got.Deleted != 9 {
		t.Errorf("issues = %+v, want 9 deleted: fewer than ten never count", got)
	}
}

func TestAWalkThatEndsEarlyIsMendedByWindows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jirasim.Config) { c.IDPageLimit = 50 })
	w.mapping = issuesOf(`""`)
	w.addIssues("PAY", 240)
	w.jira.Inject(jirasim.Fault{Match: searching, Times: 1, Do: jirasim.ShortWalk})
	if got := kind(w.mustSync(), "issue"); got.Created != 240 {
		t.Errorf("issues = %+v, want 240 created although the first walk gave 50", got)
	}
	before := w.port.Dump()
	w.jira.Inject(jirasim.Fault{Match: searching, Do: jirasim.ShortWalk})
	report, err := w.sync()
	told := said(report, err)
	if err == nil || report.State != catalog.Failed || !strings.Contains(told, "Jira counts 240 and lists 50") || w.resync() != "failed" {
		t.Errorf("sync is %v, %v, says %q, and Port was told %q, want an incomplete listing", report, err, told, w.resync())
	}
	if got := w.port.Dump(); got != before {
		t.Errorf("Port changed:\n%s", diffLines(before, got))
	}
	w.jira.Heal()
	w.mustSync()
	w.right()
}

func TestASyntaxErrorInOneSelectorLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addIssues("PAY", 5)
	w.addIssues("APP", 5)
	second := strings.TrimPrefix(issuesOf("project = APP"), "\nresources:\n")
	w.mapping = issuesOf("project = PAY") + second
	w.mustSync()
	before := w.port.Dump()
	w.jira.Delete("PAY-3")
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
	w.jira.Update("APP-2", func(i *jirasim.Issue) { i.Summary = "Tell why" })
	right := w.mapping
	w.mapping = strings.ReplaceAll(right, "project = APP", "project = = APP")
	report, err := w.sync()
	told := said(report, err)
	if err == nil || report.State != catalog.Failed || !strings.Contains(told, `issues that "project = = APP" selects`) || w.resync() != "failed" {
		t.Errorf("sync is %v, %v, says %q, and Port was told %q, want a failed listing", report, err, told, w.resync())
	}
	is := entities(w.port.Dump())
	for name, body := range entities(before) {
		switch name {
		case "jiraIssue/PAY-3":
			if is[name] != "" {
				t.Errorf("PAY-3 is still in Port, although its own selector is right")
			}
		case "jiraIssue/PAY-2":
			if !strings.Contains(is[name], "Refund fails") {
				t.Errorf("PAY-2 is %s, want its present title", is[name])
			}
		default:
			if is[name] != body {
				t.Errorf("%s is %q, want it as before: %s", name, is[name], body)
			}
		}
	}
	w.mapping = right
	w.mustSync()
	w.right()
}
