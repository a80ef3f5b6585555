package mapping

import (
	"context"
	"slices"
)

// A search is a search object of the mapping: Port finds the entities that its
// rules fit. Every leaf is an expression, the combinator and the operators too.
type search struct {
	leaves []field // by name, sorted
	rules  []*search
	nested bool // rules is given, though it may be empty
}

// each calls f for every leaf, in the order of the text.
func (s *search) each(f func(*field)) {
	for i := range s.leaves {
		f(&s.leaves[i])
	}
	for _, rule := range s.rules {
		rule.each(f)
	}
}

// evaluate gives the search object with its leaves evaluated. leaf is asked
// for each; its error ends it.
func (s *search) evaluate(leaf func(*field) (any, error)) (map[string]any, error) {
	object := make(map[string]any, len(s.leaves)+1)
	for i := range s.leaves {
		v, err := leaf(&s.leaves[i])
		if err != nil {
			return nil, err
		}
		object[s.leaves[i].name] = v
	}
	if !s.nested {
		return object, nil
	}
	rules := make([]any, 0, len(s.rules))
	for _, rule := range s.rules {
		v, err := rule.evaluate(leaf)
		if err != nil {
			return nil, err
		}
		rules = append(rules, v)
	}
	object["rules"] = rules
	return object, nil
}

// isSearch tells whether a value is a search object.
func isSearch(v any) bool {
	object, ok := v.(map[string]any)
	if !ok {
		return false
	}
	_, rules := object["rules"].([]any)
	return rules && object["combinator"] != nil
}

// searches tells whether Port must search for v: an object, or a list with an
// object in it.
func searches(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return true
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { _, ok := x.(map[string]any); return ok })
	}
	return false
}

// references adds to refs the identifiers that a relation's value names: a
// text, the texts of a list, and those that rules of a search compare with the
// identifier.
func references(refs []string, v any) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			refs = append(refs, v)
		}
	case []any:
		for _, x := range v {
			refs = references(refs, x)
		}
	case map[string]any:
		rules, _ := v["rules"].([]any)
		for _, rule := range rules {
			refs = references(refs, rule)
		}
		if value, ok := v["value"].(string); ok && v["property"] == "$identifier" && v["operator"] == "=" {
			refs = references(refs, value)
		}
	}
	return refs
}

// isLimit tells whether err says nothing about the item: the limits or the
// caller ended the run.
func isLimit(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || isErrLimit(err))
}
