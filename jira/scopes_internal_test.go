package jira

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The scopes are those of Atlassian's OpenAPI files, for each operation that the
// client uses.
func TestScopesAreThoseOfTheSpecifications(t *testing.T) {
	specified := specifiedScopes(t)
	want := map[string]string{}
	for _, operation := range statedOperations(t) {
		if scopes := specified[operation]; scopes != "" {
			want[regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(operation, "%s")] = scopes
		}
	}
	if len(want) < 8 {
		t.Errorf("%d operations with scopes are found: the search for them is broken", len(want))
	}
	if diff := cmp.Diff(want, scopesOf); diff != "" {
		t.Errorf("scopesOf (-want +got):\n%s", diff)
	}
}

// statedOperations are those of the directives above the methods of Client.
func statedOperations(t *testing.T) (all []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile(`(?m)^//jira:operation (\S+) (\S+)`).FindAllSubmatch(text, -1) {
			all = append(all, string(line[1])+" "+string(line[2]))
		}
	}
	return all
}

// Jira Software refuses a token without its scopes as it refuses one that has
// ended; the error says both.
func TestJiraSoftwareDoesNotSayWhatItMisses(t *testing.T) {
	auth, err := Bearer("tok")
	if err != nil {
		t.Fatal(err)
	}
	refuse := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody, Request: r}, nil
	})
	c, err := New("https://api.atlassian.com/ex/jira/c1", auth, Config{Transport: refuse})
	if err != nil {
		t.Fatal(err)
	}
	for path, scopes := range map[string]string{
		"/rest/agile/1.0/board": "read:board-scope:jira-software and read:project:jira", "/rest/api/3/myself": "",
	} {
		err := c.do(t.Context(), &call{method: http.MethodGet, path: path})
		says := "or it lacks a scope, since this takes " + scopes
		if !errors.Is(err, ErrUnauthorized) || strings.Contains(err.Error(), says) != (scopes != "") {
			t.Errorf("%s: %v, want a missing scope as a cause: %v", path, err, scopes != "")
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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
