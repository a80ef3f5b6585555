package catalog

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestInbox(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB) Config) {
		for name, test := range map[string]func(*testing.T, *Store){
			"hints before a mapping wait for it":         testUnplaced,
			"hints go to all readings of their kind":     testPlaced,
			"hints move with the mapping":                testMoved,
			"what two hints expect is expected together": testExpect,
			"when it was told is when first":             testTold,
			"a hint outlasts the read that it met":       testHintDuringRead,
			"those who receive at once share commits":    testReceiveTogether,
			"whoever reads is woken":                     testArrived,
			"deliveries are remembered, the last of all": testHeard,
			"moments are kept, and forgotten":            testMoment,
			"the mapping is kept":                        testMapping,
		} {
			t.Run(name, func(t *testing.T) { test(t, openAt(t, place(t))) })
		}
	})
}

func hear(t testing.TB, in *Inbox, hints ...Hint) {
	t.Helper()
	if err := in.Receive(t.Context(), time.Now(), hints); err != nil {
		t.Error(err)
	}
}

// dirtyIDs are the items of readings that are to be read, as reading/parent/id.
func dirtyIDs(t *testing.T, s *Store) []string {
	t.Helper()
	var list []string
	for k := range dumpOf(t, s).Dirty {
		list = append(list, k.reading+"/"+k.parent+"/"+k.id)
	}
	slices.Sort(list)
	return list
}

func expectDirty(t *testing.T, s *Store, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, dirtyIDs(t, s)); diff != "" {
		t.Errorf("dirty (-want +got):\n%s", diff)
	}
}

func asked(names ...string) (list []AskedReading) {
	for _, name := range names {
		list = append(list, AskedReading{Name: name, Kind: "issue"})
	}
	return list
}

func testUnplaced(t *testing.T, s *Store) {
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1"}, Hint{Kind: "sprint", Parent: "board 7", ID: "2"}, Hint{Kind: "user", ID: "3"})
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1", Expect: 5})
	expectDirty(t, s) // no reading has them yet
	must(t, s.SetReadings(t.Context(), []AskedReading{{"issue", "issue"}, {"all sprints", "sprint"}}))
	expectDirty(t, s, "all sprints/board 7/2", "issue//1") // a user is no business of this mapping's
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].Priority != Live || rows[0].Expect != 5 || rows[0].Told == 0 {
		t.Errorf("Take = %+v, want one live row that expects 5", rows)
	}
	if n := ask[int](t, s, `SELECT COUNT(*) FROM dirty`); n != 2 {
		t.Errorf("%d rows, want 2: what was placed is where it was placed alone", n)
	}
}

func testPlaced(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue", "issue expand=names")))
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1"}, Hint{Kind: "sprint", ID: "2"})
	expectDirty(t, s, "issue expand=names//1", "issue//1")
	if n := ask[int](t, s, `SELECT COUNT(*) FROM dirty`); n != 2 {
		t.Errorf("%d rows, want 2: the mapping has no sprints", n)
	}
}

func testMoved(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue")))
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1", Expect: ExpectGone})
	must(t, s.Listed(t.Context(), Listing{Run: 1, Reading: "issue"}, []string{"2"}))
	must(t, s.SetReadings(t.Context(), asked("issue expand=names")))
	expectDirty(t, s, "issue expand=names//1", "issue//2") // what a run listed is the run's
	rows, err := s.Take(t.Context(), "issue expand=names", "", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].Expect != ExpectGone {
		t.Errorf("Take = %+v, want one row that expects it gone", rows)
	}
	must(t, s.SetReadings(t.Context(), nil)) // a mapping with nothing in it
	expectDirty(t, s, "issue//2")
}

