package jira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Quota is what Jira has said last of one of its policies, in the headers
// RateLimit and RateLimit-Policy
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
type Quota struct {
	Policy    string        // "global-app-quota", "tenant-app-quota", "jira-burst-based" …
	Limit     int64         // points, or requests, of one Window; -1 if not said
	Window    time.Duration // an hour for points; 0 if not said
	Remaining int64         // of Limit; -1 if not said: Jira says it once four fifths are used
	Reset     time.Time     // when Remaining is Limit again; zero if not said

	// Beta: Jira tells of the quota and does not enforce it yet. The client
	// does not heed it either.
	Beta bool

	wait time.Duration // until Reset
}

// hourly reports whether this is a quota of points, which all requests draw on.
func (q *Quota) hourly() bool { return strings.Contains(strings.ToLower(q.Policy), "quota") }

// maxQuotas bounds how many policies of one answer are read, and how many are
// remembered: three are known, each with and without Beta-.
const maxQuotas = 16

// readQuotas reads the structured headers. The two may name different policies,
// in any order, and either may be absent.
func (said *limits) readQuotas(h http.Header, now time.Time) {
	for _, name := range [...]string{"Ratelimit-Policy", "Beta-Ratelimit-Policy"} {
		for _, text := range h[name] {
			said.eachPolicy(text, name[0] == 'B', func(q *Quota, p params) {
				q.Limit = p.count("q")
				q.Window = p.seconds("w")
			})
		}
	}
	for _, name := range [...]string{"Ratelimit", "Beta-Ratelimit"} {
		for _, text := range h[name] {
			said.eachPolicy(text, name[0] == 'B', func(q *Quota, p params) {
				q.Remaining = p.count("r")
				if p["t"] != "" {
					q.wait = p.seconds("t")
					q.Reset = now.Add(q.wait)
				}
			})
		}
	}
}

// eachPolicy calls read for each policy that text lists, with what is known of
// it already.
func (said *limits) eachPolicy(text string, beta bool, read func(*Quota, params)) {
	for _, item := range splitQuoted(text, ',') {
		parts := splitQuoted(item, ';')
		name := tidy(strings.Trim(strings.TrimSpace(parts[0]), `"`))
		if name == "" {
			continue
		}
		i := slices.IndexFunc(said.quotas, func(q Quota) bool { return q.Policy == name && q.Beta == beta })
		if i < 0 {
			if len(said.quotas) == maxQuotas {
				return
			}
			i = len(said.quotas)
			said.quotas = append(said.quotas, Quota{Policy: name, Beta: beta, Limit: -1, Remaining: -1})
		}
		read(&said.quotas[i], readParams(parts[1:]))
	}
}

// params are the parameters of an item of a structured header (RFC 9651).
type params map[string]string

func readParams(parts []string) params {
	p := params{}
	for _, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		p[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return p
}

// count reads a whole number, also one that is written with a fraction; -1 if
// there is none.
func (p params) count(name string) int64 {
	f, err := strconv.ParseFloat(p[name], 64)
	if err != nil || !(f >= 0 && f < 1<<53) {
		return -1
	}
	return int64(f)
}

func (p params) seconds(name string) time.Duration {
	return clampWait(time.Duration(min(max(p.count(name), 0), int64(maxRetryAfter/time.Second))) * time.Second)
}

// splitQuoted splits at a separator that is not within quotation marks.
func splitQuoted(text string, sep rune) []string {
	quoted := false
	parts := []string{""}
	from := 0
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == sep && !quoted:
			parts[len(parts)-1] = text[from:i]
			parts = append(parts, "")
			from = i + 1
		}
	}
	parts[len(parts)-1] = text[from:]
	return parts
}

// limitOf is the limit of a quota that was said now or before; -1 if none was.
func (l *limiter) limitOf(q Quota) int64 {
	for _, known := range l.quotas {
		if known.Policy == q.Policy && known.Beta == q.Beta {
			return known.Limit
		}
	}
	return q.Limit
}

// remember keeps what an answer said of quotas: the latest of each, and of a
// number of them that no server can drive up.
func (l *limiter) remember(quotas []Quota) {
	for _, q := range quotas {
		i := slices.IndexFunc(l.quotas, func(old Quota) bool { return old.Policy == q.Policy && old.Beta == q.Beta })
		switch {
		case i >= 0:
			if q.Limit < 0 {
				q.Limit, q.Window = l.quotas[i].Limit, l.quotas[i].Window
			}
			l.quotas[i] = q
		case len(l.quotas) < maxQuotas:
			l.quotas = append(l.quotas, q)
		}
	}
}
