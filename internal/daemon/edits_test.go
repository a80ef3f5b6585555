package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/internal/catalog"
	"ferry/jira/jirasim"
)

// issueResource is one entry of a mapping, for the issues that jql selects.
func issueResource(jql string) string { return strings.TrimPrefix(issuesOf(jql), "\nresources:\n") }

// mappingOf is a mapping with these entries.
func mappingOf(resources ...string) string { return "resources:\n" + strings.Join(resources, "") }

// expanding is an entry that asks for more of each issue, and so is another reading.
func expanding(jql string) string {
	return strings.Replace(issueResource(jql), "    selector:\n", "    selector:\n      expand: changelog\n", 1)
}

const ofPay, ofApp, ofBoth = "project = PAY", "project = APP", "project = PAY OR project = APP"

// newEditedWorld has 12 issues in PAY and 5 in APP, a resource for each, and has run.
func newEditedWorld(t *testing.T) *world {
	w := newWorld(t)
	w.addIssues("PAY", 12)
	w.addIssues("APP", 5)
	w.mapping = mappingOf(issueResource(ofPay), issueResource(ofApp))
	w.mustSync()
	return w
}

// An edit changes the mapping, and something is wrong with it or with Jira at first. Before and
// when all is well, it makes the same entities.
type edit struct {
	name    string
	mapping string       // as it is edited
	hurt    func(*world) // may be nil
	says    string       // what the user is told
	heal    func(*world) // may be nil
	mended  string       // the mapping at last; "": as it was edited
}

