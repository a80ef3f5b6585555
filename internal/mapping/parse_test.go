package mapping

import (
	"errors"
	"os"
	"strings"
	"testing"
)

var known = []string{"project", "issue"}

func TestDocumentsThatAreNoMapping(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "m:1:1: the mapping is empty",
		"null":                          "m:1:1: the mapping is empty",
		"# nothing":                     "m:1:1: the mapping is empty",
		"[]":                            "m:1:1: is a list, should be a mapping",
		"text":                          `m:1:1: is "text", should be a mapping`,
		"a: [":                          "m: neither YAML nor JSON",
		"{}":                            "m:1:1: there is no key resources",
		"a: 1\n---\nb: 2":               "more than one YAML document",
		"resources: null":               "m:1:12: resources: is nothing, should be a list",
		"{\n\t\"resources\":\n\t\t5\n}": "m:3:3: resources: is \"5\", should be a list",
		"a: &a [*a]\nresources: []":     "",
		"resources: []\nresources: []":  "m:2:1: resources: is given twice",
	} {
		_, err := Parse("m", []byte(text), known)
		if want == "" {
			if err != nil {
				t.Errorf("Parse(%q) = %v, want no error", text, err)
			}
			continue
		}
		if _, ok := errors.AsType[*ParseError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want a ParseError with %q", text, err, want)
		}
	}
}

func TestDefaultsAndSwitches(t *testing.T) {
	m, err := Parse("m", []byte(`resources: []`), known)
	if err != nil {
		t.Fatal(err)
	}
	if !m.DeleteDependentEntities || !m.CreateMissingRelatedEntities || !m.EnableMergeEntity || m.EntityDeletionThreshold != 0.9 {
		t.Errorf("Parse without switches = %+v, want true, true, true, 0.9", m)
	}
	m, err = Parse("m", []byte(`{"resources":[],"deleteDependentEntities":false,"createMissingRelatedEntities":"no","enableMergeEntity":0,"entityDeletionThreshold":"0.5","else":1}`), known)
	if err != nil {
		t.Fatal(err)
	}
	if m.DeleteDependentEntities || m.CreateMissingRelatedEntities || m.EnableMergeEntity || m.EntityDeletionThreshold != 0.5 {
		t.Errorf("Parse with switches = %+v, want false, false, false, 0.5", m)
	}
	if len(m.Warnings) != 1 || !strings.HasPrefix(m.Warnings[0], "m:1:146: else: ") {
		t.Errorf("Warnings = %q, want one of else at 1:146", m.Warnings)
	}
}

const one = `resources:
- kind: issue
  selector: {query: "true", jql: "a = b"}
  port: {entity: {mappings: {identifier: .key, blueprint: '"b"', properties: {a: .a, b: .b}}}}
`

func TestHashIsOfWhatMakesEntities(t *testing.T) {
	hash := func(text string) string {
		t.Helper()
		m, err := Parse("m", []byte(text), known)
		if err != nil {
			t.Fatal(err)
		}
		return m.Hash
	}
	want := hash(one)
	for _, same := range []string{
		"# comment\n" + one, one + "deleteDependentEntities: false\nentityDeletionThreshold: 0\n",
		strings.Replace(one, `a: .a, b: .b`, `b: .b, a: .a`, 1), strings.Replace(one, `"true"`, `true`, 1),
		`{"resources":[{"kind":"issue","selector":{"jql":"a = b","query":"true"},"port":{"entity":{"mappings":{"identifier":".key","blueprint":"\"b\"","properties":{"a":".a","b":".b"}}}}}]}`,
	} {
		if got := hash(same); got != want {
			t.Errorf("hash of\n%s\nis not that of\n%s", same, one)
		}
	}
	for _, other := range []string{
		one + "enableMergeEntity: false\n", strings.Replace(one, "a = b", "a = c", 1), strings.Replace(one, "a: .a", "a: .c", 1),
		strings.Replace(one, "a: .a", "c: .a", 1), strings.Replace(one, "kind: issue", "kind: project", 1),
		strings.Replace(one, "port: {", "port: {itemsToParse: .x, ", 1),
		strings.Replace(one, "resources:\n", "resources:\n- 5\n", 1),
	} {
		if hash(other) == want {
			t.Errorf("hash of\n%s\nis that of\n%s", other, one)
		}
	}
}

