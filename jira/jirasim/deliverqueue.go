package jirasim

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"time"
)

// delivery is one event on its way to one webhook.
type delivery struct {
	number     uint64
	identifier string // the same on every attempt
	hook       *hook
	event      string
	url        string
	host       string
	body       []byte
	secondary  bool
	queued     time.Time // by the site's clock

	random   *rand.Rand // its own, so that its fate does not depend on what else is under way
	drawn    bool       // whether it is lost, late or made twice has been decided
	due      time.Time  // not before
	flying   bool
	attempts int
	last     outcome
}

func (d *delivery) flow() string {
	if d.secondary {
		return "Secondary"
	}
	return "Primary"
}

// slot is what the number of simultaneous deliveries is limited by.
type slot struct {
	host      string
	secondary bool
}

func (d *delivery) slot() slot { return slot{d.host, d.secondary} }

// hookKey names a webhook also when it is gone.
type hookKey struct {
	dynamic bool
	id      int64
}

func (h *hook) key() hookKey { return hookKey{h.dynamic(), h.ID} }

// deliveryQueue holds what is to be delivered and remembers what was.
type deliveryQueue struct {
	seed uint64

	mu      sync.Mutex
	wake    chan struct{} // of the Deliver that runs; else nil
	waiting []*delivery
	flying  map[slot]int
	done    []DeliveryRecord // the latest
	stats   DeliveryStats
	perHook map[hookKey]DeliveryStats
	last    uint64
	empty   chan struct{} // closed when nothing is waiting; nil while that is so
}

// maxQueued is how much a site holds; what comes beyond is lost, as it is at Jira.
const maxQueued = 100_000

func (q *deliveryQueue) add(h *hook, happened happening, body []byte, now time.Time) {
	members := sync.OnceValue(func() map[string]any { return payloadMembers(body) })
	to := expandURL(h.URL, members)
	if h.ExcludeBody {
		body = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	d := &delivery{number: q.last, hook: h, event: happened.event, url: to, host: hostOf(to), body: body,
		secondary: happened.secondary, queued: now,
		random: rand.New(rand.NewPCG(q.seed, 0xde11e4<<32+q.last))}
	d.identifier = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.random.Uint32(), d.random.Uint32N(1<<16),
		d.random.Uint32N(1<<12), d.random.Uint32N(1<<12), d.random.Uint64N(1<<48))
	switch {
	case len(body) > maxPayload:
		d.last.err = fmt.Errorf("the payload of %d bytes is larger than %d", len(body), maxPayload)
		q.finish(d, GivenUp)
	case len(q.waiting) >= maxQueued:
		q.finish(d, Lost)
	default:
		q.enqueue(d)
	}
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

func (q *deliveryQueue) enqueue(d *delivery) {
	q.waiting = append(q.waiting, d)
	if q.empty == nil {
		q.empty = make(chan struct{})
	}
	q.rouse()
}

func (q *deliveryQueue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // nobody delivers, or is roused already
	}
}

func (q *deliveryQueue) begin() (wake <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake != nil {
		return nil, false
	}
	q.wake = make(chan struct{}, 1)
	return q.wake, true
}

func (q *deliveryQueue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wake = nil
}

// take returns what can be delivered now, in the order in which it was queued, and
// how long until there may be more: 0 where only an event can tell.
func (q *deliveryQueue) take(c Delivery, now time.Time) (ready []*delivery, pause time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.draw(c, now)
	for _, d := range q.waiting {
		limit := c.Primary
		if d.secondary {
			limit = c.Secondary
		}
		switch {
		case d.flying:
		case d.due.After(now):
			if wait := d.due.Sub(now); pause == 0 || wait < pause {
				pause = wait
			}
		case q.flying[d.slot()] < limit:
			q.fly(d, 1)
			ready = append(ready, d)
		}
	}
	return ready, pause
}

func (q *deliveryQueue) fly(d *delivery, by int) {
	if q.flying == nil {
		q.flying = make(map[slot]int)
	}
	d.flying = by > 0
	q.flying[d.slot()] += by
}

// draw decides the fate of what was queued since the last call.
func (q *deliveryQueue) draw(c Delivery, now time.Time) {
	for _, d := range slices.Clone(q.waiting) {
		if d.drawn {
			continue
		}
		d.drawn = true
		if chance(d.random, c.Disorder) {
			d.due = now.Add(time.Duration(d.random.Int64N(int64(c.MaxDelay)) + 1))
		}
		if chance(d.random, c.Lose) {
			q.finish(d, Lost)
			continue
		}
		if chance(d.random, c.Duplicate) {
			twin := *d
			q.last++
			twin.number, twin.random = q.last, rand.New(rand.NewPCG(q.seed, 0xde11e4<<32+q.last))
			q.waiting = append(q.waiting, &twin)
			q.stats.Duplicated++
		}
	}
}

func chance(random *rand.Rand, probability float64) bool {
	return probability > 0 && random.Float64() < probability
}

// settle takes the outcome of an attempt.
func (q *deliveryQueue) settle(d *delivery, o outcome, c Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fly(d, -1)
	defer q.rouse()
	if o.interrupted {
		return
	}
	d.last = o
	if !o.dropped {
		d.attempts++
	}
	switch {
	case o.dropped:
		q.finish(d, Dropped)
	case o.delivered():
		q.finish(d, Delivered)
	case o.again() && d.attempts <= c.Retries:
		q.stats.Retried++
		d.due = time.Now().Add(c.MinBackoff + time.Duration(d.random.Int64N(int64(max(c.MaxBackoff-c.MinBackoff, 0))+1)))
	default:
		q.finish(d, GivenUp)
	}
}
