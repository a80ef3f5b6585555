package jira

import "time"

// endpoint names what Jira counts bursts by: a method and a path as it stands
// in a [call], with %s for each argument.
type endpoint struct{ method, path string }

// Pause is a time in which requests are held back.
type Pause struct {
	Until time.Time // zero if there is none

	// Reason is Jira's RateLimit-Reason, or, where it gave none, this
	// package's own word.
	Reason string
}

// later is the one of two pauses that ends later.
func (p Pause) later(other Pause) Pause {
	if other.Until.After(p.Until) {
		return other
	}
	return p
}

// at is the pause if it lasts at a time, else none.
func (p Pause) at(now time.Time) Pause {
	if p.Until.After(now) {
		return p
	}
	return Pause{}
}

// lane is what one limit of Jira's is about: an endpoint, or the whole client.
//
// Its window is how many requests may be in flight: at most those of
// [Config.Concurrency], where it begins; half after a 429, but never none; and
// one more whenever as many requests as it is wide have succeeded. The width that
// was too much is remembered, since each 429 costs a pause: it is tried again
// after [patience] times as many, and after twice as many each time that it is
// still too much.
type lane struct {
	widest, reserve int // of the window; of the places for urgent requests

	started  uint64 // requests; the number of the latest
	window   int
	changed  uint64 // number of the last request that had started when the window last changed
	wins     int    // successes of requests that started since
	edge     int    // the window that was too much; 0 if none is known
	patience int    // how many windows of successes come before the edge is tried again
	flying   int    // in flight
	ordinary int    // of flying, those that are not urgent
	halvedAt uint64 // number of the last request that had started when the window was halved
	strikes  int    // halvings since the last success

	pause Pause

	// left is how many more may start by what Jira said to request saidTo,
	// until fresh: then it is forgotten.
	left   int64
	saidTo uint64
	fresh  time.Time

	cost float64 // points of a request, on average

	// For Stats.
	requests, throttled, points int64
	limit, remaining            int64
}

func newLane(widest, reserve int) *lane {
	return &lane{widest: widest, reserve: reserve, window: widest, limit: -1, remaining: -1}
}

// room reports whether a request may start, pauses aside. Ordinary ones leave
// the reserve free, but for one place.
func (n *lane) room(urgent bool, now time.Time) bool {
	if n.flying >= n.window || !urgent && n.ordinary >= max(n.window-n.reserve, 1) {
		return false
	}
	return !n.scarce(now)
}

// scarce reports whether those in flight may use up what remains. One alone is
// always let through, to ask.
func (n *lane) scarce(now time.Time) bool {
	return n.left <= 0 && n.flying > 0 && n.fresh.After(now)
}

// patience is how often the client is to succeed just below the window that was
// too much, before it tries that again; doubled up to mostPatience.
const patience, mostPatience = 16, 256

// seat is the place of a request in one lane.
type seat struct {
	number uint64 // of the request
	beside int    // others in flight when it started
}

// take starts a request.
func (n *lane) take(urgent bool) seat {
	n.started++
	s := seat{n.started, n.flying}
	n.flying++
	n.requests++
	n.left--
	if !urgent {
		n.ordinary++
	}
	return s
}

// give ends a request.
func (n *lane) give(urgent bool) {
	n.flying--
	if !urgent {
		n.ordinary--
	}
}

// hold begins a pause, or makes it longer: a later answer that asks for less
// does not shorten it. It reports whether it did.
func (n *lane) hold(p Pause) bool {
	before := n.pause.Until
	n.pause = n.pause.later(p)
	return n.pause.Until.After(before)
}

// halve narrows the window after a 429 to a request. The answers to others that
// had started by then tell nothing more. It reports whether this one did.
func (n *lane) halve(number uint64) bool {
	if number <= n.halvedAt {
		return false
	}
	if n.window == n.edge {
		n.patience = min(2*n.patience, mostPatience)
	} else {
		n.edge, n.patience = n.window, patience
	}
	n.halvedAt = n.started
	n.resize(max(n.window/2, 1))
	n.strikes++
	return true
}

func (n *lane) resize(window int) { n.window, n.wins, n.changed = window, 0, n.started }

// succeed counts an answer that was not a 429. It reports whether the window has
// become as wide as it can be.
func (n *lane) succeed(number uint64) bool {
	if number <= n.halvedAt {
		return false
	}
	n.strikes = 0
	if n.window == n.widest || number <= n.changed {
		return false
	}
	enough := n.window
	if n.window+1 == n.edge {
		enough *= n.patience
	}
	if n.wins++; n.wins < enough {
		return false
	}
	n.resize(n.window + 1)
	if n.window > n.edge {
		n.edge = 0
	}
	return n.window == n.widest
}

// remain notes that a request was told how many more would be answered before a
// time. Those that started after it are not among those that Jira had counted by
// then, and those beside it perhaps not, since requests overtake each other, as
// answers do: what an earlier request was told counts no longer.
func (n *lane) remain(count int64, told seat, until, now time.Time) {
	if told.number < n.saidTo && n.fresh.After(now) {
		return
	}
	n.left = count - int64(n.started-told.number) - int64(told.beside)
	n.saidTo, n.fresh = told.number, until
}

// nothing notes that none would be answered before a time.
func (n *lane) nothing(until time.Time) {
	n.left, n.saidTo, n.fresh = 0, n.started, until
}

// charge notes the points of a request, for [ration].
func (n *lane) charge(points int) {
	n.points += int64(points)
	if n.cost == 0 {
		n.cost = float64(points)
		return
	}
	n.cost += (float64(points) - n.cost) / 8
}
