package jira_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
	"ferry/jira/jirasim"
)

const cloudSite = "https://acme.atlassian.net"

// simulation is a site of Jira Cloud with its gateway and its authorization
// server, or of Data Center, all under their own addresses.
type simulation struct {
	*jirasim.Server

	mu       sync.Mutex
	bearers  map[string]bool
	requests []string // "Basic /path": the way of the login, and the path with the gateway's
}

func simulated(config jirasim.Config) *simulation {
	config.CloudID = "c1"
	if config.BaseURL == "" {
		config.BaseURL = cloudSite
	}
	return &simulation{Server: jirasim.New(config), bearers: map[string]bool{}}
}

// Hosts are the site's, and note what is asked.
func (s *simulation) Hosts() http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		s.mu.Lock()
		if scheme == "Bearer" {
			s.bearers[token] = true
		}
		s.requests = append(s.requests, strings.TrimSpace(scheme+" "+r.URL.Path))
		s.mu.Unlock()
		return s.Server.Hosts().RoundTrip(r)
	})
}

func (s *simulation) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func clientOf(t *testing.T, s *simulation, site string, auth jira.Auth, err error) *jira.Client {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(site, auth, jira.Config{Transport: s.Hosts()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each token is taken to where it is good, by as few requests as that takes.
func TestAutomaticFindsTheWay(t *testing.T) {
	const (
		siteMyself = "/rest/api/3/myself"
		tenant     = "/_edge/tenant_info"
		atGateway  = "/ex/jira/c1/rest/api/3/myself"
		dcInfo     = "/rest/api/2/serverInfo"
		dcMyself   = "/rest/api/2/myself"
	)
	tests := map[string]struct {
		config jirasim.Config
		site   string
		user   string
		token  string
		want   []string
	}{
		"an API token": {
			jirasim.Config{Email: "sam@acme.example", Token: "tok"}, cloudSite, "sam@acme.example", "tok",
			[]string{"Basic " + siteMyself, "Basic " + siteMyself},
		},
		"a scoped token": {
			jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}}, cloudSite, "sam@acme.example", "tok",
			[]string{"Basic " + siteMyself, tenant, "Basic " + atGateway, "Basic " + atGateway},
		},
		"a scoped token that the site answers as nobody's": {
			jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}, ScopedAnonymous: true}, cloudSite, "sam@acme.example", "tok",
			[]string{"Basic " + siteMyself, tenant, "Basic " + atGateway, "Basic " + atGateway},
		},
		"a scoped token as Bearer alone": {
			jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}, ScopedAs: "Bearer"}, cloudSite, "sam@acme.example", "tok",
			[]string{"Basic " + siteMyself, tenant, "Basic " + atGateway, "Bearer " + atGateway, "Bearer " + atGateway},
		},
		"a scoped token without an e-mail": {
			jirasim.Config{ScopedToken: "tok", Scopes: []string{"read:jira-user"}}, cloudSite, "", "tok",
			[]string{tenant, "Bearer " + atGateway},
		},
		"the gateway's address": {
			jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}}, gateway, "sam@acme.example", "tok",
			[]string{"Basic " + atGateway, "Basic " + atGateway},
		},
		"the gateway's address without an e-mail": {
			jirasim.Config{ScopedToken: "tok", Scopes: []string{"read:jira-user"}}, gateway, "", "tok",
			[]string{"Bearer " + atGateway},
		},
		"a personal access token": {
			jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Bearer: "tok"}, "https://jira.acme.example", "", "tok",
			[]string{dcInfo, "Bearer " + dcMyself},
		},
		"a personal access token and a name": {
			jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Bearer: "tok"}, "https://jira.acme.example", "sam", "tok",
			[]string{dcInfo, "Bearer " + dcMyself, "Bearer " + dcMyself},
		},
		"a password, below a context path": {
			jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example/jira", ContextPath: "/jira", Email: "sam", Token: "tok"}, "https://jira.acme.example/jira", "sam", "tok",
			[]string{"/jira" + dcInfo, "Bearer /jira" + dcMyself, "Basic /jira" + dcMyself, "Basic /jira" + dcMyself},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := simulated(test.config)
			auth, err := jira.Automatic(test.user, test.token)
			c := clientOf(t, s, test.site, auth, err)
			if _, err := c.Myself(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, s.asked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// A site that tells nobody what it is is asked in each way that the token may be
// good in, a personal access token first.
func TestASiteThatTellsNobodyWhatItIs(t *testing.T) {
	for token, want := range map[string][]string{
		"sesame-token":    {"", "Bearer"},
		"sesame-password": {"", "Bearer", "Basic"},
	} {
		s := simulated(jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Bearer: "sesame-token", Email: "sam", Token: "sesame-password"})
		var asked []string
		auth, err := jira.Automatic("sam", token)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New("https://jira.acme.example", auth, jira.Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := s.Hosts().RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, "/serverInfo") {
				return resp, err
			}
			scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			asked = append(asked, scheme)
			if resp.Header.Get("X-Seraph-Loginreason") != "OK" {
				return answer(http.StatusUnauthorized, ""), resp.Body.Close()
			}
			return resp, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Myself(t.Context()); err != nil || !slices.Equal(asked, want) {
			t.Errorf("%s: Myself = %v, asked %q, want nil after %q", token, err, asked, want)
		}
	}
}

// What was found is kept.
func TestTheWayIsRemembered(t *testing.T) {
	s := simulated(jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}})
	auth, err := jira.Automatic("sam@acme.example", "tok")
	c := clientOf(t, s, cloudSite, auth, err)
	for range 3 {
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.asked(); len(got) != 6 {
		t.Errorf("asked %q, want three requests after the three that found the way", got)
	}
	if id, err := c.CloudID(t.Context()); id != "c1" || err != nil || len(s.asked()) != 6 {
		t.Errorf("CloudID = %q, %v, want c1 without another request", id, err)
	}
}

