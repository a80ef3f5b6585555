package jirasim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// App is an OAuth 2.0 app, or the OAuth credential of a service account.
type App struct {
	ClientID, ClientSecret string
	// Scopes are what people consent to. Empty: read:jira-work, read:jira-user,
	// manage:jira-webhook and offline_access, without which there are no refresh tokens.
	Scopes []string
	// AccountID is who its client credentials act as. Empty: the site's account.
	AccountID string
}

// Tokens are what an app holds after somebody's consent.
type Tokens struct{ Access, Refresh string }

const (
	offlineAccess = "offline_access"
	accessLife    = time.Hour
	// https://developer.atlassian.com/cloud/oauth/getting-started/refresh-tokens
	idleLife      = 90 * 24 * time.Hour
	consentLife   = 365 * 24 * time.Hour
	reuseLeeway   = 10 * time.Minute
	codeLife      = 5 * time.Minute
	defaultScopes = "read:jira-work read:jira-user manage:jira-webhook offline_access"
)

// authority is what the authorization server knows.
type authority struct {
	mu        sync.Mutex
	apps      map[string]App
	codes     map[string]*grant
	access    map[string]*grant
	refresh   map[string]*grant
	refreshes int
	serial    uint64
	withhold  bool
}

// consent is what somebody allowed an app, once.
type consent struct {
	app       App
	accountID string
	given     time.Time
	revoked   bool
}

// grant is a token of any sort.
type grant struct {
	*consent
	issued time.Time
	used   time.Time // of a refresh token: when it was first; zero is never
	dead   bool      // of an access token: expired before its time
}

// AddApp makes an app known to the authorization server, or changes it.
func (s *Server) AddApp(app App) {
	if len(app.Scopes) == 0 {
		app.Scopes = strings.Fields(defaultScopes)
	}
	s.mu.Lock()
	s.ensureUser(app.AccountID)
	s.mu.Unlock()
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	if s.authority.apps == nil {
		s.authority.apps, s.authority.codes = make(map[string]App), make(map[string]*grant)
		s.authority.access, s.authority.refresh = make(map[string]*grant), make(map[string]*grant)
	}
	s.authority.apps[app.ClientID] = app
}

// App returns the app with the client id.
func (s *Server) App(clientID string) (App, bool) {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	app, ok := s.authority.apps[clientID]
	return app, ok
}

// Consent is the site's account allowing an app what it asks for: the app gets its
// first tokens. An app that was not added is a mistake of the caller and panics.
func (s *Server) Consent(clientID string) Tokens {
	allowed := s.allow(clientID)
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return s.authority.issue(allowed, s.now(), s.config.Seed)
}

// ConsentCode is Consent up to where the app gets a code, which it must exchange for
// its tokens within five minutes.
func (s *Server) ConsentCode(clientID string) string {
	allowed := s.allow(clientID)
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	code := s.authority.token("code", s.config.Seed)
	s.authority.codes[code] = &grant{consent: allowed, issued: s.now()}
	return code
}

func (s *Server) allow(clientID string) *consent {
	app, ok := s.App(clientID)
	if !ok {
		panic(fmt.Sprintf("jirasim: there is no app %q to consent to", clientID))
	}
	return &consent{app: app, accountID: s.signedIn().accountID, given: s.now()}
}

// RevokeConsents takes back what everybody allowed every app, as a change of the
// password does: no token of theirs is good any more.
func (s *Server) RevokeConsents() {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	for _, tokens := range []map[string]*grant{s.authority.codes, s.authority.access, s.authority.refresh} {
		for _, g := range tokens {
			g.revoked = true
		}
	}
}

// ExpireAccessTokens makes every access token expire now; refresh tokens stay good.
func (s *Server) ExpireAccessTokens() {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	for _, g := range s.authority.access {
		g.dead = true
	}
}

// WithholdRefreshTokens makes the authorization server leave refresh_token out of its
// answers, as it does now and then: the token that was used then stays good.
func (s *Server) WithholdRefreshTokens(withhold bool) {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	s.authority.withhold = withhold
}

// Refreshes is how often a refresh token was exchanged.
func (s *Server) Refreshes() int {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return s.authority.refreshes
}

func (a *authority) any() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.apps) > 0
}

// knows tells whom an access token is for.
func (a *authority) knows(token string, now time.Time) (identity, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.access[token]
	if g == nil || g.dead || g.revoked || now.Sub(g.issued) >= accessLife {
		return identity{}, false
	}
	return identity{accountID: g.accountID, app: g.app.ClientID, scopes: g.app.Scopes}, true
}

// issue makes an access token and, if the app may have one, a refresh token.
func (a *authority) issue(c *consent, now time.Time, seed uint64) Tokens {
	t := Tokens{Access: a.token("access", seed)}
	a.access[t.Access] = &grant{consent: c, issued: now}
	if slices.Contains(c.app.Scopes, offlineAccess) {
		t.Refresh = a.token("refresh", seed)
		a.refresh[t.Refresh] = &grant{consent: c, issued: now}
	}
	return t
}

func (a *authority) token(kind string, seed uint64) string {
	a.serial++
	return fmt.Sprintf("%s.%016x%016x", kind, digest(fmt.Sprint(kind, seed, a.serial)), digest(fmt.Sprint(seed, a.serial, kind)))
}

// rotate exchanges a refresh token. The one used is good for ten minutes more, for
// the client that lost the answer; then it is not. ok is false where it is no good.
func (a *authority) rotate(app App, token string, now time.Time, seed uint64) (Tokens, bool) {
	g := a.refresh[token]
	if g == nil || g.revoked || g.app.ClientID != app.ClientID ||
		now.Sub(g.issued) >= idleLife || now.Sub(g.given) >= consentLife ||
		!g.used.IsZero() && now.Sub(g.used) > reuseLeeway {
		return Tokens{}, false
	}
	a.refreshes++
	if a.withhold {
		g.issued = now
		fresh := Tokens{Access: a.token("access", seed)}
		a.access[fresh.Access] = &grant{consent: g.consent, issued: now}
		return fresh, true
	}
	if g.used.IsZero() {
		g.used = now
	}
	return a.issue(g.consent, now, seed), true
}

// redeem exchanges a code, once.
func (a *authority) redeem(app App, code string, now time.Time, seed uint64) (Tokens, bool) {
	g := a.codes[code]
	if g == nil || g.revoked || g.app.ClientID != app.ClientID || now.Sub(g.issued) >= codeLife {
		return Tokens{}, false
	}
	delete(a.codes, code)
	return a.issue(g.consent, now, seed), true
}

// lend gives an app an access token of its own account.
func (a *authority) lend(app App, account string, now time.Time, seed uint64) Tokens {
	t := Tokens{Access: a.token("access", seed)}
	a.access[t.Access] = &grant{consent: &consent{app: app, accountID: cmp.Or(app.AccountID, account), given: now}, issued: now}
	return t
}
