package jirasim

import (
	"cmp"
	"container/heap"
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
	due      time.Time  // not before
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

// deliveryQueue holds what is to be delivered and remembers what was. Taking from it
// costs no more where much is waiting.
type deliveryQueue struct {
	seed uint64

	mu      sync.Mutex
	wake    chan struct{}        // of the Deliver that runs; else nil
	pending map[uint64]*delivery // by number: what has not come to its end
	arrived []*delivery          // of those, in order, what no Deliver has seen yet
	lines   map[slot][]*delivery // what can be delivered now, first come, first served
	later   laterHeap            // what must wait
	flying  map[slot]int
	done    []DeliveryRecord // the latest
	stats   DeliveryStats
	perHook map[hookKey]DeliveryStats
	last    uint64
	empty   chan struct{} // closed when nothing is pending; nil while that is so
}

// laterHeap has the delivery that is due next on top.
type laterHeap []*delivery

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h laterHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laterHeap) Push(d any)        { *h = append(*h, d.(*delivery)) }
func (h *laterHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
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
		random: q.dice(q.last)}
	d.identifier = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.random.Uint32(), d.random.Uint32N(1<<16),
		d.random.Uint32N(1<<12), d.random.Uint32N(1<<12), d.random.Uint64N(1<<48))
	switch {
	case len(body) > maxPayload:
		d.last.err = fmt.Errorf("the payload of %d bytes is larger than %d", len(body), maxPayload)
		q.finish(d, GivenUp)
	case len(q.pending) >= maxQueued:
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
	q.hold(d)
	q.arrived = append(q.arrived, d)
	q.rouse()
}

// hold makes a delivery one that is pending.
func (q *deliveryQueue) hold(d *delivery) {
	if q.pending == nil {
		q.pending, q.lines, q.flying = make(map[uint64]*delivery), make(map[slot][]*delivery), make(map[slot]int)
	}
	q.pending[d.number] = d
	if q.empty == nil {
		q.empty = make(chan struct{})
	}
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
	arrived := q.arrived
	q.arrived = nil
	for _, d := range arrived {
		q.draw(d, c, now)
	}
	for len(q.later) > 0 && !q.later[0].due.After(now) {
		q.line(heap.Pop(&q.later).(*delivery))
	}
	for where, line := range q.lines {
		limit := c.Primary
		if where.secondary {
			limit = c.Secondary
		}
		n := min(len(line), max(limit-q.flying[where], 0))
		q.flying[where] += n
		ready = append(ready, line[:n]...)
		if q.lines[where] = line[n:]; n == len(line) {
			delete(q.lines, where)
		}
	}
	slices.SortFunc(ready, func(a, b *delivery) int { return cmp.Compare(a.number, b.number) })
	if len(q.later) > 0 {
		pause = q.later[0].due.Sub(now)
	}
	return ready, pause
}

func (q *deliveryQueue) line(d *delivery) { q.lines[d.slot()] = append(q.lines[d.slot()], d) }

func (q *deliveryQueue) postpone(d *delivery, until time.Time) {
	d.due = until
	heap.Push(&q.later, d)
}

// draw decides the fate of a delivery that has just been queued.
func (q *deliveryQueue) draw(d *delivery, c Delivery, now time.Time) {
	late := chance(d.random, c.Disorder)
	delay := time.Duration(d.random.Int64N(int64(c.MaxDelay)) + 1)
	if chance(d.random, c.Lose) {
		q.finish(d, Lost)
		return
	}
	same := []*delivery{d}
	if chance(d.random, c.Duplicate) {
		twin := *d
		q.last++
		twin.number, twin.random = q.last, q.dice(q.last)
		q.hold(&twin)
		q.stats.Duplicated++
		same = append(same, &twin)
	}
	for _, one := range same {
		if late {
			q.postpone(one, now.Add(delay))
			continue
		}
		q.line(one)
	}
}

func (q *deliveryQueue) dice(number uint64) *rand.Rand {
	return rand.New(rand.NewPCG(q.seed, 0xde11e4<<32+number))
}

func chance(random *rand.Rand, probability float64) bool {
	return probability > 0 && random.Float64() < probability
}

// settle takes the outcome of an attempt.
func (q *deliveryQueue) settle(d *delivery, o outcome, c Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying[d.slot()]--
	defer q.rouse()
	if o.interrupted {
		q.lines[d.slot()] = slices.Insert(q.lines[d.slot()], 0, d)
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
		q.postpone(d, time.Now().Add(c.MinBackoff+time.Duration(d.random.Int64N(int64(max(c.MaxBackoff-c.MinBackoff, 0))+1))))
	default:
		q.finish(d, GivenUp)
	}
}
