package jirasim

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// identity is who a request turned out to come from.
type identity struct {
	accountID string   // empty: anonymous
	failed    bool     // credentials were sent and not accepted
	denied    bool     // they were not even looked at: a CAPTCHA must be solved first
	app       string   // the client id of the OAuth app that asks for the account
	scopes    []string // what the credentials are good for; nil is everything
}

func (i identity) anonymous() bool { return i.accountID == "" }

// mark sets the headers by which Jira tells who it thinks asked. Wrong credentials
// are not an error where anonymous people may ask too: only this header says so.
func (i identity) mark(h http.Header) {
	switch {
	case i.denied:
		h.Set("X-Seraph-Loginreason", "AUTHENTICATION_DENIED")
	case i.failed:
		h.Set("X-Seraph-Loginreason", "AUTHENTICATED_FAILED")
	case i.anonymous():
	default:
		h.Set("X-Seraph-Loginreason", "OK")
		h.Set("X-Aaccountid", url.QueryEscape(i.accountID))
	}
}

// logins are the credentials that the site takes at present.
type logins struct {
	mu                           sync.Mutex
	email, token, bearer, scoped string
	scopes                       []string
	expires                      time.Time      // of the three tokens; zero is never
	failures                     map[string]int // wrong passwords in a row, by user
}

// SetToken makes an e-mail and an API token, or the user and the password of Data
// Center, the Basic credentials that are accepted from now on, and not expired.
func (s *Server) SetToken(email, token string) {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	s.logins.email, s.logins.token, s.logins.expires = email, token, time.Time{}
}

// SetBearer makes a token the bearer token that is accepted from now on, and not
// expired.
func (s *Server) SetBearer(token string) {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	s.logins.bearer, s.logins.expires = token, time.Time{}
}

// SetScopedToken makes a token with these scopes the scoped one that is accepted from
// now on, and not expired.
func (s *Server) SetScopedToken(token string, scopes ...string) {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	s.logins.scoped, s.logins.scopes, s.logins.expires = token, scopes, time.Time{}
}

// ExpireToken makes the present tokens expire now, as [Config.TokenExpires] would: from
// now on requests with them are answered as [DeadToken] has them answered.
func (s *Server) ExpireToken() {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	s.logins.expires = s.now()
}

// identify finds out who asks, and sets the answer where that is enough to refuse.
func (s *Server) identify(c *call) identity {
	if c.door == authDoor || c.outside {
		return identity{}
	}
	if c.trouble.has(DeadToken) {
		return identity{failed: true}
	}
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	if s.open() {
		return s.signedIn()
	}
	if user, password, ok := c.BasicAuth(); ok {
		return s.basic(c, user, password)
	}
	if token, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer "); ok {
		return s.bearer(c, token)
	}
	if c.gateway {
		c.refused = gatewayRefusal("Unauthorized") // nobody is anonymous there
	}
	return identity{failed: c.Header.Get("Authorization") != ""}
}

// open tells that there are no credentials to ask for.
func (s *Server) open() bool {
	l := &s.logins
	return l.email == "" && l.token == "" && l.bearer == "" && l.scoped == "" && !s.authority.any()
}

// signedIn is the account that the site's own credentials belong to.
func (s *Server) signedIn() identity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return identity{accountID: s.account.AccountID}
}

func (s *Server) expired() bool {
	return !s.logins.expires.IsZero() && !s.now().Before(s.logins.expires)
}

// basic checks an e-mail with an API token, or a user's password. At the gateway both
// sorts of API token are taken, on the site only those without scopes. What is wrong at
// the gateway goes on to Jira here, which takes it for nobody's: the answer that is
// the easiest to be misled by.
func (s *Server) basic(c *call, user, password string) identity {
	l, captcha := &s.logins, s.config.CaptchaAfter
	if captcha > 0 && l.failures[user] >= captcha {
		c.refused = s.captcha(c)
		return identity{failed: true, denied: true}
	}
	if same(user, l.email) && !s.expired() {
		if l.token != "" && same(password, l.token) {
			delete(l.failures, user)
			return s.signedIn()
		}
		if l.scoped != "" && same(password, l.scoped) && s.config.ScopedAs != "Bearer" {
			return s.scoped(c)
		}
	}
	if s.config.Deployment == DataCenter {
		if l.failures == nil {
			l.failures = make(map[string]int)
		}
		l.failures[user]++
		c.refused = htmlAnswer(http.StatusUnauthorized, "Basic Authentication Failure - Reason : AUTHENTICATED_FAILED")
		c.refused.header.Set("Www-Authenticate", `OAuth realm="`+c.base+`"`)
	}
	return identity{failed: true}
}

func (s *Server) bearer(c *call, token string) identity {
	l := &s.logins
	if !s.expired() {
		if l.bearer != "" && same(token, l.bearer) {
			return s.signedIn()
		}
		if l.scoped != "" && same(token, l.scoped) && s.config.ScopedAs != "Basic" {
			return s.scoped(c)
		}
	}
	if c.gateway || c.door == gatewayDoor || s.config.Deployment == DataCenter {
		if who, ok := s.authority.knows(token, s.now()); ok {
			return who
		}
	}
	if c.gateway {
		c.refused = gatewayRefusal("Unauthorized")
	}
	return identity{failed: true}
}

// scoped lets a token with scopes in at the gateway alone.
func (s *Server) scoped(c *call) identity {
	if c.gateway {
		who := s.signedIn()
		who.scopes = append([]string{}, s.logins.scopes...)
		return who
	}
	if !s.config.ScopedAnonymous {
		c.refused = unauthorized()
	}
	return identity{failed: true}
}

// SolveCaptcha is somebody logging in with a browser, as Data Center wants it after
// [Config.CaptchaAfter] wrong passwords.
func (s *Server) SolveCaptcha(user string) {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	delete(s.logins.failures, user)
}

// captcha refuses whatever password was given:
// https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
func (s *Server) captcha(c *call) *answer {
	a := htmlAnswer(http.StatusForbidden, "Basic Authentication Failure - Reason : AUTHENTICATION_DENIED")
	a.header.Set("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE; login-url="+c.base+"/login.jsp")
	a.header.Set("Www-Authenticate", `OAuth realm="`+c.base+`"`)
	return a
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// unauthorized is how Jira refuses where it must know who asks. There is no
// WWW-Authenticate: Jira Cloud never challenges.
func unauthorized() *answer {
	return textAnswer(http.StatusUnauthorized, jsonType, `{"message":"Client must be authenticated to access this resource.","status-code":401}`)
}
