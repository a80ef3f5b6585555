package jql

import (
	"strconv"
	"strings"
	"time"
)

// layouts of a date literal. Month, day and hour may have one digit or two.
var layouts = []string{"2006/1/2 15:04", "2006-1-2 15:04", "2006/1/2", "2006-1-2"}

func validMoment(text string) bool {
	_, ok := moment(text, Env{Now: time.Unix(0, 0), Zone: time.UTC})
	return ok
}

// moment resolves a date literal in the zone of the account that asks, or a period
// such as "-1w" or "4w 2d" relative to now.
func moment(text string, env Env) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, env.Zone); err == nil {
			return t, true
		}
	}
	d, ok := parsePeriod(text)
	return env.Now.Add(d), ok
}

var periodUnits = map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}

// parsePeriod reads "-1w", "+30m", "4w 2d": one sign for all, weeks of seven days
// of 24 hours.
func parsePeriod(text string) (time.Duration, bool) {
	body := strings.TrimLeft(text, "+-")
	if body == "" || len(text)-len(body) > 1 {
		return 0, false
	}
	var total time.Duration
	for body = strings.TrimSpace(body); body != ""; body = strings.TrimSpace(body) {
		n, rest, ok := leadingNumber(body)
		if !ok || rest == "" || periodUnits[rest[0]] == 0 {
			return 0, false
		}
		total += time.Duration(n) * periodUnits[rest[0]]
		body = rest[1:]
	}
	if text[0] == '-' {
		total = -total
	}
	return total, true
}

// leadingNumber refuses more than five digits: Duration ends at 292 years, which
// is some 15,000 weeks, and nobody asks for more.
func leadingNumber(s string) (n int, rest string, ok bool) {
	digits := 0
	for digits < len(s) && digitAt(s, digits) {
		digits++
	}
	if digits == 0 || digits > 5 {
		return 0, "", false
	}
	n, err := strconv.Atoi(s[:digits])
	return n, s[digits:], err == nil && n <= 15000
}

// A shift is the argument of startOfDay("-1d"): an amount and a unit of the
// calendar, where M is a month and m a minute.
type shift struct {
	n    int
	unit byte // y M w d h m
}

// parseShift reads an argument; without a unit the function's own is meant.
func parseShift(text string, own byte) (shift, bool) {
	body := strings.TrimLeft(text, "+-")
	if len(text)-len(body) > 1 {
		return shift{}, false
	}
	n, rest, ok := leadingNumber(body)
	if !ok || len(rest) > 1 || rest != "" && !strings.Contains("yMwdhm", rest) {
		return shift{}, false
	}
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	if rest == "" {
		return shift{n, own}, true
	}
	return shift{n, rest[0]}, true
}

func (s shift) apply(t time.Time) time.Time {
	switch s.unit {
	case 'y':
		return t.AddDate(s.n, 0, 0)
	case 'M':
		return t.AddDate(0, s.n, 0)
	case 'w':
		return t.AddDate(0, 0, 7*s.n)
	case 'd':
		return t.AddDate(0, 0, s.n)
	}
	return t.Add(time.Duration(s.n) * periodUnits[s.unit])
}

type momentFunction struct {
	of   func(time.Time) time.Time // nil for now(), which takes no argument
	unit byte                      // of an argument that names none
	end  bool                      // the last minute of the unit, not its first
}

// momentFunctions by lower-case name.
var momentFunctions = map[string]momentFunction{
	"now":          {},
	"startofday":   {of: startOfDay, unit: 'd'},
	"startofweek":  {of: startOfWeek, unit: 'w'},
	"startofmonth": {of: startOfMonth, unit: 'M'},
	"startofyear":  {of: startOfYear, unit: 'y'},
	"endofday":     {of: startOfDay, unit: 'd', end: true},
	"endofweek":    {of: startOfWeek, unit: 'w', end: true},
	"endofmonth":   {of: startOfMonth, unit: 'M', end: true},
	"endofyear":    {of: startOfYear, unit: 'y', end: true},
}

// at moves the beginning of the unit, not now: startOfMonth("+14d") is the 15th.
// An end is found from the beginning of the next unit, so that endOfMonth("-1M")
// on the 30th of April is the 31st of March. It is one minute before, because
// times are compared by the minute.
func (f momentFunction) at(now time.Time, by shift) time.Time {
	if f.of == nil {
		return now
	}
	t := f.of(now)
	if !f.end {
		return by.apply(t)
	}
	return by.apply(shift{1, f.unit}.apply(t)).Add(-time.Minute)
}

func startOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// startOfWeek is Sunday's. Jira follows the locale of the account; ours is American.
func startOfWeek(t time.Time) time.Time { return startOfDay(t.AddDate(0, 0, -int(t.Weekday()))) }

func startOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
}

func startOfYear(t time.Time) time.Time {
	return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, t.Location())
}

// moment resolves the operand, which check has found good.
func (o operand) moment(env Env) time.Time {
	if o.function == "" {
		t, _ := moment(o.text, env)
		return t
	}
	f := momentFunctions[o.function]
	by := shift{0, 'd'}
	if len(o.args) == 1 {
		by, _ = parseShift(o.args[0], f.unit)
	}
	return f.at(env.Now.In(env.Zone), by)
}
