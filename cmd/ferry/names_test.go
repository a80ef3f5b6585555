package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSnakeFollowsBothSpellings(t *testing.T) {
	for key, want := range map[string]string{
		"clientId": "CLIENT_ID", "client_id": "CLIENT_ID", "jiraHost": "JIRA_HOST", "baseURL": "BASE_URL",
		"URLPrefix": "URL_PREFIX", "port": "PORT", "OAuthFile": "O_AUTH_FILE", "v2Api": "V2_API", "CLIENT_ID": "CLIENT_ID", "": "",
	} {
		if got := snake(key); got != want {
			t.Errorf("snake(%q) = %q, want %q", key, got, want)
		}
	}
}

// TestEditsIsADistance: as a metric does, and never more than writing the longer name anew.
func TestEditsIsADistance(t *testing.T) {
	name := rapid.StringMatching(`[A-C_]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		ab, ba := edits(a, b), edits(b, a)
		switch {
		case ab != ba:
			t.Fatalf("edits(%q, %q) = %d, the other way %d", a, b, ab, ba)
		case (ab == 0) != (a == b):
			t.Fatalf("edits(%q, %q) = %d", a, b, ab)
		case ab > max(len(a), len(b)) || ab < max(len(a), len(b))-min(len(a), len(b)):
			t.Fatalf("edits(%q, %q) = %d, out of bounds", a, b, ab)
		case edits(a, c) > ab+edits(b, c):
			t.Fatalf("edits(%q, %q) = %d, more than by way of %q", a, c, edits(a, c), b)
		}
	})
}

func TestEdits(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"DATADIR", "DATA_DIR", 1}, {"MAPING", "MAPPING", 1}, {"KITTEN", "SITTING", 3}, {"", "AB", 2}} {
		if got := edits(test.a, test.b); got != test.want {
			t.Errorf("edits(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// TestTheManualFitsATerminal: its indented lines are not wrapped, and stand four columns from the edge.
func TestTheManualFitsATerminal(t *testing.T) {
	for line := range strings.SplitSeq(runManual, "\n") {
		if strings.HasPrefix(line, "  ") && len(line) > 78 {
			t.Errorf("the manual has a line of %d: %q", len(line), line)
		}
	}
}

func TestTheManualNamesEverySetting(t *testing.T) {
	for _, name := range knownNames {
		if !strings.Contains(runManual, name) {
			t.Errorf("the manual lacks %s", name)
		}
	}
}
