package jira_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

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
