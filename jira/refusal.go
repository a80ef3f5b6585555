package jira

import (
	"errors"
	"net/http"
	"strings"
)

// explain says in a refusal what the user can do, which depends on the address
// and on the way of the login. Jira's own words do not tell.
func (c *Client) explain(e *Error, q *call, a answer, via *route, r *http.Request) {
	if e == nil || !e.refused && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
		return
	}
	authorization := r.Header.Get("Authorization")
	if e.refused {
		e.authorization = secretOf(authorization)
	}
	scheme, _, _ := strings.Cut(authorization, " ")
	switch {
	case wantsCaptcha(a.header):
		e.Err = errCaptcha
	case e.lacksScope():
		e.remedy = scopeRemedy(q.method + " " + q.path)
	case e.refused && scheme != "":
		e.remedy = c.loginRemedy(via, scheme)
		if scopes := scopesOf[q.method+" "+q.path]; c.atGateway(via.base) && strings.Contains(scopes, ":jira-software") {
			// A token with read:jira-work alone has been seen to get a bare 401
			// here, as one that has ended does.
			e.remedy += "; or it lacks a scope, since this takes " + strings.Join(strings.Fields(scopes), " and ")
		}
	}
	if errors.Is(e.Err, ErrNotLoggedIn) && e.Err != errCaptcha && e.remedy != "" {
		e.Err = &kindError{"Jira answered without accepting the credentials: " + e.remedy, []error{ErrNotLoggedIn}}
	}
}

// loginRemedy is for credentials that are not good where they were sent.
func (c *Client) loginRemedy(via *route, scheme string) string {
	basic := scheme == "Basic"
	switch {
	case via.guessed:
		return "check the e-mail and the API token, or at Data Center the user's name and password or the personal access token"
	case via.deployment == DataCenter && basic:
		return "check the user's name and password, or use a personal access token alone (an API token of Atlassian is not for Data Center)"
	case via.deployment == DataCenter:
		return "check the personal access token, or make a new one in Jira under Profile (they may expire)"
	case c.atGateway(via.base) && basic:
		return "check the e-mail, the API token and the cloud id, or make a new token (tokens expire after a year at most)"
	case c.atGateway(via.base) || via.base == c.gateway:
		return "check the access token and the cloud id, or get a new token: this one has expired, or was withdrawn"
	case basic:
		return "check the e-mail and the API token, or make a new token (tokens expire after a year at most, " +
			"and those with scopes work only at https://" + gatewayHost + gatewayPath + "<cloudId>)"
	}
	return "give the e-mail of the API token's account too, or the address https://" + gatewayHost + gatewayPath +
		"<cloudId>: sites of Jira Cloud take no token alone"
}

// wantsCaptcha tells of the lock that Data Center puts on an account after some
// wrong passwords; it refuses the right one too, until somebody has logged in
// with a browser
// (https://developer.atlassian.com/server/jira/platform/basic-authentication/).
func wantsCaptcha(h http.Header) bool {
	return strings.Contains(strings.ToUpper(h.Get("X-Authentication-Denied-Reason")), "CAPTCHA_CHALLENGE")
}

var errCaptcha = &kindError{
	"after several wrong passwords Jira wants this user to solve a CAPTCHA first: log in once with a browser, then try again; personal access tokens have no such lock",
	[]error{ErrNotLoggedIn},
}
