package jira

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// Auth puts credentials on a request. Authorize is called once for every
// attempt, from many goroutines at once, before the request waits for its
// place; it may itself ask for a token, and must end with ctx. An error from it
// ends the call without a retry.
type Auth interface {
	Authorize(ctx context.Context, r *http.Request) error
}

// Renewer is an [Auth] that can come by other credentials. Renew is told which
// Authorization header Jira has refused, with a 401 or by answering as to
// nobody, and reports whether Authorize has another now; then the call is sent
// once more. It is called from many goroutines at once, with the same header
// too, and must end with ctx.
type Renewer interface {
	Auth
	Renew(ctx context.Context, refused string) (bool, error)
}

// Basic authorizes with an account's e-mail and an API token of
// https://id.atlassian.com/manage-profile/security/api-tokens; at Data Center
// with a user's name and password. Requests go to the address given to [New],
// and nothing is tried: an API token with scopes needs the gateway's address.
func Basic(user, token string) (Auth, error) {
	if strings.TrimSpace(user) == "" {
		return nil, errors.New("no e-mail for Jira: give the e-mail of the account that owns the API token; at Data Center the user's name")
	}
	if err := needToken(token); err != nil {
		return nil, err
	}
	pair := base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(user) + ":" + strings.TrimSpace(token)))
	return header{"Basic", secretOf("Basic " + pair)}, nil
}

// Bearer authorizes with a token alone: a personal access token of Data Center,
// a service account's scoped token at the gateway, or an OAuth access token
// there. Requests go to the address given to [New], and nothing is tried.
func Bearer(token string) (Auth, error) {
	if err := needToken(token); err != nil {
		return nil, err
	}
	return bearer(token), nil
}

func bearer(token string) header {
	return header{"Bearer", secretOf("Bearer " + strings.TrimSpace(token))}
}

// needToken says what is missing. A line break inside a token would be refused
// by net/http with an error that shows the header, so it is refused here.
func needToken(token string) error {
	token = strings.TrimSpace(token)
	if token == "" {
		return errors.New("no API token for Jira: make one at https://id.atlassian.com/manage-profile/security/api-tokens")
	}
	if !fitsHeader(token) {
		return errors.New("the API token for Jira holds a line break or another control character: copy it again, in one line")
	}
	return nil
}

// fitsHeader reports whether a header can carry the text.
func fitsHeader(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// header is a fixed Authorization header.
type header struct {
	scheme string
	value  secret
}

func (h header) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", h.value.reveal())
	return nil
}

func (h header) String() string       { return h.scheme + " [redacted]" }
func (h header) GoString() string     { return h.String() }
func (h header) LogValue() slog.Value { return slog.StringValue(h.String()) }

// secret is a text that no way of printing shows. The text lives in a closure,
// because package fmt does not call the methods of unexported fields but prints
// what they hold: of a function that is an address.
type secret struct{ reveal func() string }

func secretOf(text string) secret { return secret{func() string { return text }} }

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

const redacted = "[redacted]"
