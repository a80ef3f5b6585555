package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestOneProcessHoldsTheLease(t *testing.T) {
	dir := t.TempDir()
	first := openIn(t, dir)
	if _, err := Open(t.Context(), Config{Dir: dir, Integration: "jira"}); !errors.Is(err, ErrLeased) {
		t.Fatalf("second Open = %v, want ErrLeased", err)
	}
	read := first.NextRead()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := openIn(t, dir)
	if second.epoch != first.epoch+1 {
		t.Errorf("epoch after a second lease = %d, want %d", second.epoch, first.epoch+1)
	}
	if second.NextRead() <= read {
		t.Error("a read of the second lease is numbered below one of the first")
	}
	_, err := second.Apply(t.Context(), Batch{Number: read, Reading: "issue", Items: []Item{{ID: "1"}}})
	if !errors.Is(err, ErrEpoch) {
		t.Errorf("Apply of a read of the first lease = %v, want ErrEpoch", err)
	}
	if _, err := first.Apply(t.Context(), Batch{Number: read, Reading: "issue"}); err == nil {
		t.Error("Apply to a closed store = nil, want an error")
	}
}

func TestOpenInDirectoriesWithOddNames(t *testing.T) {
	for _, name := range []string{"a b", "what?", "50%", "#1", "a&b=c", "ü"} {
		dir := filepath.Join(t.TempDir(), name)
		s := openIn(t, dir)
		if err := s.Touch(t.Context(), "issue", "", []string{"1"}); err != nil {
			t.Errorf("in %q: %v", name, err)
		}
		if _, err := os.Stat(s.Path()); err != nil {
			t.Errorf("the catalogue of %q is elsewhere: %v", name, err)
		}
	}
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	ruin := func(dir, text string) {
		if err := os.WriteFile(filepath.Join(dir, "catalogue.db"), []byte(strings.Repeat(text, 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := t.TempDir()
	ruin(other, "this is no database ")
	later := t.TempDir()
	s := openIn(t, later)
	tell(t, s, `UPDATE store SET version = 99`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, dir, identifier, want string }{
		{"another file", other, "jira", "is no database"},
		{"a later schema", later, "jira", "schema is version 99"},
		{"no identifier", t.TempDir(), "", "no identifier"},
		{"a directory that cannot be", filepath.Join(other, "catalogue.db", "x"), "jira", "not a directory"},
	} {
		_, err := Open(t.Context(), Config{Dir: test.dir, Integration: test.identifier})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Open of %s = %v, want %q", test.name, err, test.want)
		}
	}
	// What could not be opened is not leased either.
	if err := os.Remove(filepath.Join(other, "catalogue.db")); err != nil {
		t.Fatal(err)
	}
	openIn(t, other)
}

func TestAFullDiskSaysSo(t *testing.T) {
	s := openIn(t, t.TempDir())
	pages := ask[int](t, s, `PRAGMA page_count`)
	tell(t, s, `PRAGMA max_page_count = `+strconv.Itoa(pages+2))
	b := Batch{Number: s.NextRead(), Reading: "issue", Items: []Item{{ID: "1", Claims: []Claim{{Entities: []Entity{
		{Blueprint: "b", Identifier: "e", Body: []byte(strings.Repeat("x", 100_000))}}}}}}}
	_, err := s.Apply(t.Context(), b)
	if err == nil || !strings.Contains(err.Error(), "disk of the data directory is full") {
		t.Fatalf("Apply on a full disk = %v, want a sentence that says so", err)
	}
	tell(t, s, `PRAGMA max_page_count = 100000`)
	b.Number = s.NextRead()
	if done, err := s.Apply(t.Context(), b); err != nil || len(done.Changes) != 1 {
		t.Errorf("Apply after room was made = %+v, %v, want one change", done, err)
	}
}
