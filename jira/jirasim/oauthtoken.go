package jirasim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// tokenRequest is what both token endpoints are asked.
type tokenRequest struct {
	GrantType    string `json:"grant_type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Code         string `json:"code"`
	RefreshToken string `json:"refresh_token"`
	RedirectURI  string `json:"redirect_uri"`
}

// tokenRequest reads JSON or a form; Atlassian's documentation shows JSON.
func (c *call) tokenRequest() (tokenRequest, bool) {
	var q tokenRequest
	if strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") {
		return q, json.Unmarshal(c.body, &q) == nil
	}
	return c.tokenForm()
}

func (c *call) tokenForm() (tokenRequest, bool) {
	form, err := url.ParseQuery(string(c.body))
	return tokenRequest{GrantType: form.Get("grant_type"), ClientID: form.Get("client_id"), ClientSecret: form.Get("client_secret"),
		Code: form.Get("code"), RefreshToken: form.Get("refresh_token"), RedirectURI: form.Get("redirect_uri")}, err == nil
}

// authorize answers what auth.atlassian.com is asked.
func (s *Server) authorize(c *call) *answer {
	if c.path != "/oauth/token" {
		return textAnswer(http.StatusNotFound, jsonType, `{"error":"not_found","error_description":"Not Found"}`)
	}
	if c.Method != http.MethodPost {
		return textAnswer(http.StatusMethodNotAllowed, jsonType, `{"error":"invalid_request","error_description":"Method Not Allowed"}`)
	}
	q, ok := c.tokenRequest()
	if !ok || q.GrantType == "" {
		return oauthError(http.StatusBadRequest, "invalid_request", "Missing required parameter: grant_type")
	}
	app, ok := s.App(q.ClientID)
	if !ok || !same(app.ClientSecret, q.ClientSecret) {
		return oauthError(http.StatusUnauthorized, "access_denied", "Unauthorized")
	}
	account := s.signedIn().accountID
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return s.exchange(app, account, q)
}

func (s *Server) exchange(app App, account string, q tokenRequest) *answer {
	a, now, seed := &s.authority, s.now(), s.config.Seed
	switch q.GrantType {
	case "refresh_token":
		if t, ok := a.rotate(app, q.RefreshToken, now, seed); ok {
			return tokenAnswer(app, t, "Bearer")
		}
		return oauthError(http.StatusForbidden, "invalid_grant", "Unknown or invalid refresh token.")
	case "authorization_code":
		if t, ok := a.redeem(app, q.Code, now, seed); ok {
			return tokenAnswer(app, t, "Bearer")
		}
		return oauthError(http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	case "client_credentials":
		return tokenAnswer(app, a.lend(app, account, now, seed), "Bearer")
	}
	return oauthError(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+q.GrantType)
}

// serviceToken answers POST /rest/oauth2/latest/token of Data Center, a form:
// https://confluence.atlassian.com/enterprise/service-accounts-overview-1627095923.html
func (s *Server) serviceToken(c *call) *answer {
	if !strings.HasPrefix(c.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return htmlAnswer(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	}
	q, ok := c.tokenForm()
	if !ok || q.GrantType != "client_credentials" {
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported.")
	}
	app, ok := s.App(q.ClientID)
	if !ok || !same(app.ClientSecret, q.ClientSecret) {
		return oauthError(http.StatusUnauthorized, "invalid_client", "The client id or the client secret is wrong.")
	}
	account := s.signedIn().accountID
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return tokenAnswer(app, s.authority.lend(app, account, s.now(), s.config.Seed), "bearer")
}

func tokenAnswer(app App, t Tokens, kind string) *answer {
	p := &page{}
	p.raw(`{"access_token":`)
	p.str(t.Access)
	if t.Refresh != "" {
		p.raw(`,"refresh_token":`)
		p.str(t.Refresh)
	}
	p.raw(`,"expires_in":`)
	p.num(int64(accessLife.Seconds()))
	p.raw(`,"scope":`)
	p.str(strings.Join(app.Scopes, " "))
	p.raw(`,"token_type":"` + kind + `"}`)
	a := jsonAnswer(p)
	a.header.Set("Cache-Control", "no-store")
	return a
}

func oauthError(status int, code, description string) *answer {
	p := &page{}
	p.raw(`{"error":`)
	p.str(code)
	p.raw(`,"error_description":`)
	p.str(description)
	p.raw(`}`)
	a := jsonAnswer(p)
	a.status = status
	return a
}