func testExpect(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue")))
	both := func(a, b int64) int64 {
		hear(t, s.Inbox(), Hint{Kind: "issue", ID: "together", Expect: a}, Hint{Kind: "issue", ID: "together", Expect: b})
		hear(t, s.Inbox(), Hint{Kind: "issue", ID: "apart", Expect: a})
		hear(t, s.Inbox(), Hint{Kind: "issue", ID: "apart", Expect: b})
		rows, err := s.Take(t.Context(), "issue", "", 10)
		must(t, err)
		must(t, s.Done(t.Context(), rows))
		if len(rows) != 2 || rows[0].Expect != rows[1].Expect {
			t.Fatalf("%d and %d: Take = %+v, want two rows alike", a, b, rows)
		}
		return rows[0].Expect
	}
	for _, test := range []struct{ a, b, want int64 }{
		{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 7, 7}, {7, 5, 7},
		{ExpectGone, 5, ExpectGone}, {5, ExpectGone, ExpectGone}, {ExpectGone, 0, ExpectGone},
	} {
		if got := both(test.a, test.b); got != test.want {
			t.Errorf("%d and %d expect %d together, want %d", test.a, test.b, got, test.want)
		}
	}
}

func testTold(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue")))
	first := time.UnixMilli(1_700_000_000_000)
	must(t, s.Listed(t.Context(), Listing{Run: 1, Reading: "issue"}, []string{"1"}))
	for _, at := range []time.Time{first, first.Add(time.Hour)} {
		must(t, s.Inbox().Receive(t.Context(), at, []Hint{{Kind: "issue", ID: "1"}}))
	}
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].Told != first.UnixMilli() || rows[0].Priority != Live || rows[0].Hints != 3 {
		t.Errorf("Take = %+v, want one live row with 3 hints, told of at %d", rows, first.UnixMilli())
	}
}

func testHintDuringRead(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue")))
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1"})
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	b := Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{making("1", "e")}, Taken: rows}
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1"})
	_, err = s.Apply(t.Context(), b)
	must(t, err)
	expectDirty(t, s, "issue//1")
	rows, err = s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	b = Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{making("1", "e")}, Taken: rows}
	_, err = s.Apply(t.Context(), b)
	must(t, err)
	expectDirty(t, s)
}

// receiver is what the inbox of s writes with.
func receiver(s *Store) *writer {
	if d, ok := s.opened.(*Database); ok {
		switch e := d.engine.(type) {
		case *file:
			return e.writer
		case *postgres:
			return e.receiver
		}
	}
	panic("unreachable: openAt opens the database with the store")
}

func testReceiveTogether(t *testing.T, s *Store) {
	must(t, s.SetReadings(t.Context(), asked("issue")))
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "first"}) // connects
	w := receiver(s)
	w.turns.leading <- struct{}{}
	commits := w.count()
	var all sync.WaitGroup
	receive := func(i int) {
		all.Go(func() { hear(t, s.Inbox(), Hint{Kind: "issue", ID: fmt.Sprint(i)}, Hint{Kind: "issue", ID: "same"}) })
	}
	receive(0) // waits for the writer
	awaitWaiting(w.turns, 1)
	for i := range 19 {
		receive(1 + i) // wait for that one
	}
	awaitWaiting(s.inbox.arrivals, 19)
	<-w.turns.leading
	all.Wait()
	if *commits > 2 {
		t.Errorf("20 receivers took %d commits, want 2", *commits)
	}
	if n := len(dirtyIDs(t, s)); n != 22 {
		t.Errorf("%d items are dirty, want 22", n)
	}
}

// awaitWaiting returns when n wait for their turn.
func awaitWaiting[T any](q *turns[T], n int) {
	for waiting := -1; waiting != n; runtime.Gosched() {
		q.mu.Lock()
		waiting = len(q.waiting)
		q.mu.Unlock()
	}
}

func testArrived(t *testing.T, s *Store) {
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: "1"})
	<-s.Inbox().Arrived()
}

func testHeard(t *testing.T, s *Store) {
	at := time.UnixMilli(1_700_000_000_000)
	var list []Heard
	for i := range heardKept + 10 {
		list = append(list, Heard{At: at.Add(time.Duration(i) * time.Millisecond), Identifier: fmt.Sprint(i), Event: "jira:issue_updated", Touched: 1, Answer: 200})
	}
	must(t, s.Inbox().Remember(t.Context(), "a", list[:heardKept]))
	must(t, s.Inbox().Remember(t.Context(), "b", list[heardKept:]))
	must(t, s.Inbox().Remember(t.Context(), "b", list[heardKept:])) // an answer that was lost
	got, err := s.Heard(t.Context(), 2*heardKept)
	must(t, err)
	want := slices.Clone(list[10:])
	slices.Reverse(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%.2000s", diff)
	}
	last := Heard{At: at.Add(time.Hour), Answer: 401, Reason: "no signature"}
	must(t, s.Inbox().Remember(t.Context(), "a", []Heard{last}))
	if got, err := s.Heard(t.Context(), 1); err != nil || len(got) != 1 || got[0] != last {
		t.Errorf("Heard = %+v, %v, want %+v", got, err, last)
	}
	must(t, s.Inbox().Remember(t.Context(), "c", slices.Repeat(list, 2)))
	if n := ask[int](t, s, `SELECT COUNT(*) FROM delivery`); n > 2*heardKept {
		t.Errorf("%d deliveries are kept, want the newest %d and what was heard with them", n, heardKept)
	}
}

