package mapping

import (
	"maps"
	"slices"

	"github.com/itchyny/gojq"
)

// analyse finds what the resource reads of an item. Every expression is run
// over descriptions instead of values: a [described] says where in the item a
// value may come from. Following a key goes one node deeper; a value that is
// used for what it is (given out, compared, handed to a function) is read as a
// whole. What is not understood reads all that it could have reached, so an
// error here costs time and never an entity.
func (r *Resource) analyse() Paths {
	a := &analysis{root: &node{}}
	item := described{nodes: []*node{a.root}}
	if r.expansion != nil {
		item = a.expanded(r.expansion, item)
	}
	a.escape(a.program(r.selector, item))
	a.escape(a.program(r.blueprint, item))
	r.eachField(func(f *field) { a.escape(a.program(f.program, item)) })
	return a.root.paths()
}

// expanded describes the items that itemsToParse makes. Under the element's
// name stands what the expression gave, and nothing of the parent.
func (a *analysis) expanded(x *expansion, item described) described {
	list := a.program(x.list, item)
	if x.deletion != nil {
		a.deletion(x.deletion, item)
	}
	item.parts = map[string]described{x.name: a.iterate(list)}
	item.shadow = true
	return item
}

// deletion reads only as far as the path to be deleted goes.
func (a *analysis) deletion(p *program, item described) {
	if f := p.query.Term.Func; f != nil && len(f.Args) == 1 {
		a.query(f.Args[0], item, scope{})
		return
	}
	a.escape(item)
}

// A node is one place of the item and what is read below it.
type node struct {
	whole bool
	keys  map[string]*node
}

func (n *node) child(key string) *node {
	if n.keys == nil {
		n.keys = map[string]*node{}
	}
	c, ok := n.keys[key]
	if !ok {
		c = &node{}
		n.keys[key] = c
	}
	return c
}

func (n *node) paths() Paths {
	if n.whole {
		return Paths{Whole: true}
	}
	if len(n.keys) == 0 {
		return Paths{}
	}
	keys := make(map[string]Paths, len(n.keys))
	for k, c := range n.keys {
		keys[k] = c.paths()
	}
	return Paths{Keys: keys}
}

// A described value is any of: the values at nodes of the item, an object made
// of parts, a list made of elements. The zero described holds nothing of the
// item that is not already read whole.
type described struct {
	nodes    []*node
	parts    map[string]described
	elements []described
	shadow   bool // parts hide what the nodes have under the same keys
}

func either(a, b described) described {
	out := described{
		nodes:    slices.Concat(a.nodes, b.nodes),
		elements: slices.Concat(a.elements, b.elements),
		parts:    maps.Clone(a.parts),
		shadow:   a.shadow && b.shadow,
	}
	for k, p := range b.parts {
		if out.parts == nil {
			out.parts = map[string]described{}
		}
		if q, ok := out.parts[k]; ok {
			p = either(q, p)
		}
		out.parts[k] = p
	}
	return out
}

type analysis struct {
	root  *node
	depth int // of nested queries and calls, against functions that recurse
	steps int // queries looked at, against functions that call each other wide
}

// everything gives up: the whole item is read.
func (a *analysis) everything() described {
	a.root.whole = true
	return described{}
}

// escape notes that the value itself is used.
func (a *analysis) escape(d described) {
	for _, n := range d.nodes {
		n.whole = true
	}
	for _, p := range d.parts {
		a.escape(p)
	}
	for _, e := range d.elements {
		a.escape(e)
	}
}

// key describes .k of a value.
func (a *analysis) key(d described, k string) described {
	if part, ok := d.parts[k]; ok && d.shadow {
		return part
	}
	if k == Each {
		// A key that is spelled like Each cannot be told from it.
		a.escape(d)
	}
	var out described
	for _, n := range d.nodes {
		out.nodes = append(out.nodes, n.child(k))
	}
	if part, ok := d.parts[k]; ok {
		out = either(out, part)
	}
	return out
}

// iterate describes .[] of a value.
func (a *analysis) iterate(d described) described {
	var out described
	for _, n := range d.nodes {
		out.nodes = append(out.nodes, n.child(Each))
	}
	for _, p := range d.parts {
		out = either(out, p)
	}
	for _, e := range d.elements {
		out = either(out, e)
	}
	return out
}

// list describes a list of such elements.
func list(element described) described { return described{elements: []described{element}} }

func (a *analysis) program(p *program, item described) described {
	if p.query == nil { // does not compile, and so reads nothing
		return described{}
	}
	return a.query(p.query, item, scope{})
}

