package jira_test

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// The site is chosen among those that the token reaches; where it is not among
// them the error lists them.
func TestTheSiteIsChosenAmongThoseOfTheConsent(t *testing.T) {
	neighbours := []string{"https://acme-test.atlassian.net", "https://acme.example"}
	for given, want := range map[string]string{
		cloudSite:                     "c1",
		"https://ACME.atlassian.net/": "c1",
		gateway:                       "c1",
	} {
		s, store := appSite(jirasim.Config{Neighbours: neighbours})
		auth, err := oauthOf(s, store)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New(given, auth, jira.Config{Transport: lowerHost(s)})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := c.CloudID(t.Context()); id != want || err != nil {
			t.Errorf("CloudID of %s = %q, %v, want %q", given, id, err, want)
		}
	}
	s, store := appSite(jirasim.Config{Neighbours: neighbours})
	auth, err := oauthOf(s, store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://other.atlassian.net", auth, jira.Config{Transport: lowerHost(s), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Myself(t.Context())
	if !errors.Is(err, jira.ErrForbidden) || !strings.Contains(err.Error(), "https://acme-test.atlassian.net, https://acme.atlassian.net, https://acme.example") {
		t.Errorf("Myself = %v, want the sites that the token reaches", err)
	}
}

// lowerHost finds hosts as DNS does.
func lowerHost(s *simulation) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Host = strings.ToLower(r.URL.Host)
		r.Host = r.URL.Host
		return s.Hosts().RoundTrip(r)
	})
}

// A site under a domain of its own is listed under another address: then its
// cloud id tells that it is among those of the consent.
func TestASiteUnderItsOwnDomain(t *testing.T) {
	s, store := appSite(jirasim.Config{})
	auth, err := oauthOf(s, store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://jira.acme.example", auth, jira.Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "jira.acme.example" {
			r = r.Clone(r.Context())
			r.URL.Host, r.Host = "acme.atlassian.net", "acme.atlassian.net"
		}
		return s.Hosts().RoundTrip(r)
	})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Myself(t.Context()); err != nil {
		t.Error(err)
	}
	if id, err := c.CloudID(t.Context()); id != "c1" || err != nil {
		t.Errorf("CloudID = %q, %v, want c1", id, err)
	}
}

func TestOAuthIsForCloud(t *testing.T) {
	s, store := appSite(jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example"})
	auth, err := oauthOf(s, store)
	_, err = clientOf(t, s, "https://jira.acme.example", auth, err).Myself(t.Context())
	if err == nil || !strings.Contains(err.Error(), "use a personal access token") {
		t.Errorf("Myself at Data Center = %v, want what to use there", err)
	}
}

// The consent, as a Go program does it: the address, the code, and then calls.
func TestConsent(t *testing.T) {
	s := simulated(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
	store := jira.TokensFile(filepath.Join(t.TempDir(), "tokens.json"), "")
	config := jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: store, Transport: s.Hosts()}
	if _, err := oauthClient(t, s, store).Myself(t.Context()); !errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), "authorize the app") {
		t.Errorf("Myself before the consent = %v, want what to do", err)
	}
	u, err := url.Parse(config.AuthorizeURL("https://ferry.example/callback", "s t", "read:jira-work"))
	if err != nil || u.Host != "auth.atlassian.com" {
		t.Fatalf("AuthorizeURL = %v, %v", u, err)
	}
	want := url.Values{"audience": {"api.atlassian.com"}, "client_id": {"ferry"}, "scope": {"read:jira-work offline_access"},
		"redirect_uri": {"https://ferry.example/callback"}, "state": {"s t"}, "response_type": {"code"}, "prompt": {"consent"}}
	if got := u.Query().Encode(); got != want.Encode() {
		t.Errorf("AuthorizeURL has %s, want %s", got, want.Encode())
	}
	if err := config.Exchange(t.Context(), "https://ferry.example/callback", s.ConsentCode("ferry")); err != nil {
		t.Fatal(err)
	}
	if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
		t.Errorf("Myself after the consent = %v", err)
	}
	if err := config.Exchange(t.Context(), "https://ferry.example/callback", "nonsense"); !errors.Is(err, jira.ErrInvalidGrant) {
		t.Errorf("Exchange of a code that is none = %v, want ErrInvalidGrant", err)
	}
}

func TestOAuthSettingsThatAreMissing(t *testing.T) {
	store := &memoryStore{}
	for says, config := range map[string]jira.OAuthConfig{
		"no client id":     {ClientSecret: "sesame", Store: store},
		"no client secret": {ClientID: "ferry", Store: store},
		"no token store":   {ClientID: "ferry", ClientSecret: "sesame"},
		"the token URL":    {ClientID: "ferry", ClientSecret: "sesame", Store: store, TokenURL: "https://sam:sesame@x"},
	} {
		if auth, err := jira.OAuth(config); auth != nil || err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("OAuth = %v, %v, want an error that says %q", auth, err, says)
		}
	}
}
