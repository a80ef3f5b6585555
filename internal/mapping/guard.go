package mapping

import (
	"errors"
	"fmt"
	"strings"

	"github.com/itchyny/gojq"
)

// One step of the jq machine may make a value of any size ("x" * 1e9), and a
// few steps in a loop may double one until the memory is gone. So the
// operations that can do so are rewritten, before compiling, to functions that
// take what they make off the run's budget. The budget reaches them as the
// value of a variable that no mapping can name.
const (
	reserved       = "__ferry"
	budgetVariable = "$__ferry_budget"
	rightVariable  = "$__ferry_right"
	maxIndex       = 1_000_000
)

var guards = []gojq.CompilerOption{
	gojq.WithFunction("__ferry_add", 3, 3, guardedAdd),
	gojq.WithFunction("__ferry_multiply", 3, 3, guardedMultiply),
	gojq.WithFunction("__ferry_charge", 1, 1, func(v any, args []any) any { return charged(args[0], v) }),
	gojq.WithFunction("__ferry_weigh", 1, 1, func(v any, args []any) any { return weighed(args[0], v) }),
	gojq.WithFunction("__ferry_transpose", 1, 1, guardedTranspose),
	gojq.WithFunction("__ferry_index", 1, 1, func(v any, _ []any) any { return guardedIndex(v) }),
}

// allocating are the functions that make long texts or lists of short ones, or
// of many short calls.
var allocating = map[string]bool{
	"add": true, "ascii_downcase": true, "ascii_upcase": true, "explode": true, "flatten": true,
	"fromjson": true, "implode": true, "join": true, "ltrimstr": true, "match": true, "reverse": true,
	"setpath": true, "split": true, "tojson": true, "tostring": true, "tostream": true,
	"gsub": true, "sub": true, "splits": true, "to_entries": true, "format": true,
}

// writing are those whose output is as long as their input is when written out.
var writing = map[string]bool{"tojson": true, "tostring": true, "flatten": true}

// guard rewrites the tree in place and tells whether anything was rewritten.
func guard(q *gojq.Query) bool {
	g := &guarding{}
	g.query(q)
	return g.used
}

type guarding struct{ used bool }

func (g *guarding) query(q *gojq.Query) {
	if q == nil {
		return
	}
	for _, f := range q.FuncDefs {
		g.query(f.Body)
	}
	g.term(q.Term)
	g.query(q.Left)
	g.query(q.Right)
	for _, p := range q.Patterns {
		g.pattern(p)
	}
	switch q.Op {
	case gojq.OpAdd:
		g.replace(q, "__ferry_add", q.Left, q.Right)
	case gojq.OpMul:
		g.replace(q, "__ferry_multiply", q.Left, q.Right)
	case gojq.OpUpdateAdd:
		g.update(q, "__ferry_add")
	case gojq.OpUpdateMul:
		g.update(q, "__ferry_multiply")
	}
}

// replace makes q the call name($budget; args…).
func (g *guarding) replace(q *gojq.Query, name string, args ...*gojq.Query) {
	*q = gojq.Query{FuncDefs: q.FuncDefs, Term: g.call(name, args...)}
}

// update makes `l += r` what the jq machine itself makes of it: `r as $x |
// l |= . + $x`.
func (g *guarding) update(q *gojq.Query, name string) {
	right := queryOf(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: rightVariable}})
	identity := queryOf(&gojq.Term{Type: gojq.TermTypeIdentity})
	modify := &gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: queryOf(g.call(name, identity, right))}
	*q = gojq.Query{
		FuncDefs: q.FuncDefs,
		Left:     q.Right,
		Op:       gojq.OpPipe,
		Patterns: []*gojq.Pattern{{Name: rightVariable}},
		Right:    modify,
	}
}

func (g *guarding) call(name string, args ...*gojq.Query) *gojq.Term {
	g.used = true
	budget := queryOf(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: budgetVariable}})
	return &gojq.Term{
		Type: gojq.TermTypeFunc,
		Func: &gojq.Func{Name: name, Args: append([]*gojq.Query{budget}, args...)},
	}
}

func queryOf(t *gojq.Term) *gojq.Query { return &gojq.Query{Term: t} }

// then makes t the term `(t | name($budget))`, keeping its suffixes behind.
func (g *guarding) then(t *gojq.Term, name string) {
	inner := *t
	inner.SuffixList = nil
	*t = gojq.Term{
		Type:       gojq.TermTypeQuery,
		Query:      &gojq.Query{Left: queryOf(&inner), Op: gojq.OpPipe, Right: queryOf(g.call(name))},
		SuffixList: t.SuffixList,
	}
}

