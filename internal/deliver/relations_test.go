package deliver_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestRelationsWithoutCreatingMissing(t *testing.T) {
	tests := []struct {
		name   string
		things []thing
		want   string // identifiers in Port
		aside  []string
	}{
		{"a chain from its wrong end", chain(25), ids(25), nil},
		{"a cycle", []thing{{id: "A", parent: "B"}, {id: "B", links: []string{"C"}}, {id: "C", parent: "A"}}, "A B C", nil},
		{"itself", []thing{{id: "A", parent: "A"}}, "A", nil},
		{"a cycle with a tail", []thing{{id: "T", parent: "A"}, {id: "A", parent: "B"}, {id: "B", parent: "A"}, {id: "U", parent: "T"}}, "A B T U", nil},
		{"nowhere", []thing{{id: "A", parent: "X"}, {id: "B"}}, "B", []string{"issue A"}},
	}
	for _, test := range tests {
		for _, merge := range []bool{true, false} {
			t.Run(fmt.Sprint(test.name, merge), func(t *testing.T) {
				w := newWorld(t)
				w.config.CreateMissing, w.config.Merge = false, merge
				w.claim(test.things...)
				w.upserts()
				if got := w.issues(); got != test.want {
					t.Errorf("in Port: %s, want %s", got, test.want)
				}
				for _, x := range test.things {
					e, there := w.sim.Entity("issue", x.id)
					if there && x.parent != "" && e.Relations["parent"] != x.parent {
						t.Errorf("%s relates to %v, want %s", x.id, e.Relations["parent"], x.parent)
					}
				}
				reasons := w.reasons()
				if len(reasons) != len(test.aside) {
					t.Errorf("set aside: %v, want %v", reasons, test.aside)
				}
				for _, subject := range test.aside {
					if !strings.Contains(reasons[subject], `X`) || !strings.Contains(reasons[subject], "createMissingRelatedEntities") {
						t.Errorf("%s: reason %q, want it to name X and the setting", subject, reasons[subject])
					}
				}
				if n := w.undelivered(); n != 0 {
					t.Errorf("%d undelivered, want 0", n)
				}
			})
		}
	}
}

// What was sent of an entity before its relations could be is remembered: that we made it, and
// which keys it has.
func TestSentBareAndThenRefused(t *testing.T) {
	w := newWorld(t)
	w.config.CreateMissing = false
	w.claim(thing{id: "A", title: "a", props: map[string]any{"note": "n"}, links: []string{"B", "X"}}, thing{id: "B", parent: "A"})
	w.upserts()
	if reasons := w.reasons(); w.issues() != "A B" || len(reasons) != 1 || reasons["issue A"] == "" {
		t.Fatalf("in Port: %s, set aside %v", w.issues(), w.reasons())
	}
	w.claim(thing{id: "A", title: "a"})
	w.upserts()
	if e, _ := w.sim.Entity("issue", "A"); e.Properties["note"] != nil {
		t.Errorf("A = %v, want its note forgotten", e)
	}
	w.drop("issue", "A", "B")
	if w.deletes(); w.issues() != "" {
		t.Errorf("in Port: %s, want nothing", w.issues())
	}
}

// chain relates each of n to the one after it.
func chain(n int) []thing {
	list := numbered(n)
	for i := range n - 1 {
		list[i].parent = list[i+1].id
	}
	return list
}

func ids(n int) string {
	var list []string
	for _, x := range numbered(n) {
		list = append(list, x.id)
	}
	return strings.Join(list, " ")
}
