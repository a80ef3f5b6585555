package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// IDs are the ids of items. An item without one is not Jira's.
func IDs(items []json.RawMessage) ([]string, error) {
	ids := make([]string, len(items))
	for i, raw := range items {
		id, ok := shortID(raw)
		if !ok {
			var err error
			if id, err = longID(raw); err != nil {
				return nil, err
			}
		}
		ids[i] = id
	}
	return ids, nil
}

// shortID finds the id of `{"id":"10001"}` and of an item that begins so, without decoding it:
// a sweep has 5000 of these a page, and what follows in a larger item need not be read for it.
func shortID(raw json.RawMessage) (string, bool) {
	for _, start := range []string{`{"id":"`, `{"expand":"`} {
		rest, ok := bytes.CutPrefix(raw, []byte(start))
		if !ok {
			continue
		}
		if start != `{"id":"` {
			_, rest, ok = bytes.Cut(rest, []byte(`","id":"`))
			if !ok || bytes.IndexByte(raw[len(start):len(raw)-len(rest)-len(`","id":"`)], '"') >= 0 {
				return "", false
			}
		}
		end := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 1 || rest[end] != '"' {
			return "", false
		}
		return string(rest[:end]), true
	}
	return "", false
}

func longID(raw json.RawMessage) (string, error) {
	var item struct{ ID string }
	if err := json.Unmarshal(raw, &item); err != nil {
		return "", fmt.Errorf("an item of Jira's answer: %w", err)
	}
	if item.ID == "" {
		return "", fmt.Errorf("an item of Jira's answer has no id: %.100s", raw)
	}
	return item.ID, nil
}

func timesOf(items []json.RawMessage) (map[string]int64, error) {
	times := make(map[string]int64, len(items))
	for _, raw := range items {
		var item struct {
			ID     string
			Fields struct{ Updated string }
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, fmt.Errorf("an item of Jira's answer: %w", err)
		}
		times[item.ID] = Millis(item.Fields.Updated)
	}
	return times, nil
}

// Millis is a time as Jira writes it, in milliseconds since 1970; 0 if it is none.
func Millis(text string) int64 {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMilli()
		}
	}
	return 0
}
