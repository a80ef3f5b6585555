package deliver_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/deliver"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// put makes an entity of blueprint issue in Port, as the datasource would have.
func (w *world) put(datasource string, ids ...string) {
	for _, id := range ids {
		w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: id, Title: "before"}, datasource)
	}
}

// asked counts the searches, the counts and the pages that Port was asked for since the last Forget.
func (w *world) asked() string {
	return fmt.Sprintf("%d searches, %d counts, %d pages", w.sim.Count("POST", "/entities/search"),
		w.sim.Count("GET", "/entities-count"), w.sim.Count("POST", "/datasource-entities"))
}

// made is how many of the wanted entities the catalogue says this run created, and updated.
func (w *world) made() string {
	w.t.Helper()
	counts, err := w.store.Counts(w.t.Context(), w.run)
	w.must(err)
	return fmt.Sprintf("%d created, %d updated", counts[reading].Made, counts[reading].Sent)
}

// silent is a Port that does not answer the questions of a survey.
func silent(w *world) {
	w.sim.Inject(portsim.Fault{Match: portsim.On("GET", "/entities-count"), Status: 404, Body: `{"ok":false,"error":"not_found","message":"Route not found"}`})
}

// Whatever is known in advance, an entity that others made outlives every claim of ours, and all
// that only we made goes with its last claim.
func TestWhatOthersMadeStays(t *testing.T) {
	ways := map[string]func(*world){
		"look-ups":            func(*world) {},
		"survey":              func(w *world) { w.config.First = true },
		"survey not answered": func(w *world) { w.config.First = true; silent(w) },
		"listing forbidden": func(w *world) {
			w.config.First = true
			w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/datasource-entities"), Status: 403})
		},
	}
	tests := []struct {
		name   string
		things []thing
		before func(*world)
		stays  string
	}{
		{"nothing before", []thing{{id: "A"}}, func(*world) {}, ""},
		{"others made it", []thing{{id: "A"}, {id: "B"}}, func(w *world) { w.put(foreign, "A") }, "A"},
		{"others made it, and ours relates to it", []thing{{id: "B", parent: "A"}, {id: "A"}}, func(w *world) { w.put(foreign, "A") }, "A"},
		{"a person made it", []thing{{id: "A"}}, func(w *world) { w.put("", "A") }, "A"},
		{"another of our kind made it", []thing{{id: "A"}}, func(w *world) { w.put(strings.Replace(agent, "my-jira", "other", 1), "A") }, "A"},
		{"a stub of our relation", []thing{{id: "B", parent: "A"}, {id: "A"}}, func(*world) {}, ""},
		{"a cycle of stubs", []thing{{id: "A", links: []string{"B", "C"}}, {id: "B", parent: "A"}, {id: "C", parent: "A"}}, func(*world) {}, ""},
		{"a lost store had made it", []thing{{id: "A"}, {id: "B"}}, func(w *world) { w.put(agent, "A") }, ""},
		{"a lost store and others", []thing{{id: "A"}, {id: "B"}, {id: "C", parent: "B"}}, func(w *world) { w.put(agent, "A"); w.put(foreign, "B") }, "B"},
		{"the answer is lost", []thing{{id: "A"}, {id: "B"}}, func(w *world) {
			w.put(foreign, "A")
			w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Times: 2, Late: true})
		}, "A"},
	}
	for way, prepare := range ways {
		for _, test := range tests {
			t.Run(way+"/"+test.name, func(t *testing.T) {
				w := newWorld(t)
				test.before(w)
				prepare(w)
				// Twice, because after the first time Port names us as the source.
				for range 2 {
					w.claim(test.things...)
					w.upserts()
					if n := w.undelivered(); n != 0 {
						t.Errorf("%d undelivered", n)
					}
					w.drop("issue", idsOf(test.things)...)
					w.deletes()
					if got := w.issues(); got != test.stays {
						t.Errorf("in Port: %q, want %q", got, test.stays)
					}
				}
			})
		}
	}
}

