package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"ferry/internal/catalog"
	"ferry/internal/source"
	"ferry/jira"
)

// ReceiverConfig says how deliveries are received.
type ReceiverConfig struct {
	// PathPrefix is what the path has before /integration/webhook; slashes at its ends do not count.
	// Empty where what routes to here has taken it off.
	PathPrefix string

	Trust Trust

	// UnsignedRate is how many deliveries a second are taken at length that nothing proves, if
	// Trust takes any. 0: 5. Ten times as many may come at once.
	UnsignedRate float64

	// Replica is this process's name beside the deliveries that are kept for people.
	Replica string

	// Observe is told of each request after its answer. May be nil.
	Observe func(Answered)

	Logger *slog.Logger // nil: nothing is logged
}

// Answered is a request that was answered.
type Answered struct {
	Status  int
	Refusal Refusal // empty if it was taken
	Touched int     // items that it named
	Took    time.Duration
}

// Receiver is where Jira delivers: an http.Handler. What it has answered with 200 is on the disk.
//
// It takes POST <prefix>/integration/webhook, and the secret path below it. The server in front of
// it limits how long a request may take to come (ReadTimeout), and must not log the path.
type Receiver struct {
	inbox  *catalog.Inbox
	config ReceiverConfig
	log    *slog.Logger
	path   string
	room   *room
	rate   *rate.Limiter // of what nothing proves

	stopping atomic.Bool

	mu       sync.Mutex
	stats    Stats
	signed   signatures
	kept     deliveries
	refusals map[Refusal]*ration
}

// NewReceiver makes a receiver that puts hints into inbox. [Receiver.Run] must run beside it.
func NewReceiver(inbox *catalog.Inbox, config ReceiverConfig) *Receiver {
	perSecond := cmp.Or(config.UnsignedRate, 5)
	return &Receiver{
		inbox:    inbox,
		config:   config,
		log:      cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
		path:     webhookPath(config.PathPrefix),
		room:     newRoom(),
		rate:     rate.NewLimiter(rate.Limit(perSecond), max(1, int(10*perSecond))),
		stats:    Stats{Refused: map[Refusal]int64{}},
		kept:     newDeliveries(),
		refusals: map[Refusal]*ration{},
	}
}

// patience is how long a delivery may wait for memory and for the disk. Jira waits for 20 seconds.
const patience = 15 * time.Second

// delivery is one request and what is known of it.
type delivery struct {
	at       time.Time
	token    string // the last part of a secret path
	proof    proof
	event    jira.Event
	bytes    int
	touched  int
	verified bool
}

// ServeHTTP takes one delivery.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	d := delivery{at: time.Now()}
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	err := r.take(ctx, q, &d)
	status := reply(w, err)
	no, _ := errors.AsType[*refused](err)
	r.note(q, d, status, no)
	if r.config.Observe != nil {
		r.config.Observe(Answered{status, no.reason(), d.touched, time.Since(d.at)})
	}
}

// take returns nil when what the delivery touches is on the disk.
func (r *Receiver) take(ctx context.Context, q *http.Request, d *delivery) error {
	if r.stopping.Load() {
		return refuse(RefusedStopping)
	}
	if err := r.admit(q, d); err != nil {
		return err
	}
	if err := r.judge(q, d); err != nil {
		return err
	}
	err := r.room.hold(ctx, q, func(body []byte) error { return r.read(q, body, d) })
	if err != nil {
		return err
	}
	hints := hintsOf(d)
	if err := r.inbox.Receive(ctx, d.at, hints); err != nil {
		return refuseFor(RefusedInbox, err)
	}
	d.touched = len(hints)
	return nil
}

// admit looks at what a request says before its body.
func (r *Receiver) admit(q *http.Request, d *delivery) error {
	rest, here := strings.CutPrefix(q.URL.Path, r.path)
	token, below := strings.CutPrefix(rest, "/")
	switch {
	case !here, rest != "" && !below, below && token == "", strings.Contains(token, "/"):
		return refuse(RefusedPath)
	case q.Method != http.MethodPost:
		return refuse(RefusedMethod)
	case q.ContentLength > jira.MaxEventBody:
		return refuseFor(RefusedSize, errSize)
	}
	if encoding := q.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(RefusedEncoding)
	}
	d.token = token
	return nil
}

// read proves the body and takes from it what it touches. Nothing of the body is kept.
func (r *Receiver) read(q *http.Request, body []byte, d *delivery) error {
	d.bytes = len(body)
	if err := r.verify(q, body, d); err != nil {
		return err
	}
	event, err := jira.ParseEvent(body)
	if err != nil && d.verified {
		return refuseFor(RefusedEvent, err)
	}
	if err != nil {
		return refuse(RefusedEvent) // ParseEvent's words may quote a character of whoever sent it
	}
	d.event = event
	return nil
}

// clockLeeway is how far ahead of ours Jira's clock may be.
const clockLeeway = 10 * time.Minute

// hintsOf are the items that the delivery touches. What it lets expect of them makes a read come
// again until it is so; therefore it counts only where the sender is known, and never for a time
// that is to come.
func hintsOf(d *delivery) []catalog.Hint {
	var hints []catalog.Hint
	latest := d.at.Add(clockLeeway).UnixMilli()
	for _, t := range source.Touched(d.event) {
		hint := catalog.Hint{Kind: t.Kind, Parent: t.Parent, ID: t.ID}
		switch {
		case !d.verified:
		case t.Gone:
			hint.Expect = catalog.ExpectGone
		case t.Updated <= latest:
			hint.Expect = t.Updated
		}
		hints = append(hints, hint)
	}
	return hints
}

// retryAfter is in how many seconds to come again.
const retryAfter = "60"

// reply answers in the form of Port's own integration, and returns the status.
func reply(w http.ResponseWriter, err error) int {
	a := answer{status: http.StatusOK}
	body := struct {
		Status  string `json:"status"`
		Message string `json:"message,omitempty"`
	}{Status: "ok"}
	if no, ok := errors.AsType[*refused](err); ok {
		a = answers[no.why]
		body.Status, body.Message = "error", a.text
	}
	w.Header().Set("Content-Type", "application/json")
	switch a.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(body) // a sender that has left needs no answer
	return a.status
}
