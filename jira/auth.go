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
// https://id.atlassian.com/manage-profile/security/api-tokens.
func Basic(email, token string) (Auth, error) {
	if strings.TrimSpace(email) == "" {
		return nil, errors.New("no e-mail for Jira: give the e-mail of the account that owns the API token")
	}
	if err := needToken(token); err != nil {
		return nil, err
	}
	pair := base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(email) + ":" + strings.TrimSpace(token)))
	return header{"Basic", secretOf("Basic " + pair)}, nil
}

// Bearer authorizes with a token alone: a service account's scoped token at the
// gateway, or an OAuth access token.
func Bearer(token string) (Auth, error) {
	if err := needToken(token); err != nil {
		return nil, err
	}
	return header{"Bearer", secretOf("Bearer " + strings.TrimSpace(token))}, nil
}

// needToken says what is missing. A line break inside a token would be refused
// by net/http with an error that shows the header, so it is refused here.
func needToken(token string) error {
	token = strings.TrimSpace(token)
	if token == "" {
		return errors.New("no API token for Jira: make one at https://id.atlassian.com/manage-profile/security/api-tokens")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("the API token for Jira holds a line break or another control character: copy it again, in one line")
	}
	return nil
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
