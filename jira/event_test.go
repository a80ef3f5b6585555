package jira_test

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ferry/jira"
)

// Each file of testdata/events holds deliveries and, under the same name with
// ".want", what is read of them.
func TestParseEventFromText(t *testing.T) {
	for name, delivery := range deliveries(t) {
		t.Run(name, func(t *testing.T) {
			event, err := jira.ParseEvent(delivery.Data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(delivery.want, eventText(event)); diff != "" {
				t.Errorf("event differs (-want +got):\n%s", diff)
			}
		})
	}
}

// delivery is a body and what is read of it.
type delivery struct {
	txtar.File
	want string
}

// deliveries reads those of testdata/events, by file and name.
func deliveries(t testing.TB) map[string]delivery {
	t.Helper()
	names, err := filepath.Glob("testdata/events/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no deliveries in testdata/events: %v", err)
	}
	all := make(map[string]delivery)
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for pair := range slices.Chunk(archive.Files, 2) {
			if len(pair) != 2 || pair[1].Name != pair[0].Name+".want" {
				t.Fatalf("%s: %q is not followed by its .want", name, pair[0].Name)
			}
			all[filepath.Base(name)+"/"+pair[0].Name] = delivery{pair[0], string(pair[1].Data)}
		}
	}
	return all
}

// eventText writes what an event says, one thing a line.
func eventText(e jira.Event) string {
	var b strings.Builder
	line := func(name string, parts ...string) {
		if text := strings.Join(strings.Fields(strings.Join(parts, " ")), " "); text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	line("name", e.Name)
	line("kind", cmp.Or(string(e.Kind), "unknown"))
	line("action", cmp.Or(string(e.Action), "unknown"))
	if !e.Time.IsZero() {
		line("time", e.Time.Format(time.RFC3339Nano))
	}
	if !e.Updated.IsZero() {
		line("updated", e.Updated.Format(time.RFC3339Nano))
	}
	line("id", e.ID)
	for _, issue := range e.Issues {
		line("issue", issue.ID, issue.Key)
	}
	line("parent", e.Parent.ID, e.Parent.Key)
	line("project", e.Project.ID, e.Project.Key)
	line("former", e.Former)
	line("former project", e.FormerProject.ID, e.FormerProject.Key)
	line("board", e.Board)
	line("merged to", e.MergedTo)
	if e.User.AccountID != "" {
		line("user", "account", e.User.AccountID)
	}
	if e.User.Name != "" || e.User.Key != "" {
		line("user", "name", e.User.Name, "key", e.User.Key)
	}
	for _, c := range e.Changes {
		line("change", c.Field, fmt.Sprint(c.From), "->", fmt.Sprint(c.To))
	}
	return b.String()
}

func TestParseEventRefuses(t *testing.T) {
	deep := strings.Repeat("[", 10001) + strings.Repeat("]", 10001)
	tests := []struct{ name, body, says string }{
		{"nothing", "", "empty"},
		{"white space", " \r\n\t", "empty"},
		{"a web page", "<html>", "not JSON"},
		{"a form", "webhookEvent=jira%3Aissue_updated", "not JSON"},
		{"cut off", `{"webhookEvent":"jira:issue_updated","issue":{"id":"1"`, "not JSON"},
		{"broken where nobody looks", `{"webhookEvent":"jira:issue_updated","x":{"a":tru}}`, "not JSON"},
		{"text after it", `{"webhookEvent":"jira:issue_updated"} {}`, "not JSON"},
		{"too deep", `{"webhookEvent":"jira:issue_updated","x":` + deep + `}`, "not JSON"},
		{"null", `null`, "not an object"},
		{"a list", `[{"webhookEvent":"jira:issue_updated"}]`, "not an object"},
		{"no name", `{"timestamp":1}`, "webhookEvent"},
		{"empty name", `{"webhookEvent":""}`, "webhookEvent"},
		{"blank name", `{"webhookEvent":"\u0000\n "}`, "webhookEvent"},
		{"name that is no text", `{"webhookEvent":["jira:issue_updated"]}`, "webhookEvent"},
		{"name in another case", `{"WebhookEvent":"jira:issue_updated"}`, "webhookEvent"},
		{"endless name", `{"webhookEvent":"` + strings.Repeat("x", 2000) + `"}`, "webhookEvent"},
		{"too large", `{"webhookEvent":"x","y":"` + strings.Repeat("y", jira.MaxEventBody) + `"}`, "larger"},
	}
	for _, tt := range tests {
		event, err := jira.ParseEvent([]byte(tt.body))
		if !errors.Is(err, jira.ErrEvent) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: ParseEvent = %+v, %v, want an ErrEvent that says %q", tt.name, event, err, tt.says)
		}
		if diff := gocmp.Diff(jira.Event{}, event); diff != "" {
			t.Errorf("%s: ParseEvent gives an event with its error: %s", tt.name, diff)
		}
	}
}
