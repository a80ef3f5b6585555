package mapping

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// term describes what a term with its suffixes gives for in.
func (a *analysis) term(t *gojq.Term, in described, s scope) described {
	out := a.bare(t, in, s)
	for _, suffix := range t.SuffixList {
		switch {
		case suffix.Iter:
			out = a.iterate(out)
		case suffix.Index != nil:
			out = a.index(suffix.Index, out, in, s)
		}
		// `?` only silences.
	}
	return out
}

// bare describes a term without its suffixes.
func (a *analysis) bare(t *gojq.Term, in described, s scope) described {
	switch t.Type {
	case gojq.TermTypeIdentity:
		return in
	case gojq.TermTypeIndex:
		return a.index(t.Index, in, in, s)
	case gojq.TermTypeQuery:
		return a.query(t.Query, in, s)
	case gojq.TermTypeFunc:
		return a.call(t.Func, in, s)
	case gojq.TermTypeObject:
		return a.object(t.Object, in, s)
	case gojq.TermTypeArray:
		if t.Array.Query == nil {
			return described{}
		}
		return list(a.query(t.Array.Query, in, s))
	case gojq.TermTypeIf:
		return a.branches(t.If, in, s)
	case gojq.TermTypeTry:
		return a.try(t.Try, in, s)
	case gojq.TermTypeReduce:
		return a.loop(t.Reduce.Query, t.Reduce.Patterns, t.Reduce.Start, t.Reduce.Update, nil, in, s)
	case gojq.TermTypeForeach:
		return a.loop(t.Foreach.Query, t.Foreach.Patterns, t.Foreach.Start, t.Foreach.Update, t.Foreach.Extract, in, s)
	case gojq.TermTypeLabel:
		return a.query(t.Label.Body, in, s)
	case gojq.TermTypeUnary:
		a.escape(a.term(t.Unary.Term, in, s))
		return described{}
	case gojq.TermTypeString:
		a.text(t.Str, in, s)
		return described{}
	case gojq.TermTypeFormat:
		if t.Str == nil {
			a.escape(in)
		}
		a.text(t.Str, in, s)
		return described{}
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber, gojq.TermTypeBreak:
		return described{}
	}
	// `..` and what gojq may add.
	a.escape(in)
	return described{}
}

func (a *analysis) text(str *gojq.String, in described, s scope) {
	if str == nil {
		return
	}
	for _, q := range str.Queries {
		a.escape(a.query(q, in, s))
	}
}

// index describes value[x]; the expressions inside x see in.
func (a *analysis) index(x *gojq.Index, value, in described, s scope) described {
	if key, ok := constantKey(x); ok {
		return a.key(value, key)
	}
	if x.IsSlice {
		for _, q := range []*gojq.Query{x.Start, x.End} {
			if q != nil {
				a.escape(a.query(q, in, s))
			}
		}
		// Elements of a slice are elements of the list. The list must be
		// built with as many elements as it has.
		a.iterate(value)
		return value
	}
	if x.Start != nil && isNumber(x.Start) {
		return a.iterate(value)
	}
	a.text(x.Str, in, s)
	if x.Start != nil {
		a.escape(a.query(x.Start, in, s))
	}
	a.escape(value)
	return described{}
}

func isNumber(q *gojq.Query) bool {
	t := q.Term
	if t == nil || len(t.SuffixList) > 0 {
		return false
	}
	if t.Type == gojq.TermTypeUnary {
		t = t.Unary.Term
	}
	return t.Type == gojq.TermTypeNumber && len(t.SuffixList) == 0
}

// object describes {k: v, …}. A key made by an expression may be any key, so
// what stands there is taken as read.
func (a *analysis) object(o *gojq.Object, in described, s scope) described {
	out := described{parts: map[string]described{}}
	for _, kv := range o.KeyVals {
		key, constant := a.objectKey(kv, in, s)
		value := a.objectValue(kv, key, in, s)
		if !constant {
			a.escape(value)
			continue
		}
		out.parts[key] = either(out.parts[key], value)
	}
	return out
}

