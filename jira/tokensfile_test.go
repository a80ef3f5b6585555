package jira_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
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

// One who shares the file and was not given the consent's token, as a second
// process may be, does not make the consent look like a later one.
func TestTokensFileKeepsItsConsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	for _, step := range []struct{ initial, refresh string }{{"first", "r1"}, {"", "r2"}} {
		if err := jira.TokensFile(path, step.initial).Save(t.Context(), jira.Tokens{Access: "a", Refresh: step.refresh}); err != nil {
			t.Fatal(err)
		}
	}
	for _, initial := range []string{"first", ""} {
		if got, err := jira.TokensFile(path, initial).Load(t.Context()); got.Refresh != "r2" || err != nil {
			t.Errorf("with the consent's token %q: Load = a refresh token %q, %v, want r2, saved last", initial, got.Refresh, err)
		}
	}
}

// A link, as into a volume, stays one.
func TestTokensFileBehindALink(t *testing.T) {
	volume, path := filepath.Join(t.TempDir(), "tokens.json"), filepath.Join(t.TempDir(), "tokens.json")
	if err := os.Symlink(volume, path); err != nil {
		t.Skip("no links here: ", err)
	}
	for _, want := range []string{"r1", "r2"} {
		if err := jira.TokensFile(path, "first").Save(t.Context(), jira.Tokens{Refresh: want}); err != nil {
			t.Fatal(err)
		}
		if got, err := jira.TokensFile(volume, "first").Load(t.Context()); got.Refresh != want || err != nil {
			t.Errorf("behind the link: Load = a refresh token %q, %v, want %q", got.Refresh, err, want)
		}
	}
}

// What a process left that was killed while it wrote is removed; what another is
// writing is not.
func TestTokensFileLeavesNoStrays(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{".tokens-old": 2 * time.Hour, ".tokens-now": 0, "other": 2 * time.Hour} {
		path, then := filepath.Join(dir, name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	if err := jira.TokensFile(filepath.Join(dir, "tokens.json"), "").Save(t.Context(), jira.Tokens{Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".tokens-now", "other", "tokens.json"}; !slices.Equal(names, want) || err != nil {
		t.Errorf("the directory has %q (%v), want %q", names, err, want)
	}
}

// No refresh token is spent while what it gives could not be kept.
func TestNothingIsSpentWhereNothingCanBeSaved(t *testing.T) {
	s, _ := appSite(jirasim.Config{})
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(filepath.Join(t.TempDir(), "not", "mounted"), dir); err != nil {
		t.Skip("no links here: ", err)
	}
	c := oauthClient(t, s, jira.TokensFile(filepath.Join(dir, "tokens.json"), s.Consent("ferry").Refresh))
	if _, err := c.Myself(t.Context()); err == nil || !strings.Contains(err.Error(), dir) || s.Refreshes() != 0 {
		t.Errorf("Myself = %v after %d refreshes, want an error that names %s, and none", err, s.Refreshes(), dir)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Myself(t.Context()); err != nil || s.Refreshes() != 1 {
		t.Errorf("with a directory that can be made: Myself = %v after %d refreshes, want nil after 1", err, s.Refreshes())
	}
}
