package jira

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Tokens are what an authorization server gives. They print as "[redacted]", in
// JSON too, so that a [TokenStore] writes the fields one by one. (Inside an
// unexported field of another struct package fmt would show them.)
type Tokens struct {
	Access  string    // sent to Jira
	Refresh string    // good for other tokens, once; "" where there is none
	Expires time.Time // when Access ends; zero if the server did not say
}

func (Tokens) String() string               { return redacted }
func (Tokens) GoString() string             { return redacted }
func (Tokens) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Tokens) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Format covers the verbs that do not ask for String, such as %d.
func (Tokens) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// sealed are tokens that no way of printing shows.
type sealed func() Tokens

func seal(t Tokens) sealed { return func() Tokens { return t } }

// good reports whether requests may be sent with these at a time, given that
// Jira has refused the access token refused.
func (t Tokens) good(at time.Time, refused string) bool {
	return t.Access != "" && t.Access != refused && (t.Expires.IsZero() || at.Before(t.Expires))
}

// TokenStore keeps the tokens of one consent. [OAuth] calls one method at a
// time, but several processes may share a store: it loads before each refresh
// and saves before each use of what a refresh gave, so that they go on with each
// other's tokens.
type TokenStore interface {
	// Load gives what was saved last. Before that it gives what the consent
	// gave; a refresh token alone is enough.
	Load(ctx context.Context) (Tokens, error)

	// Save returns after the tokens would outlive the process, and the machine
	// too. Its ctx goes on after the caller's has ended: a refresh token that
	// is not saved may be the only one that is good.
	Save(ctx context.Context, tokens Tokens) error
}

// errNoLogin is the state before the consent.
var errNoLogin = &kindError{
	"the token store has no refresh token: authorize the app, with the scope offline_access, and keep the refresh token that this gives",
	[]error{ErrUnauthorized},
}

// checkTokens refuses what a header cannot carry.
func checkTokens(t Tokens) error {
	if !fitsHeader(t.Access) || !fitsHeader(t.Refresh) {
		return errors.New("the token store holds a token with a line break or another control character: authorize the app again")
	}
	return nil
}

func trimTokens(t Tokens) Tokens {
	t.Access, t.Refresh = strings.TrimSpace(t.Access), strings.TrimSpace(t.Refresh)
	return t
}