func edits() []edit {
	brokenApp := "project = APP AND nosuchfield = 1"
	hide := func(w *world) { w.jira.HideProject("APP") }
	show := func(w *world) { w.jira.ShowProject("APP") }
	failing := func(resource, key string) string {
		return strings.Replace(resource, "identifier: .key", `identifier: 'if .key == "`+key+`" then .key | tonumber else .key end'`, 1)
	}
	fields := strings.Replace(issueResource(ofApp), "    selector:\n", "    selector:\n      fields: 12\n", 1)
	unknown := strings.Replace(issueResource(ofApp), "kind: issue", "kind: isue", 1)
	right := mappingOf(issueResource(ofPay), issueResource(ofApp))
	return []edit{
		{"two resources become one that Jira refuses", mappingOf(issueResource(ofBoth)), hide, fmt.Sprintf("issues that %q selects", ofBoth), show, ""},
		{"two become one that fails for an issue of the first", mappingOf(failing(issueResource(ofBoth), "PAY-2")), nil, "PAY-2: resource 1 (issue): identifier", nil, mappingOf(issueResource(ofBoth))},
		{"two become one that fails for an issue of the second", mappingOf(failing(issueResource(ofBoth), "APP-2")), nil, "APP-2: resource 1 (issue): identifier", nil, mappingOf(issueResource(ofBoth))},
		{"two are swapped and the first is broken", mappingOf(issueResource(brokenApp), issueResource(ofPay)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(issueResource(ofApp), issueResource(ofPay))},
		{"two are swapped and the second is broken", mappingOf(issueResource(ofApp), issueResource("project = = PAY")), nil, "issues that \"project = = PAY\" selects", nil, mappingOf(issueResource(ofApp), issueResource(ofPay))},
		{"one is of a kind that is not known", mappingOf(issueResource(ofPay), unknown), nil, "isue", nil, right},
		{"the first is of a kind that is not known", mappingOf(unknown, issueResource(ofPay)), nil, "isue", nil, mappingOf(issueResource(ofApp), issueResource(ofPay))},
		{"one has a selector that is not understood", mappingOf(issueResource(ofPay), fields), nil, "selector.fields", nil, right},
		{"both become another reading, and one is broken", mappingOf(expanding(ofPay), expanding(brokenApp)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(expanding(ofPay), expanding(ofApp))},
		{"one becomes another reading, and the other is broken", mappingOf(expanding(ofPay), issueResource(brokenApp)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(expanding(ofPay), issueResource(ofApp))},
		{"one becomes another reading and is broken", mappingOf(issueResource(ofPay), expanding(brokenApp)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(issueResource(ofPay), expanding(ofApp))},
		{"the second becomes the first, another reading, and is broken", mappingOf(expanding(brokenApp), issueResource(ofPay)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(expanding(ofApp), issueResource(ofPay))},
		{"one is put before another that is broken", mappingOf(issueResource(ofPay), issueResource(ofPay+" AND status = Nowhere"), issueResource(brokenApp)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(issueResource(ofPay), issueResource(ofApp))},
		{"two are put before another reading that is broken", mappingOf(issueResource(ofPay), issueResource(ofPay+" AND status = Nowhere"), issueResource(ofPay), expanding(brokenApp)), nil, fmt.Sprintf("issues that %q selects", brokenApp), nil, mappingOf(issueResource(ofPay), expanding(ofApp))},
		{"both become another reading that fails for an issue", mappingOf(failing(expanding(ofBoth), "APP-2")), nil, "APP-2: resource 1 (issue): identifier", nil, mappingOf(expanding(ofBoth))},
	}
}

// What is wrong with an edited mapping takes nothing from Port, and once it is mended no former
// claim is left to hold what should go.
func TestAnEditUnderTroubleDeletesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range edits() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.run(newEditedWorld(t))
		})
	}
}

func (e *edit) run(w *world) {
	before := w.port.Dump()
	w.mapping = e.mapping
	if e.hurt != nil {
		e.hurt(w)
	}
	for range 2 {
		report, err := w.sync()
		if told := said(report, err); report == nil || report.State == catalog.Completed || !strings.Contains(told, e.says) {
			w.t.Errorf("sync is %+v, and says %q, want it not complete, because of %q", report, told, e.says)
		}
		if got := w.port.Dump(); got != before {
			w.t.Fatalf("Port changed:\n%s", diffLines(before, got))
		}
	}
	if e.heal != nil {
		e.heal(w)
	}
	if e.mended != "" {
		w.mapping = e.mended
	}
	w.mustSync()
	if n := w.port.Deleted(); n != 0 {
		w.t.Errorf("%d entities were deleted, want none", n)
	}
	w.right()
	w.jira.Delete("PAY-2")
	w.jira.Delete("APP-2")
	w.mustSync()
	w.right()
}

// Entities that another mapping makes too are not made anew. Where no two resources share one, a
// swap is not even written.
func TestAnEditThatChangesNoEntity(t *testing.T) {
	t.Parallel()
	const swapped = "two resources are swapped"
	cases := []struct{ name, before, after string }{
		{swapped, mappingOf(issueResource(ofPay), issueResource(ofApp)), mappingOf(issueResource(ofApp), issueResource(ofPay))},
		{"two that select the same issues are swapped", mappingOf(issueResource(ofBoth), issueResource(ofApp)), mappingOf(issueResource(ofApp), issueResource(ofBoth))},
		{"two become one", mappingOf(issueResource(ofPay), issueResource(ofApp)), mappingOf(issueResource(ofBoth))},
		{"one becomes two", mappingOf(issueResource(ofBoth)), mappingOf(issueResource(ofPay), issueResource(ofApp))},
		{"more is asked for", mappingOf(issueResource(ofBoth)), mappingOf(expanding(ofBoth))},
		{"more is asked for by one of two", mappingOf(issueResource(ofPay), issueResource(ofApp)), mappingOf(issueResource(ofPay), expanding(ofApp))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addIssues("PAY", 12)
			w.addIssues("APP", 5)
			w.mapping = c.before
			w.mustSync()
			wrote := w.writes()
			w.mapping = c.after
			w.mustSync()
			if n := w.writes() - wrote; w.port.Deleted() != 0 || c.name == swapped && n != 0 {
				t.Errorf("%d entities were written and %d of them deleted, want none deleted, and none written for a swap", n, w.port.Deleted())
			}
			w.right()
			w.jira.Delete("APP-2") // which no claim of the former mapping may hold
			w.mustSync()
			w.right()
		})
	}
}

func TestWhatARemovedResourceMadeGoes(t *testing.T) {
	t.Parallel()
	for _, removed := range []struct{ name, stays, goes string }{{"the first", ofApp, "PAY-1"}, {"the second", ofPay, "APP-1"}} {
		t.Run(removed.name, func(t *testing.T) {
			t.Parallel()
			w := newEditedWorld(t)
			before := w.port.Dump()
			w.mapping = mappingOf(issueResource(removed.stays))
			w.jira.Inject(jirasim.Fault{Match: searching, Do: jirasim.Forbidden})
			if report, err := w.sync(); err == nil || w.port.Dump() != before {
				t.Errorf("while Jira lists nothing, sync is %+v and Port changed, want it to fail and Port as before:\n%s", report, diffLines(before, w.port.Dump()))
			}
			w.jira.Heal()
			w.mustSync()
			if got := w.identifiers("jiraIssue"); slices.Contains(got, removed.goes) {
				t.Errorf("Port has %v, want %s gone", got, removed.goes)
			}
			w.right()
		})
	}
}
