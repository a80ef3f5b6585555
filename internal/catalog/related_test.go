package catalog

import (
	"fmt"
	"testing"
)

// What becomes dirty when a read finds that an item has other relations than before.
func TestWhatRelatesToAnItemThatMovedIsReadAgain(t *testing.T) {
	old := []Item{
		making("1", "P-1", "P-10"), making("2", "P-2"), making("3", "P-3"),
		making("10", "P-10", "P-1"), making("11", "P-11", "P-2"),
		making("20", "P-20", "P-10"), making("21", "P-21", "P-10"), // link to it
	}
	var siblings []string
	for i := range 30 {
		siblings = append(siblings, fmt.Sprint("C-", i))
		old = append(old, making(fmt.Sprint("c", i), siblings[i], "B-1"))
	}
	old = append(old, making("b", "B-1", siblings...))
	for i := range mostReferrers + 1 {
		old = append(old, making(fmt.Sprint("e", i), fmt.Sprint("E-", i), "EPIC"))
	}
	old = append(old, making("epic", "EPIC", "P-2"))

	for name, test := range map[string]struct {
		found Item
		want  []string
	}{
		"from one parent to another":                    {making("10", "P-10", "P-2"), []string{"1", "2", "20", "21"}},
		"below a parent that nothing selects":           {making("10", "P-10", "X-9"), []string{"1", "20", "21"}},
		"below none, where its parent does not list it": {making("11", "P-11"), []string{"2"}},
		"nothing has moved":                             {making("10", "P-10", "P-1"), nil},
		"another assignee":                              {making("3", "P-3", "user-7"), nil},
		"new, where somebody has read of it before":     {making("30", "P-30", "P-3"), []string{"3"}},
		"a parent that has one more":                    {making("b", "B-1", append(siblings, "P-3")...), []string{"3"}},
		"an epic of many goes below another":            {making("epic", "EPIC", "P-3"), []string{"2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, place func(testing.TB) Config) {
				s := openAt(t, place(t))
				must(t, s.SetReadings(t.Context(), asked("issue")))
				_, err := s.Apply(t.Context(), Batch{Number: s.NextRead(), Reading: "issue", Items: old})
				must(t, err)
				readAsTold(t, s, test.found)
				expectRead(t, s, test.want)
				readAsTold(t, s, test.found)
				expectRead(t, s, nil)
			})
		})
	}
}

// An item is known below its parent before it is read itself, and is elsewhere when it is.
func TestAParentThatWasReadBeforeItsChildIsReadAgain(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB) Config) {
		s := openAt(t, place(t))
		must(t, s.SetReadings(t.Context(), asked("issue")))
		_, err := s.Apply(t.Context(), Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{making("1", "P-1", "P-10"), making("2", "P-2", "P-10")}})
		must(t, err)
		readAsTold(t, s, making("10", "P-10", "P-2"))
		expectRead(t, s, []string{"1", "2"})
	})
}

func TestWhatAListingAskedForHasNothingReadAgain(t *testing.T) {
	onEach(t, func(t *testing.T, place func(testing.TB) Config) {
		s := openAt(t, place(t))
		must(t, s.SetReadings(t.Context(), asked("issue")))
		_, err := s.Apply(t.Context(), Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{making("1", "P-1", "P-10")}})
		must(t, err)
		must(t, s.Listed(t.Context(), Listing{Run: 1, Reading: "issue"}, []string{"10"}))
		readTaken(t, s, making("10", "P-10", "P-2"))
		expectRead(t, s, nil)
	})
}

// readAsTold hears of an item, of its last change too, and applies what is found of it.
func readAsTold(t *testing.T, s *Store, found Item) {
	t.Helper()
	found.Updated = 1
	hear(t, s.Inbox(), Hint{Kind: "issue", ID: found.ID, Expect: found.Updated})
	readTaken(t, s, found)
}

func readTaken(t *testing.T, s *Store, found Item) {
	t.Helper()
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	_, err = s.Apply(t.Context(), Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{found}, Taken: rows})
	must(t, err)
}

// expectRead expects issues to be dirty, and cleans them.
func expectRead(t *testing.T, s *Store, want []string) {
	t.Helper()
	var rows []string
	for _, id := range want {
		rows = append(rows, "issue//"+id)
	}
	expectDirty(t, s, rows...)
	taken, err := s.Take(t.Context(), "issue", "", 1000)
	must(t, err)
	must(t, s.Done(t.Context(), taken))
}
