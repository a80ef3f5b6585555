package hooks

import (
	"errors"
	"net/url"
	"path"
	"strings"
)

// webhookPath is where deliveries come in, below whatever a proxy needs in front.
func webhookPath(prefix string) string {
	return path.Join("/", prefix, "integration", "webhook")
}

var (
	errNoBaseURL = errors.New("no base URL is set, so that Jira cannot be told where to deliver: " +
		"set OCEAN__BASE_URL to the address at which Jira reaches Ferry, such as https://ferry.acme.example")
	errBadBaseURL = errors.New("the base URL is not like https://ferry.acme.example: correct OCEAN__BASE_URL")
)

// webhookURL is the address that Jira delivers to. Slashes at the ends of its parts do not count:
// Port's own integration registers "https://host//integration/webhook", which leads nowhere, where
// the base URL ends in one.
func webhookURL(base, prefix, token string) (string, error) {
	base = strings.TrimSpace(base)
	if base == "" {
		return "", errNoBaseURL
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", errBadBaseURL
	}
	u.Path = path.Join("/", u.Path, webhookPath(prefix), token)
	u.RawPath = ""
	return u.String(), nil
}