// before makes t the term `(__ferry_weigh($budget) | t)`, keeping its suffixes
// behind.
func (g *guarding) before(t *gojq.Term) {
	inner := *t
	inner.SuffixList = nil
	*t = gojq.Term{
		Type:       gojq.TermTypeQuery,
		Query:      &gojq.Query{Left: queryOf(g.call("__ferry_weigh")), Op: gojq.OpPipe, Right: queryOf(&inner)},
		SuffixList: t.SuffixList,
	}
}

func (g *guarding) term(t *gojq.Term) {
	if t == nil {
		return
	}
	for _, s := range t.SuffixList {
		g.index(s.Index)
	}
	g.index(t.Index)
	g.parts(t)
	switch t.Type {
	case gojq.TermTypeString:
		if t.Str.Queries != nil {
			g.then(t, "__ferry_charge")
		}
	case gojq.TermTypeFormat:
		if t.Str == nil {
			g.before(t)
		}
		g.then(t, "__ferry_charge")
	case gojq.TermTypeArray:
		if t.Array.Query != nil {
			g.then(t, "__ferry_charge")
		}
	case gojq.TermTypeObject:
		if len(t.Object.KeyVals) > 0 {
			g.then(t, "__ferry_charge")
		}
	case gojq.TermTypeFunc:
		g.function(t)
	}
}

func (g *guarding) function(t *gojq.Term) {
	f := t.Func
	switch {
	case f.Name == "transpose" && len(f.Args) == 0:
		t.Func = g.call("__ferry_transpose").Func
	case (f.Name == "setpath" || f.Name == "getpath" || f.Name == "fromstream") && len(f.Args) > 0:
		f.Args[0] = g.checkedIndex(f.Args[0])
	}
	if writing[f.Name] && len(f.Args) == 0 {
		g.before(t)
	}
	if allocating[f.Name] {
		g.then(t, "__ferry_charge")
	}
}

func (g *guarding) checkedIndex(q *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: queryOf(g.call("__ferry_index"))}
}

// index checks what an assignment would grow a list to. A constant key or a
// small constant number needs no check.
func (g *guarding) index(x *gojq.Index) {
	if x == nil {
		return
	}
	g.text(x.Str)
	g.query(x.Start)
	g.query(x.End)
	if x.Start == nil || x.IsSlice {
		return
	}
	t := x.Start.Term
	short := t != nil && len(t.SuffixList) == 0 && (t.Type == gojq.TermTypeString && t.Str.Queries == nil ||
		t.Type == gojq.TermTypeNumber && len(t.Number) <= 6 && !strings.ContainsAny(t.Number, "eE"))
	if !short {
		x.Start = g.checkedIndex(x.Start)
	}
}

func (g *guarding) text(s *gojq.String) {
	if s == nil {
		return
	}
	for _, q := range s.Queries {
		// The other queries are the literal pieces between.
		if t := q.Term; t != nil && t.Type == gojq.TermTypeQuery {
			g.query(t.Query)
			t.Query = &gojq.Query{Left: t.Query, Op: gojq.OpPipe, Right: queryOf(g.call("__ferry_weigh"))}
		}
	}
}

// parts rewrites what stands inside a term.
func (g *guarding) parts(t *gojq.Term) {
	g.text(t.Str)
	g.query(t.Query)
	switch t.Type {
	case gojq.TermTypeFunc:
		for _, q := range t.Func.Args {
			g.query(q)
		}
	case gojq.TermTypeObject:
		for _, kv := range t.Object.KeyVals {
			g.text(kv.KeyString)
			g.query(kv.KeyQuery)
			g.query(kv.Val)
		}
	case gojq.TermTypeArray:
		g.query(t.Array.Query)
	case gojq.TermTypeUnary:
		g.term(t.Unary.Term)
	case gojq.TermTypeLabel:
		g.query(t.Label.Body)
	case gojq.TermTypeTry:
		g.query(t.Try.Body)
		g.query(t.Try.Catch)
	case gojq.TermTypeIf:
		g.branches(t.If)
	case gojq.TermTypeReduce:
		g.loop(t.Reduce.Patterns, t.Reduce.Query, t.Reduce.Start, t.Reduce.Update)
	case gojq.TermTypeForeach:
		g.loop(t.Foreach.Patterns, t.Foreach.Query, t.Foreach.Start, t.Foreach.Update, t.Foreach.Extract)
	}
}

func (g *guarding) branches(i *gojq.If) {
	g.query(i.Cond)
	g.query(i.Then)
	for _, e := range i.Elif {
		g.query(e.Cond)
		g.query(e.Then)
	}
	g.query(i.Else)
}

