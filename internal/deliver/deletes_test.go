package deliver_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/deliver"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// idsOf are the identifiers of things.
func idsOf(things []thing) []string {
	var list []string
	for _, x := range things {
		list = append(list, x.id)
	}
	return list
}

func TestUnwantedAreDeleted(t *testing.T) {
	w := newWorld(t)
	things := numbered(230)
	w.claim(things...)
	w.upserts()
	w.drop("issue", idsOf(things[:210])...)
	got := w.deletes()
	if diff := cmp.Diff(deliver.Result{Deleted: map[string]int{reading: 210}}, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if n := w.sim.Len("issue"); n != 20 {
		t.Errorf("Port has %d, want 20", n)
	}
	if n := w.sim.Count("POST", "/bulk/entities/delete"); n != 3 {
		t.Errorf("%d bulk deletes, want 3", n)
	}
	w.sim.Forget()
	if w.deletes(); w.sim.Count("POST", "") != 0 {
		t.Error("what was deleted was looked at again")
	}
}

func TestWhatMayNotBeDeletedStays(t *testing.T) {
	w := newWorld(t)
	find := `{"combinator":"and","rules":[{"operator":"=","property":"note","value":"n"}]}`
	for _, id := range []string{"enriched", "searched", "taken-over"} {
		w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: id, Properties: map[string]any{"note": id[:1]}}, foreign)
	}
	w.sim.Remove("issue", "taken-over")
	find = strings.Replace(find, `"n"`, `"s"`, 1)
	w.claim(thing{id: "enriched", title: "e"}, thing{id: find, search: true, title: "s"}, thing{id: "taken-over"}, thing{id: "ours"}, thing{id: "never"})
	w.upserts()
	w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "taken-over"}, foreign) // another exporter wrote it since
	w.sim.Remove("issue", "never")
	w.drop("issue", "enriched", find, "taken-over", "ours", "never")
	got := w.deletes()
	if diff := cmp.Diff(map[string]int{reading: 1}, got.Deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if got := w.issues(); got != "enriched searched taken-over" {
		t.Errorf("in Port: %s", got)
	}
	if list, err := w.store.Unwanted(t.Context(), 0, 10); err != nil || len(list) != 0 {
		t.Errorf("Unwanted = %v, %v, want all of them forgotten", list, err)
	}
}

// An entity that Port made as the target of a relation is ours, although it was there when it
// was sent.
func TestStubsOfOurRelationsAreDeleted(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "child", parent: "parent"}, thing{id: "parent", links: []string{"child"}})
	w.upserts()
	w.claim(thing{id: "child"})
	w.drop("issue", "parent")
	w.upserts()
	if w.deletes(); w.issues() != "child" {
		t.Errorf("in Port: %s, want child alone", w.issues())
	}
}

// A process that is killed after Port took an entity leaves it undelivered in its store.
func TestEntitiesWhoseDeliveryWasNeverRecorded(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "A"})
	w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "A"}, agent)
	w.drop("issue", "A")
	if w.deletes(); w.issues() != "" {
		t.Errorf("in Port: %s, want nothing", w.issues())
	}
}

