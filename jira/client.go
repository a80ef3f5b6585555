package jira

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config holds what a [Client] may be told. The zero value is a good one.
type Config struct {
	// Timeout bounds one attempt: from the moment it has a slot until the last
	// byte of its answer. Waits between attempts do not count. 0 means 30 s.
	Timeout time.Duration

	// Concurrency is how many requests may be in flight at once. 0 means 10,
	// the upper end of what Atlassian advises
	// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
	Concurrency int

	// Reserve is how many of those places only urgent calls may take, also
	// while there are fewer after a 429. 0 means 2, or half of Concurrency
	// where that is less; negative means none. One place is always left to the
	// others, and they get a turn after each nine urgent calls.
	Reserve int

	// Retries is how often a request is sent again after the first attempt.
	// 0 means 4, negative means never.
	Retries int

	// RetryBase and RetryCap shape the wait before retry n, counted from 0:
	// RetryBase doubled n times, at most RetryCap, times a random factor from
	// 0.7 to 1.3; never less than what Jira asked for. 0 means 2 s and 30 s.
	RetryBase, RetryCap time.Duration

	// Transport sends the requests. nil means a clone of
	// [http.DefaultTransport] that keeps Concurrency connections to the site,
	// with the TLS and Proxy below.
	Transport http.RoundTripper

	// TLS is for a site with a certificate authority of its own. nil means
	// the system's authorities, which the environment variable SSL_CERT_FILE
	// replaces. It is not for use with Transport.
	TLS *tls.Config

	// Proxy chooses the proxy of a request, as of [http.Transport]. nil means
	// what HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment say. It is
	// not for use with Transport.
	Proxy func(*http.Request) (*url.URL, error)

	// Gateway is the address of Atlassian's gateway, for tests and for a
	// proxy in its place, without the path of a site. Empty means
	// https://api.atlassian.com.
	Gateway string

	// Logger hears of retries, of pauses and of points that run short (Warn), of
	// endpoints that are asked at full width again (Info), and of each answer
	// (Debug), never of headers or bodies. nil means silence.
	Logger *slog.Logger

	// UserAgent names the caller to Jira. Empty means "ferry-jira".
	UserAgent string

	// MaxBody bounds one answer in bytes, both as sent and as decompressed.
	// 0 means 64 MiB.
	MaxBody int64
}

// withDefaults fills in what the zero values stand for.
func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Concurrency = max(cmp.Or(c.Concurrency, 10), 1)
	c.Reserve = max(cmp.Or(c.Reserve, min(2, c.Concurrency/2)), 0)
	c.Retries = max(cmp.Or(c.Retries, 4), 0)
	c.RetryBase = cmp.Or(c.RetryBase, 2*time.Second)
	c.RetryCap = cmp.Or(c.RetryCap, 30*time.Second)
	c.UserAgent = cmp.Or(c.UserAgent, "ferry-jira")
	c.MaxBody = cmp.Or(c.MaxBody, 64<<20)
	c.Gateway = cmp.Or(c.Gateway, "https://"+gatewayHost)
	if c.Transport == nil {
		c.Transport = newTransport(c)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// newTransport keeps as many idle connections as may be in flight: the default
// of two per host would open a connection for most requests.
func newTransport(c Config) http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t := base.Clone()
	t.MaxIdleConnsPerHost = c.Concurrency
	t.MaxIdleConns = max(t.MaxIdleConns, c.Concurrency)
	if c.TLS != nil {
		t.TLSClientConfig = c.TLS.Clone()
	}
	if c.Proxy != nil {
		t.Proxy = c.Proxy
	}
	return t
}

// Client talks to one Jira site as one account. It is safe for use by many
// goroutines, and starts none of its own.
type Client struct {
	*connection
	urgent bool
}

// Urgent returns the same client, whose calls are urgent: they take the places
// that [Config.Reserve] keeps, go first wherever calls wait, and need not wait
// for the last points of an hour.
func (c *Client) Urgent() *Client { return &Client{c.connection, true} }

// connection is what urgent calls and others share.
type connection struct {
	base    *url.URL // as given; requests go to the route's
	gateway *url.URL
	auth    Auth // as given; requests take the route's
	config  Config
	http    *http.Client
	limiter *limiter
	jitter  func() float64 // from 0.7 to 1.3

	routed   flight[*route]
	detected flight[ServerInfo]
	siteURL  flight[string]
	window   resultWindow
	tenant   flight[string] // the cloud id
	stats    counters
}

// New makes a client for a site, "https://acme.atlassian.net", or for the
// gateway in front of it, "https://api.atlassian.com/ex/jira/<cloudId>". A path
// after the host is kept. The site must have a scheme (https, or http) and no
// user, query or fragment. Nothing is sent yet.
func New(site string, auth Auth, config Config) (*Client, error) {
	base, err := parseSite(site)
	if err != nil {
		return nil, err
	}
	if auth == nil {
		return nil, errors.New("no credentials for Jira: make them with jira.Basic, jira.Bearer, jira.Automatic, or another of its kinds of login")
	}
	config = config.withDefaults()
	gateway, err := parseSite(config.Gateway)
	if err != nil || strings.Contains(gateway.Path+"/", gatewayPath) {
		return nil, errors.New("Config.Gateway should be like https://" + gatewayHost)
	}
	c := &Client{connection: &connection{
		base:    base,
		gateway: gateway,
		auth:    auth,
		config:  config,
		http:    &http.Client{Transport: config.Transport, CheckRedirect: checkRedirect},
		jitter:  randomFactor,
	}}
	c.limiter = newLimiter(config.Concurrency, config.Reserve, c.retryWait)
	return c, nil
}

// parseSite reads the base URL. Its errors do not repeat the text, which may
// hold a password.
func parseSite(site string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(site), "/"))
	const example = "give it as https://acme.atlassian.net"
	switch {
	case err != nil:
		return nil, errors.New("the Jira site is not a URL: " + example)
	case u.User != nil:
		return nil, errors.New("the Jira site holds a user name or a password: " + example + ", and the credentials apart")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the Jira site has no https:// before its host: " + example)
	case u.Hostname() == "":
		return nil, errors.New("the Jira site has no host: " + example)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the Jira site holds a query or a fragment: " + example)
	}
	return u, nil
}

// String names the site and never the credentials.
func (c *Client) String() string { return "jira.Client(" + c.base.String() + ")" }

// SiteURL returns the address under which people open the site, without a
// slash at its end: serverInfo's baseUrl. It differs from the address given to
// [New] where that is the gateway's. Jira is asked once; a failure is not
// remembered.
func (c *Client) SiteURL(ctx context.Context) (string, error) {
	return c.siteURL.do(ctx, func(ctx context.Context) (string, error) {
		ask := c.ServerInfo
		if !c.knownCloud() { // then finding out what answers there has told it
			ask = func(ctx context.Context) (ServerInfo, error) { return c.detected.do(ctx, c.detect) }
		}
		info, err := ask(ctx)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(info.BaseURL, "/"), nil
	})
}
