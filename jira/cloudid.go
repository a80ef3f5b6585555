package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// gatewayHost serves sites to scoped tokens and to OAuth
// (https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account).
const gatewayHost = "api.atlassian.com"

// CloudID tells by which id Atlassian's gateway serves the site:
// https://api.atlassian.com/ex/jira/<cloudId>. It is read off the address that
// requests go to, or else the site tells it to everybody. Data Center has none.
// Jira is asked once; a failure is not remembered.
//
//jira:operation GET /_edge/tenant_info https://support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id/
//jira:operation GET /oauth/token/accessible-resources https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#3-1-get-the-cloudid-for-your-site
func (c *Client) CloudID(ctx context.Context) (string, error) {
	via, err := c.routed.do(ctx, c.findRoute)
	switch {
	case err != nil:
		return "", err
	case via.deployment == DataCenter:
		return "", errors.New("there is no cloud id at Data Center: sites of Jira Cloud alone have one")
	case c.atGateway(via.base):
		return c.cloudIDIn(via.base), nil
	}
	return c.tenant.do(ctx, c.tenantInfo)
}

// cloudIDIn reads the id off an address at the gateway.
func (c *Client) cloudIDIn(u *url.URL) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(u.Path, c.gateway.Path+gatewayPath), "/")
	return id
}

// gatewayOf is where the gateway serves the site, with nobody's credentials.
func (c *Client) gatewayOf(ctx context.Context) (*route, error) {
	id, err := c.tenant.do(ctx, c.tenantInfo)
	if err != nil {
		return nil, err
	}
	return c.gatewayRoute(id), nil
}

func (c *Client) gatewayRoute(cloudID string) *route {
	base := *c.gateway
	base.Path += gatewayPath + cloudID // JoinPath would leave out the first slash, by which the gateway is known again
	return &route{base: &base, auth: nobody{}, deployment: Cloud}
}

// tenantInfo asks the site for its cloud id, as nobody
// (https://support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id/).
func (c *Client) tenantInfo(ctx context.Context) (string, error) {
	var id string
	err := c.do(ctx, &call{
		method: http.MethodGet,
		path:   "/_edge/tenant_info",
		via:    &route{base: c.base, auth: nobody{}, deployment: Cloud},
		decode: func(body []byte) error {
			var answer struct {
				CloudID string `json:"cloudId"`
			}
			if err := decodeObject(body, &answer); err != nil {
				return err
			}
			if id = answer.CloudID; !isCloudID(id) {
				return notJira("answered JSON without a cloudId")
			}
			return nil
		},
	})
	return id, err
}

// isCloudID keeps an answer from leading to another path: ids are UUIDs.
func isCloudID(id string) bool {
	odd := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, odd)
}

// resource is a site that an access token reaches.
type resource struct {
	ID  string `json:"id"` // the cloud id
	URL string `json:"url"`
}

// resources asks the gateway which sites the access tokens of auth reach.
func (c *Client) resources(ctx context.Context, auth Auth) ([]resource, error) {
	var list []resource
	err := c.do(ctx, &call{
		method: http.MethodGet,
		path:   "/oauth/token/accessible-resources",
		via:    &route{base: c.gateway, auth: auth, deployment: Cloud},
		decode: func(body []byte) error {
			list = nil
			err := json.Unmarshal(body, &list)
			if err != nil && json.Valid(body) {
				return notJira("answered JSON that is no list of sites")
			}
			return err
		},
	})
	return list, err
}

// consented is where the gateway serves the site to an access token that people
// gave for some of their sites. One that Atlassian does not list sites for, as
// those of service accounts, goes by what the site says of itself.
func (c *Client) consented(ctx context.Context, auth Auth) (*route, error) {
	list, err := c.resources(ctx, auth)
	if e, ok := errors.AsType[*Error](err); ok && e.answeredRefusal() {
		gateway, err := c.gatewayOf(ctx)
		if err != nil {
			return nil, err
		}
		return gateway.with(auth), nil
	}
	if err != nil {
		return nil, err
	}
	id, err := c.choose(ctx, list)
	if err != nil {
		return nil, err
	}
	return c.gatewayRoute(id).with(auth), nil
}

// choose finds the site among those that a token reaches, by its address, or by
// its id where it is known under a domain of its own.
func (c *Client) choose(ctx context.Context, list []resource) (string, error) {
	at := slices.IndexFunc(list, func(r resource) bool {
		return isCloudID(r.ID) && strings.EqualFold(strings.TrimRight(r.URL, "/"), c.base.String())
	})
	if at >= 0 {
		return list[at].ID, nil
	}
	id, err := c.tenant.do(ctx, c.tenantInfo)
	if err == nil && slices.ContainsFunc(list, func(r resource) bool { return r.ID == id }) {
		return id, nil
	}
	return "", unreachable(c.base.String(), list)
}

// answeredRefusal reports whether Jira or the gateway, not a token endpoint, has
// answered that the credentials are not good there.
func (e *Error) answeredRefusal() bool {
	return !atTokenEndpoint(e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

func unreachable(site string, list []resource) error {
	var sites []string
	for _, r := range list {
		if u := tidy(r.URL); !slices.Contains(sites, u) {
			sites = append(sites, u)
		}
	}
	slices.Sort(sites)
	if more := len(sites) - maxMessages; more > 0 {
		sites = append(sites[:maxMessages], fmt.Sprintf("%d more", more))
	}
	text := fmt.Sprintf("the access token does not reach %s but %s: give one of these, or authorize the app for this site", site, strings.Join(sites, ", "))
	if len(sites) == 0 {
		text = fmt.Sprintf("the access token reaches no site: authorize the app for %s", site)
	}
	return &kindError{text, []error{ErrForbidden}}
}
