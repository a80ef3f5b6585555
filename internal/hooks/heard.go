package hooks

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"ferry/internal/catalog"
	"ferry/jira"
)

// Stats are totals since the start.
type Stats struct {
	Accepted int64             // deliveries that were answered with 200
	Refused  map[Refusal]int64 // requests that were not
	Unknown  int64             // of the accepted, those of events that Ferry does not know
	Hints    int64             // items that the accepted touched
	Bytes    int64             // of the bodies that were read
	Verified time.Time         // when the last delivery came that was proved to be Jira's
}

// Stats are the totals so far.
func (r *Receiver) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Refused = maps.Clone(s.Refused)
	return s
}

// note counts a request, keeps it for people, and tells of a refusal.
func (r *Receiver) note(q *http.Request, d delivery, status int, no *refused) {
	heard := d.heard(q, status, no)
	r.mu.Lock()
	r.stats.count(d, no)
	r.kept.add(heard, no != nil)
	told := 0
	if no != nil {
		told = r.count(no).due(d.at)
	}
	r.mu.Unlock()
	if told > 0 {
		r.tell(no.why, told, no.err)
	}
}

func (s *Stats) count(d delivery, no *refused) {
	s.Bytes += int64(d.bytes)
	if d.verified {
		s.Verified = d.at
	}
	if no != nil {
		s.Refused[no.why]++
		return
	}
	s.Accepted++
	s.Hints += int64(d.touched)
	if d.event.Kind == jira.EventUnknown {
		s.Unknown++
	}
}

// anIdentifier is what Jira's identifiers of deliveries look like, and more.
var anIdentifier = regexp.MustCompile(`^[0-9A-Za-z:._-]{1,100}$`)

// heard is what is kept of the delivery. Of a sender that is not known to be Jira nothing is that
// it could choose.
func (d delivery) heard(q *http.Request, status int, no *refused) catalog.Heard {
	h := catalog.Heard{At: d.at, Touched: d.touched, Answer: status}
	if d.verified {
		h.Event = d.event.Name
		if id := q.Header.Get("X-Atlassian-Webhook-Identifier"); anIdentifier.MatchString(id) {
			h.Identifier = id
		}
	}
	switch {
	case no != nil:
		h.Reason = no.err.Error()
	case !d.verified && d.event.Kind != jira.EventUnknown:
		h.Event = d.event.Name // one of the names that are known
	}
	if no == nil && d.touched == 0 {
		h.Reason = "it touches nothing that Ferry could read"
	}
	return h
}

// How many deliveries wait to be written, and how many refusals are kept at length: so few that
// forgers do not push out what Jira sent, of which the catalogue keeps the last thousand.
const (
	maxKept     = 1000
	keptRefused = 100
	keepRefused = 10 * time.Minute
)

// deliveries are those that are still to be written down for people.
type deliveries struct {
	list    []catalog.Heard
	refused *rate.Limiter
}

func newDeliveries() deliveries {
	return deliveries{refused: rate.NewLimiter(rate.Every(keepRefused), keptRefused)}
}

func (k *deliveries) add(h catalog.Heard, refused bool) {
	if refused && !k.refused.AllowN(h.At, 1) {
		return
	}
	k.put([]catalog.Heard{h})
}

// put appends, and lets go of the oldest where there are too many.
func (k *deliveries) put(list []catalog.Heard) {
	k.list = append(k.list, list...)
	k.list = k.list[max(0, len(k.list)-maxKept):]
}

// ration lets a refusal be told once a minute, with how often it happened.
type ration struct {
	told   time.Time
	untold int
	latest error
}

const ofRation = time.Minute

// due is how many are to be told now, or 0.
func (n *ration) due(now time.Time) int {
	if now.Sub(n.told) < ofRation || n.untold == 0 {
		return 0
	}
	count := n.untold
	n.told, n.untold = now, 0
	return count
}

// count puts one more of a refusal to the others.
func (r *Receiver) count(no *refused) *ration {
	n := r.refusals[no.why]
	if n == nil {
		n = &ration{}
		r.refusals[no.why] = n
	}
	n.untold++
	n.latest = no.err
	return n
}

func (r *Receiver) tell(why Refusal, count int, err error) {
	r.log.Log(context.Background(), answers[why].level, "webhook deliveries were refused", "reason", string(why), "count", count, "err", err)
}

// tellRest tells of refusals that have only been counted for a minute.
func (r *Receiver) tellRest(now time.Time) {
	for _, why := range slices.Sorted(maps.Keys(answers)) {
		r.mu.Lock()
		n := r.refusals[why]
		count := 0
		var err error
		if n != nil {
			count, err = n.due(now), n.latest
		}
		r.mu.Unlock()
		if count > 0 {
			r.tell(why, count, err)
		}
	}
}

// flushEvery is how often what was heard is written down.
const flushEvery = 5 * time.Second

// Run writes down, every few seconds, which deliveries came, until ctx ends; then once more. From
// then on deliveries are answered with 503, so that Jira sends them again.
func (r *Receiver) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.stopping.Store(true)
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
			defer cancel()
			r.flush(last)
			return
		case <-tick.C:
			r.flush(ctx)
		}
	}
}

// flush writes down what was heard, and tells of refusals that were only counted.
func (r *Receiver) flush(ctx context.Context) {
	r.tellRest(time.Now())
	r.mu.Lock()
	list := r.kept.list
	r.kept.list = nil
	r.mu.Unlock()
	if len(list) > 0 {
		if err := r.inbox.Remember(ctx, r.config.Replica, list); err != nil {
			r.putBack(list)
			r.log.Warn("the list of webhook deliveries could not be written; nothing else is lost", "err", err)
		}
	}
}

func (r *Receiver) putBack(list []catalog.Heard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	later := r.kept.list
	r.kept.list = list
	r.kept.put(later)
}
