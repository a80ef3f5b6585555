package jira

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
)

// A site that makes up another page for ever is left in the end.
func TestPagesAreBounded(t *testing.T) {
	var g pageGuard
	for n := range maxPages {
		if err := g.check([]json.RawMessage{json.RawMessage(strconv.Itoa(n))}); err != nil {
			t.Fatalf("check of page %d = %v, want none", n, err)
		}
	}
	if err := g.check([]json.RawMessage{json.RawMessage(`0`)}); !errors.Is(err, errManyPages) {
		t.Errorf("check of one page too many = %v, want %v", err, errManyPages)
	}
}

// Where one item ends and the next begins is part of what a page holds.
func TestPagesOfTheSameBytesDiffer(t *testing.T) {
	var g pageGuard
	for _, page := range [][]json.RawMessage{{[]byte(`1`), []byte(`23`)}, {[]byte(`12`), []byte(`3`)}, {}, {[]byte(`123`)}} {
		if err := g.check(page); err != nil {
			t.Errorf("check(%s) = %v, want none", page, err)
		}
	}
}
