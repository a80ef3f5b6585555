package port

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// DefaultBaseURL is Port's European region; the American one is https://api.us.getport.io.
const DefaultBaseURL = "https://api.getport.io"

// Config says which Port, as whom, and how hard to try.
type Config struct {
	BaseURL      string // without "/v1"; a trailing slash is tolerated; empty: DefaultBaseURL
	ClientID     string // required
	ClientSecret string // required; kept as a Secret
	Type         string // integration type, empty: "jira"
	Identifier   string // integration identifier, required
	Version      string // integration version, required: a part of the User-Agent and of what Port stores

	Timeout     time.Duration     // for one attempt, 0: 60 s
	Concurrency int               // requests under way at once, 0: 20
	Retries     int               // repetitions after the first attempt, 0: 6, negative: none
	RetryBase   time.Duration     // first back-off, 0: 300 ms; doubles with each repetition
	RetryCap    time.Duration     // longest back-off of our own, 0: 60 s; Port's word may be longer
	Transport   http.RoundTripper // nil: net/http's with as many idle connections as Concurrency
	Logger      *slog.Logger      // nil: silent
}

// A Client is one integration's way to Port. It is safe for concurrent use.
type Client struct {
	config Config
	secret Secret
	root   string // base URL with /v1
	agent  string // User-Agent without suffix
	http   *http.Client
	gate   *gate
	tokens tokens
	log    *slog.Logger

	requests, retries, throttled, bytesOut atomic.Int64
}

// Stats counts since New. Requests counts attempts, token requests among them; BytesOut the bodies sent.
type Stats struct{ Requests, Retries, Throttled, BytesOut int64 }

// New checks the settings, all of them, and sends nothing.
func New(config Config) (*Client, error) {
	config = withDefaults(config)
	if err := config.check(); err != nil {
		return nil, err
	}
	c := &Client{
		config: config,
		secret: NewSecret(config.ClientSecret),
		root:   strings.TrimRight(config.BaseURL, "/") + "/v1",
		agent:  "port-ocean/" + config.Type + "/" + config.Version + "/" + config.Identifier,
		http:   &http.Client{Transport: config.Transport, CheckRedirect: stay},
		gate:   newGate(config.Concurrency),
		log:    config.Logger,
	}
	c.config.ClientSecret = "" // from here on only the Secret holds it
	return c, nil
}

// stay refuses to follow a redirect: the base URL is the only host that gets a credential.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func withDefaults(c Config) Config {
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.Type = cmp.Or(c.Type, "jira")
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	c.Concurrency = cmp.Or(c.Concurrency, 20)
	c.Retries = max(cmp.Or(c.Retries, 6), 0)
	c.RetryBase = cmp.Or(c.RetryBase, 300*time.Millisecond)
	c.RetryCap = cmp.Or(c.RetryCap, time.Minute)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConns, transport.MaxIdleConnsPerHost = c.Concurrency, c.Concurrency
		c.Transport = transport
	}
	return c
}

func (c Config) check() error {
	var faults []error
	for _, required := range []struct{ value, name string }{
		{c.ClientID, "client id of Port (OCEAN__PORT__CLIENT_ID)"},
		{c.ClientSecret, "client secret of Port (OCEAN__PORT__CLIENT_SECRET)"},
		{c.Identifier, "integration identifier (OCEAN__INTEGRATION__IDENTIFIER)"},
		{c.Version, "integration version"},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("missing: the %s", required.name))
		}
	}
	if strings.ContainsAny(c.Type+c.Identifier+c.Version, "\r\n\x00") {
		faults = append(faults, errors.New("type, identifier and version of the integration stand in a header: no line breaks"))
	}
	if c.Concurrency < 0 || c.Timeout < 0 || c.RetryBase < 0 || c.RetryCap < 0 {
		faults = append(faults, errors.New("concurrency, time-out and back-off of the Port client cannot be negative"))
	}
	return errors.Join(append(faults, checkBase(c.BaseURL))...)
}

// checkBase never quotes the address: somebody may have put a password into it.
func checkBase(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the base URL of Port (OCEAN__PORT__BASE_URL) should look like https://api.getport.io")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return errors.New("the base URL of Port (OCEAN__PORT__BASE_URL) should have no user, query or fragment")
	}
	return nil
}

// Format prints whose client it is, with any verb: the fields hold the access token.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Port client of integration %q", c.config.Identifier)
}

// Identifier is the integration's.
func (c *Client) Identifier() string { return c.config.Identifier }

// Type is the integration's type, which ownership in Port is looked up by.
func (c *Client) Type() string { return c.config.Type }

// Version is the integration's version as told to Port.
func (c *Client) Version() string { return c.config.Version }

// Stats reads the counters.
func (c *Client) Stats() Stats {
	return Stats{
		Requests: c.requests.Load(), Retries: c.retries.Load(),
		Throttled: c.throttled.Load(), BytesOut: c.bytesOut.Load(),
	}
}

// Hurry ends every wait for Port, now and from now on, so that the end of the process is not delayed by a Port that is
// down: nothing is sent a second time, and a call that waits for that returns at once with the error it last had. A call
// that waits before its first attempt, for a limit or for its turn, returns an error for which ErrUnavailable holds.
//
// What is under way is not cut short, and a later call is still tried, once: how a run ended can be told after Hurry.
// There is no way back. It may be called from any goroutine, and more than once.
func (c *Client) Hurry() { c.gate.hasten() }

// Close gives idle connections back. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }
