package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/jira/jirasim"
)

// A mishap is something that one issue, PAY-2, cannot be delivered for.
type mishap struct {
	name    string
	spoil   func(w *world)
	mend    func(w *world)
	about   catalog.About
	subject string
	says    []string
}

// expression changes one expression of the mapping.
func expression(from, to string) func(*world) {
	return func(w *world) {
		if !strings.Contains(w.mapping, from) {
			w.t.Fatalf("the mapping has no %q", from)
		}
		w.mapping = strings.Replace(w.mapping, from, to, 1)
	}
}

// ofPay2 makes an expression for PAY-2 alone, and another for the rest.
func ofPay2(expr, rest string) string {
	return fmt.Sprintf(`'if .key == "PAY-2" then %s else %s end'`, expr, rest)
}

func mishaps() []mishap {
	const identifier = "identifier: .key"
	const again = "sent again in every run"
	item := func(name, from, to string, says ...string) mishap {
		return mishap{name, expression(from, to), nil, catalog.AsideItem, "", append([]string{"PAY-2", "mend the mapping"}, says...)}
	}
	entity := func(name, from, to, subject string, says ...string) mishap {
		return mishap{name, expression(from, to), nil, catalog.AsideEntity, subject, says}
	}
	return []mishap{
		item("the selector fails", `query: "true"`, "query: "+ofPay2(`error("no")`, "true"), "selector.query", "no"),
		item("the selector is not boolean", `query: "true"`, "query: "+ofPay2(`"yes"`, "true"), "selector.query", "should give true or false"),
		item("the identifier fails", identifier, "identifier: "+ofPay2(".key | tonumber", ".key"), "identifier", "tonumber"),
		item("the identifier is a list", identifier, "identifier: "+ofPay2("[.key]", ".key"), "identifier", "a list"),
		item("the blueprint fails", `blueprint: '"jiraIssue"'`, "blueprint: "+ofPay2("{} + 1", `"jiraIssue"`), "blueprint"),
		entity("spaces in the identifier", identifier, "identifier: "+ofPay2(`"PAY 2"`, ".key"), "jiraIssue PAY 2", "pattern", again),
		entity("an identifier that is too long", identifier, "identifier: "+ofPay2(`"x" * 2000`, ".key"), "jiraIssue xxx", "pattern", again),
		entity("an unknown blueprint", `blueprint: '"jiraIssue"'`, "blueprint: "+ofPay2(`"jiraThing"`, `"jiraIssue"`), "jiraThing PAY-2", `no blueprint "jiraThing"`, "create it"),
		entity("a property of another type", "status: .fields.status.name", "status: "+ofPay2("12", ".fields.status.name"), "jiraIssue PAY-2", "status", again),
		{
			"a body that is larger than Port takes",
			func(w *world) {
				w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = strings.Repeat("too long ", 130_000) })
			},
			func(w *world) { w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "Work 2 of PAY" }) },
			catalog.AsideItem, "", []string{"PAY-2", "title", "larger than 1048576 bytes"},
		},
	}
}

// What cannot be delivered is named with its reason, all else is delivered, and what the issue
// made before stays until the cause is gone.
func TestOneIssueThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	for _, m := range few(mishaps()) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.mapping = issuesOf(`""`)
			w.addIssues("PAY", 25)
			w.mustSync()
			before := w.port.Dump()
			right := w.mapping
			w.jira.Update("PAY-5", func(i *jirasim.Issue) { i.Summary = "Refund fails" })
			m.spoil(w)
			for range 2 {
				m.suffer(w, before)
			}
			w.mapping = right
			if m.mend != nil {
				m.mend(w)
			}
			if report := w.mustSync(); report.AsideTotal != 0 {
				t.Errorf("when the cause is gone, %v is still set aside", report.Asides)
			}
			w.right()
		})
	}
}

