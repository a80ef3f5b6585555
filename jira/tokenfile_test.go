package jira_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// What is in the file is what is sent, whatever becomes of the file.
func TestTokenFileFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	with, err := jira.TokenFile(path, "fallback")
	if err != nil {
		t.Fatal(err)
	}
	without, err := jira.TokenFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	check := func(state, wantWith, wantWithout string) {
		t.Helper()
		if got := sent(t, with); got != wantWith {
			t.Errorf("%s: sent %q, want %q", state, got, wantWith)
		}
		if got := sent(t, without); got != wantWithout {
			t.Errorf("%s, no fall-back: sent %q, want %q", state, got, wantWithout)
		}
	}
	check("not there yet", "Bearer fallback", "error")
	write("")
	check("empty from the start", "Bearer fallback", "error")
	write("one\n")
	check("written, with a newline", "Bearer one", "Bearer one")
	write("two")
	check("changed", "Bearer two", "Bearer two")
	write("")
	check("being written", "Bearer two", "Bearer two")
	write("three\r\nX-Other: 1")
	check("of two lines", "Bearer fallback", "Bearer two")
	remove()
	check("gone", "Bearer fallback", "Bearer two")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	check("unreadable", "Bearer fallback", "Bearer two")
	remove()
	write(strings.Repeat("x", 1<<17))
	check("no token at all", "Bearer fallback", "Bearer two")
	write(" four ")
	check("back again", "Bearer four", "Bearer four")
}

// After a refusal the file is read again: another token is sent at once, the
// same one is not sent twice.
func TestTokenFileAfterARefusal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := simulated(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(s.Consent("ferry").Access)
	auth, err := jira.TokenFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	after := func() {} // called when an answer has come
	c, err := jira.New(cloudSite, auth, jira.Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		defer after()
		return s.Hosts().RoundTrip(r)
	})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Myself(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ExpireAccessTokens()
	before := len(s.asked())
	_, err = c.Myself(t.Context())
	if !errors.Is(err, jira.ErrUnauthorized) || len(s.asked()) != before+1 || strings.Contains(err.Error(), "access-") {
		t.Errorf("Myself with the token that was refused = %v after %d requests, want one refusal", err, len(s.asked())-before)
	}
	after = func() { write(s.Consent("ferry").Access) }
	if _, err := c.Myself(t.Context()); err != nil {
		t.Errorf("Myself while the file changes = %v", err)
	}
}

// The site's own address leads to the gateway; a token that Atlassian lists no
// sites for goes by what the site says of itself.
func TestTokenFileGoesToTheGateway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := simulated(jirasim.Config{ScopedToken: "tok", Scopes: []string{"read:jira-user"}})
	if err := os.WriteFile(path, []byte("tok"), 0o600); err != nil {
		t.Fatal(err)
	}
	auth, err := jira.TokenFile(path, "")
	if _, err := clientOf(t, s, cloudSite, auth, err).Myself(t.Context()); err != nil {
		t.Error(err)
	}
	want := []string{"Bearer /oauth/token/accessible-resources", "/_edge/tenant_info", "Bearer /ex/jira/c1/rest/api/3/myself"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	dc := simulated(jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Bearer: "tok"})
	if _, err := clientOf(t, dc, "https://jira.acme.example", auth, err).Myself(t.Context()); err != nil {
		t.Errorf("at Data Center: %v", err)
	}
}
