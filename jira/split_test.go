package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	tests := []struct{ in, items, rest string }{
		{`{"issues":[]}`, `[]`, `{"issues":[]}`},
		{` { "issues" : [ ] } `, `[]`, ` { "issues" : [] } `},
		{`{"a":1,"issues":[{"id":"1"},{"id":"2"}],"isLast":true}`, `[{"id":"1"} {"id":"2"}]`, `{"a":1,"issues":[],"isLast":true}`},
		{`{"names":{"issues":[1]},"issues":[2, 3 ,null,"x]"]}`, `[2 3 null "x]"]`, `{"names":{"issues":[1]},"issues":[]}`},
		{`{"issues":[{"a":"\\\"}]","b":["\\"]}]}`, `[{"a":"\\\"}]","b":["\\"]}]`, `{"issues":[]}`},
		{`{"issues":[1],"issues":[2]}`, `[2]`, `{"issues":[],"issues":[]}`},
		{`{"issu\u0065s":[1]}`, `[1]`, `{"issu\u0065s":[]}`},
	}
	for _, tt := range tests {
		items, rest, err := split([]byte(tt.in), "issues")
		if err != nil || fmt.Sprintf("%s", items) != tt.items || string(rest) != tt.rest {
			t.Errorf("split(%s) = %s, %s, %v, want %s, %s", tt.in, items, rest, err, tt.items, tt.rest)
		}
		for _, item := range items {
			if cap(item) != len(item) {
				t.Errorf("split(%s): appending to %s overwrites what follows", tt.in, item)
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	tests := []struct {
		in   string
		want error // nil: any
	}{
		{``, io.ErrUnexpectedEOF},
		{`{`, io.ErrUnexpectedEOF},
		{`{"issues":[{"id":"1"},{"i`, io.ErrUnexpectedEOF},
		{`{"issues":[{"id":"1"}]`, io.ErrUnexpectedEOF},
		{`{"issues":["a\"`, io.ErrUnexpectedEOF},
		{`{"issues":[[{`, io.ErrUnexpectedEOF},
		{`{"issues":`, io.ErrUnexpectedEOF},
		{`{}`, errNoArray},
		{`{"values":[]}`, errNoArray},
		{`{"issues":null}`, errNoArray},
		{`{"issues":{"a":[]}}`, errNoArray},
		{`{"issues":[1],"issues":2}`, errNoArray},
		{`[]`, nil},
		{`<html>`, nil},
		{`{"issues":[1 2]}`, nil},
		{`{"issues":[1,]}`, nil},
		{`{"issues":[,1]}`, nil},
		{`{"issues":[tru]}`, nil},
		{`{"issues":[{]}]}`, nil},
		{`{"issues":[1}}`, nil},
		{`{"issues":[]}}`, nil},
		{`{"issues":[]} x`, nil},
		{`{"issues":[]` + "\x00}", nil},
		{`{"issues"[]}`, nil},
		{`{issues:[]}`, nil},
		{`{"issues":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, nil},
	}
	for _, tt := range tests {
		items, _, err := split([]byte(tt.in), "issues")
		if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) {
			t.Errorf("split(%.60s) = %s, %v, want the error %v", tt.in, items, err, tt.want)
		}
	}
}

// Of every text that encoding/json accepts, split must make the same items; it
// must survive all others.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		`{"issues":[{"id":"1","f":[1,{"a":"\\\""}]},2,"x",null],"nextPageToken":"t","isLast":false}`,
		`{"a":{"issues":[1]},"issues":[ ] }`, `{"issues":null}`, `{"issues":[1],"issu\u0065s":["\u00e4"]}`, `{"issues":[`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, rest, err := split(body, "issues")
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) != nil || object == nil {
			return
		}
		var want []json.RawMessage
		if raw := object["issues"]; len(raw) == 0 || raw[0] != '[' {
			if !errors.Is(err, errNoArray) {
				t.Fatalf("split(%q) = %q, %v, want errNoArray", body, items, err)
			}
			return
		} else if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatalf("split(%q) = %v, want %q", body, err, want)
		}
		if diff := cmp.Diff(texts(want), texts(items)); diff != "" {
			t.Fatalf("split(%q): items differ (-want +got):\n%s", body, diff)
		}
		var envelope map[string]json.RawMessage
		if err := json.Unmarshal(rest, &envelope); err != nil {
			t.Fatalf("split(%q) leaves %q: %v", body, rest, err)
		}
		object["issues"] = json.RawMessage("[]")
		if diff := cmp.Diff(object, envelope); diff != "" {
			t.Fatalf("split(%q): the remainder differs (-want +got):\n%s", body, diff)
		}
	})
}

func texts(items []json.RawMessage) []string {
	out := []string{}
	for _, item := range items {
		out = append(out, string(item))
	}
	return out
}

func TestAddSiteURL(t *testing.T) {
	const site = `https://acme.example/"a&b`
	const extra = `"__siteUrl":"https://acme.example/\"a\u0026b"`
	tests := []struct{ in, want string }{
		{`{"id":"1"}`, `{"id":"1",` + extra + `}`},
		{`{ "id" : 1.0 }`, `{ "id" : 1.0 ,` + extra + `}`},
		{`{}`, `{` + extra + `}`},
		{`{ }`, `{ ` + extra + `}`},
		{`{"__siteUrl":"mine"}`, `{"__siteUrl":"mine"}`},
		{`{"f":{"__siteUrl":"inner"}}`, `{"f":{"__siteUrl":"inner"},` + extra + `}`},
		{`{"f":"__siteUrl"}`, `{"f":"__siteUrl",` + extra + `}`},
		{`null`, `null`},
		{`"{}"`, `"{}"`},
		{`[]`, `[]`},
	}
	for _, tt := range tests {
		neighbour := json.RawMessage(`{"id":"2"}`)
		got := addSiteURL([]json.RawMessage{json.RawMessage(tt.in), neighbour}, site)
		_ = append(got[0], "overwrites the next?"...)
		if string(got[0]) != tt.want || string(got[1]) != `{"id":"2",`+extra+`}` {
			t.Errorf("addSiteURL(%s) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// Real payloads keep every byte: taking the added key away gives what was
// served.
func TestAddSiteURLKeepsRealPayloads(t *testing.T) {
	names, _ := filepath.Glob("../../shared/fixtures/cloud/*/*.json")
	if len(names) == 0 {
		t.Skip("the real payloads of ../shared/fixtures are not here")
	}
	for _, name := range names {
		served, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		served = bytes.TrimSpace(served)
		body := fmt.Appendf(nil, `{"issues":[%s , %s]}`, served, served)
		items, _, err := split(body, "issues")
		if err != nil || len(items) != 2 {
			t.Errorf("split of %s = %d items, %v, want 2", name, len(items), err)
			continue
		}
		for _, got := range addSiteURL(items, "https://acme.example") {
			back := bytes.Replace(got, []byte(`,"__siteUrl":"https://acme.example"}`), []byte("}"), 1)
			if !json.Valid(got) || !bytes.Equal(back, served) {
				t.Errorf("%s with the site's address is not what was served and the address", name)
			}
		}
	}
}

// Real lists, paged and bare, come apart into the very bytes that encoding/json
// finds in them.
func TestRealListsKeepEveryByte(t *testing.T) {
	for name, key := range map[string]string{
		"all_boards": "values", "sprints": "values", "sprints_filtered": "values", "issues_in_sprint": "issues",
		"all_projects": "", "all_fields": "",
	} {
		body, err := os.ReadFile("../../shared/fixtures/datacenter/" + name + ".json")
		if err != nil {
			t.Skip("the real payloads of ../shared/fixtures are not here")
		}
		var items, want []json.RawMessage
		if key == "" {
			items, err = splitArray(body)
			_ = json.Unmarshal(body, &want)
		} else {
			var object map[string]json.RawMessage
			items, _, err = split(body, key)
			_ = json.Unmarshal(body, &object)
			_ = json.Unmarshal(object[key], &want)
		}
		if len(want) == 0 || err != nil {
			t.Errorf("%s: %d items wanted, %v", name, len(want), err)
		}
		if diff := cmp.Diff(texts(want), texts(items)); diff != "" {
			t.Errorf("%s: items differ (-want +got):\n%s", name, diff)
		}
	}
}

// BenchmarkSplit takes apart a page of 100 issues of 4.5 KB.
func BenchmarkSplit(b *testing.B) {
	issue := `{"id":"10001","key":"ACME-1","fields":{` + strings.TrimSuffix(strings.Repeat(`"customfield_10001":{"self":"https:\/\/x","name":"In \"Progress\"","n":[1,2]},`, 60), ",") + `}}`
	body := []byte(`{"issues":[` + strings.TrimSuffix(strings.Repeat(issue+",", 100), ",") + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := split(body, "issues"); err != nil {
			b.Fatal(err)
		}
	}
}
