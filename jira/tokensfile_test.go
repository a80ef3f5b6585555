package jira_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ferry/jira"
)

// sent is the Authorization header that auth sets now, or "error".
func sent(t *testing.T, auth jira.Auth) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, cloudSite, nil)
	if err != nil {
		t.Fatal(err)
	}
	if auth.Authorize(t.Context(), r) != nil {
		return "error"
	}
	return r.Header.Get("Authorization")
}

// The file gives back what it was given; before that, the consent's token; and
// after another consent, that one's.
func TestTokensFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	load := func(initial string) jira.Tokens {
		t.Helper()
		got, err := jira.TokensFile(path, initial).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := load("first\n"); got != (jira.Tokens{Refresh: "first"}) {
		t.Error("an absent file does not give the consent's token")
	}
	kept := jira.Tokens{Access: "a", Refresh: "r", Expires: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	if err := jira.TokensFile(path, "first").Save(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if load("first") != kept || load("") != kept {
		t.Error("the file does not give what was saved")
	}
	if got := load("second"); got != (jira.Tokens{Refresh: "second"}) {
		t.Error("another consent's token does not take the place of what the file holds")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want 0600", info.Mode(), err)
	}
	if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 || err != nil {
		t.Errorf("the directory has %q, want the file alone", names)
	}
}

// A file that is no token file is named, and not shown; nothing is overwritten
// where the new content cannot be written.
func TestTokensFileThatIsBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(path, []byte(`{"access_token":sesame`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := jira.TokensFile(path, "first").Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "sesame") {
		t.Errorf("Load = %v, want an error that names the file alone", err)
	}
	nowhere := jira.TokensFile(filepath.Join(path, "tokens.json"), "first")
	if err := nowhere.Save(t.Context(), jira.Tokens{Access: "sesame"}); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("Save into a file as if it were a directory = %v, want an error", err)
	}
}
