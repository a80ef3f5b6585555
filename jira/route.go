package jira

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// route is where requests go, with which credentials, and what answers there.
type route struct {
	base       *url.URL
	auth       Auth
	deployment Deployment
	guessed    bool // nobody has said yet which deployment it is
}

// with is the same address with other credentials.
func (r *route) with(auth Auth) *route {
	return &route{base: r.base, auth: auth, deployment: r.deployment}
}

// router is an [Auth] that decides which address its token is good at. It is
// asked once for each client, with the address that was given to [New].
type router interface {
	Auth
	route(ctx context.Context, c *Client, given *route) (*route, error)
}

// findRoute finds out what is at the address given to [New], and lets the
// credentials choose another of the same site.
func (c *Client) findRoute(ctx context.Context) (*route, error) {
	given := &route{base: c.base, auth: c.auth, deployment: Cloud}
	if !c.knownCloud() {
		info, err := c.detected.do(ctx, c.detect)
		if err != nil {
			return nil, err
		}
		given.deployment = info.Deployment()
	}
	if r, ok := c.auth.(router); ok {
		return r.route(ctx, c, given)
	}
	return given, nil
}

// knownCloud tells of addresses that only Jira Cloud has. Its sites may have
// others too.
func (c *Client) knownCloud() bool {
	return c.atGateway(c.base) || strings.HasSuffix(strings.ToLower(c.base.Hostname()), ".atlassian.net")
}

// gatewayPath is where the gateway serves sites, by their cloud ids.
const gatewayPath = "/ex/jira/"

func (c *Client) atGateway(u *url.URL) bool {
	return sameHost(u, c.gateway) && strings.HasPrefix(u.Path, c.gateway.Path+gatewayPath)
}

// detect asks who is there: first as nobody, because at Data Center each wrong
// password counts towards a CAPTCHA, and some credentials are not for this
// address; then, where nobody gets no answer, with the credentials. A server that
// does not know the path is not given them: it is that beside or in front of a
// Jira below a context path.
func (c *Client) detect(ctx context.Context) (info ServerInfo, err error) {
	for _, auth := range introductions(c.auth) {
		info, err = c.serverInfo(ctx, &route{base: c.base, auth: auth, deployment: DataCenter, guessed: true})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Status == 0 || e.Status == http.StatusTooManyRequests || e.Status >= 500 {
			break
		}
		if e.Status == http.StatusNotFound && errors.Is(err, ErrNotJira) {
			e.Messages, e.Err = nil, notJira("there is no Jira at %s: check the address, and the context path, as in https://jira.example.com/jira", c.base.Redacted())
			break
		}
	}
	return info, err
}

// introductions are the credentials to ask with who is there, one after another.
// Those of an OAuth app are good at the gateway alone.
func introductions(given Auth) []Auth {
	switch a := given.(type) {
	case oauth:
		return []Auth{nobody{}}
	case *automatic:
		if a.basic != nil {
			return []Auth{nobody{}, a.bearer, a.basic}
		}
	}
	return []Auth{nobody{}, given}
}

// nobody sends no credentials.
type nobody struct{}

func (nobody) Authorize(context.Context, *http.Request) error { return nil }
