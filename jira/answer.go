package jira

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// answer is a response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   []byte

	secrets []string // of the request, which no error may show
}

// classify decides what an answer means: nil, or an error and whether the call
// may be repeated. Whether Jira knows who asked comes before anything else,
// also before a status of 200.
func (c *Client) classify(q *call, a answer) (e *Error, again bool) {
	if reason := refusedLogin(a.header); reason != "" {
		e := q.fail(ErrNotLoggedIn)
		e.Status, e.Reason, e.refused = a.status, reason, true
		return e, false
	}
	switch {
	case a.status >= 200 && a.status < 300:
		return c.accept(q, a)
	case a.status >= 300 && a.status < 400:
		return c.redirected(q, a), false
	}
	e = q.fail(nil)
	e.Status = a.status
	messages, own := readMessages(a.body, a.secrets)
	e.Messages = messages
	e.refused = a.status == http.StatusUnauthorized && !e.lacksScope() // no renewal adds a scope
	if a.status == http.StatusNotFound && !own {
		e.Err = notJira("the 404 is not in Jira's words: is %s a Jira site?", c.base.Redacted())
	}
	e.RetryAfter = retryAfter(a.header, time.Now())
	if a.status == http.StatusTooManyRequests {
		e.Reason = throttleReason(a.header)
	}
	return e, slices.Contains(retriable, a.status) && !e.tooDeep()
}

// retriable are the statuses that may pass. What may be sent again is for
// [call.repeatable] to say.
var retriable = []int{
	http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// secretsOf are what an answer's words may not show of a request: there are
// gateways that quote the header which they do not like.
func secretsOf(r *http.Request) []string {
	_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, password, _ := r.BasicAuth()
	return []string{credentials, password}
}

// refusedLogin returns the word by which Jira says that it did not accept the
// credentials and answers as to nobody, or "". It has been seen beside status
// 200 and an empty list (https://github.com/MrRefactoring/jira.js/issues/418).
func refusedLogin(h http.Header) string {
	for _, value := range h.Values("X-Seraph-LoginReason") {
		for word := range strings.SplitSeq(value, ",") {
			word = strings.ToUpper(strings.TrimSpace(word))
			if word == "AUTHENTICATED_FAILED" || word == "AUTHENTICATION_DENIED" {
				return word
			}
		}
	}
	return ""
}

// accept decodes a good answer. A web page or broken JSON with status 200 is
// what gateways serve for a moment, so it is retried like a 5xx; JSON of
// another shape is final.
func (c *Client) accept(q *call, a answer) (*Error, bool) {
	fail := func(err error) *Error {
		e := q.fail(err)
		e.Status = a.status
		return e
	}
	if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); kind == "text/html" {
		return fail(notJira("answered text/html: is %s a Jira site?", c.base.Redacted())), true
	}
	if q.decode == nil {
		return nil, false
	}
	err := q.decode(a.body)
	switch {
	case err == nil:
		return nil, false
	case errors.Is(err, ErrNotJira):
		return fail(err), false
	}
	return fail(notJira("answered something that is not JSON (%w): is %s a Jira site?", err, c.base.Redacted())), true
}

// redirected names the host that an answer points to, or the path on the site's
// own.
func (c *Client) redirected(q *call, a answer) *Error {
	e := q.fail(notJira("redirects, where Jira would answer: is %s a Jira site?", c.base.Redacted()))
	e.Status = a.status
	location := a.header.Get("Location")
	to, err := c.base.Parse(location)
	switch {
	case err != nil || location == "":
	case sameHost(to, c.base):
		e.Err = notJira("redirects to %s, where Jira would answer: is %s a Jira site?",
			tidy(to.EscapedPath()), c.base.Redacted())
	default:
		e.Err = notJira("redirects to %s, and credentials are not sent there: is %s a Jira site?",
			tidy(to.Scheme+"://"+to.Host), c.base.Redacted())
	}
	return e
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}
