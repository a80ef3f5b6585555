package jira

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The scopes are those of Atlassian's OpenAPI files, for each operation that the
// client uses.
func TestScopesAreThoseOfTheSpecifications(t *testing.T) {
	list, err := os.ReadFile("../docs/jira-operations.md")
	if err != nil {
		t.Fatal(err)
	}
	specified := specifiedScopes(t)
	want := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+) ([^`]+)` ").FindAllStringSubmatch(string(list), -1) {
		if scopes := specified[row[1]+" "+row[2]]; scopes != "" {
			want[row[1]+" "+regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(row[2], "%s")] = scopes
		}
	}
	if len(want) < 8 {
		t.Errorf("%d operations of the list have scopes: the search for them is broken", len(want))
	}
	if diff := cmp.Diff(want, scopesOf); diff != "" {
		t.Errorf("scopesOf (-want +got):\n%s", diff)
	}
}

// specifiedScopes are the scopes of all operations in the files, by method and
// path.
func specifiedScopes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{"jira-platform-v3.2026-02-06.json", "jira-software.2026-05-27.json"} {
		text, err := os.ReadFile("../../shared/specs/" + name)
		if err != nil {
			t.Skip("Atlassian's OpenAPI files in ../shared/specs are not here")
		}
		var file struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for path, members := range file.Paths {
			for verb, raw := range members {
				var operation struct{ Security []map[string][]string }
				if json.Unmarshal(raw, &operation) != nil {
					continue // parameters of all the path's operations
				}
				for _, scheme := range operation.Security {
					if scopes := strings.Join(scheme["OAuth2"], " "); scopes != "" {
						all[strings.ToUpper(verb)+" "+path] = scopes
					}
				}
			}
		}
	}
	return all
}
