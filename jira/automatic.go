package jira

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// Automatic finds out, with the first request of each client, at which address
// and in which way its token is taken, by asking /myself; the client keeps to
// that.
//
//   - At a site of Jira Cloud: Basic, and where that is refused the gateway of
//     the same site, with Basic and then Bearer. So tokens with scopes, which
//     the site refuses, and those of service accounts need no other address.
//     Without an e-mail: Bearer at the gateway.
//   - At the gateway's address: Basic, then Bearer. Atlassian documents Basic for
//     scoped tokens there, while tokens of service accounts are in use as
//     Bearer. Without an e-mail: Bearer.
//   - At Data Center: Bearer, as of a personal access token, and then Basic with
//     the user's name and password: in this order because wrong passwords are
//     counted towards a CAPTCHA. Without a name: Bearer.
//
// If all are refused the error is [ErrUnauthorized] and says so.
func Automatic(user, token string) (Auth, error) {
	if err := needToken(token); err != nil {
		return nil, err
	}
	a := &automatic{bearer: bearer(token)}
	if strings.TrimSpace(user) == "" {
		return a, nil
	}
	basic, err := Basic(user, token)
	a.basic = basic
	return a, err
}

// automatic is Basic, or Bearer without a user, until a client binds it to its
// site.
type automatic struct{ basic, bearer Auth } // basic is nil without a user

func (a *automatic) Authorize(ctx context.Context, r *http.Request) error {
	if a.basic == nil {
		return a.bearer.Authorize(ctx, r)
	}
	return a.basic.Authorize(ctx, r)
}

func (a *automatic) String() string       { return "Automatic [redacted]" }
func (a *automatic) GoString() string     { return a.String() }
func (a *automatic) LogValue() slog.Value { return slog.StringValue(a.String()) }

func (a *automatic) route(ctx context.Context, c *Client, given *route) (*route, error) {
	switch {
	case given.deployment == DataCenter && a.basic != nil:
		return c.firstAccepted(ctx, errServerRefused, given.with(a.bearer), given.with(a.basic))
	case given.deployment == DataCenter:
		return given.with(a.bearer), nil
	case c.atGateway(given.base):
		return a.atGateway(ctx, c, given, errGatewayRefused)
	case a.basic != nil:
		return a.atSite(ctx, c, given)
	}
	gateway, err := c.gatewayOf(ctx)
	if err != nil {
		return nil, err
	}
	return gateway.with(a.bearer), nil
}

func (a *automatic) atGateway(ctx context.Context, c *Client, gateway *route, none error) (*route, error) {
	if a.basic == nil {
		return gateway.with(a.bearer), nil
	}
	return c.firstAccepted(ctx, none, gateway.with(a.basic), gateway.with(a.bearer))
}

// atSite tries the site's own address before the gateway. A site without a
// cloud id has no gateway; then its own refusal is the answer.
func (a *automatic) atSite(ctx context.Context, c *Client, given *route) (*route, error) {
	site := given.with(a.basic)
	_, refusal := c.myself(ctx, site)
	if accepted(refusal) {
		return site, nil
	}
	if !refused(refusal) {
		return nil, refusal
	}
	gateway, err := c.gatewayOf(ctx)
	if errors.Is(err, ErrNotJira) || errors.Is(err, ErrNotFound) || refused(err) {
		return nil, refusal
	}
	if err != nil {
		return nil, afterRefusal(refusal, err)
	}
	found, err := a.atGateway(ctx, c, gateway, errRefusedEverywhere)
	if err != nil && !refused(err) {
		return nil, afterRefusal(refusal, err)
	}
	return found, err
}

// firstAccepted is the first of the routes at which /myself knows us. Where all
// refuse, the error is of the last, with the sentence none.
func (c *Client) firstAccepted(ctx context.Context, none error, routes ...*route) (*route, error) {
	var err error
	for _, r := range routes {
		if _, err = c.myself(ctx, r); accepted(err) {
			return r, nil
		}
		if !refused(err) {
			return nil, err
		}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || errors.Is(err, errCaptcha) {
		return nil, err
	}
	last := *e
	last.Err = none
	return nil, &last
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

// refused reports whether other credentials, or the same at another address,
// may fare better.
func refused(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
}

// afterRefusal is the error where the site has refused and the gateway gave no
// answer. It is no refusal while the gateway may yet answer: the token may be
// good there. A gateway that never will, as where a network does not let it be
// reached, leaves the site's word.
func afterRefusal(refusal, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	told, kind := *e, e
	if site, ok := errors.AsType[*Error](refusal); ok && e.Status == 0 && !worthRepeating(e.Err) {
		told, kind = *site, site
	}
	told.Err = &kindError{
		"the site refused the API token with the e-mail, and the gateway, which takes tokens with scopes, gave no answer (" + e.advice() +
			"): check the e-mail and the API token, and that the gateway can be reached",
		[]error{kind},
	}
	return &told
}

var (
	errGatewayRefused = &kindError{
		"the gateway refused the API token both as Basic with the e-mail and as Bearer: check the e-mail, the token and the cloud id, or make a new token",
		[]error{ErrUnauthorized},
	}
	errRefusedEverywhere = &kindError{
		"the site refused the API token with the e-mail, and so did the gateway, both as Basic with the e-mail and as Bearer: check the e-mail and the API token, or make a new token (tokens expire after a year at most)",
		[]error{ErrUnauthorized},
	}
	errServerRefused = &kindError{
		"Jira refused the token both as a personal access token and as the user's password: check them, or make a new personal access token in Jira under Profile",
		[]error{ErrUnauthorized},
	}
)