func (g *guarding) loop(patterns []*gojq.Pattern, queries ...*gojq.Query) {
	for _, p := range patterns {
		g.pattern(p)
	}
	for _, q := range queries {
		g.query(q)
	}
}

func (g *guarding) pattern(p *gojq.Pattern) {
	if p == nil {
		return
	}
	for _, inner := range p.Array {
		g.pattern(inner)
	}
	for _, o := range p.Object {
		g.text(o.KeyString)
		g.query(o.KeyQuery)
		g.pattern(o.Val)
	}
}

var (
	addCode      = mustCompile(".[0] + .[1]")
	multiplyCode = mustCompile(".[0] * .[1]")
)

func pair(code *gojq.Code, l, r any) any {
	out, _ := code.Run([]any{l, r}).Next()
	return out
}

// guardedAdd is jq's addition.
func guardedAdd(_ any, args []any) any {
	l, r := args[1], args[2]
	if err := chargeBytes(args[0], shallow(l)+shallow(r)); err != nil {
		return err
	}
	if l, ok := l.(string); ok {
		if r, ok := r.(string); ok {
			return l + r
		}
	}
	return pair(addCode, l, r)
}

// guardedMultiply is jq's multiplication, which repeats a text.
func guardedMultiply(_ any, args []any) any {
	l, r := args[1], args[2]
	text, ok := l.(string)
	times := r
	if !ok {
		text, ok = r.(string)
		times = l
	}
	if n, isNumber := gojq.ToFloat64(times); ok && isNumber && n > 0 && len(text) > 0 {
		size := min(float64(len(text))*n, 1<<40)
		if err := chargeBytes(args[0], int(size)); err != nil {
			return err
		}
		return pair(multiplyCode, l, r)
	}
	return charged(args[0], pair(multiplyCode, l, r)) // two objects may be merged
}

// guardedTranspose first counts the cells of the result: as many rows as the
// longest list, each as long as there are lists.
func guardedTranspose(v any, args []any) any {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		if list, ok := row.([]any); ok {
			longest = max(longest, len(list))
		}
	}
	if err := chargeBytes(args[0], min(len(rows)*longest, 1<<40)*cell); err != nil {
		return err
	}
	out, _ := transposeCode.Run(v).Next()
	return out
}

var transposeCode = mustCompile("transpose")

// guardedIndex lets through what is no index beyond maxIndex, and a path or an
// event of a stream that holds none.
func guardedIndex(v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for i, x := range list {
		if n, ok := gojq.ToFloat64(x); ok && n > maxIndex {
			return fmt.Errorf("index beyond %d", maxIndex)
		}
		if inner, ok := x.([]any); ok && i == 0 {
			if err, ok := guardedIndex(inner).(error); ok {
				return err
			}
		}
	}
	return v
}

// errNotOurs is unreachable: no mapping can name a guard.
var errNotOurs = errors.New("not a function of a mapping")

func chargeBytes(b any, n int) error {
	if b, ok := b.(*budget); ok {
		return b.charge(n)
	}
	return errNotOurs
}

// charged takes what v added to the memory off the budget, refuses a value that
// is too large when written out, and gives v or the error.
func charged(b, v any) any {
	if err := chargeBytes(b, shallow(v)); err != nil {
		return err
	}
	return weighed(b, v)
}

// weighed refuses a value that is too large when written out.
func weighed(b, v any) any {
	budget, ok := b.(*budget)
	if !ok {
		return errNotOurs
	}
	switch v.(type) {
	case []any, map[string]any:
		if weight(v, budget.limits.value, 0) > budget.limits.value {
			return budget.charge(budget.limits.value + 1)
		}
	}
	return v
}

// cell is what a value costs beside its text, in bytes.
const cell = 16

// shallow gives the bytes of v itself, without those of its elements.
func shallow(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return cell * len(v)
	case map[string]any:
		return 4 * cell * len(v)
	}
	return 0
}

// weight gives the bytes that v takes when written out, up to about most.
// Shared parts count every time: a value that is small in memory and endless
// when walked is what must be refused.
func weight(v any, most, depth int) int {
	if depth > 20*maxDepth {
		return most + 1
	}
	sum := cell
	switch v := v.(type) {
	case string:
		sum += len(v)
	case []any:
		for _, x := range v {
			if sum += weight(x, most-sum, depth+1); sum > most {
				break
			}
		}
	case map[string]any:
		for k, x := range v {
			if sum += len(k) + weight(x, most-sum, depth+1); sum > most {
				break
			}
		}
	}
	return sum
}