func TestTheBrake(t *testing.T) {
	const look = ": look at them, then run `ferry sync --accept-deletions`, or raise the threshold"
	tests := []struct {
		name      string
		threshold float64
		accept    bool
		all, gone int
		want      string // the decision, "" when they go
	}{
		{"few never count", 0.1, false, 9, 9, ""},
		{"at the threshold", 0.5, false, 20, 10, ""},
		{"above it", 0.5, false, 20, 11, "11 of 20 entities would be deleted, more than entityDeletionThreshold (0.5) allows" + look},
		{"accepted", 0.5, true, 20, 20, ""},
		{"zero forbids all", 0, false, 20, 1, "1 of 20 entities would be deleted, and entityDeletionThreshold (0) forbids every deletion" + look},
		{"zero and accepted", 0, true, 20, 1, ""},
		{"nothing to delete", 0, false, 20, 0, ""},
		{"one allows all", 1, false, 20, 20, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.config.Threshold, w.config.AcceptDeletions = test.threshold, test.accept
			things := numbered(test.all)
			w.claim(things...)
			w.upserts()
			w.drop("issue", idsOf(things[:test.gone])...)
			got := w.deletes()
			want := deliver.Result{Deleted: map[string]int{}, Waiting: test.gone}
			left := test.all
			if test.want == "" {
				want.Waiting = 0
				left -= test.gone
				if test.gone > 0 {
					want.Deleted[reading] = test.gone
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if n := w.sim.Len("issue"); n != left {
				t.Errorf("Port has %d, want %d", n, left)
			}
			if got := w.reasons()["deletions"]; got != test.want {
				t.Errorf("decision %q, want %q", got, test.want)
			}
		})
	}
}

func TestProtectedBlueprintsAreLeft(t *testing.T) {
	w := newWorld(t)
	w.config.AcceptDeletions = true
	w.config.Protected = func(blueprint string) string {
		if blueprint == "project" {
			return "resource 2 (project) is set aside: mend it"
		}
		return ""
	}
	w.claim(thing{id: "A"}, thing{blueprint: "project", id: "P"}, thing{blueprint: "project", id: "Q"})
	w.upserts()
	w.drop("issue", "A")
	w.drop("project", "P", "Q")
	got := w.deletes()
	if w.issues() != "" || w.sim.Len("project") != 2 || got.Waiting != 0 {
		t.Errorf("issues %q, %d projects, %+v: want the projects left", w.issues(), w.sim.Len("project"), got)
	}
	want := map[string]string{"deletions of project": "2 entities that are no longer wanted stay in Port: resource 2 (project) is set aside: mend it"}
	if diff := cmp.Diff(want, w.reasons()); diff != "" {
		t.Errorf("set aside (-want +got):\n%s", diff)
	}
}

func TestWhatACascadeTookIsDeliveredAgain(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "parent"}, thing{id: "child", parent: "parent", title: "c"}, thing{id: "grandchild", parent: "child", title: "g"})
	w.upserts()
	w.drop("issue", "parent")
	got := w.deletes()
	if got.Deleted[reading] != 1 || got.Created+got.Updated != 2 {
		t.Errorf("%+v, want 1 deleted and 2 delivered again", got)
	}
	for _, id := range []string{"child", "grandchild"} {
		if e, there := w.sim.Entity("issue", id); !there || e.Title != id[:1] {
			t.Errorf("%s = %v, %v", id, e, there)
		}
	}
}

// The answer to a delete is lost and the process is killed: the next one must notice that the
// cascade took what is still wanted.
func TestCascadeOfADeleteWhoseAnswerWasLost(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "parent"}, thing{id: "child", parent: "parent"})
	w.upserts()
	w.drop("issue", "parent")
	w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/delete"), Status: 503, Late: true})
	if _, err := w.deliverer().Deletes(t.Context()); !errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("Deletes: %v, want %v", err, port.ErrUnavailable)
	}
	if w.issues() != "" {
		t.Fatalf("in Port: %s, want nothing", w.issues())
	}
	w.sim.Heal()
	w.beginRun()
	w.claim(thing{id: "child"})
	w.upserts()
	if w.deletes(); w.issues() != "child" {
		t.Errorf("in Port: %q, want child", w.issues())
	}
}

// Port has an earlier version of what it refused, with earlier relations.
func TestCascadeThroughAnEntityThatPortRefused(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "target"}, thing{id: "middle", parent: "target"})
	w.upserts()
	w.claim(thing{id: "middle", props: map[string]any{"rank": "no number"}}, thing{id: "end", parent: "middle", title: "e"})
	w.upserts()
	w.drop("issue", "target")
	w.deletes()
	if e, _ := w.sim.Entity("issue", "end"); e.Title != "e" {
		t.Errorf("in Port: %s, want end whole", w.issues())
	}
	if len(w.reasons()) != 1 {
		t.Errorf("set aside: %v, want middle", w.reasons())
	}
}

// What is marked as taken along may still be in Port: the mark is by what it relates to now, and
// Port has an earlier version of it.
func TestCascadeThroughAnEntityThatWasMarkedForNothing(t *testing.T) {
	w := newWorld(t)
	w.config.CreateMissing = false
	w.claim(thing{id: "target"}, thing{id: "other"}, thing{id: "middle", parent: "target"})
	w.upserts()
	w.claim(thing{id: "middle", parent: "other", props: map[string]any{"rank": "no number"}})
	w.upserts()
	w.drop("issue", "other")
	w.deletes() // which marks middle
	w.claim(thing{id: "middle", props: map[string]any{"rank": "no number"}}, thing{id: "end", parent: "middle"})
	w.upserts()
	w.drop("issue", "target")
	w.deletes() // which takes middle and end
	if r := w.reasons()["issue end"]; w.issues() != "" || !strings.Contains(r, "middle") {
		t.Errorf("in Port: %q, set aside: %v, want nothing, and end for lack of middle", w.issues(), w.reasons())
	}
}

