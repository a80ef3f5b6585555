package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// The questions a caller asks of an error, for [errors.Is].
var (
	// ErrNotFound: what was asked for does not exist, or this account may not
	// see it. Jira does not tell which. A 404 that is not in Jira's own words,
	// as of a proxy that does not know the path, is ErrNotJira instead.
	ErrNotFound = errors.New("not found, or not visible to this account")

	// ErrUnauthorized: the credentials were not accepted. Asking again is of
	// no use.
	ErrUnauthorized = errors.New("the credentials were not accepted")

	// ErrForbidden: the account or the token's scopes do not allow this.
	ErrForbidden = errors.New("not allowed for this account")

	// ErrThrottled: Jira asks to slow down, and the wait it wants is longer
	// than the context allows or has been granted too often. [Error.RetryAfter]
	// says how long.
	ErrThrottled = errors.New("told by Jira to slow down")

	// ErrNotJira: the answer is not one that Jira gives: a web page, a
	// redirect to another host, JSON of another shape.
	ErrNotJira = errors.New("not an answer of Jira")

	// ErrNotLoggedIn: Jira answered, often with status 200 and an empty list,
	// as it answers somebody who is not logged in. It is ErrUnauthorized too.
	// What such an answer lacks proves nothing.
	ErrNotLoggedIn error = &kindError{
		"Jira answered without accepting the credentials: check the e-mail and the API token, or make a new token (tokens expire after a year at most)",
		[]error{ErrUnauthorized},
	}
)

// kindError is a sentence that belongs to one or more of the kinds above.
type kindError struct {
	text  string
	kinds []error
}

func (e *kindError) Error() string   { return e.text }
func (e *kindError) Unwrap() []error { return e.kinds }

// notJira is an [ErrNotJira] with its particulars.
func notJira(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &kindError{err.Error(), []error{ErrNotJira, err}}
}

// Error is how a call to Jira failed. It holds no credential, no query, and of
// the body nothing but Jira's own messages.
type Error struct {
	Method string
	Path   string // below the site, as "/rest/api/3/myself"; no query

	// Status is the HTTP status of the last answer; 0 if there was none.
	Status int

	// Messages are what Jira says is wrong, each of at most 300 characters.
	Messages []string

	// RetryAfter is how long Jira wants to be left alone; 0 if it did not say.
	RetryAfter time.Duration

	// Reason is the RateLimit-Reason of a 429, or that of the pause for which
	// a call was not sent ([Pause]), or the X-Seraph-LoginReason of an answer
	// to nobody.
	Reason string

	// Err is the cause where the status is not: a connection that broke, a
	// body that is not JSON, a context that ended. It may be nil.
	Err error

	hurried       bool          // the caller's deadline left no time to ask again
	held          time.Duration // after a 429: for how long the limiter holds the next attempt
	blocked       bool          // an administrator does not let the account ask at all
	refused       bool          // the credentials were not accepted; others may be
	authorization secret        // what was refused
	remedy        string        // for a refused login, where more is known than the status
}

// Error tells what was asked, what came back and what to do about it.
func (e *Error) Error() string {
	parts := []string{e.Method + " " + e.Path}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	for _, m := range e.Messages {
		parts = append(parts, strings.TrimSuffix(m, "."))
	}
	if advice := e.advice(); advice != "" {
		parts = append(parts, advice)
	}
	return strings.Join(parts, ": ")
}

// advice says what the user can do.
func (e *Error) advice() string {
	if e.Err != nil {
		return e.Err.Error() + e.delay()
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return cmp.Or(e.remedy, "the credentials were not accepted: check them")
	case http.StatusForbidden:
		return cmp.Or(e.remedy, "check what this account and the scopes of its token may do")
	case http.StatusNotFound:
		if len(e.Messages) > 0 {
			return "" // Jira has said it
		}
		return ErrNotFound.Error()
	case http.StatusTooManyRequests:
		if e.blocked {
			return ErrThrottled.Error() + " without a time to ask again: an administrator of this Jira may have blocked " +
				"the account's requests, ask for an exemption under System, Rate limiting"
		}
		return ErrThrottled.Error() + e.delay()
	}
	return strings.TrimPrefix(e.delay(), ", ")
}

// lacksScope reports whether the gateway took the credentials and misses a scope
// in them.
func (e *Error) lacksScope() bool {
	return slices.ContainsFunc(e.Messages, func(m string) bool {
		return strings.Contains(strings.ToLower(m), "scope does not match")
	})
}

func (e *Error) delay() string {
	if e.RetryAfter <= 0 {
		return ""
	}
	return fmt.Sprintf(", ask again after %s", e.RetryAfter.Round(time.Second))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is answers for the kinds that a status decides. Where there is a cause, that
// decides: a 404 to somebody who is not logged in does not mean "not found".
func (e *Error) Is(target error) bool {
	if e.Err != nil {
		return false
	}
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrThrottled:
		return e.Status == http.StatusTooManyRequests
	}
	return false
}

// Limits on what is kept of an error's body: it goes to logs and to people.
const (
	maxMessages   = 10
	maxMessageLen = 300
)

// readMessages takes Jira's words out of an error body, which may as well be a
// web page or nothing. Seen are the error collection {errorMessages, errors} of
// the API and the gateway's {code, message}. collection reports the former.
// secrets do not show in the messages.
func readMessages(body []byte, secrets []string) (messages []string, collection bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil, false
	}
	var list []string
	_ = json.Unmarshal(fields["errorMessages"], &list)
	var byField map[string]any
	_ = json.Unmarshal(fields["errors"], &byField)
	for _, name := range slices.Sorted(maps.Keys(byField)) {
		list = append(list, fmt.Sprintf("%s: %v", name, byField[name]))
	}
	for _, name := range []string{"message", "errorMessage"} {
		var one string
		_ = json.Unmarshal(fields[name], &one)
		list = append(list, one)
	}
	for i, m := range list {
		list[i] = hide(m, secrets...)
	}
	_, hasList := fields["errorMessages"]
	_, hasFields := fields["errors"]
	return tidyMessages(list), hasList || hasFields
}

// hide keeps secrets out of what is told.
func hide(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	return text
}

// tidyMessages drops what is empty, cuts what is long, and makes each message
// one line that cannot steer a terminal.
func tidyMessages(list []string) []string {
	var out []string
	for _, m := range list {
		if m = tidy(m); m != "" && len(out) < maxMessages {
			out = append(out, m)
		}
	}
	return out
}

func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxMessageLen {
		text = string(runes[:maxMessageLen-1]) + "…"
	}
	return text
}

// contextError is why ctx ended: both what it ended with and the cause its
// owner gave.
func contextError(ctx context.Context) error {
	cause := cmp.Or(context.Cause(ctx), ctx.Err())
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
