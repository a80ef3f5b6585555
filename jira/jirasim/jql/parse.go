package jql

import (
	"slices"
	"strings"
	"time"
)

const (
	maxOrder = 7   // Jira's own limit
	maxDepth = 250 // ours: a query is text from outside, and the parser recurses
)

// Parse reads a query. The empty text is the query that restricts nothing.
// Every error is an [*Error].
func Parse(text string) (*Query, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens}
	q := new(Query)
	if !p.peek().is("order") && p.peek().kind != tokenEnd {
		if q.where, err = p.either(); err != nil {
			return nil, err
		}
	}
	if q.order, err = p.orderBy(); err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEnd {
		return nil, p.expected("either 'OR' or 'AND'")
	}
	return q, nil
}

type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(words ...string) bool {
	if p.peek().is(words...) {
		p.at++
		return true
	}
	return false
}

// expected is the error for the token that comes next.
func (p *parser) expected(what string) error {
	t := p.peek()
	if t.kind == tokenEnd {
		return syntaxError(p.text, t.at, "Expecting %s before the end of the query.", what)
	}
	return syntaxError(p.text, t.at, "Expecting %s but got '%s'.", what, cut(t.text))
}

func (p *parser) either() (node, error) { return p.chain(true, p.both, "or", "||", "|") }
func (p *parser) both() (node, error)   { return p.chain(false, p.single, "and", "&&", "&") }

func (p *parser) chain(any bool, part func() (node, error), words ...string) (node, error) {
	first, err := part()
	if err != nil || !p.peek().is(words...) {
		return first, err
	}
	g := &group{any: any, parts: []node{first}}
	for p.accept(words...) {
		n, err := part()
		if err != nil {
			return nil, err
		}
		g.parts = append(g.parts, n)
	}
	return g, nil
}

func (p *parser) single() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxError(p.text, p.peek().at, "The query is nested more than %d levels deep.", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.accept("not", "!") {
		n, err := p.single()
		return not{n}, err
	}
	if !p.accept("(") {
		return p.clause()
	}
	n, err := p.either()
	if err == nil && !p.accept(")") {
		err = p.expected("either 'OR', 'AND' or ')'")
	}
	return n, err
}

func (p *parser) clause() (node, error) {
	words, err := p.words()
	if err != nil {
		return nil, err
	}
	if p.atClauseEnd() {
		c := &clause{fields["text"], opContains, []operand{{text: strings.Join(words, " ")}}}
		return c, c.check("text")
	}
	if len(words) > 1 {
		return nil, p.expected("either 'OR' or 'AND'")
	}
	op, ok := p.operator()
	if !ok {
		return nil, p.expected("operator")
	}
	return p.comparison(words[0], op)
}

// words takes the words up to an operator or the end of the clause: the name of a
// field, or a search of the text.
func (p *parser) words() ([]string, error) {
	var words []string
	for {
		t := p.peek()
		if len(words) > 0 && t.is("in", "not", "is", "and", "or", "order") {
			return words, nil
		}
		if t.kind != tokenWord && t.kind != tokenString {
			break
		}
		if err := p.refuseReserved(t); err != nil {
			return nil, err
		}
		words = append(words, p.take().text)
	}
	if len(words) == 0 {
		return nil, p.expected("a field name")
	}
	return words, nil
}

func (p *parser) atClauseEnd() bool {
	t := p.peek()
	return t.kind == tokenEnd || t.is(")", "and", "&&", "&", "or", "||", "|", "order")
}

func (p *parser) refuseReserved(t token) error {
	if t.kind != tokenWord || !reserved[strings.ToLower(t.text)] {
		return nil
	}
	return syntaxError(p.text, t.at, "'%s' is a reserved JQL word. You must surround it in quotation marks to use it in a query.", t.text)
}

func (p *parser) operator() (operator, bool) {
	switch {
	case p.accept("in"):
		return opIn, true
	case p.accept("is"):
		if p.accept("not") {
			return opIsNot, true
		}
		return opIs, true
	case p.peek().is("not") && p.tokens[p.at+1].is("in"):
		p.at += 2
		return opNotIn, true
	}
	for _, op := range []operator{opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual, opContains, opContainsNot} {
		if p.accept(string(op)) {
			return op, true
		}
	}
	return "", false
}

func (p *parser) comparison(name string, op operator) (node, error) {
	c := &clause{op: op}
	var err error
	if op == opIn || op == opNotIn {
		c.operands, err = p.list()
	} else {
		c.operands = make([]operand, 1)
		c.operands[0], err = p.operand()
	}
	if err != nil {
		return nil, err
	}
	if c.field, err = fieldNamed(name); err != nil {
		return nil, err
	}
	c.resolveUnresolved()
	return c, c.check(name)
}

// resolveUnresolved reads resolution = Unresolved as Jira does: there is no such
// resolution, it is the name of having none.
func (c *clause) resolveUnresolved() {
	if c.field.name != "resolution" {
		return
	}
	for i, o := range c.operands {
		if o.function == "" && strings.EqualFold(o.text, "unresolved") {
			c.operands[i] = operand{empty: true}
		}
	}
}

func (p *parser) list() ([]operand, error) {
	if !p.accept("(") {
		return nil, p.expected("'(' to begin a list of values")
	}
	var all []operand
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		all = append(all, o)
		if p.accept(")") {
			return all, nil
		}
		if !p.accept(",") {
			return nil, p.expected("either ',' or ')'")
		}
	}
}

func (p *parser) operand() (operand, error) {
	t := p.peek()
	if t.kind != tokenWord && t.kind != tokenString {
		return operand{}, p.expected("either a value, list or function")
	}
	if p.accept("empty", "null") {
		return operand{empty: true}, nil
	}
	if err := p.refuseReserved(t); err != nil {
		return operand{}, err
	}
	p.take()
	if t.kind == tokenWord && p.accept("(") {
		args, err := p.arguments()
		return operand{function: strings.ToLower(t.text), args: args}, err
	}
	return operand{text: t.text}, nil
}

func (p *parser) arguments() ([]string, error) {
	if p.accept(")") {
		return nil, nil
	}
	var args []string
	for {
		if t := p.peek(); t.kind != tokenWord && t.kind != tokenString {
			return nil, p.expected("an argument")
		}
		args = append(args, p.take().text)
		if p.accept(")") {
			return args, nil
		}
		if !p.accept(",") {
			return nil, p.expected("either ',' or ')'")
		}
	}
}

func (p *parser) orderBy() ([]orderBy, error) {
	if !p.accept("order") {
		return nil, nil
	}
	if !p.accept("by") {
		return nil, p.expected("'BY'")
	}
	var all []orderBy
	for {
		if t := p.peek(); t.kind != tokenWord && t.kind != tokenString {
			return nil, p.expected("a field name")
		}
		f, err := fieldNamed(p.take().text)
		if err != nil {
			return nil, err
		}
		o := orderBy{field: f, descending: p.accept("desc"), position: f.position(time.Time.UnixNano)}
		if !o.descending {
			p.accept("asc")
		}
		// A field that comes a second time decides nothing more.
		if !slices.ContainsFunc(all, func(b orderBy) bool { return b.field == f }) {
			all = append(all, o)
		}
		if len(all) > maxOrder {
			return nil, &Error{Message: "JQL can be ordered by at most 7 fields."}
		}
		if !p.accept(",") {
			return all, nil
		}
	}
}
