package source

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ask(resource int, kind, selector string, fields ...string) Ask {
	return Ask{Resource: resource, Kind: kind, Selector: json.RawMessage(selector), Fields: fields}
}

func TestPlanGroupsWhatIsAskedAlike(t *testing.T) {
	readings, refused := Plan([]Ask{
		ask(0, Project, `{}`),
		ask(1, Issue, `{"jql":"project = A"}`, "summary", "status"),
		ask(2, Issue, `{"jql":"project = B"}`, "labels"),
		ask(3, Issue, `{"jql":"project = A"}`, "summary"),
		ask(4, Issue, `{"jql":"project = A","expand":"renderedFields"}`, "summary"),
		ask(5, Project, `{"expand":"lead,insight"}`),
		ask(6, Project, `{"expand":"insight"}`),
	})
	if len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	var got []string
	for _, r := range readings {
		got = append(got, fmt.Sprintf("%s resources=%v queries=%d fields=%s", r.Name, r.Resources, len(r.Queries), strings.Join(r.Fields(), ",")))
	}
	want := []string{
		"project expand=insight resources=[0 6] queries=1 fields=",
		"issue resources=[1 2 3] queries=2 fields=labels,project,status,summary,updated",
		"issue expand=renderedFields resources=[4] queries=1 fields=project,summary,updated",
		"project expand=insight,lead resources=[5] queries=1 fields=",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	issues := readings[1]
	if diff := cmp.Diff([]int{1, 3}, issues.Selecting(1)); diff != "" {
		t.Errorf("resources of the first query (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 3, 2}, issues.Selecting(issues.Mask())); diff != "" {
		t.Errorf("resources of all queries (-want +got):\n%s", diff)
	}
}

func TestSelectors(t *testing.T) {
	for _, test := range []struct{ name, kind, selector, jql, fields, explicit, refused string }{
		{name: "issue default", kind: Issue, selector: `{"query":"true"}`, jql: DefaultJQL, fields: "project,read,updated"},
		{name: "issue null jql", kind: Issue, selector: `{"jql":null}`, jql: DefaultJQL, fields: "project,read,updated"},
		{name: "issue empty jql", kind: Issue, selector: `{"jql":""}`, jql: "", fields: "project,read,updated"},
		{name: "all fields", kind: Issue, selector: `{"fields":"*all"}`, jql: DefaultJQL, fields: "*all"},
		{name: "navigable fields", kind: Issue, selector: `{"fields":"*navigable,-comment"}`, jql: DefaultJQL, fields: "*all"},
		{name: "named fields", kind: Issue, selector: `{"fields":"summary, status"}`, jql: DefaultJQL, fields: "project,status,summary,updated", explicit: "status,summary"},
		{name: "field list", kind: Issue, selector: `{"fields":["summary"]}`, jql: DefaultJQL, fields: "project,summary,updated", explicit: "summary"},
		{name: "null fields", kind: Issue, selector: `{"fields":null}`, jql: DefaultJQL, fields: "project,read,updated"},
		{name: "fields of a wrong type", kind: Issue, selector: `{"fields":7}`, refused: "selector.fields should be a list of field names"},
		{name: "jql of a wrong type", kind: Issue, selector: `{"jql":7}`, refused: "jql and expand should be texts"},
		{name: "expand of a wrong type", kind: Project, selector: `{"expand":[]}`, refused: "jql and expand should be texts"},
		{name: "another kind", kind: "sprint", selector: `{}`, refused: `the kind "sprint" is not read yet`},
	} {
		t.Run(test.name, func(t *testing.T) {
			readings, refused := Plan([]Ask{ask(0, test.kind, test.selector, "read")})
			if test.refused != "" {
				if len(refused) != 1 || !strings.Contains(refused[0].Reason, test.refused) {
					t.Fatalf("refused = %v, want one with %q", refused, test.refused)
				}
				return
			}
			if len(refused) > 0 || len(readings) != 1 {
				t.Fatalf("readings = %v, refused = %v, want one reading", readings, refused)
			}
			r := readings[0]
			if r.Queries[0].JQL != test.jql {
				t.Errorf("jql = %q, want %q", r.Queries[0].JQL, test.jql)
			}
			if got := strings.Join(r.Fields(), ","); got != test.fields {
				t.Errorf("fields = %s, want %s", got, test.fields)
			}
			if got := strings.Join(r.Explicit(0), ","); got != test.explicit {
				t.Errorf("explicit fields = %s, want %s", got, test.explicit)
			}
		})
	}
}

func TestTooManyQueriesAreRefused(t *testing.T) {
	var asks []Ask
	for i := range maxQueries + 2 {
		asks = append(asks, ask(i, Issue, fmt.Sprintf(`{"jql":"project = P%d"}`, i)))
	}
	readings, refused := Plan(asks)
	if len(refused) != 2 || len(readings[0].Queries) != maxQueries {
		t.Errorf("%d queries are planned and %d refused, want %d and 2", len(readings[0].Queries), len(refused), maxQueries)
	}
	if mask := readings[0].Mask(); mask < 0 || mask != 1<<maxQueries-1 {
		t.Errorf("the mask of %d queries is %x", maxQueries, mask)
	}
}
