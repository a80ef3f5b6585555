package jira

import (
	"cmp"
	"time"
)

// blockedWait is how long a user whom an administrator has blocked is left
// alone after the first 429, and twice as long after each further one.
const blockedWait = 30 * time.Second

// throttle heeds a 429: it halves the window of what Jira throttles and begins a
// pause there. A pause that Jira gives no length to grows from one 429 to the
// next, until an answer is good.
func (l *limiter) throttle(p place, said limits, n int, now time.Time) decision {
	p.lane.throttled++
	l.whole.throttled++
	d := decision{reach: said.reach(p.issue), blocked: said.blocked, asked: said.asked()}
	of := p.lane
	if d.reach == everything {
		of = l.whole
	}
	if d.reach != oneIssue {
		d.told = of.halve(p.in(of).number)
		n = max(n, of.strikes-1)
	}
	d.window = of.window
	d.wait = l.backoff(n, d.asked)
	if said.blocked {
		d.wait = max(d.wait, clampWait(blockedWait<<min(n, 10)))
	}
	pause := Pause{now.Add(d.wait), cmp.Or(said.reason, "status 429")}
	if d.reach == oneIssue {
		d.told = l.pauseIssue(p.issue, pause, now)
	} else if l.pauseLane(of, pause, now) {
		of.nothing(pause.Until.Add(said.interval)) // a bucket fills slowly: one at first, to see how far it is
	}
	d.until = pause.Until
	return d
}

// pauseLane holds an endpoint, or the whole client.
func (l *limiter) pauseLane(n *lane, p Pause, now time.Time) bool {
	longer := n.hold(p)
	if longer {
		l.turnAway(now)
	}
	return longer
}

// pauseIssue holds the requests for one issue, and moves those that wait
// already into its own lines, out of the way of others.
func (l *limiter) pauseIssue(issue string, p Pause, now time.Time) bool {
	before := l.issues[issue]
	l.issues[issue] = before.later(p)
	for at, q := range l.queues {
		if at.issue != "" {
			continue
		}
		for _, urgent := range []bool{true, false} {
			in := q.of(urgent)
			for e := in.Front(); e != nil; {
				w := e.Value.(*waiter)
				e = e.Next()
				if w.call.issue == issue {
					l.quit(w)
					w.line.issue = issue
					l.join(w)
				}
			}
		}
	}
	l.turnAway(now)
	return before.Until.Before(p.Until)
}

// heedRemaining heeds X-RateLimit-Remaining of an answer that was not throttled.
// At Cloud it is what the endpoint has left in this second; at Data Center what
// the account has left in its bucket, whatever it asks for. Where nothing is
// left none starts until there is more.
func (l *limiter) heedRemaining(p place, said limits, now time.Time) {
	p.lane.limit, p.lane.remaining = said.limit, said.remaining
	if said.remaining < 0 {
		return
	}
	of, wait, then := p.lane, cmp.Or(said.reset, time.Second), time.Duration(0)
	if said.bucket {
		of = l.whole
		of.limit, of.remaining = said.limit, said.remaining
		wait, then = cmp.Or(said.retryAfter, said.tick, time.Second), said.interval
	}
	if said.remaining > 0 {
		of.remain(said.remaining, p.in(of), now.Add(max(wait, then)), now)
		return
	}
	until := now.Add(wait)
	l.pauseLane(of, Pause{until, "none remaining"}, now)
	of.nothing(until.Add(then))
}

// heedQuotas heeds the structured headers and NearLimit. A quota of points that
// is spent holds back everything; one that runs short is rationed, by the policy
// that has the least left for each second. It is not for a 429, which says by
// other headers how long to wait: beside those the structured ones have been
// seen to be wrong. It returns the pause of the whole client that begins.
func (l *limiter) heedQuotas(p place, said limits, now time.Time) (spent Pause) {
	paused := l.whole.pause.Until.After(now)
	known, least := false, 0.0
	for _, q := range said.quotas {
		l.ration.end(q)
		if q.Beta || q.Remaining < 0 || q.wait == 0 {
			continue
		}
		if q.Remaining == 0 {
			pause := Pause{q.Reset, q.Policy + " is spent"}
			if !q.hourly() {
				l.pauseLane(p.lane, pause, now)
			} else if l.pauseLane(l.whole, pause, now) && !paused {
				spent = pause
			}
		}
		rate := float64(q.Remaining) / q.wait.Seconds()
		if q.hourly() && (!known || rate < least) {
			known, least = true, rate
			l.ration.set(q, l.limitOf(q))
		}
	}
	if said.near && !known {
		l.ration.guess(now, said.reset)
	}
	return spent
}
