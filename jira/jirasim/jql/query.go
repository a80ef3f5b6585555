package jql

import (
	"strings"
	"time"
)

// An Issue is what a query is evaluated against.
type Issue interface {
	// Field returns the value of the field with the given canonical name; the
	// package comment lists them. A field that the issue does not have is the
	// zero Values or has Empty set.
	Field(name string) Values
}

// Values is the content of one field of one issue.
type Values struct {
	// Strings holds every spelling that matches: for a project its key, its name
	// and its id, for labels each label. The first is the one to order by.
	Strings []string
	// Time is the content of a field that is a point in time.
	Time time.Time
	// Num is an issue's numeric id, or the content of a number field.
	Num int64
	// Empty says that the field has no value.
	Empty bool
}

// Env is what a query's functions and dates depend on.
type Env struct {
	Now  time.Time
	Zone *time.Location // of the account that asks; nil is UTC
	User string         // account id for currentUser(); empty for nobody
}

// A Query is a parsed query. It is immutable and may be shared by goroutines.
type Query struct {
	where node // nil where the query restricts nothing
	order []orderBy
}

// Bounded reports whether the query restricts anything outside ORDER BY. Jira
// refuses to search without.
func (q *Query) Bounded() bool { return q.where != nil }

// Ordered reports whether the query has an ORDER BY.
func (q *Query) Ordered() bool { return len(q.order) > 0 }

// Match reports whether the issue satisfies the query. For more than one issue,
// [Query.Matcher] is cheaper.
func (q *Query) Match(issue Issue, env Env) bool { return q.Matcher(env)(issue) }

// Matcher resolves the query's dates and functions against env, and returns a
// function that does no more than compare. It may be called by several goroutines.
func (q *Query) Matcher(env Env) func(Issue) bool {
	if q.where == nil {
		return func(Issue) bool { return true }
	}
	if env.Zone == nil {
		env.Zone = time.UTC
	}
	return q.where.compile(env, false)
}

// String returns the query in one canonical form: every name and value quoted,
// every group in parentheses. Parsing it gives an equal query.
func (q *Query) String() string {
	var b strings.Builder
	if q.where != nil {
		q.where.write(&b)
	}
	separator := " ORDER BY "
	for _, o := range q.order {
		b.WriteString(separator)
		o.write(&b)
		separator = ", "
	}
	return strings.TrimSpace(b.String())
}

// A node is a part of the where clause. Compiling takes whether the part stands
// under an odd number of NOTs, because Jira moves each NOT down to the operators
// before it searches; only so does NOT (a = b) mean a != b for an empty a.
type node interface {
	write(*strings.Builder)
	compile(env Env, negated bool) func(Issue) bool
}

type group struct {
	any   bool // OR; else AND
	parts []node
}

func (g *group) write(b *strings.Builder) {
	word := " AND "
	if g.any {
		word = " OR "
	}
	writeList(b, g.parts, word)
}

func (g *group) compile(env Env, negated bool) func(Issue) bool {
	matchers := make([]func(Issue) bool, len(g.parts))
	for i, p := range g.parts {
		matchers[i] = p.compile(env, negated)
	}
	decisive := g.any != negated // De Morgan: a negated OR is an AND of negations
	return func(issue Issue) bool {
		for _, match := range matchers {
			if match(issue) == decisive {
				return decisive
			}
		}
		return !decisive
	}
}

type not struct{ part node }

func (n not) write(b *strings.Builder) {
	b.WriteString("NOT ")
	n.part.write(b)
}

func (n not) compile(env Env, negated bool) func(Issue) bool { return n.part.compile(env, !negated) }

type operator string

const (
	opEqual        operator = "="
	opNotEqual     operator = "!="
	opLess         operator = "<"
	opLessEqual    operator = "<="
	opGreater      operator = ">"
	opGreaterEqual operator = ">="
	opContains     operator = "~"
	opContainsNot  operator = "!~"
	opIn           operator = "IN"
	opNotIn        operator = "NOT IN"
	opIs           operator = "IS"
	opIsNot        operator = "IS NOT"
)

var opposites = map[operator]operator{
	opEqual: opNotEqual, opNotEqual: opEqual,
	opLess: opGreaterEqual, opGreaterEqual: opLess,
	opGreater: opLessEqual, opLessEqual: opGreater,
	opContains: opContainsNot, opContainsNot: opContains,
	opIn: opNotIn, opNotIn: opIn,
	opIs: opIsNot, opIsNot: opIs,
}

type clause struct {
	field    field
	op       operator
	operands []operand
}

func (c *clause) write(b *strings.Builder) {
	writeQuoted(b, c.field.name)
	b.WriteString(" " + string(c.op) + " ")
	if c.op != opIn && c.op != opNotIn {
		c.operands[0].write(b)
		return
	}
	writeList(b, c.operands, ", ")
}

// An operand is a literal, EMPTY, or a call of a function.
type operand struct {
	text     string // the literal
	empty    bool
	function string // lower case; empty for a literal
	args     []string
}

func (o operand) write(b *strings.Builder) {
	switch {
	case o.empty:
		b.WriteString("EMPTY")
	case o.function != "":
		b.WriteString(o.function)
		args := make([]operand, len(o.args))
		for i, a := range o.args {
			args[i].text = a
		}
		writeList(b, args, ", ")
	default:
		writeQuoted(b, o.text)
	}
}

func writeList[T interface{ write(*strings.Builder) }](b *strings.Builder, parts []T, separator string) {
	b.WriteByte('(')
	for i, p := range parts {
		if i > 0 {
			b.WriteString(separator)
		}
		p.write(b)
	}
	b.WriteByte(')')
}

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	b.WriteString(quoting.Replace(s))
	b.WriteByte('"')
}
