package daemon_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/port/defaults"
	"ferry/jira/jirasim"
)

const browse = "https://acme.atlassian.net"

// realPayloads is the directory of a real Jira Cloud site's answers.
func realPayloads(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	dir = filepath.Join(dir, "..", "shared", "fixtures", "cloud")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real payloads in ../shared/fixtures are not here, so they are not tested")
	}
	return dir
}

// Real payloads, served as the site and as the gateway serve them, come out right field by field.
func TestRealPayloadsComeOutRight(t *testing.T) {
	dir := realPayloads(t)
	const cloud = "00000000-0000-0000-0000-000000000000"
	everything := strings.Replace(string(defaults.Mapping()), "jql: (statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)", `jql: ""`, 1)
	cases := []struct{ name, path, mapping string }{
		{"by the default mapping", "", ""},
		{"by the default mapping at the gateway", "/ex/jira/" + cloud, ""},
		{"by the default mapping of all issues", "", everything},
	}
	if everything == string(defaults.Mapping()) {
		t.Fatal("the default mapping's jql is not the one that this test replaces")
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(c *jirasim.Config) {
				c.BaseURL, c.CloudID = browse, cloud
				c.Clock = func() time.Time { return time.Date(2026, 1, 27, 9, 0, 0, 0, time.UTC) }
			})
			if err := w.jira.ServeDir(dir); err != nil {
				t.Fatal(err)
			}
			w.jiraPath, w.mapping = c.path, c.mapping
			w.mustSync()
			w.holds("jiraProject", w.expectedProjects(dir))
			w.holds("jiraIssue", w.expectedIssues(dir))
		})
	}
}

// fields are an entity's title, and its properties and relations by name.
type fields map[string]any

func (w *world) holds(blueprint string, want map[string]fields) {
	w.t.Helper()
	got := map[string]fields{}
	for _, e := range w.port.Entities(blueprint) {
		f := fields{"title": e.Title}
		for name, v := range e.Properties {
			f[name] = v
		}
		for name, v := range e.Relations {
			f[name] = v
		}
		got[e.Identifier] = f
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s in Port (-want +got):\n%s", blueprint, diff)
	}
}

// at follows names through objects; nil where one is missing.
func at(v any, path ...string) any {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// each is what do makes of every element of a list; a list in any case.
func each(v any, name string) []any {
	made := []any{}
	list, _ := v.([]any)
	for _, one := range list {
		made = append(made, at(one, name))
	}
	return made
}

// payloads are the objects of a directory, by their key.
func (w *world) payloads(dir string) map[string]any {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) != 4 {
		w.t.Fatalf("%s holds %v, %v, want four payloads", dir, names, err)
	}
	all := map[string]any{}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		var one any
		if err := json.Unmarshal(raw, &one); err != nil {
			w.t.Fatal(err)
		}
		all[at(one, "key").(string)] = one
	}
	return all
}

func (w *world) expectedIssues(dir string) map[string]fields {
	want := map[string]fields{}
	for key, issue := range w.payloads(filepath.Join(dir, "issue")) {
		f := at(issue, "fields")
		labels, _ := at(f, "labels").([]any)
		want[key] = fields{
			"title": at(f, "summary"), "url": browse + "/browse/" + key,
			"status": at(f, "status", "name"), "issueType": at(f, "issuetype", "name"),
			"components": each(at(f, "components"), "name"), "creator": at(f, "creator", "emailAddress"),
			"priority": at(f, "priority", "name"), "labels": labels,
			"created": at(f, "created"), "updated": at(f, "updated"), "resolutionDate": at(f, "resolutiondate"),
			"project": at(f, "project", "key"), "parentIssue": at(f, "parent", "key"),
			"subtasks": each(at(f, "subtasks"), "key"),
			"assignee": at(f, "assignee", "accountId"), "reporter": at(f, "reporter", "accountId"),
		}
		if at(f, "resolutiondate") != nil {
			w.t.Errorf("%s is resolved; the test wants an unresolved one to see a null sent", key)
		}
	}
	return want
}

// expectedProjects has the four projects, and the one that only the issues name: it is listed
// too, made of what the issues tell of it.
func (w *world) expectedProjects(dir string) map[string]fields {
	want := map[string]fields{}
	for key, project := range w.payloads(filepath.Join(dir, "project")) {
		want[key] = fields{"title": at(project, "name"), "url": browse + "/projects/" + key, "totalIssues": at(project, "insight", "totalIssueCount")}
	}
	for _, issue := range w.payloads(filepath.Join(dir, "issue")) {
		project := at(issue, "fields", "project")
		key := at(project, "key").(string)
		if want[key] == nil {
			want[key] = fields{"title": at(project, "name"), "url": browse + "/projects/" + key, "totalIssues": 4.0}
		}
	}
	return want
}
