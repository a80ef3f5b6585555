package jira

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
)

// ServerInfo describes the site.
type ServerInfo struct {
	BaseURL        string `json:"baseUrl"`        // under which people open it
	DeploymentType string `json:"deploymentType"` // "Cloud" or "Server"
	Version        string `json:"version"`
	VersionNumbers []int  `json:"versionNumbers"`
	ServerTimeZone string `json:"serverTimeZone"` // IANA name
}

// Deployment is which of the two sorts of Jira a site is.
type Deployment int

const (
	Cloud      Deployment = iota // hosted by Atlassian
	DataCenter                   // run by those who use it; Jira Server too
)

func (d Deployment) String() string {
	if d == DataCenter {
		return "Data Center"
	}
	return "Cloud"
}

// Deployment tells which sort of Jira this is. Jira says "Server" for Data
// Center too.
func (i ServerInfo) Deployment() Deployment {
	if i.DeploymentType == "Cloud" || i.DeploymentType == "" && i.Major() >= 1000 {
		return Cloud
	}
	return DataCenter
}

// Major is the first of the version's numbers, 0 if it has none.
func (i ServerInfo) Major() int {
	if len(i.VersionNumbers) == 0 {
		return 0
	}
	return i.VersionNumbers[0]
}

// Deployment finds out which sort of Jira the site is, unless its address has
// told it. It is asked once.
func (c *Client) Deployment(ctx context.Context) (Deployment, error) {
	via, err := c.routed.do(ctx, c.findRoute)
	if err != nil {
		return Cloud, err
	}
	return via.deployment, nil
}

// ServerInfo asks what site this is. Jira tells everybody, also without
// credentials, so that it proves nothing about them.
//
//jira:operation GET /rest/api/3/serverInfo https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-server-info/#api-rest-api-3-serverinfo-get
func (c *Client) ServerInfo(ctx context.Context) (ServerInfo, error) { return c.serverInfo(ctx, nil) }

// serverInfo asks by another route than the client's if via is not nil.
func (c *Client) serverInfo(ctx context.Context, via *route) (ServerInfo, error) {
	var info ServerInfo
	err := c.do(ctx, &call{
		method: http.MethodGet,
		path:   "/rest/api/3/serverInfo",
		via:    via,
		decode: func(body []byte) error {
			info = ServerInfo{}
			// A field of another type, as in other versions of Jira, is left out.
			if err := decodeObject(body, &info); err != nil && !errors.Is(err, ErrNotJira) {
				return err
			}
			if u, err := url.Parse(info.BaseURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
				return notJira("answered JSON without the site's baseUrl")
			}
			return nil
		},
	})
	if err != nil {
		return ServerInfo{}, err
	}
	return info, nil
}

// User is an account.
type User struct {
	AccountID   string `json:"accountId"` // at Cloud; never changes
	Key         string `json:"key"`       // at Data Center; never changes
	Name        string `json:"name"`      // at Data Center, to log in with; an administrator may change it
	DisplayName string `json:"displayName"`
	TimeZone    string `json:"timeZone"` // IANA name; JQL reads dates in it
}

// ID is what tells the account from every other, and never changes: its
// AccountID, or at Data Center its Key.
func (u User) ID() string { return cmp.Or(u.AccountID, u.Key) }

// Myself asks whose credentials these are. Of all methods it is the one that
// never answers to nobody, so that its success proves them good.
//
//jira:operation GET /rest/api/3/myself https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/#api-rest-api-3-myself-get
func (c *Client) Myself(ctx context.Context) (User, error) { return c.myself(ctx, nil) }

// myself asks by another route than the client's if via is not nil.
func (c *Client) myself(ctx context.Context, via *route) (User, error) {
	var user User
	err := c.do(ctx, &call{
		method: http.MethodGet,
		path:   "/rest/api/3/myself",
		points: 2, // an account is in the answer
		via:    via,
		decode: func(body []byte) error {
			user = User{}
			if err := decodeObject(body, &user); err != nil || user.ID() != "" {
				return err
			}
			return notJira("answered JSON with neither an accountId nor a key")
		},
	})
	if err != nil {
		return User{}, err
	}
	return user, nil
}
