package jira

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// gatewayHost serves sites to scoped tokens and to OAuth
// (https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account).
const gatewayHost = "api.atlassian.com"

// Automatic authorizes with an API token in the way its site wants.
//
// Without an e-mail that is Bearer. With one it is Basic, except at the gateway
// (host api.atlassian.com): Atlassian documents Basic for scoped tokens there,
// while tokens of service accounts are in use as Bearer. So the first request
// of each client first asks /myself with Basic, then with Bearer, and the
// client keeps to what worked. If both are refused the error is
// [ErrUnauthorized] and says so.
func Automatic(email, token string) (Auth, error) {
	bearer, err := Bearer(token)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(email) == "" {
		return bearer, nil
	}
	basic, err := Basic(email, token)
	if err != nil {
		return nil, err
	}
	return &automatic{basic: basic, bearer: bearer}, nil
}

// automatic is Basic until a client binds it to its site.
type automatic struct{ basic, bearer Auth }

func (a *automatic) Authorize(ctx context.Context, r *http.Request) error {
	return a.basic.Authorize(ctx, r)
}

func (a *automatic) String() string       { return "Automatic [redacted]" }
func (a *automatic) GoString() string     { return a.String() }
func (a *automatic) LogValue() slog.Value { return slog.StringValue(a.String()) }

// route tries at the gateway what is taken there; elsewhere it is Basic.
func (a *automatic) route(ctx context.Context, c *Client, given *route) (*route, error) {
	if !c.atGateway(given.base) {
		return &route{given.base, a.basic, given.deployment}, nil
	}
	return c.firstAccepted(ctx, errBothRefused,
		&route{given.base, a.basic, given.deployment}, &route{given.base, a.bearer, given.deployment})
}

// firstAccepted is the first of the routes at which /myself knows us. Where all
// refuse, the error is of the last, with the sentence none.
func (c *Client) firstAccepted(ctx context.Context, none error, routes ...*route) (*route, error) {
	var err error
	for _, r := range routes {
		if _, err = c.myself(ctx, r); accepted(err) {
			return r, nil
		}
		if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrForbidden) {
			return nil, err
		}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return nil, err
	}
	refused := *e
	refused.Err = none
	return nil, &refused
}

// accepted reports whether /myself took the credentials. A token without the
// scope read:jira-user is refused there with words about its scope, which come
// only after the credentials were read.
func accepted(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || (e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden) {
		return err == nil
	}
	return e.lacksScope()
}

var errBothRefused = &kindError{
	"the gateway refused the API token both as Basic with the e-mail and as Bearer: check the e-mail, the token and the cloud id, or make a new token",
	[]error{ErrUnauthorized},
}
