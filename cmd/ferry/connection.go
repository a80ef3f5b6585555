package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"

	"ferry/jira"
)

// connection is how to reach Jira.
type connection struct {
	// CAFile has certificate authorities in PEM form, to be trusted beside the system's. FERRY_JIRA_CA_FILE
	CAFile string
	CA     *x509.CertPool `json:"-"` // the system's and those; nil without a file

	// SkipVerify trusts every certificate, so that whoever is on the way to Jira can take its place and the
	// credentials. OCEAN__SSL__THIRD_PARTY__VERIFY=false
	SkipVerify bool

	// Proxy is the URL of the proxy to Jira, which may hold a user and a password. Default: what HTTPS_PROXY,
	// HTTP_PROXY and NO_PROXY say. FERRY_JIRA_PROXY
	Proxy secret

	// Gateway is the address of Atlassian's gateway, where a proxy stands in its place. Default
	// https://api.atlassian.com. FERRY_JIRA_GATEWAY
	Gateway string

	// Concurrency is how many requests to Jira may be under way at once, from 1 to 100. Default 10.
	// FERRY_JIRA_CONCURRENCY
	Concurrency int
}

func (r *reader) connection(c *connection) {
	c.SkipVerify = !choice(r, verifyThirdParty, true, booleans, "true or false")
	c.Concurrency = r.number(jiraConcurrency, 0, 1, 100)
	if r.text(jiraGateway, "") != "" {
		c.Gateway = r.site(jiraGateway, "", "")
	}
	c.Proxy = secret{r.text(jiraProxy, "")}
	if c.Proxy.text != "" && proxyOf(c.Proxy) == nil { // the value is not shown: it may hold a password
		r.fault(r.where(jiraProxy) + " is not the URL of a proxy: it should be like http://proxy.acme.example:3128")
	}
	if c.CAFile = r.text(jiraCAFile, ""); c.CAFile != "" {
		c.CA = r.authorities(c.CAFile)
	}
}

// authorities are the system's and those of a file.
func (r *reader) authorities(path string) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		r.fault(fmt.Sprintf("%s is %q, which cannot be read: %s", r.where(jiraCAFile), path, reason(err)))
	case !pool.AppendCertsFromPEM(text):
		r.fault(fmt.Sprintf("%s is %q, which holds no certificate: it should hold one or more in PEM form", r.where(jiraCAFile), path))
	}
	return pool
}

func proxyOf(address secret) *url.URL {
	u, err := url.Parse(address.text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") {
		return nil
	}
	return u
}

// jiraClient makes the client that the settings describe. Nothing is sent yet.
func jiraClient(set settings, log *slog.Logger) (*jira.Client, error) {
	c := set.Connection
	config := jira.Config{
		Logger: log, UserAgent: "ferry/" + release, Gateway: c.Gateway, Concurrency: c.Concurrency,
		// Nobody waits for a single change here, so no place is kept for urgent calls.
		Reserve: -1,
		Retries: set.Retries,
	}
	if c.SkipVerify {
		log.Warn("the certificate of Jira is not verified: whoever is on the way to it can read the credentials and change what it says",
			"because", verifyThirdParty)
	}
	if c.CA != nil || c.SkipVerify {
		config.TLS = &tls.Config{RootCAs: c.CA, InsecureSkipVerify: c.SkipVerify} // asked for, and warned of
	}
	if u := proxyOf(c.Proxy); u != nil {
		config.Proxy = http.ProxyURL(u)
	}
	auth, err := jiraAuth(set, config)
	if err != nil {
		return nil, err
	}
	return jira.New(set.JiraHost, auth, config)
}

func jiraAuth(set settings, config jira.Config) (jira.Auth, error) {
	l := set.Login
	switch l.Way {
	case loginBasic:
		return jira.Basic(set.JiraEmail, set.JiraToken.text)
	case loginBearer:
		return jira.Bearer(set.JiraToken.text)
	case loginTokenFile:
		return jira.TokenFile(l.TokenFile, set.JiraToken.text)
	case loginOAuth:
		return jira.OAuth(jira.OAuthConfig{
			ClientID: l.ClientID, ClientSecret: l.ClientSecret.text, TokenURL: l.TokenURL,
			Store:     jira.TokensFile(l.TokensFile, l.RefreshToken.text),
			Transport: tokenTransport(config), Logger: config.Logger,
		})
	case loginClientCredentials:
		return jira.ClientCredentials(jira.ClientCredentialsConfig{
			ClientID: l.ClientID, ClientSecret: l.ClientSecret.text, TokenURL: l.TokenURL, Scope: l.Scope,
		})
	}
	return jira.Automatic(set.JiraEmail, set.JiraToken.text)
}

// tokenTransport reaches the token endpoint as Jira is reached.
func tokenTransport(config jira.Config) http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil
	}
	t := base.Clone()
	if config.TLS != nil {
		t.TLSClientConfig = config.TLS.Clone()
	}
	if config.Proxy != nil {
		t.Proxy = config.Proxy
	}
	return t
}
