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

// bind returns the credentials for one client. Two clients may share a, and
// each finds out for itself.
func (a *automatic) bind(c *Client) Auth {
	if !strings.EqualFold(c.base.Hostname(), gatewayHost) {
		return a.basic
	}
	return &probed{automatic: a, client: c}
}

// probed is automatic at the gateway.
type probed struct {
	*automatic
	client *Client
	choice flight[Auth]
}

func (p *probed) Authorize(ctx context.Context, r *http.Request) error {
	auth, err := p.choice.do(ctx, p.probe)
	if err != nil {
		return err
	}
	return auth.Authorize(ctx, r)
}

// probe tries both ways. It needs no place among the slots that its caller
// holds: a request takes its slot after it is authorized.
func (p *probed) probe(ctx context.Context) (Auth, error) {
	var err error
	for _, auth := range []Auth{p.basic, p.bearer} {
		if _, err = p.client.myself(ctx, auth); accepted(err) {
			return auth, nil
		}
		if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrForbidden) {
			return nil, err
		}
	}
	return nil, bothRefused(err)
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

// bothRefused is the last refusal, with a message about both.
func bothRefused(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	both := *e
	both.Err = errBothRefused
	return &both
}

var errBothRefused = &kindError{
	"the gateway refused the API token both as Basic with the e-mail and as Bearer: check the e-mail, the token and the cloud id, or make a new token",
	[]error{ErrUnauthorized},
}