// A scope holds what names mean: variables with their "$", functions by name
// and number of arguments.
type scope struct {
	variables map[string]described
	functions map[signature]function
}

type signature struct {
	name  string
	arity int
}

// A function is a definition, or an argument that is an expression, with the
// scope in which it was written.
type function struct {
	args    []string
	body    *gojq.Query
	scope   scope
	defined bool // it knows itself
}

func (s scope) variable(name string, d described) scope {
	s.variables = maps.Clone(s.variables)
	if s.variables == nil {
		s.variables = map[string]described{}
	}
	s.variables[name] = d
	return s
}

func (s scope) function(sig signature, f function) scope {
	s.functions = maps.Clone(s.functions)
	if s.functions == nil {
		s.functions = map[signature]function{}
	}
	s.functions[sig] = f
	return s
}

const (
	maxAnalysisDepth = 200
	maxAnalysisSteps = 20_000
)

// query describes what q gives for in, and notes what it reads on the way.
func (a *analysis) query(q *gojq.Query, in described, s scope) described {
	a.depth++
	a.steps++
	defer func() { a.depth-- }()
	if a.depth > maxAnalysisDepth || a.steps > maxAnalysisSteps || a.root.whole {
		return a.everything()
	}
	for _, def := range q.FuncDefs {
		s = s.function(signature{def.Name, len(def.Args)}, function{def.Args, def.Body, s, true})
	}
	if q.Term != nil {
		return a.term(q.Term, in, s)
	}
	switch q.Op {
	case gojq.OpPipe:
		left := a.query(q.Left, in, s)
		if len(q.Patterns) > 0 {
			return a.query(q.Right, in, a.bind(q.Patterns, left, in, s))
		}
		return a.query(q.Right, left, s)
	case gojq.OpComma, gojq.OpAlt:
		return either(a.query(q.Left, in, s), a.query(q.Right, in, s))
	case gojq.OpAnd, gojq.OpOr:
		a.query(q.Left, in, s)
		a.query(q.Right, in, s)
		return described{}
	case gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
		return a.compare(q, in, s)
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul, gojq.OpDiv, gojq.OpMod:
		a.escape(a.query(q.Left, in, s))
		a.escape(a.query(q.Right, in, s))
		return described{}
	}
	// Assignments give their input changed.
	a.escape(in)
	a.escape(a.query(q.Left, in, s))
	a.escape(a.query(q.Right, in, s))
	return described{}
}

// compare reads values whole, but of one that is compared with a literal only
// the type matters where it is an object or a list.
func (a *analysis) compare(q *gojq.Query, in described, s scope) described {
	left, right := a.query(q.Left, in, s), a.query(q.Right, in, s)
	if !isScalarLiteral(q.Left) && !isScalarLiteral(q.Right) {
		a.escape(left)
		a.escape(right)
	}
	return described{}
}

func isScalarLiteral(q *gojq.Query) bool {
	if _, ok := literalOf(q); ok {
		return true
	}
	t := q.Term
	return t != nil && t.Type == gojq.TermTypeNumber && len(t.SuffixList) == 0
}

// bind gives the scope with the variables of the patterns. With several
// patterns a variable may come from any, or be null.
func (a *analysis) bind(patterns []*gojq.Pattern, value, in described, s scope) scope {
	bound := map[string]described{}
	for _, p := range patterns {
		a.pattern(p, value, in, s, bound)
	}
	for name, d := range bound {
		s = s.variable(name, d)
	}
	return s
}

func (a *analysis) pattern(p *gojq.Pattern, value, in described, s scope, bound map[string]described) {
	if p.Name != "" {
		bound[p.Name] = either(bound[p.Name], value)
	}
	for _, element := range p.Array {
		a.pattern(element, a.iterate(value), in, s, bound)
	}
	for _, o := range p.Object {
		below := a.patternKey(o, value, in, s, bound)
		if o.Val != nil {
			a.pattern(o.Val, below, in, s, bound)
		}
	}
}

func (a *analysis) patternKey(o *gojq.PatternObject, value, in described, s scope, bound map[string]described) described {
	switch {
	case len(o.Key) > 1 && o.Key[0] == '$':
		below := a.key(value, o.Key[1:])
		bound[o.Key] = either(bound[o.Key], below)
		return below
	case o.Key != "":
		return a.key(value, o.Key)
	case o.KeyString != nil && o.KeyString.Queries == nil:
		return a.key(value, o.KeyString.Str)
	}
	// The key is made by an expression, which sees the variables bound so far.
	a.everything()
	return described{}
}
