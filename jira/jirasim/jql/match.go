package jql

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func (c *clause) compile(env Env, negated bool) func(Issue) bool {
	op := c.op
	if negated {
		op = opposites[op]
	}
	empty := c.emptiness()
	switch op {
	case opIs:
		return empty
	case opIsNot:
		return func(issue Issue) bool { return !empty(issue) }
	}
	switch c.field.kind {
	case kindText:
		return c.text(op)
	case kindCustom:
		if op == opContains || op == opContainsNot {
			return c.text(op)
		}
	}
	return c.values(op, env, empty)
}

// values compiles everything but prose: a positive test of the operands that are
// not EMPTY, joined with whether EMPTY is among them.
func (c *clause) values(op operator, env Env, empty func(Issue) bool) func(Issue) bool {
	withEmpty, real := false, []operand(nil)
	for _, o := range c.operands {
		withEmpty = withEmpty || o.empty
		if !o.empty {
			real = append(real, o)
		}
	}
	switch op {
	case opEqual, opIn:
		equal := c.equal(real, env)
		return func(issue Issue) bool { return equal(issue) || withEmpty && empty(issue) }
	case opNotEqual, opNotIn:
		equal := c.equal(real, env)
		return func(issue Issue) bool { return !empty(issue) && !equal(issue) }
	}
	return c.relation(op, real[0], env)
}

// emptiness tells an empty field of this kind. A field that the issue does not
// know at all is empty too.
func (c *clause) emptiness() func(Issue) bool {
	name := c.field.name
	switch c.field.kind {
	case kindMoment:
		return func(issue Issue) bool { v := issue.Field(name); return v.Empty || v.Time.IsZero() }
	case kindKey, kindCustom:
		return func(issue Issue) bool {
			v := issue.Field(name)
			return v.Empty || len(v.Strings) == 0 && v.Num == 0
		}
	}
	if c.field.name == "text" {
		return func(issue Issue) bool { return prose(issue, "text") == "" }
	}
	return func(issue Issue) bool { v := issue.Field(name); return v.Empty || len(v.Strings) == 0 }
}

func (c *clause) equal(operands []operand, env Env) func(Issue) bool {
	switch c.field.kind {
	case kindMoment:
		return c.equalMoment(operands, env)
	case kindKey:
		return equalIssue(operands)
	}
	name, wanted := c.field.name, literals(operands, env)
	spelled := spelling(wanted)
	if c.field.kind != kindCustom {
		return func(issue Issue) bool { v := issue.Field(name); return !v.Empty && spelled(v.Strings) }
	}
	numbers := numbersAmong(wanted)
	return func(issue Issue) bool {
		v := issue.Field(name)
		return !v.Empty && (spelled(v.Strings) || len(v.Strings) == 0 && slices.Contains(numbers, v.Num))
	}
}

func literals(operands []operand, env Env) []string {
	var all []string
	for _, o := range operands {
		switch {
		case o.function == "":
			all = append(all, o.text)
		case env.User != "": // currentUser() is nobody to the anonymous
			all = append(all, env.User)
		}
	}
	return all
}

