package console

import (
	"net/http"
	"time"
)

// What becomes of a webhook's delivery, by what it was answered.
const (
	outcomeAccepted   = "accepted"   // it is on the disk, or needs nothing
	outcomeUnverified = "unverified" // not signed by Jira, or sent to a path without its token
	outcomeMalformed  = "malformed"
	outcomeTooLarge   = "too_large"
	outcomeBusy       = "busy"   // Jira was asked to send it again
	outcomeFailed     = "failed" // our fault; Jira sends it again
)

func outcomes() []string {
	return []string{outcomeAccepted, outcomeUnverified, outcomeMalformed, outcomeTooLarge, outcomeBusy, outcomeFailed}
}

func outcomeOf(status int) string {
	switch {
	case status >= 200 && status < 300:
		return outcomeAccepted
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return outcomeUnverified
	case status == http.StatusRequestEntityTooLarge:
		return outcomeTooLarge
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return outcomeBusy
	case status >= 400 && status < 500:
		return outcomeMalformed
	}
	return outcomeFailed
}

// webhook measures the deliveries that next answers.
func (m *Metrics) webhook(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		a := &answer{ResponseWriter: w}
		panicked := true
		defer func() {
			status := a.status
			if panicked {
				status = http.StatusInternalServerError
			}
			m.observeDelivery(status, time.Since(begun))
		}()
		next.ServeHTTP(a, r)
		panicked = false
	})
}

// observeDelivery is told how a delivery was answered: 0 if the handler wrote nothing, which is
// sent as 200.
func (m *Metrics) observeDelivery(status int, took time.Duration) {
	if status == 0 {
		status = http.StatusOK
	}
	outcome := outcomeOf(status)
	m.deliveries.WithLabelValues(outcome).Inc()
	if outcome == outcomeAccepted {
		m.answered.Observe(took.Seconds())
	}
}
