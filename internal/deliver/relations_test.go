package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/internal/deliver"
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

// Between runs, what another relates to may come long after it: when it was set aside for want of it,
// and also where the two relate to one another.
func TestWhatWasSetAsideForWantOfAnotherGoesWithIt(t *testing.T) {
	for name, second := range map[string]thing{
		"one relates to the other": {id: "B"}, "both to one another": {id: "B", links: []string{"A"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.config.CreateMissing, w.config.Live, w.config.Run = false, true, 0
			w.claim(thing{id: "gone"})
			w.upserts()
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			followed := make(chan error, 1)
			live := deliver.New(w.store, w.client, w.config)
			go func() { followed <- live.Follow(ctx, false) }()
			w.claim(thing{id: "A", parent: "B", title: "a"})
			w.drop("issue", "gone") // which brings all to its end for now
			w.readAgain()
			w.becomes(ctx, func() bool { return w.issues() == "" && len(w.reasons()) == 1 })
			w.claim(second)
			w.becomes(ctx, func() bool { return w.issues() == "A B" && w.undelivered() == 0 && len(w.reasons()) == 0 })
			if e, _ := w.sim.Entity("issue", "A"); e.Relations["parent"] != "B" {
				t.Errorf("A is %+v, want it whole; set aside %v", e, w.reasons())
			}
			stop()
			<-followed
		})
	}
}

// becomes waits until something is so, or ctx ends.
func (w *world) becomes(ctx context.Context, so func() bool) {
	w.t.Helper()
	for !so() {
		if ctx.Err() != nil {
			w.t.Fatalf("not so in time; in Port: %s, set aside: %v, %d undelivered", w.issues(), w.reasons(), w.undelivered())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
