package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everything calls each method that has a statement of its own.
func everything(t testing.TB, s *Store) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, err := s.BeginRun(ctx, "mapping", "account")
	must(err)
	must(s.Trust(ctx, "site", "account"))
	_, _, err = s.Owner(ctx)
	must(err)
	must(s.SetResources(ctx, []Resource{{"issue", "A"}, {"issue", "B"}}))
	must(s.SetResources(ctx, []Resource{{"issue", "B"}, {"issue", "A"}}))
	l := Listing{Run: run.ID, Reading: "issue"}
	must(s.SetListing(ctx, l, ListingComplete, 1, 1, ""))
	must(s.Listed(ctx, l, []string{"10001"}))
	must(s.ListedKnown(ctx, l, []string{"10001"}))
	must(s.Touch(ctx, "issue", "", []string{"10002"}))
	rows, err := s.Take(ctx, "issue", "", 1)
	must(err)
	must(s.Postpone(ctx, rows, 0))
	must(s.GiveUp(ctx, run.ID, "issue", rows, "reason"))
	b := Batch{Number: s.NextRead(), Run: run.ID, Reading: "issue", Items: issues(1, 3, 1), Taken: rows}
	b.Items[0].Faults = []Fault{{1, "reason"}}
	_, err = s.Apply(ctx, b)
	must(err)
	late := b
	late.Items = slices.Clone(b.Items)
	late.Items[0].Run = run.ID
	b.Number = s.NextRead()
	b.Items[1].Gone = true
	b.Items[2].Claims[0].Entities[0].Refs = nil
	_, err = s.Apply(ctx, b)
	must(err)
	_, err = s.Apply(ctx, late)
	must(err)
	_, err = s.Suspects(ctx, l, []int{0, 1}, "", 10)
	must(err)
	list, err := s.Undelivered(ctx, 0, 10)
	must(err)
	must(s.Delivered(ctx, run.ID, []Delivery{{Pending: list[0], Created: true}, {Pending: list[1]}}))
	must(s.Delivered(ctx, run.ID, []Delivery{{Pending: list[0], Refused: "reason"}}))
	list, err = s.Unwanted(ctx, 0, 10)
	must(err)
	must(s.MarkTheirs(ctx, []int64{1}))
	_, err = s.Unclaimed(ctx, "jiraIssue", []string{"PAY-1", "PAY-9"})
	must(err)
	_, err = s.Strays(ctx, "issue", "", "", 10)
	must(err)
	_, err = s.NotInherited(ctx, "issue", []int{0}, "issue expand=names", run.ID, "", 10)
	must(err)
	_, err = s.Readings(ctx)
	must(err)
	list, err = s.Removing(ctx, list, true)
	must(err)
	must(s.Removed(ctx, list, true))
	_, err = s.Example(ctx, "issue", "", "10")
	must(err)
	_, err = s.AsideCount(ctx, run.ID)
	must(err)
	must(s.Done(ctx, rows))
	_, err = s.NextDue(ctx, "issue", "")
	must(err)
	_, err = s.Referred(ctx, []Pending{{Identifier: "PAY-1"}})
	must(err)
	_, err = s.Awaited(ctx, []string{"PAY-1"})
	must(err)
	_, err = s.Body(ctx, "jiraIssue", "PAY-1")
	must(err)
	_, err = s.Outdated(ctx, "issue", "", map[string]int64{"10001": 1})
	must(err)
	_, err = s.ByContainer(ctx, "issue", "", []string{"10001"})
	must(err)
	_, _, err = s.Asides(ctx, 10)
	must(err)
	_, err = s.Counts(ctx, run.ID)
	must(err)
	_, _, err = s.Totals(ctx)
	must(err)
	must(s.EndRun(ctx, run.ID, Completed))
	run, err = s.BeginCatchUp(ctx, "mapping", "account")
	must(err)
	must(s.EndCatchUp(ctx, run.ID, Completed))
	_, err = s.ReadSince(ctx)
	must(err)
	must(s.DropReading(ctx, run.ID, "issue"))
}

// texts are the statements that a store has run.
func texts(s *Store) []string {
	return slices.Sorted(maps.Keys(func() map[string]bool {
		all := map[string]bool{}
		for text := range sessionOf(s).stmts {
			all[text] = true
		}
		for text := range s.readers.byText {
			all[text] = true
		}
		return all
	}()))
}

// wholeTables are the statements that are meant to look at every row: they count, or run once
// in a run, or when the mapping has changed.
var wholeTables = regexp.MustCompile(`UPDATE dirty SET due = 0|FROM resource|DELETE FROM dirty WHERE integration = \? AND priority|MIN\(resource\)|UPDATE claim SET resource|claims > 1|COUNT\(\*\)|FROM claim AS c\s+JOIN reading|FROM aside|FROM (reading|keyset|run)\b|MAX\(seq\)|DELETE FROM (run|listing)|UPDATE run`)

// No statement that is run for each page or item looks at every row of a table.
func TestNoStatementReadsAWholeTable(t *testing.T) {
	s := openIn(t, t.TempDir())
	everything(t, s)
	// An integration is the whole table, but for the indexes that hold few rows on purpose.
	scan := regexp.MustCompile(`^SCAN (i|c|d|item|claim|entity|ref|dirty)\b|^SEARCH .*(PRIMARY KEY|autoindex_\w+) \(integration=\?\)$`)
	for _, text := range texts(s) {
		if !strings.Contains(text, "FROM") && !strings.Contains(text, "UPDATE") || wholeTables.MatchString(text) {
			continue
		}
		args := make([]any, strings.Count(text, "?"))
		rows, err := sessionOf(s).conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var plan []string
		if err := each(rows, rows.Scan, func(scan func(...any) error) error {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(plan, scan.MatchString); i >= 0 {
			t.Errorf("%s\n\tlooks at every row: %s", text, strings.Join(plan, "\n\t\t"))
		}
		if testing.Verbose() && strings.HasPrefix(strings.TrimSpace(text), "SELECT") {
			fmt.Fprintf(t.Output(), "%s\n\t%s\n", text, strings.Join(plan, "\n\t"))
		}
	}
}