func (a *analysis) objectKey(kv *gojq.ObjectKeyVal, in described, s scope) (string, bool) {
	switch {
	case kv.Key != "" && kv.Key[0] == '$' && kv.Val == nil:
		return kv.Key[1:], true
	case kv.Key != "" && kv.Key[0] != '$':
		return kv.Key, true
	case kv.KeyString != nil && kv.KeyString.Queries == nil:
		return kv.KeyString.Str, true
	case kv.KeyString != nil:
		a.text(kv.KeyString, in, s)
	case kv.KeyQuery != nil:
		a.escape(a.query(kv.KeyQuery, in, s))
	default: // {$x: …} takes its key from a variable
		a.escape(s.variables[kv.Key])
	}
	return "", false
}

func (a *analysis) objectValue(kv *gojq.ObjectKeyVal, key string, in described, s scope) described {
	switch {
	case kv.Val != nil:
		return a.query(kv.Val, in, s)
	case kv.Key != "" && kv.Key[0] == '$':
		return s.variables[kv.Key]
	case key != "" || kv.KeyString != nil && kv.KeyString.Queries == nil:
		return a.key(in, key)
	}
	a.escape(in) // {(expression)} and {"text \(expression)"} take any key of the input
	return described{}
}

func (a *analysis) branches(i *gojq.If, in described, s scope) described {
	a.query(i.Cond, in, s)
	out := a.query(i.Then, in, s)
	for _, e := range i.Elif {
		a.query(e.Cond, in, s)
		out = either(out, a.query(e.Then, in, s))
	}
	if i.Else == nil {
		return either(out, in)
	}
	return either(out, a.query(i.Else, in, s))
}

// try: an error's text shows the beginning of the value at fault, so with a
// catch the text must be that of the whole item.
func (a *analysis) try(t *gojq.Try, in described, s scope) described {
	if t.Catch != nil {
		return a.everything()
	}
	return a.query(t.Body, in, s)
}

// loop describes reduce and foreach. What runs round is taken as read whenever
// it is put in, so that in the loop nothing of it needs to be known.
func (a *analysis) loop(source *gojq.Query, patterns []*gojq.Pattern, start, update, extract *gojq.Query, in described, s scope) described {
	a.escape(a.query(start, in, s))
	inner := a.bind(patterns, a.query(source, in, s), in, s)
	a.escape(a.query(update, described{}, inner))
	if extract != nil {
		return a.query(extract, described{}, inner)
	}
	return described{}
}

// call describes a variable, a function of the mapping, or one of jq's.
func (a *analysis) call(f *gojq.Func, in described, s scope) described {
	if d, ok := s.variables[f.Name]; ok && len(f.Args) == 0 {
		return d
	}
	if def, ok := s.functions[signature{f.Name, len(f.Args)}]; ok {
		return a.define(f, def, in, s)
	}
	if describe, ok := builtins[f.Name+"/"+strconv.Itoa(len(f.Args))]; ok {
		return describe(a, f.Args, in, s)
	}
	// Any other function may do anything with its input, and run its
	// arguments on it or on what the other arguments give.
	a.escape(in)
	for _, arg := range f.Args {
		a.escape(a.query(arg, in, s))
	}
	return described{}
}

// define describes the call of a function that the mapping defines.
func (a *analysis) define(f *gojq.Func, def function, in described, s scope) described {
	inner := def.scope
	if def.defined {
		inner = inner.function(signature{f.Name, len(def.args)}, def)
	}
	for i, name := range def.args {
		if name[0] == '$' {
			value := a.query(f.Args[i], in, s)
			inner = inner.variable(name, value)
			name = name[1:]
			inner = inner.function(signature{name, 0}, function{body: f.Args[i], scope: s})
			continue
		}
		inner = inner.function(signature{name, 0}, function{body: f.Args[i], scope: s})
	}
	return a.query(def.body, in, inner)
}
