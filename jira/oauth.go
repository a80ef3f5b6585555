package jira

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// OAuthConfig is an OAuth 2.0 app of https://developer.atlassian.com/console,
// which acts for the person who has consented ("3LO"). It prints as
// "[redacted]".
type OAuthConfig struct {
	ClientID     string
	ClientSecret string

	// Store keeps the tokens of the consent.
	Store TokenStore

	// TokenURL is where tokens are asked for. Empty means
	// https://auth.atlassian.com/oauth/token.
	TokenURL string

	// Transport sends the requests for tokens. nil means
	// [http.DefaultTransport]. An attempt may take 30 seconds.
	Transport http.RoundTripper

	// Logger hears of renewals (Debug) and of their troubles (Warn), never of
	// a token. nil means silence.
	Logger *slog.Logger
}

func (OAuthConfig) String() string               { return redacted }
func (OAuthConfig) GoString() string             { return redacted }
func (OAuthConfig) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (OAuthConfig) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Format covers the verbs that do not ask for String.
func (OAuthConfig) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// check says what is missing.
func (o OAuthConfig) check() error {
	switch {
	case strings.TrimSpace(o.ClientID) == "":
		return errors.New("no client id for Jira: take it from the app's settings at https://developer.atlassian.com/console")
	case strings.TrimSpace(o.ClientSecret) == "":
		return errors.New("no client secret for Jira: take it from the app's settings at https://developer.atlassian.com/console")
	case o.Store == nil:
		return errors.New("no token store: refresh tokens are good for one use, so that each has to be kept; jira.TokensFile keeps them in a file")
	}
	return nil
}

// request has the members that all requests of the app have.
func (o OAuthConfig) request(grantType string) tokenRequest {
	return tokenRequest{
		"grant_type": grantType,
		"client_id":  strings.TrimSpace(o.ClientID), "client_secret": strings.TrimSpace(o.ClientSecret),
	}
}

// OAuth authorizes with the access tokens that a consent gives, each good for an
// hour, at the gateway. The address given to [New] may be the site's: the
// gateway lists the sites that a token reaches, and the one with that address is
// it.
//
// A token is exchanged a minute before its end, and once more where Jira refuses
// it. What an exchange gives is saved before it is used, because its refresh
// token replaces the one before; where saving fails, nothing is sent to Jira
// until it is made up for. [ErrInvalidGrant] means that the consent is over. A
// caller that gives up while its exchange is under way gets its error up to five
// seconds late: the answer is taken in, if it can be, for those who come after.
//
// Clients that share a store in one process should share the Auth.
func OAuth(o OAuthConfig) (Auth, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	endpoint, err := newTokenEndpoint(o.TokenURL, o.Transport, o.Logger)
	if err != nil {
		return nil, err
	}
	g := newGrant("OAuth", o.Store, endpoint.logger)
	g.ask = func(ctx context.Context, refresh string, retries int) (Tokens, error) {
		r := o.request("refresh_token")
		r["refresh_token"] = refresh
		return endpoint.ask(ctx, r, retries)
	}
	return oauth{g}, nil
}

// oauth is a grant that reaches the sites of its consent.
type oauth struct{ *grant }

func (o oauth) route(ctx context.Context, c *Client, given *route) (*route, error) {
	switch {
	case given.deployment == DataCenter:
		return nil, errors.New("OAuth apps of Atlassian reach Jira Cloud alone: use a personal access token at Data Center")
	case c.atGateway(given.base):
		return given, nil
	}
	return c.consented(ctx, o)
}

// AuthorizeURL is where to send the person who is to consent. Atlassian sends
// them on to redirect, one of the app's callback URLs, with the parameters code
// and state. state is a random text bound to the person's session; a callback
// with another is not theirs. scopes are as read:jira-work; offline_access,
// without which no consent outlives an hour, is added.
// (https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/)
func (o OAuthConfig) AuthorizeURL(redirect, state string, scopes ...string) string {
	if !slices.Contains(scopes, "offline_access") {
		scopes = append(slices.Clone(scopes), "offline_access")
	}
	return "https://auth.atlassian.com/authorize?" + url.Values{
		"audience":      {"api.atlassian.com"},
		"client_id":     {strings.TrimSpace(o.ClientID)},
		"scope":         {strings.Join(scopes, " ")},
		"redirect_uri":  {redirect},
		"state":         {state},
		"response_type": {"code"},
		"prompt":        {"consent"},
	}.Encode()
}

// Exchange trades the code of a callback for tokens, and saves them in Store.
// redirect is the one that was given to AuthorizeURL. A code is good once, for
// some minutes; then the error is [ErrInvalidGrant].
func (o OAuthConfig) Exchange(ctx context.Context, redirect, code string) error {
	if err := o.check(); err != nil {
		return err
	}
	endpoint, err := newTokenEndpoint(o.TokenURL, o.Transport, o.Logger)
	if err != nil {
		return err
	}
	r := o.request("authorization_code")
	r["code"], r["redirect_uri"] = code, redirect
	t, err := endpoint.ask(ctx, r, 0) // a lost answer has spent the code
	if err != nil {
		return err
	}
	if t.Refresh == "" {
		return errNoLogin
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := o.Store.Save(long, t); err != nil {
		return fmt.Errorf("save the tokens for Jira: %w", err)
	}
	return nil
}