func (m *mishap) suffer(w *world, before string) {
	w.t.Helper()
	report, err := w.sync()
	if err != nil || report.State != catalog.Partial || w.resync() != "completed" {
		w.t.Fatalf("sync is %+v, %v, and Port was told %q, want partial and completed", report, err, w.resync())
	}
	w.addsUp(report)
	if k := kind(report, "issue"); report.AsideTotal != 1 || k.SetAside != 1 {
		w.t.Fatalf("%d are set aside, %d of them issues, want one: %v", report.AsideTotal, k.SetAside, report.Asides)
	}
	aside := report.Asides[0]
	if aside.About != m.about || !strings.Contains(aside.Subject, m.subject) || aside.Kind != "issue" {
		w.t.Errorf("set aside is %s %q of kind %q, want %s %q of kind issue", aside.About, aside.Subject, aside.Kind, m.about, m.subject)
	}
	for _, want := range m.says {
		if !strings.Contains(aside.Reason, want) {
			w.t.Errorf("the reason is %q, want it to contain %q", aside.Reason, want)
		}
	}
	is := entities(w.port.Dump())
	for name, body := range entities(before) {
		if name != "jiraIssue/PAY-5" && is[name] != body && !m.renames(name) {
			w.t.Errorf("%s is %q in Port, want it as before: %s", name, is[name], body)
		}
	}
	if !strings.Contains(is["jiraIssue/PAY-5"], "Refund fails") {
		w.t.Errorf("PAY-5 is %s, want its present title", is["jiraIssue/PAY-5"])
	}
}

// renames: the mapping gives the issue another name or blueprint, so that the former one is no
// longer wanted.
func (m *mishap) renames(name string) bool {
	return name == "jiraIssue/PAY-2" && m.about == catalog.AsideEntity && !strings.HasPrefix(m.subject, "jiraIssue PAY-2")
}

func TestUnknownRelationIsSetAsideForEachIssue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = issuesOf(`""`)
	w.addIssues("PAY", 3)
	w.mustSync()
	before := w.port.Dump()
	right := w.mapping
	w.mapping = strings.Replace(right, "parentIssue:", "forefather:", 1)
	report, err := w.sync()
	if err != nil || report.State != catalog.Partial || report.AsideTotal != 3 {
		t.Fatalf("sync is %+v, %v, want partial with three set aside", report, err)
	}
	for _, a := range report.Asides {
		if !strings.Contains(a.Reason, `"forefather"`) || !strings.Contains(a.Reason, "change the mapping or the blueprint") {
			t.Errorf("%s is set aside for %q, want the relation's name and what to do", a.Subject, a.Reason)
		}
	}
	if got := w.port.Dump(); got != before {
		t.Errorf("Port changed:\n%s", diffLines(before, got))
	}
	w.mapping = right
	w.mustSync()
	w.right()
}

// An issue whose mapping fails keeps what it made also when it cannot be told whether it is
// still selected; when it is deleted in Jira, it goes.
func TestAnIssueWhoseMappingFailsGoesWhenItIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mapping = issuesOf(`""`)
	w.addIssues("PAY", 3)
	w.mustSync()
	expression(`query: "true"`, "query: "+ofPay2(`error("no")`, "true"))(w)
	if report, err := w.sync(); err != nil || report.State != catalog.Partial {
		t.Fatalf("sync is %+v, %v, want partial", report, err)
	}
	w.jira.Delete("PAY-2")
	w.mustSync()
	if got := w.identifiers("jiraIssue"); slices.Contains(got, "PAY-2") {
		t.Errorf("Port has %v, want PAY-2 gone", got)
	}
}

func TestFailedExpressionsAreNullAndCounted(t *testing.T) {
	w := newWorld(t)
	w.addIssues("PAY", 4)
	w.jira.Update("PAY-2", func(i *jirasim.Issue) { i.Summary = "7" })
	w.mapping = strings.Replace(issuesOf("project = PAY"), "status: .fields.status.name", `status: .fields.summary | if . == "7" then error("odd") else . end`, 1)
	report := w.mustSync()
	want := []daemon.Nulled{{Resource: "resource 1 (issue)", Path: "properties.status", Items: 1}}
	if diff := cmp.Diff(want, report.Nulled); diff != "" {
		t.Errorf("nulled (-want +got):\n%s", diff)
	}
	if e, _ := w.port.Entity("jiraIssue", "PAY-2"); e.Properties["status"] != nil {
		t.Errorf("PAY-2's status in Port = %v, want null", e.Properties["status"])
	}
}
