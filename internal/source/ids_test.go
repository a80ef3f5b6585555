package source

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func TestIDs(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{`{"id":"10001"}`, "10001"},
		{`{"id":"10001","key":"A-1"}`, "10001"},
		{`{"expand":"names,schema","id":"10001","self":"x"}`, "10001"},
		{`{"expand":"a\",\"id\":\"7","id":"10001"}`, "10001"},
		{`{"self":"x","id":"10001"}`, "10001"},
		{`{"key":"A-1","fields":{"id":"5"},"id":"10001"}`, "10001"},
		{`{"expand":"x","self":"y","fields":{"project":{"key":"A","id":"5"}},"id":"10001"}`, "10001"},
	} {
		got, err := IDs([]json.RawMessage{json.RawMessage(test.raw)})
		if err != nil || got[0] != test.want {
			t.Errorf("IDs(%s) = %v, %v, want %s", test.raw, got, err, test.want)
		}
	}
	for _, raw := range []string{`{}`, `{"id":""}`, `{"id":`, `[]`, `{"id":7}`} {
		if got, err := IDs([]json.RawMessage{json.RawMessage(raw)}); err == nil {
			t.Errorf("IDs(%s) = %v, want an error", raw, got)
		}
	}
}

// FuzzShortID: what is found without decoding is what decoding finds.
func FuzzShortID(f *testing.F) {
	for _, seed := range []string{`{"id":"1"}`, `{"expand":"a","id":"1"}`, `{"expand":"a\"","id":"1"}`, `{"expand":"a","self":"b","id":"1"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, ok := shortID(raw)
		if !ok || !json.Valid(raw) {
			return
		}
		// The first of two equal keys is found here, the last by decoding; Jira gives one.
		var twice map[string]json.RawMessage
		if json.Unmarshal(raw, &twice) != nil || len(twice) < countKeys(raw) {
			return
		}
		want, err := longID(raw)
		if err != nil || got != want {
			t.Fatalf("shortID(%s) = %q, want %q, %v", raw, got, want, err)
		}
	})
}

// countKeys counts the keys of the outermost object.
func countKeys(raw []byte) (n int) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	depth := 0
	key := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return n
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			key = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			key = depth == 1
			continue
		}
		if depth == 1 {
			if key {
				n++
			}
			key = !key
		}
	}
}

func TestMillis(t *testing.T) {
	want := time.Date(2026, 1, 26, 1, 39, 15, 510e6, time.FixedZone("", 2*3600)).UnixMilli()
	for text, want := range map[string]int64{
		"2026-01-26T01:39:15.510+0200":  want,
		"2026-01-25T23:39:15.51Z":       want,
		"2026-01-26T01:39:15.510+02:00": want,
		"2026-01-26":                    0,
		"":                              0,
	} {
		if got := Millis(text); got != want {
			t.Errorf("Millis(%q) = %d, want %d", text, got, want)
		}
	}
}
