package jira

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// window is a range of the time of creation, from its first minute to before
// its last, in minutes since 1970. A 0 is an open end.
//
// JQL reads a date to the minute, in the time zone of the account. Here it is
// written as if that were UTC: neighbours share the text of their border, so
// that whatever instants the texts mean, no issue falls between two windows.
// Where clocks go back or forward two windows may overlap.
type window struct{ from, to int64 }

// clause restricts to the window; "" if both ends are open.
func (w window) clause() string {
	var parts []string
	if w.from != 0 {
		parts = append(parts, "created >= "+minuteText(w.from))
	}
	if w.to != 0 {
		parts = append(parts, "created < "+minuteText(w.to))
	}
	return strings.Join(parts, " AND ")
}

func minuteText(minute int64) string {
	return Quote(time.Unix(minute*60, 0).UTC().Format("2006-01-02 15:04"))
}

// beyondToday is after now in every time zone.
func beyondToday() int64 { return time.Now().Unix()/60 + 2*24*60 }

// half is the first half of the window; false if it is one minute, which JQL
// cannot halve.
func (w window) half() (window, bool) {
	to := cmp.Or(w.to, beyondToday())
	if to-w.from < 2 {
		return w, false
	}
	return window{w.from, w.from + (to-w.from)/2}, true
}

// next follows the window and is twice as wide, since what fitted may be much
// less than what would fit.
func (w window) next() window {
	to := w.to + 2*(w.to-w.from)
	if to >= beyondToday() {
		to = 0
	}
	return window{w.to, to}
}

func (w window) whole() bool { return w == window{} }

// ErrCrowded: more issues were created within one minute than a search at Data
// Center lets anybody list. Dates in JQL are of whole minutes, so that no window
// is narrower, and issue keys do not help: key > "ACME-1" compares within one
// project only.
var ErrCrowded = errors.New("more issues were created within one minute than Jira lists: " +
	"restrict the JQL, by project for example, or let Jira's administrator raise jira.search.platform.max.result.window")

// ErrShort: a listing at Data Center ended before the count that Jira itself
// gave, also when it was asked for again.
var ErrShort = errors.New("fewer issues were listed than Jira counts, also when asked again")
