package jira

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// counters count what [Stats] tells and the limiter does not know.
type counters struct {
	requests, retries, bytesIn, bytesDecoded atomic.Int64
}

// Stats tells what a client has done since it was made, and what it is doing.
type Stats struct {
	Requests     int64 // attempts sent, retries included
	Retries      int64 // attempts that repeated an earlier one
	Throttled    int64 // answers with status 429
	BytesIn      int64 // bytes of bodies as they came over the wire
	BytesDecoded int64 // bytes of bodies after decompression

	// Points is what the answers would cost, or did, by Jira's price list: 1
	// for each, and 1 for each issue or project in it, or 2 for each user or
	// group. Jira meters OAuth; with an API token it is for comparison.
	Points int64

	InFlight int   // requests sent and not answered yet
	Waiting  int   // calls that wait for a place or for the end of a pause
	Window   int   // how many requests may be in flight: Concurrency, or less for a while after a 429
	Paused   Pause // of the whole client
	Rationed Pause // of calls that are not urgent, while the last points of an hour are spread over it

	Endpoints []EndpointStats // those asked so far, by path and method
	Quotas    []Quota         // those Jira has told of, by policy
}

// EndpointStats tells of one endpoint: what Jira counts bursts by.
type EndpointStats struct {
	Method string
	Path   string // below the site at Cloud, with %s in the place of each id or key

	Requests  int64 // attempts sent
	Throttled int64 // answers with status 429
	Points    int64

	InFlight int
	Waiting  int
	Window   int   // how many may be in flight
	Paused   Pause // of this endpoint alone

	// Limit and Remaining are the latest X-RateLimit-Limit and -Remaining:
	// requests in this second at Cloud, in the account's bucket at Data
	// Center. -1 means that the latest answer did not say.
	Limit, Remaining int64
}

// Stats returns the counts of this moment.
func (c *Client) Stats() Stats {
	s := c.limiter.stats(time.Now())
	s.Requests = c.stats.requests.Load()
	s.Retries = c.stats.retries.Load()
	s.BytesIn = c.stats.bytesIn.Load()
	s.BytesDecoded = c.stats.bytesDecoded.Load()
	return s
}

func (l *limiter) stats(now time.Time) Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Throttled: l.whole.throttled,
		Points:    l.whole.points,
		InFlight:  l.whole.flying,
		Waiting:   l.waiting,
		Window:    l.whole.window,
		Paused:    l.whole.pause.at(now),
		Rationed:  l.ration.pause().at(now),
		Quotas:    slices.Clone(l.quotas),
	}
	waiting := map[*lane]int{}
	for at, q := range l.queues {
		waiting[at.lane] += q.urgent.Len() + q.ordinary.Len()
	}
	for e, n := range l.endpoints {
		s.Endpoints = append(s.Endpoints, n.stats(e, waiting[n], now))
	}
	slices.SortFunc(s.Endpoints, func(a, b EndpointStats) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	slices.SortFunc(s.Quotas, func(a, b Quota) int { return strings.Compare(a.Policy, b.Policy) })
	return s
}

func (n *lane) stats(e endpoint, waiting int, now time.Time) EndpointStats {
	return EndpointStats{
		Method: e.method, Path: e.path,
		Requests: n.requests, Throttled: n.throttled, Points: n.points,
		InFlight: n.flying, Waiting: waiting, Window: n.window,
		Paused: n.pause.at(now),
		Limit:  n.limit, Remaining: n.remaining,
	}
}
