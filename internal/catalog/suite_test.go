package catalog

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestSQLite(t *testing.T) {
	testStore(t, func(t *testing.T) *Store { return openIn(t, t.TempDir()) })
}

// testStore is what every database must do beside being the model's equal.
func testStore(t *testing.T, open func(t *testing.T) *Store) {
	for name, test := range map[string]func(*testing.T, *Store){
		"odd identifiers come back as they were":      testOddIdentifiers,
		"whose an entity is":                          testOrigin,
		"what is in order is not set aside":           testAsides,
		"strays go, and what was set aside stays":     testStrays,
		"a listing that held it makes no suspect":     testSuspects,
		"a run is named and the next knows the last":  testRuns,
		"a wake comes for what is there to be sent":   testWake,
		"a catch-up leaves tombstones where they are": testTombstones,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// apply applies items of the reading "issue", and fails if that fails.
func apply(t *testing.T, s *Store, items ...Item) Applied {
	t.Helper()
	done, err := s.Apply(t.Context(), Batch{Number: s.NextRead(), Run: 1, Reading: "issue", Kind: "issue", Items: items})
	must(t, err)
	return done
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// making is an item of which resource 0 makes one entity of blueprint "b".
func making(id, identifier string, refs ...string) Item {
	return Item{ID: id, Claims: []Claim{{Entities: []Entity{{Blueprint: "b", Identifier: identifier, Body: []byte("{}"), Refs: refs, Keys: "k"}}}}}
}

func toSend(t *testing.T, s *Store) []Pending {
	t.Helper()
	list, err := s.Undelivered(t.Context(), 0, 100)
	must(t, err)
	return list
}

func toDelete(t *testing.T, s *Store) []Pending {
	t.Helper()
	list, err := s.Unwanted(t.Context(), 0, 100)
	must(t, err)
	return list
}

func testOddIdentifiers(t *testing.T, s *Store) {
	odd := []string{"", "007", "7", "1e3", "a b", "a\tb", "ü", "U\u0308", "日本", "'; DROP TABLE item; --", "%_", strings.Repeat("long", 50_000)}
	for _, id := range odd {
		must(t, s.Touch(t.Context(), "issue", id, []string{id}))
		rows, err := s.Take(t.Context(), "issue", id, 10)
		must(t, err)
		if len(rows) != 1 || rows[0].ID != id {
			t.Fatalf("Take of %.40q = %.80v", id, rows)
		}
		_, err = s.Apply(t.Context(), Batch{Number: s.NextRead(), Reading: "issue", Parent: id, Taken: rows,
			Items: []Item{making(id, id, "a\nb", "", id)}})
		must(t, err)
	}
	list := toSend(t, s)
	if len(list) != len(odd) {
		t.Fatalf("%d entities, want %d", len(list), len(odd))
	}
	for i, p := range list {
		if p.Identifier != odd[i] {
			t.Errorf("identifier %.40q came back as %.40q", odd[i], p.Identifier)
		}
	}
	for k, e := range dumpOf(t, s).Entities {
		if k.identifier != "" && !gocmp.Equal(e.Refs, []string{k.identifier}) {
			t.Errorf("refs of %.40q = %.80q, want itself alone", k.identifier, e.Refs)
		}
	}
}

func testOrigin(t *testing.T, s *Store) {
	apply(t, s, making("1", "made"), making("2", "stub"), making("3", "found"), making("4", "gone"), making("5", "part"), making("6", "unsent"))
	pending := map[string]Pending{}
	for _, p := range toSend(t, s) {
		if !p.Unsettled {
			t.Errorf("%s: it is known who made it, before it was sent", p.Identifier)
		}
		pending[p.Identifier] = p
	}
	must(t, s.MarkTheirs(t.Context(), []int64{pending["found"].Entity, pending["gone"].Entity}))
	must(t, s.Delivered(t.Context(), 1, []Delivery{
		{Pending: pending["made"], Created: true}, {Pending: pending["stub"]}, {Pending: pending["found"]},
		{Pending: pending["gone"], Created: true}, // its maker had deleted it
	}))
	must(t, s.DeliveredInPart(t.Context(), 1, []Delivery{{Pending: pending["part"]}}))
	must(t, s.MarkTheirs(t.Context(), []int64{pending["made"].Entity})) // too late
	var all []Item
	for i := range 6 {
		all = append(all, Item{ID: fmt.Sprint(1 + i), Gone: true})
	}
	apply(t, s, all...)
	got := map[string]bool{}
	list := toDelete(t, s)
	for _, p := range list {
		got[p.Identifier] = p.Unsettled
		if p.Theirs != (p.Identifier == "found") {
			t.Errorf("%s: theirs %v", p.Identifier, p.Theirs)
		}
	}
	want := map[string]bool{"made": false, "stub": false, "found": false, "gone": false, "part": false, "unsent": true}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("unwanted, and whether it is open who made them (-want +got):\n%s", diff)
	}
	must(t, s.Removed(t.Context(), list, false))
	if list := toDelete(t, s); len(list) != 0 {
		t.Errorf("unwanted after they were removed: %+v", list)
	}
	// What others made is known to be theirs when it is claimed again.
	apply(t, s, making("3", "found"))
	if list := toSend(t, s); len(list) != 1 || !list[0].Theirs {
		t.Errorf("claimed again: %+v, want found, which is theirs", list)
	}
}

func testAsides(t *testing.T, s *Store) {
	count := func(want int, when string) {
		t.Helper()
		if list, _, err := s.Asides(t.Context(), 10); err != nil || len(list) != want {
			t.Errorf("%s: set aside %v, %v, want %d", when, list, err, want)
		}
	}
	item := making("1", "e")
	item.Faults = []Fault{{1, "no such field"}}
	apply(t, s, item)
	count(1, "after a fault")
	apply(t, s, making("1", "e"))
	count(0, "after a read without")
	p := toSend(t, s)[0]
	must(t, s.Delivered(t.Context(), 1, []Delivery{{Pending: p, Refused: "no"}}))
	count(1, "after Port refused")
	item = making("1", "e")
	item.Claims[0].Entities[0].Body = []byte(`{"a":1}`)
	apply(t, s, item)
	must(t, s.Delivered(t.Context(), 1, []Delivery{{Pending: toSend(t, s)[0]}}))
	count(0, "after Port took the next version")
}

func testStrays(t *testing.T, s *Store) {
	item := making("1", "stays")
	item.Claims = append(item.Claims, Claim{Resource: 1, Entities: making("", "set aside").Claims[0].Entities},
		Claim{Resource: 2, Entities: making("", "goes").Claims[0].Entities})
	apply(t, s, item)
	before := dumpOf(t, s).Items
	must(t, s.DropStrays(t.Context(), 1, []string{"issue", "", "project"}))
	if list := toDelete(t, s); len(list) != 1 || list[0].Identifier != "goes" {
		t.Errorf("unwanted after DropStrays = %v, want the one that goes", list)
	}
	if diff := gocmp.Diff(before, dumpOf(t, s).Items, gocmp.AllowUnexported(itemKey{})); diff != "" {
		t.Errorf("DropStrays changed items, of which Jira said nothing:\n%s", diff)
	}
}

func testSuspects(t *testing.T, s *Store) {
	a, b := Listing{Run: 1, Reading: "issue"}, Listing{Run: 1, Reading: "issue", Bit: 1}
	item := making("1", "e")
	for _, l := range []Listing{a, b} {
		item.Run, item.Listed = l.Run, l.Mask()
		apply(t, s, item)
	}
	late := Batch{Number: s.NextRead(), Run: 2, Reading: "issue"}
	apply(t, s, making("1", "e"))
	item.Run, item.Listed = 2, 1
	late.Items = []Item{item}
	suspects := func(l Listing) int {
		list, err := s.Suspects(t.Context(), l, []int{0}, "", 10)
		must(t, err)
		return len(list)
	}
	if suspects(a) != 0 || suspects(b) != 0 {
		t.Error("an item is a suspect of a listing that held it, for another held it too")
	}
	a.Run = 2
	if suspects(a) != 1 {
		t.Error("an item that the next run has not listed is no suspect")
	}
	if done, err := s.Apply(t.Context(), late); err != nil || done.Refused != 1 {
		t.Errorf("Apply of a late answer = %+v, %v, want it refused", done, err)
	}
	if suspects(a) != 0 {
		t.Error("an item is a suspect of a listing that held it, for the page's answer came late")
	}
}

func testRuns(t *testing.T, s *Store) {
	if _, _, err := s.LastRun(t.Context()); err != ErrNone {
		t.Errorf("LastRun before any = %v, want ErrNone", err)
	}
	first, err := s.BeginRun(t.Context(), "m", "a")
	must(t, err)
	must(t, s.Trust(t.Context(), "a", "m"))
	second, err := s.BeginRun(t.Context(), "m", "a")
	must(t, err)
	if want := (Run{ID: 1, First: true}); first != want {
		t.Errorf("first run = %+v, want %+v", first, want)
	}
	if want := (Run{ID: 2, First: true, Account: "a", Mapping: "m"}); second != want {
		t.Errorf("second run = %+v, want %+v", second, want)
	}
	must(t, s.EndRun(t.Context(), 2, Partial))
	if state, ended, err := s.LastRun(t.Context()); state != Partial || ended == 0 || err != nil {
		t.Errorf("LastRun = %s, %d, %v, want partial, a time", state, ended, err)
	}
	apply(t, s, making("1", "e"))
	must(t, s.Delivered(t.Context(), 2, []Delivery{{Pending: toSend(t, s)[0], Created: true}}))
	if third, err := s.BeginRun(t.Context(), "m", "a"); err != nil || third.First {
		t.Errorf("run after a delivery = %+v, %v, want it not the first", third, err)
	}
}

func testWake(t *testing.T, s *Store) {
	woken := func() bool {
		select {
		case <-s.Changed():
			return true
		default:
			return false
		}
	}
	apply(t, s, making("1", "e"))
	if !woken() {
		t.Error("no wake after an entity was made")
	}
	apply(t, s, making("1", "e"))
	if woken() {
		t.Error("a wake after nothing changed")
	}
}

func testTombstones(t *testing.T, s *Store) {
	early := s.NextRead()
	apply(t, s, Item{ID: "1", Gone: true})
	run, err := s.BeginCatchUp(t.Context(), "m", "a")
	must(t, err)
	must(t, s.EndCatchUp(t.Context(), run.ID, Completed))
	done, err := s.Apply(t.Context(), Batch{Number: early, Reading: "issue", Items: []Item{making("1", "e")}})
	if err != nil || done.Refused != 1 || len(toSend(t, s)) != 0 {
		t.Errorf("Apply of a read begun before the deletion = %+v, %v, want it refused", done, err)
	}
}
