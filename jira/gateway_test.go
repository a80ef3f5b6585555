package jira_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// below is a gateway that a proxy serves at https://proxy.example/atlassian.
func below(t *testing.T, s *simulation) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "proxy.example" {
			path, ok := strings.CutPrefix(r.URL.Path, "/atlassian/")
			if !ok {
				t.Errorf("the proxy was asked for %s", r.URL.Path)
			}
			r = r.Clone(r.Context())
			r.URL.Host, r.Host, r.URL.Path = "api.atlassian.com", "api.atlassian.com", "/"+path
		}
		return s.Hosts().RoundTrip(r)
	})
}

// A gateway below a path of a proxy is known again as one.
func TestAGatewayBelowAPath(t *testing.T) {
	const proxy = "https://proxy.example/atlassian"
	for _, site := range []string{cloudSite, proxy + "/ex/jira/c1"} {
		s := simulated(jirasim.Config{Email: "sam@acme.example", ScopedToken: "sesame-token", Scopes: []string{"read:jira-user"}})
		auth, err := jira.Automatic("sam@acme.example", "sesame-token")
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New(site, auth, jira.Config{Transport: below(t, s), Gateway: proxy, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := c.Check(t.Context()); !r.Login.Gateway || err != nil {
			t.Errorf("%s: Check = %v, %v, want a login at the gateway", site, r.Login, err)
		}
		if id, err := c.CloudID(t.Context()); id != "c1" || err != nil {
			t.Errorf("%s: CloudID = %q, %v, want c1", site, id, err)
		}
	}
	auth, _ := jira.Bearer("sesame-token")
	if c, err := jira.New(cloudSite, auth, jira.Config{Gateway: gateway}); c != nil || err == nil {
		t.Errorf("New with the address of a site at the gateway as the gateway = %v, %v, want an error", c, err)
	}
}

// oddIDs would lead to another path or host if they were taken for cloud ids.
var oddIDs = []string{"", "../../evil", "..", "x@evil.example", "a/b", "a?b", "a#b", "a%2Fb", "a\\b", "\u2025", strings.Repeat("a", 65)}

// A site that tells an odd cloud id is believed in nothing: its own refusal
// stands, and no request is made of the id.
func TestOddCloudIDs(t *testing.T) {
	for _, id := range oddIDs {
		var asked []string
		auth, _ := jira.Automatic("sam@acme.example", "sesame-token")
		c, err := jira.New(cloudSite, auth, jira.Config{Retries: -1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.String())
			if r.URL.Path == "/_edge/tenant_info" {
				text, err := json.Marshal(map[string]string{"cloudId": id})
				return answer(http.StatusOK, string(text)), err
			}
			return answer(http.StatusUnauthorized, `{"message":"no"}`), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Myself(t.Context())
		if !errors.Is(err, jira.ErrUnauthorized) {
			t.Errorf("cloud id %q: Myself = %v, want the site's refusal", id, err)
		}
		for _, address := range asked {
			if !strings.HasPrefix(address, cloudSite+"/") {
				t.Errorf("cloud id %q: %s was asked for", id, address)
			}
		}
	}
}

// Nor is a list of sites with odd ids believed, and one without end is not told
// whole.
func TestOddSitesOfAToken(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf(`{"id":"x%d","url":"https://acme%d.atlassian.net"}`, i, i))
	}
	lists := map[string]string{"none": `null`, "many": "[" + strings.Join(many, ",") + "]", "odd URLs": `[{"id":"x1","url":"::"},{"id":"x2","url":"\u001b[2J"},{}]`}
	for _, id := range oddIDs {
		text, _ := json.Marshal([]map[string]string{{"id": id, "url": cloudSite}})
		lists["id "+id] = string(text)
	}
	for name, list := range lists {
		var asked []string
		s, store := appSite(jirasim.Config{})
		auth, err := oauthOf(s, store)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New(cloudSite, auth, jira.Config{Retries: -1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Host+r.URL.Path)
			if r.URL.Path == "/oauth/token/accessible-resources" {
				return answer(http.StatusOK, list), nil
			}
			return s.Hosts().RoundTrip(r)
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Myself(t.Context())
		if !errors.Is(err, jira.ErrForbidden) || len(err.Error()) > 1000 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: Myself = %v, want that the token does not reach the site, in a few lines", name, err)
		}
		if got, want := fmt.Sprint(asked), "[api.atlassian.com/oauth/token/accessible-resources acme.atlassian.net/_edge/tenant_info]"; got != want {
			t.Errorf("%s: asked for %s, want %s", name, got, want)
		}
	}
}

// An access token of an app is not for the site, however the site is addressed.
func TestAnAppsTokenIsNotForTheSite(t *testing.T) {
	s, store := appSite(jirasim.Config{})
	auth, err := oauthOf(s, store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://mistyped.example", auth, jira.Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("an access token was sent to %s", r.URL)
		}
		return answer(http.StatusForbidden, ""), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Myself(t.Context()); !errors.Is(err, jira.ErrForbidden) {
		t.Errorf("Myself = %v, want ErrForbidden", err)
	}
}

// Some gateways quote the header that they refuse. The errors do not.
func TestCredentialsThatAreQuotedBack(t *testing.T) {
	basic, _ := jira.Basic("sam@acme.example", "sesame-token")
	bearer, _ := jira.Bearer("sesame-" + strings.Repeat("token", 100))
	for _, auth := range []jira.Auth{basic, bearer} {
		for _, status := range []int{400, 401, 403, 404, 429} {
			c, err := jira.New(cloudSite, auth, jira.Config{Retries: -1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				_, password, _ := r.BasicAuth()
				return answer(status, `{"errorMessages":["bad header: `+r.Header.Get("Authorization")+`"],"errors":{"password":"`+password+`"}}`), nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Myself(t.Context())
			if err == nil || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "c2FtQGFjbW") || !strings.Contains(err.Error(), "[redacted]") {
				t.Errorf("%v, %d: Myself = %v, want an error with the header redacted", auth, status, err)
			}
		}
	}
}
