package jira_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// memoryStore is a token store that can fail.
type memoryStore struct {
	mu    sync.Mutex
	kept  jira.Tokens
	fail  error
	saves int
	saved map[string]bool // access tokens
}

func (m *memoryStore) Load(context.Context) (jira.Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, nil
}

func (m *memoryStore) Save(ctx context.Context, t jira.Tokens) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	if err := errors.Join(m.fail, ctx.Err()); err != nil {
		return err
	}
	if m.saved == nil {
		m.saved = map[string]bool{}
	}
	m.kept, m.saved[t.Access] = t, true
	return nil
}

func (m *memoryStore) set(fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memoryStore) read() (jira.Tokens, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, m.saves
}

// appSite is a site with an app, and the store of a consent.
func appSite(config jirasim.Config) (*simulation, *memoryStore) {
	s := simulated(config)
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
	return s, &memoryStore{kept: jira.Tokens{Refresh: s.Consent("ferry").Refresh}}
}

func oauthOf(s *simulation, store jira.TokenStore) (jira.Auth, error) {
	return jira.OAuth(jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: store, Transport: s.Hosts()})
}

func oauthClient(t *testing.T, s *simulation, store jira.TokenStore) *jira.Client {
	t.Helper()
	auth, err := oauthOf(s, store)
	return clientOf(t, s, cloudSite, auth, err)
}

// concurrently asks n times at once and counts the errors.
func concurrently(c *jira.Client, ctx context.Context, n int) (errs []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		wg.Go(func() {
			if _, err := c.Myself(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errs
}

// Two hours of five callers at once take three refreshes: at the start, and
// each time a minute before the token's end. No caller sees a refusal.
func TestAccessTokensAreRenewedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 100 * time.Millisecond})
		c := oauthClient(t, s, store)
		for began := time.Now(); time.Since(began) < 2*time.Hour; time.Sleep(50 * time.Second) {
			if errs := concurrently(c, t.Context(), 5); errs != nil {
				t.Fatal(errs)
			}
		}
		refusals := 0
		for _, r := range s.Requests() {
			if r.Status == http.StatusUnauthorized {
				refusals++
			}
		}
		if s.Refreshes() != 3 || refusals != 0 {
			t.Errorf("%d refreshes and %d refusals in two hours, want 3 and none", s.Refreshes(), refusals)
		}
		if kept, saves := store.read(); saves != 3 || kept.Access == "" || kept.Refresh == "" {
			t.Errorf("%d saves, the last complete: %v, want 3", saves, kept.Refresh != "")
		}
	})
}

// A token that is refused before its time is renewed once for all who were
// refused, and every call is answered.
func TestConcurrentRefusalsCauseOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 100 * time.Millisecond})
		c := oauthClient(t, s, store)
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			before := s.Refreshes()
			s.ExpireAccessTokens()
			if errs := concurrently(c, t.Context(), 20); errs != nil {
				t.Fatal(errs)
			}
			if got := s.Refreshes() - before; got != 1 {
				t.Errorf("20 refusals at once caused %d refreshes, want 1", got)
			}
		}
	})
}

// diesAt is a store whose process is killed while it saves: nothing is written,
// and nothing comes back.
type diesAt struct {
	*memoryStore
	killed context.CancelFunc
}

func (d diesAt) Save(ctx context.Context, _ jira.Tokens) error {
	d.killed()
	return errors.New("killed")
}

// A process that dies after the refresh and before the store has it loses
// nothing: the next one begins with the refresh token that was used, which is
// good for ten minutes more.
func TestACrashBetweenRefreshAndStoreLosesNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		process, kill := context.WithCancel(t.Context())
		defer kill()
		if _, err := oauthClient(t, s, diesAt{store, kill}).Myself(process); err == nil {
			t.Error("Myself of the process that was killed = nil, want an error")
		}
		if s.Refreshes() != 1 {
			t.Fatalf("%d refreshes, want the killed process to have made one", s.Refreshes())
		}
		for _, path := range s.asked() {
			if path != "/oauth/token" {
				t.Errorf("%s was asked with a token that was not saved", path)
			}
		}
		time.Sleep(9 * time.Minute)
		if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
			t.Errorf("Myself of the next process = %v", err)
		}
	})
}