func TestCloudID(t *testing.T) {
	s := simulated(jirasim.Config{Email: "sam@acme.example", Token: "tok"})
	auth, err := jira.Basic("sam@acme.example", "tok")
	c := clientOf(t, s, cloudSite, auth, err)
	for range 2 {
		if id, err := c.CloudID(t.Context()); id != "c1" || err != nil {
			t.Errorf("CloudID = %q, %v, want c1", id, err)
		}
	}
	if diff := cmp.Diff([]string{"/_edge/tenant_info"}, s.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	dc := simulated(jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Bearer: "tok"})
	pat, err := jira.Bearer("tok")
	if id, err := clientOf(t, dc, "https://jira.acme.example", pat, err).CloudID(t.Context()); id != "" || err == nil {
		t.Errorf("CloudID at Data Center = %q, %v, want an error", id, err)
	}
}

// An explicit way goes to the address given, and is not tried elsewhere.
func TestExplicitLoginsAreNotTriedElsewhere(t *testing.T) {
	s := simulated(jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}})
	for name, make := range map[string]func() (jira.Auth, error){
		"Basic":  func() (jira.Auth, error) { return jira.Basic("sam@acme.example", "tok") },
		"Bearer": func() (jira.Auth, error) { return jira.Bearer("tok") },
	} {
		before := len(s.asked())
		auth, err := make()
		_, err = clientOf(t, s, cloudSite, auth, err).Myself(t.Context())
		if got := s.asked()[before:]; !errors.Is(err, jira.ErrUnauthorized) || !slices.Equal(got, []string{name + " /rest/api/3/myself"}) {
			t.Errorf("%s: %v after %q, want one refusal", name, err, got)
		}
	}
}

// A refusal tells what to do about it, which depends on where and how the login
// was.
func TestRefusalsTellWhatToDo(t *testing.T) {
	basic := func() (jira.Auth, error) { return jira.Basic("sam@acme.example", "dead-sesame") }
	bearer := func() (jira.Auth, error) { return jira.Bearer("dead-sesame") }
	automatic := func() (jira.Auth, error) { return jira.Automatic("sam@acme.example", "dead-sesame") }
	cloud := jirasim.Config{Email: "sam@acme.example", Token: "tok"}
	dc := jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Email: "sam", Token: "tok", Bearer: "pat"}
	tests := map[string]struct {
		config jirasim.Config
		site   string
		auth   func() (jira.Auth, error)
		says   string
	}{
		"Basic at the site":        {cloud, cloudSite, basic, "check the e-mail and the API token, or make a new token"},
		"Bearer at the site":       {cloud, cloudSite, bearer, "sites of Jira Cloud take no token alone"},
		"Basic at the gateway":     {cloud, gateway, basic, "check the e-mail, the API token and the cloud id"},
		"Bearer at the gateway":    {cloud, gateway, bearer, "check the access token and the cloud id"},
		"Automatic at the site":    {cloud, cloudSite, automatic, "the site refused the API token with the e-mail, and so did the gateway"},
		"Automatic at the gateway": {cloud, gateway, automatic, "the gateway refused the API token both"},
		"a personal access token":  {dc, "https://jira.acme.example", bearer, "check the personal access token, or make a new one in Jira under Profile"},
		"a password":               {dc, "https://jira.acme.example", basic, "check the user's name and password"},
		"Automatic at Data Center": {dc, "https://jira.acme.example", automatic, "both as a personal access token and as the user's password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			auth, err := test.auth()
			_, err = clientOf(t, simulated(test.config), test.site, auth, err).Myself(t.Context())
			if !errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("Myself = %v, want ErrUnauthorized that says %q", err, test.says)
			}
		})
	}
}

