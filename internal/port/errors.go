package port

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What callers ask of an error, with errors.Is.
var (
	ErrNotFound     = errors.New("not found in Port")
	ErrUnauthorized = errors.New("not accepted by Port")
	ErrForbidden    = errors.New("forbidden by Port")
	ErrConflict     = errors.New("already in Port")
	ErrTooLarge     = errors.New("larger than Port takes")
	ErrInvalid      = errors.New("refused by Port as invalid")
	// ErrUnavailable is everything that a later try may mend: the network, a server's fault, a limit that did not
	// open within the retries, an answer that is not Port's.
	ErrUnavailable = errors.New("no use of Port now, try later")
)

// An Error is a request that failed as a whole.
type Error struct {
	Method, Path string        // the path without its query
	Status       int           // HTTP status, 0 when there was no answer
	Code         string        // Port's error name ("not_found"), or ours: see the code constants
	Message      string        // Port's sentence, shortened and free of secrets
	RetryAfter   time.Duration // how long Port asked us to wait, 0 when it did not say
	Err          error         // what lies below, where there was no answer
}

// Codes that are ours, for failures that carry none of Port's.
const (
	codeCredentials = "credentials_refused" // the token endpoint refused the client id and secret
	codeNotJSON     = "not_json"            // an answer that is no JSON: a proxy's page, a login page
	codeCut         = "cut"                 // an answer that ended early
	codeRedirect    = "redirect"
	codeNoOutcome   = "no_outcome" // a bulk answer that does not mention an entity
	codeNoKafka     = "no_kafka"   // an answer that holds no Kafka credentials
	codeNoCount     = "no_count"   // an answer that does not say the number that was asked for
)

func (e *Error) Error() string {
	if e.Code == codeCredentials {
		return e.Message
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": Port answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is answers the questions callers ask; see the Err variables.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized || e.Code == codeCredentials
	case ErrForbidden:
		return e.Status == http.StatusForbidden && e.Code != codeCredentials
	case ErrConflict:
		return e.Status == http.StatusConflict
	case ErrTooLarge:
		return e.Status == http.StatusRequestEntityTooLarge
	case ErrInvalid:
		return (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) && e.Code != codeCredentials
	case ErrUnavailable:
		return e.passing()
	}
	return false
}

// passing reports whether the fault may be gone later, without anyone having changed the request.
func (e *Error) passing() bool {
	switch {
	case e.Status == 0, e.Status >= 500:
		return true
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooManyRequests:
		return true
	}
	return e.Code == codeNotJSON || e.Code == codeCut
}

// An EntityError is why Port refused one entity of a bulk whose others it may have taken.
type EntityError struct {
	Status     int    // HTTP-like status of this entity, 0 when the answer does not mention it
	Code       string // Port's error name
	Message    string
	Identifier string // as the answer names it; "unknown" for a search that matched nothing
}

func (e *EntityError) Error() string {
	if e.Status == 0 {
		return e.Message
	}
	return fmt.Sprintf("Port refused the entity with %d (%s): %s", e.Status, e.Code, e.Message)
}

// MissingRelation reports that the entity relates to one that Port does not have.
func (e *EntityError) MissingRelation() bool {
	return e.Status == http.StatusNotFound && e.Code == "not_found" && !e.NoMatch()
}

// NoMatch reports that the identifier is a search object and no entity matched it: nothing was to be enriched.
func (e *EntityError) NoMatch() bool { return e.Identifier == "unknown" }

// Passing reports that the same entity may be taken later.
func (e *EntityError) Passing() bool {
	return e.Status == 0 || e.Status >= 500 || e.Status == http.StatusTooManyRequests
}
