package ingest

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestIDSetIsASet compares with a map, over ids as Jira has them and over texts that look alike.
func TestIDSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.OneOf(
			rapid.Map(rapid.Uint64Range(0, 20000), func(n uint64) string { return strconv.FormatUint(n, 10) }),
			rapid.Map(rapid.Uint64(), func(n uint64) string { return strconv.FormatUint(n, 10) }),
			rapid.StringMatching(`0?[0-9]{1,3}|[a-z:-]{0,4}`),
		)).Draw(t, "ids")
		var set idSet
		plain := map[string]bool{}
		for _, id := range ids {
			if got, want := set.add(id), !plain[id]; got != want {
				t.Fatalf("add(%q) = %v, want %v", id, got, want)
			}
			plain[id] = true
		}
		if set.n != len(plain) {
			t.Fatalf("n = %d, want %d", set.n, len(plain))
		}
	})
}

func TestIDSetIsSmall(t *testing.T) {
	var set idSet
	for id := range 100_000 {
		set.add(strconv.Itoa(10_000 + id))
	}
	if len(set.texts) > 0 || len(set.blocks) > 14 {
		t.Errorf("100,000 ids in a row take %d blocks of a kilobyte and %d texts, want at most 14 and none", len(set.blocks), len(set.texts))
	}
}

func TestTooShort(t *testing.T) {
	for _, test := range []struct {
		found, expected int
		want            bool
	}{
		{0, 0, false}, {0, 100, false}, {0, 101, true}, {900, 1000, false}, {899, 1000, true},
		{99_000, 100_000, false}, {98_999, 100_000, true}, {200, 100, false},
	} {
		if got := tooShort(test.found, test.expected); got != test.want {
			t.Errorf("tooShort(%d, %d) = %v, want %v", test.found, test.expected, got, test.want)
		}
	}
}