// Where the store does not save, nothing is asked with what it has not saved;
// when it does again, the calls go on without another refresh.
func TestNothingIsSentBeforeItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		c := oauthClient(t, s, store)
		full := errors.New("no space left on device")
		store.set(full)
		for range 3 {
			if _, err := c.Myself(t.Context()); !errors.Is(err, full) || !strings.Contains(err.Error(), "save the tokens") {
				t.Errorf("Myself = %v, want the store's error", err)
			}
		}
		if got := s.asked(); !slices.Equal(got, []string{"/oauth/token"}) {
			t.Errorf("asked %q, want one refresh alone", got)
		}
		store.set(nil)
		if _, err := c.Myself(t.Context()); err != nil || s.Refreshes() != 1 {
			t.Errorf("Myself = %v after %d refreshes, want nil after 1", err, s.Refreshes())
		}
	})
}

// A caller that gives up does not take the answer with it: it is saved, and the
// others get their tokens.
func TestOneCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 2 * time.Second})
		c := oauthClient(t, s, store)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Myself(hasty); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the hasty caller: %v, want its deadline", err)
			}
		})
		synctest.Wait()
		if errs := concurrently(c, t.Context(), 5); errs != nil {
			t.Error(errs)
		}
		wg.Wait()
		if _, saves := store.read(); s.Refreshes() != 1 || saves != 1 {
			t.Errorf("%d refreshes and %d saves, want one of each", s.Refreshes(), saves)
		}
	})
}

// What a token endpoint may do for a while is waited out; an answer that is lost
// after the rotation is asked for once more.
func TestTroubleOfTheTokenEndpointPasses(t *testing.T) {
	for name, fault := range map[string]jirasim.Fault{
		"500":                {Do: jirasim.ServerError, Status: 500},
		"503 as a web page":  {Do: jirasim.ServerError, Status: 503, HTML: true},
		"429":                {Do: jirasim.Throttle, RetryAfter: "7"},
		"a web page":         {Do: jirasim.HTML},
		"an answer lost":     {Do: jirasim.LoseAnswer},
		"an answer cut":      {Do: jirasim.Cut},
		"no answer for long": {Do: jirasim.LoseAnswer, For: time.Hour},
		"silence":            {Do: jirasim.Hang},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := appSite(jirasim.Config{})
				fault.Match, fault.Times = "/oauth/token", 2
				s.Inject(fault)
				began := time.Now()
				if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
					t.Errorf("Myself = %v", err)
				}
				if took := time.Since(began); fault.RetryAfter != "" && took < 14*time.Second {
					t.Errorf("it took %v, want at least the 14 s that were asked for", took)
				}
			})
		})
	}
}

// While a token is good, trouble with its renewal is not the callers'.
func TestARenewalThatFailsEarlyHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		c := oauthClient(t, s, store)
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 50*time.Second)
		s.Inject(jirasim.Fault{Match: "/oauth/token", Do: jirasim.ServerError, Status: 503})
		for range 30 {
			began := time.Now()
			if _, err := c.Myself(t.Context()); err != nil || time.Since(began) > time.Second {
				t.Errorf("Myself before the token's end = %v after %v", err, time.Since(began))
			}
			time.Sleep(time.Second)
		}
		s.Heal()
		time.Sleep(time.Minute)
		if _, err := c.Myself(t.Context()); err != nil || s.Refreshes() != 2 {
			t.Errorf("Myself = %v after %d refreshes, want nil after 2", err, s.Refreshes())
		}
	})
}

