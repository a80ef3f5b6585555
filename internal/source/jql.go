package source

import (
	"fmt"
	"strings"
	"time"
)

// bound restricts a selector that restricts nothing: Jira refuses unbounded JQL (facts 1.2).
const bound = `created >= "1970-01-01"`

// where is a JQL's restriction in parentheses, without its ORDER BY, so that it can be combined.
// A space at its end stays: it may be part of an escape.
func where(jql string) string {
	restriction := jql[:orderBy(jql)]
	if strings.TrimSpace(restriction) == "" {
		return "(" + bound + ")"
	}
	return "(" + restriction + ")"
}

// orderBy is where the ORDER BY clause begins, or the length of the text if it has none. The
// words count only outside of quotes.
func orderBy(jql string) int {
	var quote byte
	for i := 0; i < len(jql); i++ {
		c := jql[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && isOrderBy(jql, i):
			return i
		}
	}
	return len(jql)
}

func isOrderBy(jql string, i int) bool {
	if i > 0 && !strings.ContainsRune(" \t\r\n)]\"'", rune(jql[i-1])) {
		return false
	}
	words := strings.Fields(jql[i:min(len(jql), i+64)])
	return len(words) >= 2 && strings.EqualFold(words[0], "order") && strings.EqualFold(words[1], "by") &&
		strings.ContainsRune("oO", rune(jql[i]))
}

// stable orders a walk by something that does not change while it goes on (facts 1.6).
const stable = " ORDER BY id ASC"

// within restricts by ids. They are numbers by now: nothing needs quoting.
func within(jql string, ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	return fmt.Sprintf("%s AND id in (%s)", where(jql), strings.Join(texts, ", "))
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
