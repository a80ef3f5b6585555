package console

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ferry/internal/catalog"
)

const (
	statusLimit = 5 * time.Second  // for one look, half of what Prometheus gives a scrape
	statusKept  = 10 * time.Second // what is shown is at most that old, unless a look takes long
	// statusShare bounds what looking costs: after a look that took long, none for so many times as long.
	statusShare = 20
)

// statusCollector shows what the database knows. A look that failed shows nothing, and is not
// repeated sooner than one that succeeded.
type statusCollector struct {
	described
	look func(context.Context) (Status, error)
	log  *slog.Logger

	failures, dirty, dirtyAge, undelivered, undeliveredAge, aside, read *prometheus.Desc
	live, checked, verified, expires, held, epoch                       *prometheus.Desc

	mu     sync.Mutex
	seen   *Status // nil: the last look failed
	until  time.Time
	failed int64 // looks
}

func newStatusCollector(look func(context.Context) (Status, error), log *slog.Logger) *statusCollector {
	c := &statusCollector{look: look, log: log}
	c.failures = c.add("ferry_status_errors_total", "Looks into the database for a scrape that failed; what they would show is not there then.")
	c.dirty = c.add("ferry_dirty_items", "Items that must be read again.", "priority")
	c.dirtyAge = c.add("ferry_dirty_oldest_age_seconds", "How long ago the longest waiting of them was said to have changed; 0: none was.", "priority")
	c.undelivered = c.add("ferry_undelivered_entities", "Entities that Port does not have as they should be.")
	c.undeliveredAge = c.add("ferry_undelivered_oldest_age_seconds", "How long the longest waiting of them waits; 0: none does.")
	c.aside = c.add("ferry_set_aside", "What is set aside, since it failed for good until something changes.", "about", "kind")
	c.read = c.add("ferry_newest_read_timestamp_seconds", "When the newest run began that read all that it set out to read, catch-ups among them; 0: none did.")
	c.live = c.add("ferry_webhook_live", "1 if Jira has the webhook as it should be, else 0.")
	c.checked = c.add("ferry_webhook_checked_timestamp_seconds", "When that was last looked at; 0: never.")
	c.verified = c.add("ferry_webhook_verified_timestamp_seconds", "When the last delivery came that was proved to be Jira's; 0: none since the start.")
	c.expires = c.add("ferry_webhook_expires_timestamp_seconds", "When the webhook ends unless it is refreshed; 0: it does not.")
	c.held = c.add("ferry_lease_held", "1 if this process may write the catalogue, else 0.")
	c.epoch = c.add("ferry_lease_epoch", "The number of the lease.")
	return c
}

func (c *statusCollector) Collect(ch chan<- prometheus.Metric) {
	s := samples(ch)
	status, failed := c.current()
	s.counter(c.failures, failed)
	if status == nil {
		return
	}
	if status.Catalogue != nil {
		c.collectCatalogue(s, *status.Catalogue)
	}
	s.gauge(c.held, truth(status.Lease.Held))
	s.gauge(c.epoch, float64(status.Lease.Epoch))
	if w := status.Webhook; w != nil {
		s.gauge(c.live, truth(w.Live))
		s.time(c.checked, w.Checked)
		s.time(c.verified, w.Verified)
		s.time(c.expires, w.Expires)
	}
}

func (c *statusCollector) collectCatalogue(s samples, status catalog.Status) {
	for _, p := range []struct {
		priority catalog.Priority
		name     string
	}{{catalog.Live, "live"}, {catalog.Later, "later"}, {catalog.Scan, "scan"}} {
		backlog := status.Dirty[p.priority]
		s.gauge(c.dirty, float64(backlog.N), p.name)
		s.age(c.dirtyAge, backlog.Oldest, p.name)
	}
	s.gauge(c.undelivered, float64(status.Undelivered.N))
	s.age(c.undeliveredAge, status.Undelivered.Oldest)
	for _, a := range status.Asides {
		s.gauge(c.aside, float64(a.N), string(a.About), a.Kind)
	}
	s.time(c.read, status.Read)
}

// current looks, unless it has just looked. Scrapes that come together share one look.
func (c *statusCollector) current() (status *Status, failed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	if begun.Before(c.until) {
		return c.seen, c.failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusLimit)
	defer cancel()
	seen, err := c.look(ctx)
	c.seen = &seen
	if err != nil {
		c.seen = nil
		c.failed++
		c.log.Warn("the metrics lack what the database would tell", "err", err)
	}
	c.until = time.Now().Add(max(statusKept, statusShare*time.Since(begun)))
	return c.seen, c.failed
}
