package catalog

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestStatus(t *testing.T) {
	testStatus(t, openIn(t, t.TempDir()))
}

// testStatus is for every database: what waits is counted by what waits for it, with the age of
// what was told first, and what was sent or refused does not wait.
func testStatus(t *testing.T, s *Store) {
	expectStatus(t, s, Status{Dirty: map[Priority]Backlog{}})

	told := time.UnixMilli(1_700_000_000_000)
	must(t, s.SetReadings(t.Context(), []AskedReading{{"issue", "issue"}}))
	must(t, s.Inbox().Receive(t.Context(), told.Add(time.Second), []Hint{{Kind: "issue", ID: "2"}}))
	must(t, s.Inbox().Receive(t.Context(), told, []Hint{{Kind: "issue", ID: "1"}}))
	run, err := s.BeginRun(t.Context(), "mapping", "account")
	must(t, err)
	must(t, s.Listed(t.Context(), Listing{Run: run.ID, Reading: "issue"}, []string{"1", "7", "8", "9"}))
	expectStatus(t, s, Status{Dirty: map[Priority]Backlog{Live: {2, told}, Scan: {N: 3}}})

	rows, err := s.Take(t.Context(), "issue", "", 1, Live) // what was told first
	must(t, err)
	_, err = s.Apply(t.Context(), Batch{Number: s.NextRead(), Run: run.ID, Reading: "issue", Kind: "issue", Taken: rows,
		Items: []Item{making("1", "one"), making("2", "two"), making("3", "three")}})
	must(t, err)
	must(t, s.SetAside(t.Context(), Aside{About: AsideItem, Subject: "4", Kind: "issue", Reason: "r", Run: run.ID}))
	must(t, s.SetAside(t.Context(), Aside{About: AsideItem, Subject: "5", Kind: "issue", Reason: "r", Run: run.ID}))
	must(t, s.SetAside(t.Context(), Aside{About: AsideDecision, Subject: "6", Reason: "r", Run: run.ID}))
	asides := []AsideGroup{{AsideDecision, "", 1}, {AsideItem, "issue", 2}}
	expectStatus(t, s, Status{
		Dirty:       map[Priority]Backlog{Live: {1, told.Add(time.Second)}, Scan: {N: 3}},
		Undelivered: Backlog{3, told},
		Asides:      asides,
	})

	list := toSend(t, s)
	must(t, s.Delivered(t.Context(), run.ID, []Delivery{{Pending: list[0]}, {Pending: list[1], Refused: "no", Kind: "issue"}, {Pending: list[2]}}))
	must(t, s.EndRun(t.Context(), run.ID, Partial))
	began, err := s.ReadSince(t.Context())
	must(t, err)
	expectStatus(t, s, Status{
		Dirty:  map[Priority]Backlog{Live: {1, told.Add(time.Second)}, Scan: {N: 3}},
		Asides: []AsideGroup{asides[0], {AsideEntity, "issue", 1}, asides[1]},
		Read:   began,
	})
}

func expectStatus(t *testing.T, s *Store, want Status) {
	t.Helper()
	got, err := s.Status(t.Context())
	must(t, err)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// What is delivered, which is nearly all, is not looked at.
func TestStatusLooksOnlyAtWhatWaits(t *testing.T) {
	s := openIn(t, t.TempDir())
	expectStatus(t, s, Status{Dirty: map[Priority]Backlog{}})
	looked := false
	for text := range s.readers.byText {
		if !strings.Contains(text, "FROM entity") {
			continue
		}
		looked = true
		if plan := planOf(t, s, text); !strings.Contains(plan, "INDEX entity_undelivered") {
			t.Errorf("%s\n\t%s", text, plan)
		}
	}
	if !looked {
		t.Error("no statement counts entities")
	}
}

func planOf(t *testing.T, s *Store, text string) string {
	t.Helper()
	rows, err := sessionOf(s).conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
	must(t, err)
	var plan []string
	must(t, each(rows, rows.Scan, func(scan func(...any) error) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		plan = append(plan, detail)
		return err
	}))
	return strings.Join(plan, "; ")
}
