package mapping

import (
	"fmt"

	"github.com/itchyny/gojq"
)

// literalOf gives the value of an expression that is a literal and nothing
// else.
func literalOf(q *gojq.Query) (any, bool) {
	t := q.Term
	if t == nil || len(t.SuffixList) > 0 || len(q.FuncDefs) > 0 {
		return nil, false
	}
	switch t.Type {
	case gojq.TermTypeNull:
		return nil, true
	case gojq.TermTypeTrue:
		return true, true
	case gojq.TermTypeFalse:
		return false, true
	case gojq.TermTypeString:
		return t.Str.Str, t.Str.Queries == nil
	case gojq.TermTypeQuery:
		return literalOf(t.Query)
	}
	return nil, false
}

// pathOf gives the keys of an expression that only follows constant keys from
// the item: `.a`, `.a.b["c"].d`. The identity is the empty path, not nil.
func pathOf(q *gojq.Query) ([]string, bool) {
	t := q.Term
	if t == nil || len(q.FuncDefs) > 0 {
		return nil, false
	}
	path := []string{}
	switch t.Type {
	case gojq.TermTypeIdentity:
	case gojq.TermTypeIndex:
		key, ok := constantKey(t.Index)
		if !ok {
			return nil, false
		}
		path = append(path, key)
	default:
		return nil, false
	}
	for _, s := range t.SuffixList {
		key, ok := constantKey(s.Index)
		if !ok {
			return nil, false
		}
		path = append(path, key)
	}
	return path, true
}

// constantKey gives the key of an index by a constant string.
func constantKey(x *gojq.Index) (string, bool) {
	switch {
	case x == nil || x.IsSlice:
		return "", false
	case x.Name != "":
		return x.Name, true
	case x.Str != nil:
		return x.Str.Str, x.Str.Queries == nil
	case x.Start != nil:
		v, ok := literalOf(x.Start)
		key, isString := v.(string)
		return key, ok && isString
	}
	return "", false
}

// walk follows the path from v as jq does: null has every key, being null, and
// what is neither null nor an object has none.
func walk(v any, path []string) (any, error) {
	for _, key := range path {
		switch object := v.(type) {
		case nil:
			return nil, nil
		case map[string]any:
			v = object[key]
		default:
			return nil, fmt.Errorf("expected an object but got: %s (%s)", gojq.TypeOf(v), gojq.Preview(v))
		}
	}
	return v, nil
}
