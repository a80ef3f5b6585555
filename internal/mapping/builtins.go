package mapping

import "github.com/itchyny/gojq"

// builtins are the functions of jq that read less than their whole input.
var builtins map[string]func(a *analysis, args []*gojq.Query, in described, s scope) described

func init() {
	builtins = map[string]func(*analysis, []*gojq.Query, described, scope) described{
		"select/1": func(a *analysis, args []*gojq.Query, in described, s scope) described {
			a.query(args[0], in, s)
			return in
		},
		"map/1": func(a *analysis, args []*gojq.Query, in described, s scope) described {
			return list(a.query(args[0], a.iterate(in), s))
		},
		"first/1": argument, "last/1": argument, "isempty/1": tested,
		"first/0": element, "last/0": element,
		"any/1": testedEach, "all/1": testedEach, "any/0": testedEach, "all/0": testedEach,
		"sort_by/1": ordered, "unique_by/1": ordered,
		"min_by/1": orderedElement, "max_by/1": orderedElement,
		"any/2": testedWith, "all/2": testedWith,
		"limit/2": counted, "skip/2": counted, "nth/2": counted,
		"range/1": used, "range/2": used, "range/3": used, "error/1": used, "add/1": used, "IN/2": used,
		"group_by/1": func(a *analysis, args []*gojq.Query, in described, s scope) described {
			return list(ordered(a, args, in, s))
		},
		"has/1": has, "getpath/1": getpath,
	}
	for _, name := range []string{
		"values", "nulls", "booleans", "numbers", "strings", "arrays", "objects", "iterables", "scalars",
		"debug", "stderr", "reverse",
	} {
		builtins[name+"/0"] = same
	}
	for _, name := range []string{"not", "type", "empty", "now", "input", "inputs", "env", "$ENV", "input_line_number", "input_filename", "$__loc__"} {
		builtins[name+"/0"] = nothing
	}
}

func same(_ *analysis, _ []*gojq.Query, in described, _ scope) described { return in }

// nothing reads no more than the type of its input.
func nothing(*analysis, []*gojq.Query, described, scope) described { return described{} }

func argument(a *analysis, args []*gojq.Query, in described, s scope) described {
	return a.query(args[0], in, s)
}

// tested reads no more than the type of what its argument gives.
func tested(a *analysis, args []*gojq.Query, in described, s scope) described {
	a.query(args[0], in, s)
	return described{}
}

func testedEach(a *analysis, args []*gojq.Query, in described, s scope) described {
	elements := a.iterate(in)
	for _, arg := range args {
		a.query(arg, elements, s)
	}
	return described{}
}

// testedWith tests by its second argument what the first gives.
func testedWith(a *analysis, args []*gojq.Query, in described, s scope) described {
	a.query(args[1], a.query(args[0], in, s), s)
	return described{}
}

// counted gives some of what its second argument gives.
func counted(a *analysis, args []*gojq.Query, in described, s scope) described {
	a.escape(a.query(args[0], in, s))
	return a.query(args[1], in, s)
}

// used looks only at what its arguments give.
func used(a *analysis, args []*gojq.Query, in described, s scope) described {
	for _, arg := range args {
		a.escape(a.query(arg, in, s))
	}
	return described{}
}

func element(a *analysis, _ []*gojq.Query, in described, _ scope) described { return a.iterate(in) }

// ordered gives its list in the order of what its argument gives.
func ordered(a *analysis, args []*gojq.Query, in described, s scope) described {
	a.escape(a.query(args[0], a.iterate(in), s))
	return in
}

func orderedElement(a *analysis, args []*gojq.Query, in described, s scope) described {
	return a.iterate(ordered(a, args, in, s))
}

func has(a *analysis, args []*gojq.Query, in described, s scope) described {
	if key, ok := literalOf(args[0]); ok {
		if key, ok := key.(string); ok {
			a.key(in, key)
			return described{}
		}
	}
	a.escape(in)
	a.escape(a.query(args[0], in, s))
	return described{}
}

func getpath(a *analysis, args []*gojq.Query, in described, s scope) described {
	if keys, ok := constantPath(args[0]); ok {
		for _, key := range keys {
			in = a.key(in, key)
		}
		return in
	}
	a.escape(in)
	a.escape(a.query(args[0], in, s))
	return described{}
}

// constantPath gives the keys of `["a", "b"]`.
func constantPath(q *gojq.Query) ([]string, bool) {
	t := q.Term
	if t == nil || t.Type != gojq.TermTypeArray || t.Array.Query == nil || len(t.SuffixList) > 0 {
		return nil, false
	}
	return constantTexts(t.Array.Query)
}

func constantTexts(q *gojq.Query) ([]string, bool) {
	if q.Op == gojq.OpComma {
		left, ok := constantTexts(q.Left)
		right, ok2 := constantTexts(q.Right)
		return append(left, right...), ok && ok2
	}
	v, ok := literalOf(q)
	text, isText := v.(string)
	return []string{text}, ok && isText
}
