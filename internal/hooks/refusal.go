package hooks

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
)

// Refusal is why a delivery was not taken.
type Refusal string

// The refusals.
const (
	RefusedMethod    Refusal = "method"    // it is not a POST
	RefusedPath      Refusal = "path"      // nothing is received there
	RefusedEncoding  Refusal = "encoding"  // the body is compressed
	RefusedSize      Refusal = "size"      // the body is larger than Jira sends
	RefusedUnsigned  Refusal = "unsigned"  // nothing proves that it is Jira's
	RefusedSignature Refusal = "signature" // the proof is wrong: forged, expired, or of another secret
	RefusedToken     Refusal = "token"     // the secret path is another one
	RefusedRate      Refusal = "rate"      // more that nothing proves than are taken
	RefusedCut       Refusal = "cut"       // the body did not come whole
	RefusedEvent     Refusal = "event"     // the body is not an event of Jira
	RefusedBusy      Refusal = "busy"      // no memory is left for the body
	RefusedInbox     Refusal = "inbox"     // it could not be put down
	RefusedStopping  Refusal = "stopping"  // Ferry is about to end
)

// answer is what a refused sender gets. It never says what would have been right.
type answer struct {
	status int
	text   string
	level  slog.Level
}

// answers to refusals. Jira repeats what got 408, 429 or 5xx, and nothing else of these
// (https://developer.atlassian.com/cloud/jira/platform/webhooks/). What strays and scanners ask is
// no cause for a warning.
var answers = map[Refusal]answer{
	RefusedMethod:    {http.StatusMethodNotAllowed, "only POST is allowed", slog.LevelInfo},
	RefusedPath:      {http.StatusNotFound, "nothing is received here", slog.LevelInfo},
	RefusedEncoding:  {http.StatusUnsupportedMediaType, "compressed bodies are not accepted", slog.LevelWarn},
	RefusedSize:      {http.StatusRequestEntityTooLarge, "the body is too large", slog.LevelWarn},
	RefusedUnsigned:  {http.StatusUnauthorized, notAccepted, slog.LevelWarn},
	RefusedSignature: {http.StatusUnauthorized, notAccepted, slog.LevelWarn},
	RefusedToken:     {http.StatusUnauthorized, notAccepted, slog.LevelWarn},
	RefusedRate:      {http.StatusTooManyRequests, "too many deliveries, come again", slog.LevelWarn},
	RefusedCut:       {http.StatusRequestTimeout, "the body did not come whole", slog.LevelWarn},
	RefusedEvent:     {http.StatusBadRequest, "the body is not an event of Jira", slog.LevelWarn},
	RefusedBusy:      {http.StatusServiceUnavailable, comeAgain, slog.LevelWarn},
	RefusedInbox:     {http.StatusServiceUnavailable, comeAgain, slog.LevelError},
	RefusedStopping:  {http.StatusServiceUnavailable, comeAgain, slog.LevelInfo},
}

// Refusals are the words for why a delivery may not be taken, so that each can be counted from the
// start.
func Refusals() []string {
	var words []string
	for why := range answers {
		words = append(words, string(why))
	}
	slices.Sort(words)
	return words
}

const (
	notAccepted = "the delivery is not accepted"
	comeAgain   = "the delivery cannot be taken now, come again"
)

// What is told of a refusal that needs more words for us than for the sender.
var (
	errToken = errors.New("the secret path is another than ours, or there is none: see which URL the webhook has in Jira")
	errRate  = errors.New("more deliveries come without a signature than are taken: give the webhook a secret, which lifts the limit")
	errBusy  = errors.New("the bodies of other deliveries took all memory that there is for them")
	errSize  = errors.New("the body is larger than 25 MiB, which is more than Jira sends")
)

// refused is an error with the refusal that it is.
type refused struct {
	why Refusal
	err error // for us alone: it holds no text of the sender's
}

func (r *refused) Error() string { return string(r.why) + ": " + r.err.Error() }

// reason is the refusal; empty if there is none.
func (r *refused) reason() Refusal {
	if r == nil {
		return ""
	}
	return r.why
}

func refuse(why Refusal) *refused { return &refused{why, errors.New(answers[why].text)} }

func refuseFor(why Refusal, err error) *refused { return &refused{why, err} }