func TestDeletesWithoutDependents(t *testing.T) {
	w := newWorld(t)
	w.config.DeleteDependents = false
	things := append(chain(12), thing{id: "held"}, thing{id: "stays", parent: "held"}, thing{blueprint: "project", id: "P"}, thing{id: "Z", project: "P"})
	w.claim(things...)
	w.upserts()
	w.drop("project", "P")
	w.drop("issue", append(idsOf(things[:13]), "Z")...)
	got := w.deletes()
	if w.issues() != "held stays" || w.sim.Len("project") != 0 || got.Deleted[reading] != 14 || got.Refused != 1 {
		t.Errorf("in Port: %s and %d projects, %+v", w.issues(), w.sim.Len("project"), got)
	}
	if r := w.reasons()["issue held"]; !strings.Contains(r, `"stays"`) || !strings.HasSuffix(r, "delete what relates to it, or set deleteDependentEntities") {
		t.Errorf("reason %q", r)
	}
	w.drop("issue", "stays")
	if w.deletes(); w.issues() != "" || len(w.reasons()) != 0 {
		t.Errorf("after stays went: in Port %s, set aside %v", w.issues(), w.reasons())
	}
}

func TestABlueprintThatIsGoneTakesItsEntitiesAlong(t *testing.T) {
	w := newWorld(t)
	w.claim(numbered(3)...)
	w.upserts()
	gone := roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/blueprints/issue") {
			return &http.Response{StatusCode: 404, Header: http.Header{}, Request: r,
				Body: io.NopCloser(strings.NewReader(`{"ok":false,"error":"not_found","message":"no blueprint"}`))}, nil
		}
		return w.sim.Transport().RoundTrip(r)
	})
	w.client = newClient(t, gone)
	w.drop("issue", idsOf(numbered(3))...)
	if got := w.deletes(); len(got.Deleted) != 0 {
		t.Errorf("%+v, want nothing counted as deleted", got)
	}
	if list, err := w.store.Unwanted(t.Context(), 0, 10); err != nil || len(list) != 0 {
		t.Errorf("Unwanted = %v, %v, want none", list, err)
	}
}

// What Jira brings back while Port is asked who owns it is not deleted.
func TestWantedAgainInTheLastMoment(t *testing.T) {
	w := newWorld(t)
	next := w.sim.Transport()
	w.claim(thing{id: "A"}, thing{id: "B"})
	w.upserts()
	w.drop("issue", "A", "B")
	w.client = newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/search") {
			w.claim(thing{id: "A", title: "back"})
		}
		return next.RoundTrip(r)
	}))
	w.deletes()
	if e, _ := w.sim.Entity("issue", "A"); w.issues() != "A" || e.Title != "back" {
		t.Errorf("in Port: %s, A = %v", w.issues(), e)
	}
}

func TestDeletesEndWithTheRun(t *testing.T) {
	for _, part := range []string{"/entities/search", "/bulk/entities/delete"} {
		w := newWorld(t)
		w.claim(numbered(5)...)
		w.upserts()
		w.drop("issue", idsOf(numbered(5))...)
		w.sim.Inject(portsim.Fault{Match: portsim.On("POST", part), Status: 403})
		if _, err := w.deliverer().Deletes(t.Context()); !errors.Is(err, port.ErrForbidden) {
			t.Errorf("%s: %v, want %v", part, err, port.ErrForbidden)
		}
		w.sim.Heal()
		if w.deletes(); w.issues() != "" {
			t.Errorf("%s: after it healed Port has %s", part, w.issues())
		}
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	for i := range 15 {
		w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: fmt.Sprintf("old-%02d", i)}, strings.Replace(agent, "0.7.99", "0.1.0", 1))
	}
	w.sim.Put(portsim.Entity{Blueprint: "project", Identifier: "P"}, agent)
	w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "theirs"}, foreign)
	w.claim(thing{id: "old-00"}, thing{id: "old-01"}, thing{id: "new"})
	w.upserts()

	got, err := deliver.Audit(t.Context(), w.store, w.client, time.Now().Add(time.Hour))
	w.must(err)
	if len(got.Names) != 10 || got.Count != 14 || got.ByBlueprint["issue"] != 13 || got.ByBlueprint["project"] != 1 {
		t.Errorf("Audit = %+v, want 13 issues, 1 project and 10 names", got)
	}
	if slices.Contains(got.Names, "issue theirs") {
		t.Errorf("Audit names what is not ours: %v", got.Names)
	}

	// What a lost store had made is ours, and goes when it is no longer wanted.
	w.drop("issue", "old-00", "new")
	if w.deletes(); w.sim.Len("issue") != 15 {
		t.Errorf("Port has %d issues, want 15", w.sim.Len("issue"))
	}

	w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "datasource-entities"), Status: 403})
	if _, err := deliver.Audit(t.Context(), w.store, w.client, time.Time{}); !errors.Is(err, port.ErrForbidden) {
		t.Errorf("Audit: %v, want %v", err, port.ErrForbidden)
	}
}