// A process is killed after Port took everything and before any of it was recorded.
func TestKilledBeforeTheAnswer(t *testing.T) {
	for _, first := range []bool{true, false} {
		w := newWorld(t)
		w.put(foreign, "A")
		w.config.First = first
		w.claim(thing{id: "A", title: "a"}, thing{id: "B", title: "b"})
		w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Late: true})
		if _, err := w.deliverer().Upserts(t.Context(), closed); !errors.Is(err, port.ErrUnavailable) {
			t.Fatalf("Upserts: %v, want %v", err, port.ErrUnavailable)
		}
		if e, _ := w.sim.Entity("issue", "A"); e.Datasource != agent || w.undelivered() != 2 {
			t.Fatalf("A is of %s, %d undelivered, want Port to have both, unrecorded", e.Datasource, w.undelivered())
		}
		w.sim.Heal()
		w.beginRun()
		w.upserts()
		w.drop("issue", "A", "B")
		if w.deletes(); w.issues() != "A" {
			t.Errorf("first %v: in Port: %q, want A, which others made", first, w.issues())
		}
	}
}

// What the settling costs.
func TestQuestionsBeforeSending(t *testing.T) {
	tests := []struct {
		name   string
		first  bool
		before func(*world)
		n      int
		want   string
	}{
		{"an empty Port", true, func(*world) {}, 300, "0 searches, 2 counts, 1 pages"},
		{"a Port that a lost store filled", true, func(w *world) { w.put(agent, idsOf(numbered(300))...) }, 300, "0 searches, 2 counts, 1 pages"},
		{"others are there too", true, func(w *world) { w.put(foreign, "X") }, 60, "3 searches, 2 counts, 1 pages"},
		{"others have what we send", true, func(w *world) { w.put(foreign, "I-000") }, 60, "4 searches, 2 counts, 1 pages"},
		{"few after the first run", false, func(*world) {}, 100, "5 searches, 0 counts, 0 pages"},
		{"many after the first run", false, func(*world) {}, 300, "5 searches, 2 counts, 1 pages"},
		{"many, and others are there", false, func(w *world) { w.put(foreign, "X") }, 300, "15 searches, 2 counts, 1 pages"},
		{"the survey is not answered", true, silent, 60, "3 searches, 2 counts, 1 pages"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.before(w)
			w.config.First = test.first
			w.claim(numbered(test.n)...)
			w.upserts()
			if got := w.asked(); got != test.want {
				t.Errorf("first run: %s, want %s", got, test.want)
			}
			w.beginRun()
			w.sim.Forget()
			w.claim(thing{id: "I-001", title: "changed"})
			if w.upserts(); w.asked() != "0 searches, 0 counts, 0 pages" {
				t.Errorf("second run: %s, want no question about what is known", w.asked())
			}
		})
	}
}

// A first sync creates whatever Port did not have, also what Port made as a stub on the way.
func TestWhatCountsAsCreated(t *testing.T) {
	related := append(chain(60), thing{id: "Z", project: "P", links: []string{"I-000", "I-059"}}, thing{blueprint: "project", id: "P"})
	lost := func(w *world) { w.put(agent, idsOf(numbered(10))...) }
	theirs := func(w *world) { w.put(foreign, idsOf(numbered(10))...) }
	answers := func(w *world) {
		w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Probability: 0.15, Seed: 7, Late: true})
	}
	tests := []struct {
		name   string
		first  bool
		before func(*world)
		want   string
	}{
		{"empty", true, func(*world) {}, "62 created, 0 updated"},
		{"empty, answers are lost", true, answers, "62 created, 0 updated"},
		{"a lost store", true, lost, "52 created, 10 updated"},
		{"others", true, theirs, "52 created, 10 updated"},
		{"others, answers are lost", true, func(w *world) { theirs(w); answers(w) }, "52 created, 10 updated"},
	}
	for _, test := range tests {
		for _, missing := range []bool{true, false} {
			t.Run(fmt.Sprint(test.name, " ", missing), func(t *testing.T) {
				w := newWorld(t)
				test.before(w)
				w.config.First, w.config.CreateMissing = test.first, missing
				w.claim(related...)
				got := w.upserts()
				if w.made() != test.want || fmt.Sprintf("%d created, %d updated", got.Created, got.Updated) != test.want {
					t.Errorf("%s, result %+v, want %s", w.made(), got, test.want)
				}
			})
		}
	}
}