func TestLiteralsAndSelectorsAreShown(t *testing.T) {
	m, err := Parse("m", []byte(one), known)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Resources[0]
	if r.Blueprint != "b" || r.Kind != "issue" || r.Line != 2 || r.String() != "resource 1 (issue)" || string(r.Selector) != `{"jql":"a = b","query":"true"}` {
		t.Errorf("resource = %v, kind %q, line %d, blueprint %q, selector %s", r, r.Kind, r.Line, r.Blueprint, r.Selector)
	}
}

func TestAnchorsAreFollowedAndBounded(t *testing.T) {
	m, err := Parse("m", []byte(`
base: &base {identifier: .key, blueprint: '"x"'}
resources:
- kind: issue
  selector: &s {query: "true"}
  port: {entity: {mappings: {<<: *base, blueprint: '"b"'}}}
- {kind: project, selector: *s, port: {entity: {mappings: *base}}}
`), known)
	if err != nil || len(m.Resources) != 2 || m.Resources[0].Blueprint != "b" || m.Resources[1].Blueprint != "x" {
		t.Errorf("Parse with anchors = %+v, %v, want blueprints b and x", m, err)
	}
	bomb := "a0: &a0 [x]\n"
	for _, pair := range []string{"01", "12", "23", "34", "45", "56", "67", "78", "89"} {
		bomb += "a" + pair[1:] + ": &a" + pair[1:] + " [" + strings.TrimSuffix(strings.Repeat("*a"+pair[:1]+", ", 10), ", ") + "]\n"
	}
	m, err = Parse("m", []byte(bomb+strings.Replace(one, "a = b\"", "a = b\", x: *a9", 1)), known)
	if err == nil && len(m.SetAside) != 1 {
		t.Errorf("Parse with anchors within anchors = %+v, want the resource set aside", m)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(one))
	f.Add([]byte(`{"resources":[{"kind":"issue","x":"\ud83d\ude00\"","selector":{"query":1.5}}]}`))
	f.Add([]byte("a: &a {<<: *a}\nresources: [*a]"))
	f.Add([]byte("? [a]\n: b\nresources: !!binary aGk="))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse("m", data, known)
		if (m == nil) == (err == nil) {
			t.Errorf("Parse(%q) = %v, %v", data, m, err)
		}
	})
}

func TestRecordedSearchMappingMakesTheRecordedBodies(t *testing.T) {
	data, err := os.ReadFile(shared(t, "golden", "04-search-identifier-relation-team.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse("m", []byte(`
resources:
- kind: issue
  selector: {query: "true"}
  port:
    entity:
      mappings:
        identifier: {combinator: '"and"', rules: [{property: '"key"', operator: '"="', value: .key}]}
        icon: '"Jira"'
        blueprint: '"jiraIssue"'
        team: {combinator: '"and"', rules: [{property: '"$title"', operator: '"="', value: .p}]}
        properties: {a: ".p + '/' + .key", n: .nothing, bad: .key.x}
        relations:
          assignee:
            combinator: '"or"'
            rules:
            - {property: '"$email"', operator: '"="', value: '"u1@x"'}
            - {combinator: '"and"', rules: [{property: '"p"', operator: '"="', value: '"v"'}]}
`), known)
	if err != nil {
		t.Fatal(err)
	}
	o := m.Resources[0].Map(t.Context(), itemOf(t, `{"key":"PRJ-1","p":"PRJ"}`))
	if o.Fault != nil || len(o.Entities) != 1 {
		t.Fatalf("Map = %+v", o)
	}
	body := encoded(decodedByStandard(t, string(o.Entities[0].Body)))
	var found bool
	for line := range strings.Lines(string(data)) {
		v := decodedByStandard(t, line)
		b, _ := v.(map[string]any)["b"].(map[string]any)
		entities, _ := b["entities"].([]any)
		for _, e := range entities {
			found = found || encoded(e) == body
		}
	}
	if !found {
		t.Errorf("no recorded entity is %s", body)
	}
}