func numbersAmong(words []string) []int64 {
	var all []int64
	for _, w := range words {
		if n, err := strconv.ParseInt(w, 10, 64); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// spelling tests whether any spelling is any of the wanted words, without regard
// to case. A long list, such as a hundred keys, goes through a set.
func spelling(wanted []string) func([]string) bool {
	if len(wanted) <= 4 {
		return func(spellings []string) bool {
			for _, s := range spellings {
				for _, w := range wanted {
					if strings.EqualFold(s, w) {
						return true
					}
				}
			}
			return false
		}
	}
	set := make(map[string]bool, len(wanted))
	for _, w := range wanted {
		set[strings.ToLower(w)] = true
	}
	return func(spellings []string) bool {
		return slices.ContainsFunc(spellings, func(s string) bool { return set[strings.ToLower(s)] })
	}
}

// equalIssue takes ids and keys alike, whether the query says key or id.
func equalIssue(operands []operand) func(Issue) bool {
	ids, keys := map[int64]bool{}, []string(nil)
	for _, o := range operands {
		if n, err := strconv.ParseInt(o.text, 10, 64); err == nil {
			ids[n] = true
			continue
		}
		keys = append(keys, o.text)
	}
	spelled := spelling(keys)
	return func(issue Issue) bool {
		return len(ids) > 0 && ids[issueID(issue)] || len(keys) > 0 && spelled(issue.Field("key").Strings)
	}
}

func issueID(issue Issue) int64 {
	v := issue.Field("id")
	if v.Num == 0 && len(v.Strings) > 0 {
		n, _ := strconv.ParseInt(v.Strings[0], 10, 64)
		return n
	}
	return v.Num
}

// minute is the grain of Jira's times in JQL. It counts from the epoch, rounded
// down, so that equal minutes are equal numbers in every zone.
func minute(t time.Time) int64 {
	s := t.Unix()
	m := s / 60
	if s%60 < 0 {
		m--
	}
	return m
}

func (c *clause) equalMoment(operands []operand, env Env) func(Issue) bool {
	name, wanted := c.field.name, make([]int64, len(operands))
	for i, o := range operands {
		wanted[i] = minute(o.moment(env))
	}
	return func(issue Issue) bool {
		v := issue.Field(name)
		return !v.Empty && !v.Time.IsZero() && slices.Contains(wanted, minute(v.Time))
	}
}

// holds translates an order, as cmp.Compare gives it, into the operator's answer.
func (op operator) holds(order int) bool {
	switch op {
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	case opGreater:
		return order > 0
	case opGreaterEqual:
		return order >= 0
	}
	panic("jql: no relation: " + string(op)) // unreachable: equality and the rest are compiled before
}

func (c *clause) relation(op operator, o operand, env Env) func(Issue) bool {
	position := c.field.position(minute)
	var wanted rank
	switch c.field.kind {
	case kindMoment:
		wanted = rank{number: minute(o.moment(env))}
	case kindKey:
		if n, err := strconv.ParseInt(o.text, 10, 64); err == nil {
			return func(issue Issue) bool { return op.holds(compareInt(issueID(issue), n)) }
		}
		return keyRelation(op, rankOfKey(o.text))
	case kindPriority:
		wanted = rank{number: int64(priorities[strings.ToLower(o.text)])}
		if wanted.number == 0 {
			return func(Issue) bool { return false }
		}
	default:
		wanted = rankOfWord(o.text)
	}
	return func(issue Issue) bool {
		got, ok := position(issue)
		return ok && op.holds(got.compare(wanted))
	}
}

// keyRelation compares keys of one project: those of others are neither before nor
// behind.
func keyRelation(op operator, wanted rank) func(Issue) bool {
	return func(issue Issue) bool {
		got, ok := keyPosition(issue)
		return ok && got.word == wanted.word && op.holds(got.compare(wanted))
	}
}

// text compiles ~ and !~: every word of the operand is in the field, a word with
// * at its end as a prefix, and a phrase in quotation marks as it stands.
func (c *clause) text(op operator) func(Issue) bool {
	name, positive := c.field.name, op == opContains
	wanted, phrase := searchWords(c.operands[0].text), isPhrase(c.operands[0].text)
	return func(issue Issue) bool {
		text := prose(issue, name)
		return text != "" && containsAll(searchWords(text), wanted, phrase) == positive
	}
}

// prose is what a text clause searches. The field text stands for all of them.
func prose(issue Issue, name string) string {
	names := []string{name}
	if name == "text" {
		names = []string{"text", "summary", "description", "comment", "environment"}
	}
	var all []string
	for _, n := range names {
		if v := issue.Field(n); !v.Empty {
			all = append(all, v.Strings...)
		}
	}
	return strings.Join(all, "\n")
}

func searchWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '*' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

func isPhrase(text string) bool {
	return len(text) > 2 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`)
}

func containsAll(words, wanted []string, phrase bool) bool {
	if phrase {
		for i := range words {
			if len(words)-i >= len(wanted) && slices.Equal(words[i:i+len(wanted)], wanted) {
				return true
			}
		}
		return false
	}
	for _, w := range wanted {
		prefix, open := strings.CutSuffix(w, "*")
		if !slices.ContainsFunc(words, func(s string) bool { return s == w || open && strings.HasPrefix(s, prefix) }) {
			return false
		}
	}
	return true
}
