package main

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"strings"

	"ferry/internal/port"
	"ferry/jira"
)

// hinted adds to an error what can be done about it by settings, which the packages that gave it do not know.
func hinted(err error, set settings) error {
	if hints := hintsFor(err, set); len(hints) > 0 {
		return errors.Join(err, &ending{code: exitFailure, hints: hints})
	}
	return err
}

func hintsFor(err error, set settings) (hints []string) {
	const unanswered = " gave no answer: check "
	if e, ok := errors.AsType[*jira.Error](err); ok && e.Status == 0 {
		hints = append(hints, jiraUnanswered(err, e, set))
	}
	if errors.Is(err, jira.ErrUnauthorized) && set.Login.Way == loginAutomatic && set.JiraEmail == "" {
		hints = append(hints, "the token was sent without an e-mail: set "+jiraEmail+", unless it is the token of a service account")
	}
	if e, ok := errors.AsType[*port.Error](err); ok && e.Status == 0 {
		hints = append(hints, "Port at "+set.PortBaseURL+unanswered+portBaseURL+" and the network")
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		hints = append(hints, "give a directory that can be written: --data-dir, or "+dataDir)
	}
	return hints
}

// jiraUnanswered says what to check where nothing answered for Jira.
func jiraUnanswered(err error, e *jira.Error, set settings) string {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	proxied, ok := errors.AsType[*net.OpError](err)
	switch {
	case ok && proxied.Op == "proxyconnect":
		return "the proxy to Jira gave no answer: check " + jiraProxy + ", or HTTPS_PROXY where that is not set"
	case untrusted:
		return "if the site has an authority of its own, set " + jiraCAFile + " to its certificate"
	case !strings.HasPrefix(e.Path, "/"): // not a path of Jira
		return e.Path + " gave no answer: check " + oauthTokenURL + " and the network"
	}
	return "Jira at " + set.JiraHost + " gave no answer: check " + jiraHost + " and the network"
}
