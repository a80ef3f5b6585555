package console

import (
	"github.com/prometheus/client_golang/prometheus"

	"ferry/internal/port"
	"ferry/jira"
)

// jiraCollector tells what the client of Jira has sent, and what holds it back.
type jiraCollector struct {
	described
	stats func() jira.Stats

	requests, retries, throttled, points, received *prometheus.Desc
	flying, waiting, width, paused, rationed       *prometheus.Desc
	left, quota, reset                             *prometheus.Desc
	at                                             endpointDescs
}

type endpointDescs struct {
	requests, throttled, points    *prometheus.Desc
	flying, waiting, width, paused *prometheus.Desc
}

func newJiraCollector(stats func() jira.Stats) *jiraCollector {
	c := &jiraCollector{stats: stats}
	c.requests = c.add("ferry_jira_requests_total", "Requests to Jira, retries included.")
	c.retries = c.add("ferry_jira_retries_total", "Requests to Jira that repeated an earlier one.")
	c.throttled = c.add("ferry_jira_throttled_total", "Answers of Jira with status 429.")
	c.points = c.add("ferry_jira_points_total", "Points that the answers cost, or would, by Jira's price list.")
	c.received = c.add("ferry_jira_received_bytes_total", "Bytes of Jira's answers as they came over the wire.")
	c.flying = c.add("ferry_jira_requests_in_flight", "Requests to Jira that are not answered yet.")
	c.waiting = c.add("ferry_jira_calls_waiting", "Calls that wait for a place or for the end of a pause.")
	c.width = c.add("ferry_jira_window_requests", "How many requests may be in flight at once.")
	c.paused = c.add("ferry_jira_paused_until_timestamp_seconds", "Until when no request is sent, since Jira asked for that; 0: no pause.")
	c.rationed = c.add("ferry_jira_rationed_until_timestamp_seconds", "Until when only urgent requests are sent, since few points are left; 0: no such time.")
	c.left = c.add("ferry_jira_quota_left", "What is left of a quota that Jira has told of.", "policy", "beta")
	c.quota = c.add("ferry_jira_quota_limit", "How large a quota is that Jira has told of.", "policy", "beta")
	c.reset = c.add("ferry_jira_quota_reset_timestamp_seconds", "When a quota is whole again; 0: not said.", "policy", "beta")
	c.describeEndpoints()
	return c
}

func (c *jiraCollector) describeEndpoints() {
	add := func(name, help string) *prometheus.Desc { return c.add(name, help, "method", "path") }
	c.at = endpointDescs{
		requests:  add("ferry_jira_endpoint_requests_total", "Requests to one of Jira's endpoints, retries included."),
		throttled: add("ferry_jira_endpoint_throttled_total", "Answers of one endpoint with status 429."),
		points:    add("ferry_jira_endpoint_points_total", "Points that the answers of one endpoint cost, or would."),
		flying:    add("ferry_jira_endpoint_requests_in_flight", "Requests to one endpoint that are not answered yet."),
		waiting:   add("ferry_jira_endpoint_calls_waiting", "Calls that wait for one endpoint."),
		width:     add("ferry_jira_endpoint_window_requests", "How many requests to one endpoint may be in flight at once."),
		paused:    add("ferry_jira_endpoint_paused_until_timestamp_seconds", "Until when no request is sent to one endpoint; 0: no pause."),
	}
}

func (c *jiraCollector) Collect(ch chan<- prometheus.Metric) {
	s, stats := samples(ch), c.stats()
	s.counter(c.requests, stats.Requests)
	s.counter(c.retries, stats.Retries)
	s.counter(c.throttled, stats.Throttled)
	s.counter(c.points, stats.Points)
	s.counter(c.received, stats.BytesIn)
	s.gauge(c.flying, float64(stats.InFlight))
	s.gauge(c.waiting, float64(stats.Waiting))
	s.gauge(c.width, float64(stats.Window))
	s.time(c.paused, stats.Paused.Until)
	s.time(c.rationed, stats.Rationed.Until)
	for _, q := range stats.Quotas {
		c.collectQuota(s, q)
	}
	for _, e := range stats.Endpoints {
		c.at.collect(s, e)
	}
}

// collectQuota leaves out what Jira has not said, since no number stands for that.
func (c *jiraCollector) collectQuota(s samples, q jira.Quota) {
	beta := "false"
	if q.Beta {
		beta = "true"
	}
	if q.Remaining >= 0 {
		s.gauge(c.left, float64(q.Remaining), q.Policy, beta)
	}
	if q.Limit >= 0 {
		s.gauge(c.quota, float64(q.Limit), q.Policy, beta)
	}
	s.time(c.reset, q.Reset, q.Policy, beta)
}

// collect names an endpoint by its pattern, which holds no ids and no keys.
func (d endpointDescs) collect(s samples, e jira.EndpointStats) {
	s.counter(d.requests, e.Requests, e.Method, e.Path)
	s.counter(d.throttled, e.Throttled, e.Method, e.Path)
	s.counter(d.points, e.Points, e.Method, e.Path)
	s.gauge(d.flying, float64(e.InFlight), e.Method, e.Path)
	s.gauge(d.waiting, float64(e.Waiting), e.Method, e.Path)
	s.gauge(d.width, float64(e.Window), e.Method, e.Path)
	s.time(d.paused, e.Paused.Until, e.Method, e.Path)
}

// portCollector tells what the client of Port has sent.
type portCollector struct {
	described
	stats                              func() port.Stats
	requests, retries, throttled, sent *prometheus.Desc
}

func newPortCollector(stats func() port.Stats) *portCollector {
	c := &portCollector{stats: stats}
	c.requests = c.add("ferry_port_requests_total", "Requests to Port, retries included.")
	c.retries = c.add("ferry_port_retries_total", "Requests to Port that repeated an earlier one.")
	c.throttled = c.add("ferry_port_throttled_total", "Answers of Port with status 429.")
	c.sent = c.add("ferry_port_sent_bytes_total", "Bytes of the bodies sent to Port.")
	return c
}

func (c *portCollector) Collect(ch chan<- prometheus.Metric) {
	s, stats := samples(ch), c.stats()
	s.counter(c.requests, stats.Requests)
	s.counter(c.retries, stats.Retries)
	s.counter(c.throttled, stats.Throttled)
	s.counter(c.sent, stats.BytesOut)
}