// A consent that is over is told apart, at once, and not asked about again for a
// while.
func TestInvalidGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		s.RevokeConsents()
		c := oauthClient(t, s, store)
		for range 3 {
			_, err := c.Myself(t.Context())
			if !errors.Is(err, jira.ErrInvalidGrant) || !errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), "authorize the app again") {
				t.Errorf("Myself = %v, want ErrInvalidGrant", err)
			}
			if kept, _ := store.read(); strings.Contains(err.Error(), kept.Refresh) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error shows a secret: %v", err)
			}
		}
		if got := s.asked(); len(got) != 1 {
			t.Errorf("asked %q, want one refresh", got)
		}
		store.kept = jira.Tokens{Refresh: s.Consent("ferry").Refresh}
		if _, err := c.Myself(t.Context()); err != nil {
			t.Errorf("Myself after another consent = %v", err)
		}
	})
}

// Two processes that share a store go on with each other's tokens.
func TestAnotherProcessHasRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		first, second := oauthClient(t, s, store), oauthClient(t, s, store)
		for range 4 { // each 40 minutes, by turns
			for _, c := range []*jira.Client{first, second} {
				if _, err := c.Myself(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
			}
		}
		if s.Refreshes() > 3 {
			t.Errorf("%d refreshes in 160 minutes, want at most 3 of the two together", s.Refreshes())
		}
	})
}

// lateStore gives the first one who loads what it held before.
type lateStore struct {
	*memoryStore
	stale jira.Tokens
}

func (l *lateStore) Load(ctx context.Context) (jira.Tokens, error) {
	if stale := l.stale; stale.Refresh != "" {
		l.stale = jira.Tokens{}
		return stale, nil
	}
	return l.memoryStore.Load(ctx)
}

// A refresh token that another process has used up meanwhile is no reason to
// give up: what that process saved is.
func TestALostRaceIsNoInvalidGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		stale, _ := store.read()
		if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		if _, err := oauthClient(t, s, &lateStore{store, stale}).Myself(t.Context()); err != nil {
			t.Errorf("Myself = %v, want the tokens that the other process saved", err)
		}
	})
}

// An answer without a refresh token leaves the one before in place.
func TestARefreshTokenThatIsWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		s.WithholdRefreshTokens(true)
		c := oauthClient(t, s, store)
		for range 3 {
			if _, err := c.Myself(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}

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

// An endpoint that is none, that sends elsewhere, or that refuses the app is said
// to; its answers show no secret.
func TestTokenEndpointsThatRefuse(t *testing.T) {
	tests := map[string]struct {
		status int
		header string
		body   string
		kind   error
		says   string
	}{
		"a redirect":            {307, "https://evil.example/oauth/token", "", jira.ErrNotJira, "credentials are not sent elsewhere"},
		"a wrong secret":        {401, "", `{"error":"access_denied","error_description":"Unauthorized"}`, jira.ErrUnauthorized, "check the client id and the client secret"},
		"a secret told back":    {403, "", `{"error":"unauthorized_client","error_description":"not sesame-secret, not sesame-refresh"}`, jira.ErrUnauthorized, "not [redacted], not [redacted]"},
		"a scope it has not":    {400, "", `{"error":"invalid_scope"}`, jira.ErrForbidden, "invalid_scope"},
		"invalid_grant as 400":  {400, "", `{"error":"invalid_grant"}`, jira.ErrInvalidGrant, "authorize the app again"},
		"a page":                {404, "", `<html>`, jira.ErrNotJira, "is this the token URL?"},
		"JSON of another shape": {200, "", `{"token":"x"}`, jira.ErrNotJira, "without an access token"},
		"a token of two lines":  {200, "", `{"access_token":"a\nb"}`, jira.ErrNotJira, "without an access token"},
		"a list":                {400, "", `[]`, jira.ErrNotJira, "is this the token URL?"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := 0
			endpoint := roundTrip(func(r *http.Request) (*http.Response, error) {
				n++
				w := &http.Response{StatusCode: test.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.body)), Request: r}
				if test.header != "" {
					w.Header.Set("Location", test.header)
				}
				return w, nil
			})
			auth, err := jira.OAuth(jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: &memoryStore{kept: jira.Tokens{Refresh: "sesame-refresh"}}, Transport: endpoint})
			if err != nil {
				t.Fatal(err)
			}
			r, _ := http.NewRequest(http.MethodGet, cloudSite, nil)
			err = auth.Authorize(t.Context(), r)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "sesame") || n != 1 {
				t.Errorf("Authorize = %v after %d requests, want %q after one", err, n, test.says)
			}
		})
	}
}

