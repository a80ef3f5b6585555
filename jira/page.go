package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
)

// Page is one page of a listing.
type Page struct {
	// Items are the objects as Jira sent them, byte for byte, with
	// "__siteUrl" added where the method says so. They share one buffer, so
	// that keeping one keeps the page's memory; they may be changed.
	Items []json.RawMessage

	// Cursor resumes the listing after this page; "" on the last page.
	Cursor string

	// Total is how many objects the listing has, -1 if Jira did not say. It is
	// a hint, not a promise.
	Total int
}

// Faults of a listing. Each is an error and never the end of the listing, since
// the end proves that nothing else is there.
var (
	errRepeatedToken = errors.New("the same page token came twice")
	errNoAdvance     = errors.New("the listing does not advance: Jira sent the same page twice, or an empty page that is not the last")
	errEmptyPages    = fmt.Errorf("more than %d empty pages came one after another", maxEmptyPages)
	errManyPages     = fmt.Errorf("more than %d pages came: ask for larger pages, or for less at once", maxPages)
)

const (
	// maxEmptyPages bounds how long a listing follows pages that hold nothing.
	maxEmptyPages = 100
	// maxPages bounds a listing whose every page names another: ten million
	// issues by the hundred, more than Jira holds.
	maxPages = 100_000
)

// pageGuard follows a listing and refuses what does not advance, by whatever
// token or offset it comes.
type pageGuard struct {
	pages  int
	before uint64 // digest of the latest page that held anything
}

var digestSeed = maphash.MakeSeed()

// check takes the items of the next page as they were served.
func (g *pageGuard) check(items []json.RawMessage) error {
	if g.pages++; g.pages > maxPages {
		return errManyPages
	}
	if len(items) == 0 {
		return nil
	}
	var h maphash.Hash
	h.SetSeed(digestSeed)
	for _, item := range items {
		_, _ = h.Write(item) // never fails
		_ = h.WriteByte(',')
	}
	before := g.before
	g.before = h.Sum64()
	if g.before == before {
		return errNoAdvance
	}
	return nil
}

// decodeList takes a list answer apart: the elements under key, and the
// remainder into envelope. JSON without the list is not Jira's answer; text that
// is no JSON may have been cut on its way.
func decodeList(body []byte, key string, envelope any) ([]json.RawMessage, error) {
	items, rest, err := split(body, key)
	switch {
	case errors.Is(err, errNoArray):
		return nil, notJira("answered JSON without the list %q", key)
	case err != nil && json.Valid(body):
		return nil, notJira("answered JSON of another shape (%w)", err)
	case err != nil:
		return nil, err
	}
	return items, decodeObject(rest, envelope)
}

// decodeObject decodes JSON. JSON whose fields have other types than Jira's is
// not Jira's.
func decodeObject(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return notJira("answered JSON of another shape (%w)", wrong)
	}
	return err
}

// rawObject checks that body is one JSON object and returns it.
func rawObject(body []byte) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := decodeObject(body, &object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, notJira("answered null for an object")
	}
	return body, nil
}

// siteURLKey is the one key that the client adds.
const siteURLKey = "__siteUrl"

// addSiteURL puts the site's address into each object, before its last brace.
// Links inside the objects may point to the gateway, where no person can open
// them; those stay as they are. All other bytes are copied as served, into one
// buffer for all. What is no object, or has the key already, is left alone.
func addSiteURL(items []json.RawMessage, site string) []json.RawMessage {
	value, _ := json.Marshal(site) // a string always encodes
	extra := append([]byte(`"`+siteURLKey+`":`), value...)
	size := 0
	for _, item := range items {
		size += len(item) + len(extra) + len(",")
	}
	buf := make([]byte, 0, size)
	for i, item := range items {
		from := len(buf)
		buf = appendWithKey(buf, item, extra)
		items[i] = buf[from:len(buf):len(buf)]
	}
	return items
}

// appendWithKey appends the object, which has no white space around it, with
// one more member.
func appendWithKey(buf []byte, object, member []byte) []byte {
	end := len(object) - 1
	if end < 1 || object[0] != '{' || object[end] != '}' || hasKey(object, siteURLKey) {
		return append(buf, object...)
	}
	buf = append(buf, object[:end]...)
	if s := (scanner{text: object, at: 1}); s.peek() != '}' {
		buf = append(buf, ',')
	}
	buf = append(buf, member...)
	return append(buf, '}')
}