func testMoment(t *testing.T, s *Store) {
	at := time.UnixMilli(1_700_000_000_123)
	expect := func(want time.Time) {
		t.Helper()
		if got, err := s.Moment(t.Context(), "next run"); err != nil || !got.Equal(want) {
			t.Errorf("Moment = %v, %v, want %v", got, err, want)
		}
	}
	expect(time.Time{})
	must(t, s.SetMoment(t.Context(), "next run", at.Add(time.Microsecond)))
	must(t, s.SetMoment(t.Context(), "another", at.Add(time.Hour)))
	expect(at)
	must(t, s.Inbox().SetMoment(t.Context(), "next run", at.Add(time.Second)))
	expect(at.Add(time.Second))
	must(t, s.SetMoment(t.Context(), "next run", time.Time{}))
	expect(time.Time{})
}

func testMapping(t *testing.T, s *Store) {
	if text, err := s.Mapping(t.Context()); err != nil || len(text) > 0 {
		t.Errorf("Mapping of an empty store = %q, %v", text, err)
	}
	want := "resources: []\n# \x00 \xff"
	must(t, s.SetMapping(t.Context(), []byte("earlier")))
	must(t, s.SetMapping(t.Context(), []byte(want)))
	if text, err := s.Mapping(t.Context()); err != nil || string(text) != want {
		t.Errorf("Mapping = %q, %v, want %q", text, err, want)
	}
}

// An inbox is there before anybody leads, and whoever leads finds what was put into it.
func TestHintsAreReceivedBeforeAnybodyLeads(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB) Config) {
		d := connect(t, place(t))
		must(t, d.Ready(t.Context()))
		hear(t, d.Inbox(), Hint{Kind: "issue", ID: "1"})
		for range 2 {
			s := lead(t, d)
			must(t, s.SetReadings(t.Context(), asked("issue")))
			expectDirty(t, s, "issue//1")
			if s.Inbox() != d.Inbox() {
				t.Error("the store has another inbox than its database")
			}
			must(t, s.Close())
			if err := s.Touch(t.Context(), "issue", "", []string{"2"}); err == nil {
				t.Error("a store that was closed has written")
			}
		}
	})
}

// While the mapping changes, no hint ends up where nobody looks for it.
func TestNoHintIsLostToAMappingThatChanges(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB) Config) {
		config := place(t)
		here := connect(t, config)
		there := here
		if config.URL != "" {
			there = connect(t, config)
		}
		s := lead(t, here)
		choices := rand.New(rand.NewPCG(7, 7))
		names := []string{"issue", "issue a", "issue b"}
		received := map[string]bool{}
		var mu sync.Mutex
		var receivers sync.WaitGroup
		for i, in := range []*Inbox{here.Inbox(), there.Inbox(), there.Inbox()} {
			receivers.Go(func() {
				for n := range 60 {
					id := fmt.Sprint(i, "-", n)
					hear(t, in, Hint{Kind: "issue", ID: id})
					mu.Lock()
					received[id] = true
					mu.Unlock()
				}
			})
		}
		last := ""
		for range 25 {
			last = names[choices.IntN(len(names))]
			must(t, s.SetReadings(t.Context(), asked(last)))
		}
		receivers.Wait()
		got := map[string]bool{}
		for k := range dumpOf(t, s).Dirty {
			if k.reading != last {
				t.Errorf("%s is left under %q, which is not asked", k.id, k.reading)
			}
			got[k.id] = true
		}
		if !maps.Equal(received, got) {
			t.Errorf("%d hints were received and %d items are dirty", len(received), len(got))
		}
	})
}
