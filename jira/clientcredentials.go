package jira

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// clientCredentialsGrant is the word of RFC 6749, 4.4.
const clientCredentialsGrant = "client_credentials"

// ClientCredentialsConfig is the OAuth 2.0 credential of a service account
// (https://support.atlassian.com/user-management/docs/create-oauth-2-0-credential-for-service-accounts;
// at Data Center
// https://confluence.atlassian.com/enterprise/service-accounts-overview-1627095923.html).
// It prints as "[redacted]".
type ClientCredentialsConfig struct {
	ClientID     string
	ClientSecret string

	// Scope are the scopes to ask for, with spaces between. Data Center wants
	// it: empty means READ there. At Cloud empty means all that the credential
	// has.
	Scope string

	// TokenURL is where tokens are asked for. Empty means
	// https://auth.atlassian.com/oauth/token, and at Data Center
	// /rest/oauth2/latest/token of the site.
	TokenURL string

	// Transport sends the requests for tokens. nil means the client's.
	Transport http.RoundTripper

	// Logger hears of renewals (Debug) and of their troubles (Warn), never of
	// a token. nil means the client's.
	Logger *slog.Logger
}

func (ClientCredentialsConfig) String() string   { return redacted }
func (ClientCredentialsConfig) GoString() string { return redacted }
func (ClientCredentialsConfig) MarshalJSON() ([]byte, error) {
	return []byte(`"` + redacted + `"`), nil
}
func (ClientCredentialsConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format covers the verbs that do not ask for String.
func (ClientCredentialsConfig) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// ClientCredentials authorizes as a service account, with access tokens that are
// good for an hour: at Data Center at the site, at Cloud at the gateway, also
// where the address given to [New] is the site's. Tokens are renewed as those of
// [OAuth] are, and kept nowhere, since another can always be asked for. Each
// client has its own.
func ClientCredentials(config ClientCredentialsConfig) (Auth, error) {
	switch {
	case strings.TrimSpace(config.ClientID) == "":
		return nil, errors.New("no client id for Jira: take it from the service account's OAuth 2.0 credential")
	case strings.TrimSpace(config.ClientSecret) == "":
		return nil, errors.New("no client secret for Jira: take it from the service account's OAuth 2.0 credential, or make another credential")
	}
	if _, err := newTokenEndpoint(config.TokenURL, nil, nil); err != nil {
		return nil, err
	}
	return clientCredentials(func() ClientCredentialsConfig { return config }), nil
}

// clientCredentials are what a client makes its grant of, in a closure because
// of its secret.
type clientCredentials func() ClientCredentialsConfig

func (clientCredentials) String() string               { return "ClientCredentials [redacted]" }
func (clientCredentials) GoString() string             { return "ClientCredentials [redacted]" }
func (clientCredentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (clientCredentials) LogValue() slog.Value {
	return slog.StringValue("ClientCredentials [redacted]")
}

// Authorize is asked only where nobody may ask the site what it is.
func (clientCredentials) Authorize(context.Context, *http.Request) error {
	return errors.New("the site does not tell whether it is Jira Cloud or Data Center, so that there is no telling where to ask for a token: check the address")
}

func (cc clientCredentials) route(ctx context.Context, c *Client, given *route) (*route, error) {
	config := cc()
	if config.Transport == nil {
		config.Transport = c.config.Transport
	}
	if config.Logger == nil {
		config.Logger = c.config.Logger
	}
	if given.deployment == DataCenter {
		g, err := config.atDataCenter(given.base.String())
		return given.with(g), err
	}
	g, err := config.atCloud()
	if err != nil || c.atGateway(given.base) {
		return given.with(g), err
	}
	gateway, err := c.gatewayOf(ctx)
	if err != nil {
		return nil, err
	}
	return gateway.with(g), nil
}

func (config ClientCredentialsConfig) atCloud() (*grant, error) {
	return config.grant(config.TokenURL, false, config.Scope)
}

func (config ClientCredentialsConfig) atDataCenter(site string) (*grant, error) {
	address, scope := config.TokenURL, config.Scope
	if address == "" {
		address = site + "/rest/oauth2/latest/token"
	}
	if scope == "" {
		scope = "READ"
	}
	return config.grant(address, true, scope)
}

func (config ClientCredentialsConfig) grant(address string, form bool, scope string) (*grant, error) {
	endpoint, err := newTokenEndpoint(address, config.Transport, config.Logger)
	if err != nil {
		return nil, err
	}
	endpoint.form = form
	r := tokenRequest{
		"grant_type": clientCredentialsGrant,
		"client_id":  strings.TrimSpace(config.ClientID), "client_secret": strings.TrimSpace(config.ClientSecret),
	}
	if scope != "" {
		r["scope"] = scope
	}
	g := newGrant("ClientCredentials", nil, endpoint.logger)
	g.ask = func(ctx context.Context, _ string, retries int) (Tokens, error) { return endpoint.ask(ctx, r, retries) }
	return g, nil
}
