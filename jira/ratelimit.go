package jira

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest wait that Jira is believed to ask for: its
// quotas begin anew at the top of each hour
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
const maxRetryAfter = time.Hour

// limits is what the headers of one answer say of limits. Cloud and Data Center
// use the same names for different things
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/,
// https://confluence.atlassian.com/adminjiraserver/adjusting-your-code-for-rate-limiting-987143384.html).
type limits struct {
	reason string // RateLimit-Reason

	retryAfter time.Duration // Retry-After; 0 if it says nothing, or no wait
	reset      time.Duration // until X-RateLimit-Reset; 0 if it says nothing, or a time gone by
	blocked    bool          // Retry-After is negative, which at Data Center may mean that the account is blocked

	limit, remaining int64 // X-RateLimit-Limit and -Remaining; -1 if not said
	near             bool  // X-RateLimit-NearLimit
	incident         bool  // a gateway in trouble throttles: it gives X-Failure-Category where a reason belongs

	bucket   bool          // Data Center's: one for all that the account asks
	tick     time.Duration // until that bucket gets its next request
	interval time.Duration // until it gets its next FillRate requests

	quotas []Quota // of RateLimit and RateLimit-Policy, and of their Beta- forms
}

// readLimits reads the headers of an answer that came now. No wait of it is
// negative or longer than maxRetryAfter. Their names are as [http.Header] spells
// them: each answer is read, and to spell them anew costs more than to read them.
func readLimits(h http.Header, now time.Time) limits {
	said := limits{
		reason:    throttleReason(h),
		limit:     readCount(h, "X-Ratelimit-Limit"),
		remaining: readCount(h, "X-Ratelimit-Remaining"),
		near:      strings.EqualFold(headerOf(h, "X-Ratelimit-Nearlimit"), "true"),
	}
	said.retryAfter, said.blocked = readRetryAfter(h, now)
	said.reset = readReset(h, now)
	said.incident = said.reason == "" && said.retryAfter == 0 && headerOf(h, "X-Failure-Category") != ""
	said.readBucket(h)
	said.readQuotas(h, now)
	return said
}

// headerOf is the first value of a name that is spelled as [http.Header] does.
func headerOf(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return strings.TrimSpace(values[0])
	}
	return ""
}

// readBucket reads the headers that only Data Center sends. Its bucket gets
// FillRate requests each interval.
func (said *limits) readBucket(h http.Header) {
	interval := readCount(h, "X-Ratelimit-Interval-Seconds")
	if said.bucket = interval >= 0; !said.bucket {
		return
	}
	fill := max(readCount(h, "X-Ratelimit-Fillrate"), 1)
	said.interval = time.Duration(min(interval, int64(maxRetryAfter/time.Second))) * time.Second
	said.tick = said.interval / time.Duration(fill)
}

// asked is the wait that a 429 asks for; 0 if it leaves that to us.
func (said *limits) asked() time.Duration {
	switch {
	case said.retryAfter > 0:
		return said.retryAfter
	case said.reset > 0:
		return said.reset
	case said.bucket:
		return said.tick
	}
	for _, q := range said.quotas {
		if !q.Beta && q.Remaining == 0 {
			return q.wait
		}
	}
	return 0
}

// retryAfter reads how long the server wants to be left alone: Retry-After in
// seconds or as a date, else the time of X-RateLimit-Reset. 0 means that it did
// not say, or said something that is no wait at all, such as the -1 and 0 of
// Data Center.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if _, ok := parseWait(headerOf(h, "Retry-After"), now); ok {
		wait, _ := readRetryAfter(h, now)
		return wait
	}
	return readReset(h, now)
}

// readRetryAfter reads Retry-After, and whether it is negative.
func readRetryAfter(h http.Header, now time.Time) (wait time.Duration, negative bool) {
	text := headerOf(h, "Retry-After")
	if text == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		negative = seconds < 0
	}
	wait, _ = parseWait(text, serverTime(h, now))
	return clampWait(wait), negative
}

// readReset reads how long it is until X-RateLimit-Reset.
func readReset(h http.Header, now time.Time) time.Duration {
	text := headerOf(h, "X-Ratelimit-Reset")
	if text == "" {
		return 0
	}
	now = serverTime(h, now)
	at, ok := parseReset(text, now)
	if !ok {
		return 0
	}
	return clampWait(at.Sub(now))
}

// serverTime is now by the clock of the server, which the times in its headers
// are by.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(headerOf(h, "Date")); err == nil {
		return date
	}
	return now
}

func clampWait(wait time.Duration) time.Duration { return min(max(wait, 0), maxRetryAfter) }

// parseWait reads a value of Retry-After. More seconds than an int holds are
// still many seconds.
func parseWait(text string, now time.Time) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err == nil && seconds == seconds {
		return time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return at.Sub(now), true
}

// parseReset reads X-RateLimit-Reset, which comes with seconds and without. A
// number is taken for seconds since 1970 where that is a time within a day: no
// limit lasts longer.
func parseReset(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	at := time.Unix(seconds, 0)
	return at, at.Sub(now).Abs() < 24*time.Hour
}

// readCount reads a number of requests, seconds or points; -1 if it is none.
func readCount(h http.Header, name string) int64 {
	text := headerOf(h, name)
	if text == "" {
		return -1
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// throttleReason is why Jira throttles, in its own word.
func throttleReason(h http.Header) string {
	reason := headerOf(h, "Ratelimit-Reason")
	if reason == "" {
		return ""
	}
	return tidy(reason)
}

// reach is how much one throttled answer holds back.
type reach int

const (
	oneEndpoint reach = iota
	oneIssue
	everything
)

// reach tells whom a 429 is about. The reasons are matched loosely, since
// undocumented ones have been seen: "jira-quota-based", "jira-cost-based",
// "jira-max-concurrent-threads-across-all-instances-per-tenant-per-user".
// Without a reason, Data Center's bucket is that of all requests, and a gateway
// in trouble throttles all of them; others are taken for a burst.
func (said *limits) reach(issue string) reach {
	has := func(word string) bool { return strings.Contains(strings.ToLower(said.reason), word) }
	switch {
	case has("issue") && issue != "":
		return oneIssue
	case has("burst"), has("issue"):
		return oneEndpoint
	case has("quota"), has("cost"), has("concurren"), has("tenant"), has("user"):
		return everything
	case said.bucket, said.incident, said.blocked:
		return everything
	}
	return oneEndpoint
}