// Whatever befalls the token endpoint, the store and the process, in whatever
// order within the leeway: the login is never lost, and no token reaches Jira
// that is not saved.
func TestNoLoginIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"call", "calls", "wait", "expire", "lose", "fail", "full", "free", "restart", "give up"}), 1, 12).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			s, store := appSite(jirasim.Config{Latency: 50 * time.Millisecond})
			c := oauthClient(t, s, store)
			full := errors.New("no space left on device")
			for _, step := range steps {
				switch step {
				case "call", "calls":
					for _, err := range concurrently(c, t.Context(), map[string]int{"call": 1, "calls": 5}[step]) {
						if !errors.Is(err, full) {
							t.Fatalf("%v: %v", steps, err)
						}
					}
				case "wait":
					store.set(nil) // the wait is longer than the leeway, so what is not saved is saved before
					for _, wait := range []time.Duration{29 * time.Minute, 0} {
						if errs := concurrently(c, t.Context(), 1); errs != nil {
							t.Fatalf("%v: %v", steps, errs)
						}
						time.Sleep(wait)
					}
				case "expire":
					s.ExpireAccessTokens()
				case "lose":
					s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: jirasim.LoseAnswer})
				case "fail":
					s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: jirasim.ServerError, Status: 500})
				case "full":
					store.set(full)
				case "free":
					store.set(nil)
				case "restart":
					c = oauthClient(t, s, store)
				case "give up":
					hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					_, _ = c.Myself(hasty)
					cancel()
				}
			}
			store.set(nil)
			s.Heal()
			if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
				t.Fatalf("%v, and then a process that begins: %v", steps, err)
			}
			for token := range s.bearers {
				if !store.saved[token] {
					t.Errorf("%v: a token reached Jira before it was saved", steps)
				}
			}
		})
	})
}

// Service accounts: at Cloud by Atlassian's endpoint and the gateway, at Data
// Center by the site's own.
func TestClientCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		config jirasim.Config
		site   string
	}{
		"Cloud":       {jirasim.Config{}, cloudSite},
		"gateway":     {jirasim.Config{}, gateway},
		"Data Center": {jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example/jira", ContextPath: "/jira"}, "https://jira.acme.example/jira"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulated(test.config)
				s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
				auth, err := jira.ClientCredentials(jira.ClientCredentialsConfig{ClientID: "ferry", ClientSecret: "sesame-secret"})
				c := clientOf(t, s, test.site, auth, err)
				for range 3 {
					if errs := concurrently(c, t.Context(), 5); errs != nil {
						t.Fatal(errs)
					}
					time.Sleep(time.Hour)
				}
				tokens := 0
				for _, path := range s.asked() {
					if strings.HasSuffix(path, "/token") {
						tokens++
					}
				}
				if tokens != 3 {
					t.Errorf("%d tokens in three hours, want 3: %q", tokens, s.asked())
				}
			})
		})
	}
	s := simulated(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "other"})
	auth, err := jira.ClientCredentials(jira.ClientCredentialsConfig{ClientID: "ferry", ClientSecret: "sesame-secret"})
	_, err = clientOf(t, s, cloudSite, auth, err).Myself(t.Context())
	if !errors.Is(err, jira.ErrUnauthorized) || errors.Is(err, jira.ErrInvalidGrant) || !strings.Contains(fmt.Sprint(err), "check the client id and the client secret") {
		t.Errorf("Myself with a wrong secret = %v, want what to check", err)
	}
}
