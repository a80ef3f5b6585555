package defaults_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"ferry/internal/port/defaults"
)

// golden finds what Port's own integration sends, outside the module.
func golden(t *testing.T, name string) *os.File {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	file, err := os.Open(filepath.Join(dir, "..", "shared", "golden", name))
	if err != nil {
		t.Skip("the recorded requests are not here: ", err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

type recorded struct {
	Method string          `json:"m"`
	Path   string          `json:"p"`
	Body   json.RawMessage `json:"b"`
}

func recordings(t *testing.T, name string) []recorded {
	t.Helper()
	var all []recorded
	lines := bufio.NewScanner(golden(t, name))
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// names is a blueprint's or a mapping's property and relation names with what must be the same for a drop-in.
func names(blueprint map[string]any) map[string]any {
	kept := map[string]any{}
	schema, _ := blueprint["schema"].(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		of := property.(map[string]any)
		kept["property "+name] = []any{of["type"], of["format"], of["items"]}
	}
	relations, _ := blueprint["relations"].(map[string]any)
	for name, relation := range relations {
		of := relation.(map[string]any)
		kept["relation "+name] = []any{of["target"], of["many"], of["required"]}
	}
	calculations, _ := blueprint["calculationProperties"].(map[string]any)
	for name := range calculations {
		kept["calculation "+name] = true
	}
	return kept
}

func TestBlueprintsAreTheOnesPeopleHave(t *testing.T) {
	want := map[string]map[string]any{}
	for _, r := range recordings(t, "01-once-fresh-install.jsonl") {
		var body map[string]any
		if r.Method == "PATCH" && json.Unmarshal(r.Body, &body) == nil && body["calculationProperties"] != nil {
			want[body["identifier"].(string)] = names(body)
		}
	}
	delete(want, "jiraTeam") // a kind that is not read
	got := map[string]map[string]any{}
	for _, raw := range defaults.Blueprints() {
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		got[body["identifier"].(string)] = names(body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blueprints (-recorded +ours)\n%s", diff)
	}
}

func TestMappingIsTheOnePeopleHaveButForItsLinks(t *testing.T) {
	var want, got map[string]any
	for _, r := range recordings(t, "01-once-fresh-install.jsonl") {
		var body struct{ Config map[string]any }
		if r.Path == "/v1/integration" && json.Unmarshal(r.Body, &body) == nil {
			want = body.Config
		}
	}
	if err := yaml.Unmarshal(defaults.Mapping(), &got); err != nil {
		t.Fatal(err)
	}
	resources := want["resources"].([]any)
	want["resources"] = slices.DeleteFunc(resources, func(r any) bool {
		kind := r.(map[string]any)["kind"]
		return kind != "project" && kind != "issue"
	})
	properties := func(mapping map[string]any, i int) map[string]any {
		at := mapping["resources"].([]any)[i].(map[string]any)
		for _, key := range []string{"port", "entity", "mappings", "properties"} {
			at = at[key].(map[string]any)
		}
		return at
	}
	const site = `((.__siteUrl // (.self | split("/") | .[:3] | join("/"))) + `
	for i, ours := range []map[string]any{{"url": site + `"/projects/" + .key)`}, {"url": site + `"/browse/" + .key)`, "components": ".fields.components | map(.name)"}} {
		maps.Copy(properties(want, i), ours)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mapping (-recorded +ours)\n%s", diff)
	}
}

func TestBlueprintsComeAfterTheirTargets(t *testing.T) {
	seen := map[string]bool{}
	for _, raw := range defaults.Blueprints() {
		var b struct {
			Identifier string
			Relations  map[string]struct{ Target string }
		}
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
		seen[b.Identifier] = true
		for name, relation := range b.Relations {
			if !seen[relation.Target] {
				t.Errorf("%s.%s relates to %s, which comes later or not at all", b.Identifier, name, relation.Target)
			}
		}
	}
}
