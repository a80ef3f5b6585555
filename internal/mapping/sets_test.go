package mapping

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResourcesSayWhatTheySet(t *testing.T) {
	m, err := Parse("m.yaml", []byte(`
resources:
  - kind: project
    selector: {query: "true"}
    port:
      entity:
        mappings:
          identifier: .key
          blueprint: '"p"'
          title: .name
          properties: {url: .self, "a,b": .x}
          relations: {team: {combinator: '"and"', rules: []}, lead: .lead}
  - kind: project
    selector: {query: "true"}
    port: {entity: {mappings: {identifier: .key, blueprint: '"p"'}}}
`), []string{"project"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ properties, relations []string }{
		{[]string{"a,b", "url"}, []string{"lead", "team"}},
		{nil, nil},
	} {
		r := m.Resources[i]
		if diff := cmp.Diff(want.properties, r.Properties()); diff != "" {
			t.Errorf("%s sets properties: (-want +got)\n%s", r, diff)
		}
		if diff := cmp.Diff(want.relations, r.Relations()); diff != "" {
			t.Errorf("%s sets relations: (-want +got)\n%s", r, diff)
		}
	}
}
