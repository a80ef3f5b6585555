package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestStore(t *testing.T) { onEach(t, testStore) }

// testStore is what every database must do beside being the model's equal.
func testStore(t *testing.T, place func(testing.TB) Config) {
	for name, test := range map[string]func(*testing.T, *Store){
		"every statement is understood":               testStatements,
		"pages follow one another in order":           testPages,
		"odd identifiers come back as they were":      testOddIdentifiers,
		"whose an entity is":                          testOrigin,
		"what is in order is not set aside":           testAsides,
		"resources take their claims along":           testResourcesMove,
		"strays go when all have spoken":              testStrays,
		"a reading goes with what it made":            testDropReading,
		"a store knows whose it is":                   testOwner,
		"what a run listed is listed again":           testRelist,
		"a listing that held it makes no suspect":     testSuspects,
		"a run is named and the next knows the last":  testRuns,
		"a wake comes for what is there to be sent":   testWake,
		"what may have been sent is spoken of":        testUnansweredKeys,
		"a catch-up leaves tombstones where they are": testTombstones,
	} {
		t.Run(name, func(t *testing.T) { test(t, openAt(t, place(t))) })
	}
}

// The database's own order may be a language's. Claims are folded in the order of their items, which
// must not depend on where the database was made.
func testPages(t *testing.T, s *Store) {
	want := []string{"", "10", "9", "A", "B", "Z", "a", "a b", "a-b", "ab", "b", "\u00fc", "\U0001f600"}
	var items []Item
	for _, id := range slices.Backward(want) {
		items = append(items, Item{ID: id, Claims: []Claim{{Entities: []Entity{{Blueprint: "b", Identifier: "shared", Body: []byte(id)}}}}})
	}
	apply(t, s, items...)
	must(t, s.SetResources(t.Context(), []Resource{{"issue", "A"}}))
	must(t, s.SetResources(t.Context(), nil)) // what they claim are strays
	got := []string{""}                       // before which no page begins
	for after, more := "", true; more; {
		page, err := s.Strays(t.Context(), "issue", "", after, 2)
		must(t, err)
		got = append(got, page...)
		if more = len(page) > 0; more {
			after = page[len(page)-1]
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	var bodies []string
	for _, c := range toSend(t, s)[0].Claims {
		bodies = append(bodies, string(c.Body))
	}
	if diff := gocmp.Diff(want, bodies); diff != "" {
		t.Errorf("claims as they are folded (-want +got):\n%s", diff)
	}
}

func testStatements(t *testing.T, s *Store) {
	everything(t, s)
	apply(t, s, making("1", "one", "two"), making("2", "two"))
	_, err := s.UndeliveredLive(t.Context(), 10)
	must(t, err)
	_, err = s.UnwantedLive(t.Context(), 0, 10)
	must(t, err)
	list := toSend(t, s)
	must(t, s.Unanswered(t.Context(), []Delivery{{Pending: list[0], Keys: "k"}}))
	must(t, s.Delivered(t.Context(), 1, []Delivery{{Pending: list[0], Refused: "no"}}))
	_, err = s.Behind(t.Context(), 0, 10)
	must(t, err)
	must(t, s.Taken(t.Context(), list))
	_, err = s.Referred(t.Context(), list)
	must(t, err)
	_, err = s.Searched(t.Context(), "b")
	must(t, err)
	_, err = s.ReadUnder(t.Context(), "mapping")
	must(t, err)
	_, err = s.AsideGroups(t.Context(), 1)
	must(t, err)
	_, err = s.Status(t.Context())
	must(t, err)
	must(t, s.DropOthers(t.Context(), 1, "issue", []int{1}))
}

// apply applies items of the reading "issue", and fails if that fails.
func apply(t *testing.T, s *Store, items ...Item) Applied {
	t.Helper()
	done, err := s.Apply(t.Context(), Batch{Number: s.NextRead(), Run: 1, Reading: "issue", Kind: "issue", Items: items})
	must(t, err)
	return done
}

func must(t testing.TB, err error) {
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

// A process that was killed may have sent what it did not record; what Port refused it has not.
func testUnansweredKeys(t *testing.T, s *Store) {
	says := func(body, keys string) []Pending {
		item := making("1", "one")
		item.Claims[0].Entities[0].Body, item.Claims[0].Entities[0].Keys = []byte(body), keys
		apply(t, s, item)
		return toSend(t, s)
	}
	says("1", "a,b")
	list := says("2", "b,c")
	if list[0].Sent != "a,b" {
		t.Errorf("after a version with a and b that may have been sent: keys %q to speak of, want a,b", list[0].Sent)
	}
	must(t, s.Delivered(t.Context(), 1, []Delivery{{Pending: list[0], Keys: "b,c"}}))
	list = says("3", "wrong")
	must(t, s.Delivered(t.Context(), 1, []Delivery{{Pending: list[0], Refused: "wrong"}}))
	if list = says("4", "b"); list[0].Sent != "b,c" {
		t.Errorf("after a version that was refused: keys %q to speak of, want b,c", list[0].Sent)
	}
}

func testOddIdentifiers(t *testing.T, s *Store) {
	odd := []string{"", "007", "7", "1e3", "a b", "a\tb", "ü", "U\u0308", "日本", "'; DROP TABLE item; --", "%_", "a?b",
		"nul\x00", "\x01", "\x01L", "\xff no UTF-8", strings.Repeat("long", 50_000), strings.Repeat("long", 50_000) + "\x00"}
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

// claimed are the identifiers that resources make of item 1, by the resource's number.
func claimed(t *testing.T, s *Store, want map[int]string) {
	t.Helper()
	got := map[int]string{}
	selectAll(t, s, `SELECT c.resource, e.identifier FROM claim AS c JOIN entity AS e ON e.id = c.entity`, func(scan func(...any) error) error {
		var resource int
		var identifier string
		err := scan(&resource, &identifier)
		got[resource] = identifier
		return err
	})
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("claims by resource (-want +got):\n%s", diff)
	}
}

func threeClaims() Item {
	item := making("1", "a")
	for i, name := range []string{"b", "c"} {
		item.Claims = append(item.Claims, Claim{Resource: i + 1, Entities: making("", name).Claims[0].Entities})
	}
	return item
}

func testResourcesMove(t *testing.T, s *Store) {
	a, b, c := Resource{"issue", "A"}, Resource{"issue", "B"}, Resource{"issue", "C"}
	must(t, s.SetResources(t.Context(), []Resource{a, b, c}))
	apply(t, s, threeClaims())
	claimed(t, s, map[int]string{0: "a", 1: "b", 2: "c"})
	must(t, s.SetResources(t.Context(), []Resource{c, a, b}))
	claimed(t, s, map[int]string{0: "c", 1: "a", 2: "b"})
	must(t, s.SetResources(t.Context(), []Resource{c, {"issue", "A edited"}, b}))
	claimed(t, s, map[int]string{0: "c", -1: "a", 2: "b"})
	must(t, s.SetResources(t.Context(), []Resource{b}))
	claimed(t, s, map[int]string{0: "b", -1: "a", -2: "c"})
	must(t, s.SetResources(t.Context(), []Resource{{"issue", ""}}))
	claimed(t, s, map[int]string{-1: "a", -2: "c", -3: "b"})
	if list := toDelete(t, s); len(list) > 0 {
		t.Errorf("moving resources made %v unwanted", list)
	}
}

func testStrays(t *testing.T, s *Store) {
	must(t, s.SetResources(t.Context(), []Resource{{"issue", "A"}, {"issue", "B"}, {"issue", "C"}}))
	apply(t, s, threeClaims())
	must(t, s.SetResources(t.Context(), []Resource{{"issue", "B"}}))
	if ids, err := s.Strays(t.Context(), "issue", "", "", 10); err != nil || len(ids) != 1 || ids[0] != "1" {
		t.Errorf("Strays = %v, %v, want item 1", ids, err)
	}
	part := making("1", "b")
	apply(t, s, part)
	if list := toDelete(t, s); len(list) > 0 {
		t.Errorf("a read that did not speak for all resources made %v unwanted", list)
	}
	part.Whole = true
	apply(t, s, part)
	if list := toDelete(t, s); len(list) != 2 {
		t.Errorf("unwanted after a whole read = %v, want a and c", list)
	}
	claimed(t, s, map[int]string{0: "b"})
}

func testDropReading(t *testing.T, s *Store) {
	apply(t, s, making("1", "e"))
	must(t, s.Touch(t.Context(), "issue", "", []string{"1", "2"}))
	must(t, s.DropReading(t.Context(), 1, "project"))
	if list := toDelete(t, s); len(list) > 0 {
		t.Errorf("dropping another reading made %v unwanted", list)
	}
	must(t, s.DropReading(t.Context(), 1, "issue"))
	if list := toDelete(t, s); len(list) != 1 || list[0].Identifier != "e" {
		t.Errorf("unwanted = %v, want e", list)
	}
	if d := dumpOf(t, s); len(d.Items)+len(d.Dirty) > 0 {
		t.Errorf("the reading has still %d items and %d dirty rows", len(d.Items), len(d.Dirty))
	}
	claimed(t, s, map[int]string{})
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
	if at, err := s.ReadSince(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("ReadSince before any run = %v, %v, want zero", at, err)
	}
	first, err := s.BeginRun(t.Context(), "m", "a")
	must(t, err)
	second, err := s.BeginRun(t.Context(), "m", "a")
	must(t, err)
	if first != (Run{ID: 1, First: true}) || second != (Run{ID: 2, First: true}) {
		t.Errorf("runs = %+v, %+v, want 1 and 2, both the first to deliver", first, second)
	}
	if at, err := s.ReadSince(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("ReadSince after a run that did not end = %v, %v, want zero", at, err)
	}
	must(t, s.EndRun(t.Context(), 2, Partial))
	if at, err := s.ReadSince(t.Context()); err != nil || time.Since(at) > time.Minute {
		t.Errorf("ReadSince = %v, %v, want the start of the run", at, err)
	}
	apply(t, s, making("1", "e"))
	must(t, s.Delivered(t.Context(), 2, []Delivery{{Pending: toSend(t, s)[0], Created: true}}))
	if third, err := s.BeginRun(t.Context(), "m", "a"); err != nil || third.First {
		t.Errorf("run after a delivery = %+v, %v, want it not the first", third, err)
	}
}

func testOwner(t *testing.T, s *Store) {
	if site, account, err := s.Owner(t.Context()); site != "" || account != "" || err != nil {
		t.Errorf("Owner of an empty store = %q, %q, %v", site, account, err)
	}
	must(t, s.Trust(t.Context(), "https://acme.atlassian.net", "a"))
	if site, account, err := s.Owner(t.Context()); site != "https://acme.atlassian.net" || account != "a" || err != nil {
		t.Errorf("Owner = %q, %q, %v", site, account, err)
	}
}

// testRelist: rows that an earlier run listed and never read are forgotten; this one lists again.
func testRelist(t *testing.T, s *Store) {
	must(t, s.Listed(t.Context(), Listing{Run: 1, Reading: "issue"}, []string{"1"}))
	must(t, s.Touch(t.Context(), "issue", "", []string{"2"}))
	_, err := s.BeginRun(t.Context(), "m", "a")
	must(t, err)
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].ID != "2" {
		t.Errorf("Take = %v, want the row that was not listed", rows)
	}
	must(t, s.Done(t.Context(), rows))
	if due, err := s.NextDue(t.Context(), "issue", ""); err != nil || !due.IsZero() {
		t.Errorf("NextDue after Done = %v, %v, want none", due, err)
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
