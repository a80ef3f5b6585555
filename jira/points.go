package jira

import "time"

// Jira counts points, one for each request and one more for each issue or
// project, or two for each user or group, that it reads; and limits them by the
// hour where the credentials are an app's. API tokens are not metered.
// https://developer.atlassian.com/cloud/jira/platform/rate-limiting/

// smallestQuota is the least of the hourly quotas that Jira gives to an app.
const smallestQuota = 65_000

// ration spreads the last tenth of an hour's points over what is left of the
// hour. Only ordinary requests are spread: urgent ones start at once, as long as
// there are points at all. Before that nothing is held back, though Jira warns
// when a fifth is left: who needs no more than the rest should not wait for it.
type ration struct {
	policy string // of Jira's quota; "" where it named none
	left   float64
	last   float64 // of it: what is spread
	reset  time.Time
	next   time.Time // when the next ordinary request may start
	told   time.Time // until then it is known that points are spread
}

// set notes how many points of a limit are left of a quota.
func (r *ration) set(q Quota, limit int64) {
	if limit <= 0 {
		limit = smallestQuota
	}
	r.policy, r.left, r.last, r.reset = q.Policy, float64(q.Remaining), float64(limit)/10, q.Reset
	switch {
	case r.left > r.last:
		r.next = time.Time{}
	case r.next.After(r.reset):
		r.next = r.reset
	}
}

// end notes that the quota is not short any more, where Jira lists it without a
// number: the time that it gave before may have been wrong.
func (r *ration) end(q Quota) {
	if q.Policy == r.policy && !q.Beta && q.Limit > 0 && q.Remaining < 0 {
		*r = ration{}
	}
}

// guess notes that a quota is four fifths used, where Jira says no more than
// that (X-RateLimit-NearLimit).
func (r *ration) guess(now time.Time, reset time.Duration) {
	if r.reset.After(now) {
		return
	}
	if reset == 0 {
		reset = now.Truncate(time.Hour).Add(time.Hour).Sub(now)
	}
	r.set(Quota{Remaining: smallestQuota / 5, Reset: now.Add(reset)}, smallestQuota)
}

// spend starts a request of so many points: of the last tenth it uses up its
// share of the time that is left.
func (r *ration) spend(points float64, now time.Time) {
	if !r.reset.After(now) {
		return
	}
	points = max(points, 1)
	if r.left > r.last {
		r.left -= points
		return
	}
	share := r.reset.Sub(now).Seconds() * min(points/max(r.left, 1), 1)
	r.left -= points
	if r.next.Before(now) {
		r.next = now
	}
	r.next = r.next.Add(time.Duration(share * float64(time.Second)))
	if r.next.After(r.reset) {
		r.next = r.reset
	}
}

// begins is the reset until which points are spread from now on. It tells so
// once; zero means that they are not, or that it is known.
func (r *ration) begins(now time.Time) time.Time {
	if r.left > r.last || !r.reset.After(now) || r.told.After(now) {
		return time.Time{}
	}
	r.told = r.reset
	return r.reset
}

// pause is how long ordinary requests are to wait.
func (r *ration) pause() Pause { return Pause{r.next, "points run short"} }
