package jql

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

type orderBy struct {
	field      field
	descending bool
	position   func(Issue) (rank, bool)
}

func (o orderBy) write(b *strings.Builder) {
	writeQuoted(b, o.field.name)
	if o.descending {
		b.WriteString(" DESC")
	}
}

// Compare orders two issues by the query's ORDER BY, and where that does not
// decide, by id ascending. What is empty comes last, and first with DESC.
func (q *Query) Compare(a, b Issue) int {
	for _, o := range q.order {
		c := o.compare(a, b)
		if o.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return compareInt(issueID(a), issueID(b))
}

// Ties reports whether the query's ORDER BY does not decide between two issues.
func (q *Query) Ties(a, b Issue) bool {
	for _, o := range q.order {
		if o.compare(a, b) != 0 {
			return false
		}
	}
	return true
}

func (o orderBy) compare(a, b Issue) int {
	left, ok := o.position(a)
	right, also := o.position(b)
	switch {
	case ok && also:
		return left.compare(right)
	case ok:
		return -1
	case also:
		return 1
	}
	return 0
}

// A rank is the place of a value among values of its field: first by word, then
// by number. A project's key is the word of an issue's key; a time has no word.
type rank struct {
	word   string // lower case
	number int64
}

func (r rank) compare(s rank) int {
	if r.word != s.word {
		return strings.Compare(r.word, s.word)
	}
	return compareInt(r.number, s.number)
}

func compareInt(a, b int64) int { return cmp.Compare(a, b) }

// position returns the function that ranks an issue by the field, and says whether
// the field has a value at all. grain makes a number of a time: a comparison goes by
// the minute, an order does not.
func (f field) position(grain func(time.Time) int64) func(Issue) (rank, bool) {
	name := f.name
	switch {
	case name == "id":
		return func(issue Issue) (rank, bool) { return rank{number: issueID(issue)}, true }
	case f.kind == kindKey:
		return keyPosition
	case f.kind == kindMoment:
		return func(issue Issue) (rank, bool) {
			v := issue.Field(name)
			return rank{number: grain(v.Time)}, !v.Empty && !v.Time.IsZero()
		}
	case f.kind == kindPriority:
		return priorityPosition
	}
	return func(issue Issue) (rank, bool) {
		v := issue.Field(name)
		if len(v.Strings) > 0 && !v.Empty {
			return rankOfWord(v.Strings[0]), true
		}
		return rank{number: v.Num}, !v.Empty && v.Num != 0
	}
}

func keyPosition(issue Issue) (rank, bool) {
	v := issue.Field("key")
	if v.Empty || len(v.Strings) == 0 {
		return rank{}, false
	}
	return rankOfKey(v.Strings[0]), true
}

func priorityPosition(issue Issue) (rank, bool) {
	v := issue.Field("priority")
	for _, s := range v.Strings {
		if n := priorities[strings.ToLower(s)]; n > 0 {
			return rank{number: int64(n)}, !v.Empty
		}
	}
	return rank{}, false
}

func rankOfKey(key string) rank {
	project, number, _ := strings.Cut(key, "-")
	n, _ := strconv.ParseInt(number, 10, 64)
	return rank{strings.ToLower(project), n}
}

// rankOfWord puts what is a number among the numbers, so that 9 comes before 10.
func rankOfWord(word string) rank {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return rank{number: n}
	}
	return rank{word: strings.ToLower(word)}
}