// After wrong passwords Data Center refuses the right one too; the sentence says
// how to get out of that.
func TestCaptcha(t *testing.T) {
	s := simulated(jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example", Email: "sam", Token: "tok", CaptchaAfter: 2})
	wrong, err := jira.Basic("sam", "wrong")
	c := clientOf(t, s, "https://jira.acme.example", wrong, err)
	for range 2 {
		if _, err := c.Myself(t.Context()); !errors.Is(err, jira.ErrUnauthorized) || strings.Contains(err.Error(), "CAPTCHA") {
			t.Errorf("a wrong password = %v, want ErrUnauthorized alone", err)
		}
	}
	for _, make := range []func(string, string) (jira.Auth, error){jira.Basic, jira.Automatic} {
		auth, err := make("sam", "tok")
		_, err = clientOf(t, s, "https://jira.acme.example", auth, err).Myself(t.Context())
		if !errors.Is(err, jira.ErrNotLoggedIn) || !strings.Contains(err.Error(), "CAPTCHA first: log in once with a browser") {
			t.Errorf("the right password of a locked user = %v, want the way out", err)
		}
	}
}

// The error names the scope that the token lacks.
func TestAMissingScopeIsNamed(t *testing.T) {
	s := simulated(jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}})
	auth, err := jira.Automatic("sam@acme.example", "tok")
	c := clientOf(t, s, cloudSite, auth, err)
	_, err = c.ApproximateCount(t.Context(), "project = PAY")
	if !errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), "the token lacks a scope: this takes read:jira-work;") {
		t.Errorf("ApproximateCount = %v, want the scope read:jira-work named", err)
	}
	if _, err := c.Myself(t.Context()); err != nil {
		t.Errorf("Myself, for which the scope is there = %v", err)
	}
}

// Where the gateway cannot be asked, that is the error, and no refusal: the
// token may be good.
func TestAGatewayOutOfReachIsNoRefusal(t *testing.T) {
	s := simulated(jirasim.Config{Email: "sam@acme.example", ScopedToken: "tok", Scopes: []string{"read:jira-user"}})
	down := true
	auth, err := jira.Automatic("sam@acme.example", "tok")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(cloudSite, auth, jira.Config{Retries: -1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if down && r.URL.Host == "api.atlassian.com" {
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: r}, nil
		}
		return s.Hosts().RoundTrip(r)
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Myself(t.Context())
	e, ok := errors.AsType[*jira.Error](err)
	if !ok || e.Status != 503 || errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), "the site refused the API token") {
		t.Errorf("Myself = %v, want 503 and that the site had refused the token", err)
	}
	down = false
	if _, err := c.Myself(t.Context()); err != nil {
		t.Errorf("Myself with the gateway back = %v", err)
	}
}

// Credentials go to the site, to the gateway and to the token endpoint alone, and
// of each kind only where it belongs.
func TestEachCredentialStaysWithItsHost(t *testing.T) {
	s := simulated(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
	store := &memoryStore{kept: jira.Tokens{Refresh: s.Consent("ferry").Refresh}}
	hosts := map[string]bool{}
	watch := roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "" {
			hosts[r.URL.Host] = true
		}
		return s.Hosts().RoundTrip(r)
	})
	auth, err := jira.OAuth(jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: store, Transport: watch})
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(cloudSite, auth, jira.Config{Transport: watch})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Myself(t.Context()); err != nil {
		t.Error(err)
	}
	if got := slices.Collect(maps.Keys(hosts)); !slices.Equal(got, []string{"api.atlassian.com"}) {
		t.Errorf("access tokens went to %q, want the gateway alone", got)
	}
}