// Between the listing and the count, and between look-up and sending, Port goes on.
func TestSurveyWhileOursGrow(t *testing.T) {
	w := newWorld(t)
	w.config.First = true
	w.put(agent, "old")
	w.put(foreign, "A")
	next := w.sim.Transport()
	w.client = newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if strings.HasSuffix(r.URL.Path, "/datasource-entities") || strings.HasSuffix(r.URL.Path, "/entities-count") {
			w.put(agent, "late "+r.URL.Path) // sent by a process that was killed, and carried out now
		}
		return answer, err
	}))
	w.claim(thing{id: "A"})
	w.upserts()
	w.drop("issue", "A")
	w.deletes()
	if _, there := w.sim.Entity("issue", "A"); !there {
		t.Error("A was deleted, which others made")
	}
}

// What is deleted between the listing and the count would make room for what others have.
func TestNoSurveyOnceDeletionsBegan(t *testing.T) {
	w := newWorld(t)
	w.claim(numbered(3)...)
	w.upserts()
	w.beginRun()
	w.config.First = true // the project's survey lists what Port holds, three issues among it
	w.claim(thing{blueprint: "project", id: "P"})
	next := w.sim.Transport()
	var once sync.Once
	w.client = newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/delete") {
			once.Do(func() {
				w.put(foreign, "A", "B", "C")
				w.claim(thing{id: "A"})
			})
		}
		return next.RoundTrip(r)
	}))
	d := w.deliverer()
	_, err := d.Upserts(t.Context(), closed)
	w.must(err)
	w.drop("issue", idsOf(numbered(3))...)
	_, err = d.Deletes(t.Context())
	w.must(err)
	w.drop("issue", "A")
	if w.deletes(); w.issues() != "A B C" {
		t.Errorf("in Port: %q, want what others made", w.issues())
	}
}

// Nothing is sent of which it could not be asked who made it.
func TestALookUpThatFailsEndsTheRun(t *testing.T) {
	w := newWorld(t)
	w.put(foreign, "I-000")
	w.claim(numbered(5)...)
	for _, status := range []int{403, 503} {
		w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/entities/search"), Status: status})
		if _, err := w.deliverer().Upserts(t.Context(), closed); err == nil {
			t.Errorf("Upserts with %d for the search: nil, want an error", status)
		}
		if n := w.sim.Count("POST", "/entities/bulk"); n != 0 || w.undelivered() != 5 {
			t.Errorf("%d bulks were sent, %d are undelivered, want none and 5", n, w.undelivered())
		}
		w.sim.Heal()
	}
	if got := w.upserts(); got.Created != 4 || got.Updated != 1 {
		t.Errorf("after it healed: %+v, want 4 created and 1 updated", got)
	}
}

// An entity that Port refused at first, and made as a stub then, is created when it is taken.
func TestRefusedThenStubThenTaken(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "A", props: map[string]any{"rank": "no number"}})
	d := w.deliverer()
	_, err := d.Upserts(t.Context(), closed)
	w.must(err)
	w.claim(thing{id: "B", parent: "A"})
	_, err = d.Upserts(t.Context(), closed)
	w.must(err)
	w.claim(thing{id: "A", props: map[string]any{"rank": 1}})
	got, err := d.Upserts(t.Context(), closed)
	w.must(err)
	if diff := cmp.Diff(deliver.Result{Created: 1, Deleted: map[string]int{}}, got); diff != "" || w.made() != "2 created, 0 updated" {
		t.Errorf("%s, result (-want +got):\n%s", w.made(), diff)
	}
	w.drop("issue", "A", "B")
	if w.deletes(); w.issues() != "" {
		t.Errorf("in Port: %q, want nothing", w.issues())
	}
}

// An identifier that Port cannot have is not asked for.
func TestIdentifiersThatPortCannotHave(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", port.MaxBody/4)
	w.claim(thing{id: long}, thing{id: "A"}, thing{id: ""})
	if got := w.upserts(); got.Created != 1 || got.Refused != 2 {
		t.Errorf("%+v, want A created and the others refused", got)
	}
}
