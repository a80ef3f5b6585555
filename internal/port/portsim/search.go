package portsim

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// A rule is a comparison, or a group of rules with a combinator.
type rule struct {
	Combinator string `json:"combinator"`
	Rules      []rule `json:"rules"`
	Property   string `json:"property"`
	Operator   string `json:"operator"`
	Value      any    `json:"value"`
}

// check refuses a rule that could not be evaluated, before any is.
func (r rule) check() *refusal {
	if r.Rules == nil {
		if operators[r.Operator] == nil || r.Property == "" {
			return unprocessable("rule with property %q and operator %q is not known", r.Property, r.Operator)
		}
		return nil
	}
	if r.Combinator != "and" && r.Combinator != "or" {
		return unprocessable("combinator must be and or or, not %q", r.Combinator)
	}
	for _, inner := range r.Rules {
		if refused := inner.check(); refused != nil {
			return refused
		}
	}
	return nil
}

func (r rule) matches(blueprint string, e *entity) bool {
	if r.Rules == nil {
		return operators[r.Operator](e.look(blueprint, r.Property), r.Value)
	}
	for _, inner := range r.Rules {
		if inner.matches(blueprint, e) == (r.Combinator == "or") {
			return r.Combinator == "or"
		}
	}
	return r.Combinator == "and"
}

// look is the value a rule means: one of Port's own with a dollar, else a property or a relation.
func (e *entity) look(blueprint, property string) any {
	switch property {
	case "$identifier":
		return e.identifier
	case "$blueprint":
		return blueprint
	case "$datasource":
		return e.datasource
	case "$title":
		return decoded(e.title)
	case "$icon":
		return decoded(e.icon)
	case "$team":
		return decoded(e.team)
	case "$createdAt":
		return moment(e.created)
	case "$updatedAt":
		return moment(e.updated)
	}
	if text, there := e.property(property); there {
		return decoded(text)
	}
	l, _ := e.relation(property)
	return decoded(string(encoded(l.json())))
}

func decoded(text string) any {
	var value any
	_ = json.Unmarshal([]byte(text), &value) // an empty text is nothing: nil
	return value
}

// operators take what the entity has and what the rule says.
var operators = map[string]func(has, says any) bool{
	"=":           reflect.DeepEqual,
	"!=":          func(has, says any) bool { return !reflect.DeepEqual(has, says) },
	"in":          func(has, says any) bool { return within(has, says) },
	"notIn":       func(has, says any) bool { return !within(has, says) },
	"contains":    func(has, says any) bool { return contains(has, says) },
	"notContains": func(has, says any) bool { return !contains(has, says) },
	"containsAny": func(has, says any) bool { return containsAny(has, says) },
	"beginsWith":  func(has, says any) bool { return texts(has, says, strings.HasPrefix) },
	"endsWith":    func(has, says any) bool { return texts(has, says, strings.HasSuffix) },
	"isEmpty":     func(has, _ any) bool { return empty(has) },
	"isNotEmpty":  func(has, _ any) bool { return !empty(has) },
	">":           func(has, says any) bool { return order(has, says, func(c int) bool { return c > 0 }) },
	">=":          func(has, says any) bool { return order(has, says, func(c int) bool { return c >= 0 }) },
	"<":           func(has, says any) bool { return order(has, says, func(c int) bool { return c < 0 }) },
	"<=":          func(has, says any) bool { return order(has, says, func(c int) bool { return c <= 0 }) },
}

func within(has, says any) bool {
	list, _ := says.([]any)
	return slices.ContainsFunc(list, func(one any) bool { return reflect.DeepEqual(one, has) })
}

func contains(has, says any) bool { return texts(has, says, strings.Contains) || within(says, has) }

func containsAny(has, says any) bool {
	list, _ := says.([]any)
	return slices.ContainsFunc(list, func(one any) bool { return contains(has, one) })
}

func texts(has, says any, test func(string, string) bool) bool {
	a, isText := has.(string)
	b, alsoText := says.(string)
	return isText && alsoText && test(a, b)
}

func empty(has any) bool {
	list, isList := has.([]any)
	return has == nil || has == "" || isList && len(list) == 0
}

func order(has, says any, test func(int) bool) bool {
	if a, b, both := pair[float64](has, says); both {
		return test(cmp.Compare(a, b))
	}
	a, b, both := pair[string](has, says)
	return both && test(cmp.Compare(a, b))
}

func pair[T any](has, says any) (T, T, bool) {
	a, first := has.(T)
	b, second := says.(T)
	return a, b, first && second
}

// searchIn finds the identifiers of a blueprint's entities that match a search query, sorted.
func (s *Server) searchIn(b *blueprint, query json.RawMessage) ([]string, *refusal) {
	var r rule
	if err := json.Unmarshal(query, &r); err != nil || r.Rules == nil {
		return nil, unprocessable("a search query must have a combinator and rules")
	}
	if refused := r.check(); refused != nil {
		return nil, refused
	}
	found := []string{}
	for _, e := range candidates(b, r) {
		if r.matches(b.identifier, e) {
			found = append(found, e.identifier)
		}
	}
	slices.Sort(found)
	return found, nil
}

// candidates narrows the entities by an identifier that all rules demand, which is what searches mostly do.
func candidates(b *blueprint, r rule) map[string]*entity {
	if r.Combinator != "and" {
		return b.entities
	}
	for _, inner := range r.Rules {
		if inner.Property != "$identifier" || inner.Operator != "in" && inner.Operator != "=" {
			continue
		}
		asked, isList := inner.Value.([]any)
		if !isList {
			asked = []any{inner.Value}
		}
		few := map[string]*entity{}
		for _, id := range asked {
			if text, _ := id.(string); b.entities[text] != nil {
				few[text] = b.entities[text]
			}
		}
		return few
	}
	return b.entities
}

func (s *Server) searchEntities(r *http.Request, body []byte) answer {
	var query rule
	if json.Unmarshal(body, &query) != nil || query.Rules == nil {
		return invalid("body must have a combinator and rules")
	}
	if refused := query.check(); refused != nil {
		return invalid("%s", refused.said)
	}
	include := r.URL.Query()["include"]
	found := []fields{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.blueprints)) {
		b := s.blueprints[id]
		some := candidates(b, query)
		for _, key := range slices.Sorted(maps.Keys(some)) {
			if query.matches(id, some[key]) {
				found = append(found, only(some[key].shown(id), include))
			}
		}
	}
	return ok("entities", found)
}

// only keeps the included keys, of which "properties.x" and "relations.x" reach one level down.
func only(shown fields, include []string) fields {
	if len(include) == 0 {
		return shown
	}
	kept := fields{}
	for _, path := range include {
		outer, inner, nested := strings.Cut(path, ".")
		if !nested {
			kept[outer] = shown[outer]
			continue
		}
		from, _ := shown[outer].(fields)
		into, _ := kept[outer].(fields)
		if into == nil {
			into = fields{}
			kept[outer] = into
		}
		if value, there := from[inner]; there {
			into[inner] = value
		}
	}
	return kept
}
