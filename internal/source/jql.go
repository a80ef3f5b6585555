package source

import (
	"fmt"
	"strings"
	"time"

	"ferry/jira"
)

// bound restricts a selector that restricts nothing: Jira refuses unbounded JQL (facts 1.2).
const bound = `created >= "1970-01-01"`

// where is a JQL's restriction in parentheses, without its ORDER BY, so that it can be combined.
// A space at its end stays: it may be part of an escape.
func where(jql string) string {
	restriction, _ := jira.CutOrderBy(jql)
	if strings.TrimSpace(restriction) == "" {
		return "(" + bound + ")"
	}
	return "(" + restriction + ")"
}

// stable orders a walk by something that does not change while it goes on (facts 1.6).
const stable = " ORDER BY id ASC"

// within restricts by ids.
func within(jql string, ids []int64) string { return where(jql) + " AND " + among(ids) }

// without selects those of the ids of which the index says that jql does not hold: what has no
// value for a field that jql compares is in neither.
func without(jql string, ids []int64) string { return "NOT " + where(jql) + " AND " + among(ids) }

// unchanged selects those of the ids that did not change in the last minutes, by Jira's clock.
func unchanged(ids []int64, window time.Duration) string {
	return fmt.Sprintf("updated <= -%dm AND %s", int(window.Minutes()), among(ids))
}

// among restricts to ids. They are numbers by now: nothing needs quoting.
func among(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	return "id in (" + strings.Join(texts, ", ") + ")"
}

// created restricts to issues created on the days from first to before last. Jira reads the
// dates in the account's time zone, the same for both ends of a window and for neighbours.
func created(jql string, first, last time.Time) string {
	const day = "2006-01-02"
	return fmt.Sprintf("%s AND created >= %q AND created < %q", where(jql), first.Format(day), last.Format(day))
}

// updatedWithin restricts to what changed in the last minutes; a relative time needs no zone.
func updatedWithin(jql string, window time.Duration) string {
	return fmt.Sprintf("%s AND updated >= -%dm", where(jql), int(window.Minutes())+1)
}
