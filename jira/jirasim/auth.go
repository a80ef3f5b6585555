package jirasim

import (
	"crypto/subtle"
	"net/http"
	"net/url"
)

// identity is who a request turned out to come from.
type identity struct {
	accountID string // empty: anonymous
	failed    bool   // credentials were sent and not accepted
}

func (i identity) anonymous() bool { return i.accountID == "" }

// mark sets the headers by which Jira tells who it thinks asked. Wrong credentials
// are not an error where anonymous people may ask too: only this header says so.
func (i identity) mark(h http.Header) {
	switch {
	case i.failed:
		h.Set("X-Seraph-Loginreason", "AUTHENTICATED_FAILED")
	case i.anonymous():
	default:
		h.Set("X-Seraph-Loginreason", "OK")
		h.Set("X-Aaccountid", url.QueryEscape(i.accountID))
	}
}

func (s *Server) identify(c *call) identity {
	if c.trouble.has(DeadToken) {
		return identity{failed: true}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	header := c.Header.Get("Authorization")
	if s.accepts(c.Request) {
		return identity{accountID: s.account.AccountID}
	}
	return identity{failed: header != ""}
}

func (s *Server) accepts(r *http.Request) bool {
	want := s.config
	if want.Email == "" && want.Token == "" && want.Bearer == "" {
		return true
	}
	if email, token, ok := r.BasicAuth(); ok {
		return want.Token != "" && same(email, want.Email) && same(token, want.Token)
	}
	return want.Bearer != "" && same(r.Header.Get("Authorization"), "Bearer "+want.Bearer)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// unauthorized is how Jira refuses where it must know who asks. There is no
// WWW-Authenticate: Jira never challenges.
func unauthorized() *answer {
	return textAnswer(http.StatusUnauthorized, jsonType, `{"message":"Client must be authenticated to access this resource.","status-code":401}`)
}
