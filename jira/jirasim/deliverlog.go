package jirasim

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// DeliveryStatus is what has become of a delivery.
type DeliveryStatus string

// A delivery is Pending until it is Delivered, or was GivenUp after its last attempt
// or an answer after which none follows. Lost ones were never attempted; Dropped ones had
// lost their webhook, which was removed, disabled or expired.
const (
	Pending   DeliveryStatus = "pending"
	Delivered DeliveryStatus = "delivered"
	GivenUp   DeliveryStatus = "given up"
	Lost      DeliveryStatus = "lost"
	Dropped   DeliveryStatus = "dropped"
)

// DeliveryRecord is what is known of one delivery.
type DeliveryRecord struct {
	Identifier string
	Webhook    int64  // the id
	App        string // of a dynamic webhook; else empty
	Event      string
	URL        string
	Flow       string // Primary or Secondary
	Status     DeliveryStatus
	Attempts   int
	Answer     int       // the latest status of the receiver; 0: there was none
	Error      string    // why there was no answer
	At         time.Time // when it was queued, by the site's clock

	number uint64
}

// DeliveryStats are totals. Retried counts attempts after the first, Duplicated what
// was queued twice.
type DeliveryStats struct {
	Pending, Delivered, GivenUp, Lost, Dropped, Retried, Duplicated int
}

// keptDeliveries bounds what is remembered of finished deliveries.
const keptDeliveries = 5_000

// Deliveries returns what was queued, in that order: all that is pending, and of the
// rest the latest 5,000 or some more.
func (s *Server) Deliveries() []DeliveryRecord {
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	all := slices.Clone(q.done)
	for _, d := range q.pending {
		all = append(all, d.record(Pending))
	}
	slices.SortFunc(all, func(a, b DeliveryRecord) int { return cmp.Compare(a.number, b.number) })
	return all
}

// DeliveryStats returns the totals so far.
func (s *Server) DeliveryStats() DeliveryStats {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	stats := s.queue.stats
	stats.Pending = len(s.queue.pending)
	return stats
}

// Settled waits until nothing is pending, also no repetition. It needs a
// [Server.Deliver] that runs, or nothing queued.
func (s *Server) Settled(ctx context.Context) error {
	for {
		s.queue.mu.Lock()
		empty := s.queue.empty
		s.queue.mu.Unlock()
		if empty == nil {
			return nil
		}
		select {
		case <-empty:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *delivery) record(status DeliveryStatus) DeliveryRecord {
	return DeliveryRecord{Identifier: d.identifier, Webhook: d.hook.ID, App: d.hook.App, Event: d.event, URL: d.url,
		Flow: d.flow(), Status: status, Attempts: d.attempts, Answer: d.last.status, Error: d.last.text(), At: d.queued, number: d.number}
}

// finish remembers what became of a delivery, which is pending no more; called with
// the queue locked.
func (q *deliveryQueue) finish(d *delivery, status DeliveryStatus) {
	if len(q.done) >= 2*keptDeliveries {
		q.done = slices.Delete(q.done, 0, keptDeliveries)
	}
	q.done = append(q.done, d.record(status))
	q.stats.count(status)
	if q.perHook == nil {
		q.perHook = make(map[hookKey]DeliveryStats)
	}
	ofHook := q.perHook[d.hook.key()]
	ofHook.count(status)
	q.perHook[d.hook.key()] = ofHook
	delete(q.pending, d.number)
	if len(q.pending) == 0 && q.empty != nil {
		close(q.empty)
		q.empty = nil
	}
}

func (t *DeliveryStats) count(status DeliveryStatus) {
	switch status {
	case Delivered:
		t.Delivered++
	case GivenUp:
		t.GivenUp++
	case Lost:
		t.Lost++
	case Dropped:
		t.Dropped++
	}
}

// counts are the totals of one webhook.
func (q *deliveryQueue) counts(h *hook) DeliveryStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.perHook[h.key()]
}
