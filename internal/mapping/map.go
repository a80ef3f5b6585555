package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/itchyny/gojq"
)

// An Outcome is what one resource makes of one item.
type Outcome struct {
	Selected bool     // the selector was true (with itemsToParse: for some element)
	Entities []Entity // nil unless selected
	Skipped  int      // entities without an identifier or a blueprint: null, "", 0, false, [] or {}

	// Failed counts, by field ("properties.status"), the expressions that
	// failed and became null; Nulls those that gave null by themselves. Both
	// are nil when empty.
	Failed map[string]int
	Nulls  map[string]int

	// Fault is a *Fault, or nil. With a fault the rest is empty, and what the
	// item made before must stay.
	Fault error
}

// An Entity is one entity as it should be in Port.
type Entity struct {
	Blueprint  string
	Identifier string
	Search     bool            // Identifier is a search object, as compact JSON with sorted keys
	Searching  bool            // there is a search object anywhere in Body
	Body       json.RawMessage // compact; identifier, blueprint, title, icon, team, properties, relations; names sorted; only what is mapped

	// Refs are the identifiers that its relations name, sorted, each once.
	// Of a search object only rules `$identifier = text` count.
	Refs []string

	// Keys is the key set of Body without identifier and blueprint, such as
	// "properties.status,relations.project,title". It is the same string for
	// all entities of a resource.
	Keys string
}

// Map makes the entities of an item. It may be called by many goroutines at
// once. When ctx ends, the outcome is a fault with its cause.
func (r *Resource) Map(ctx context.Context, item Item) Outcome {
	m := mapper{ctx: ctx, r: r, body: make([]byte, 0, 1024)}
	if err := m.item(item.value); err != nil {
		return Outcome{Fault: err}
	}
	return m.out
}

// A mapper is one call of Map.
type mapper struct {
	ctx  context.Context
	r    *Resource
	out  Outcome
	body []byte // of the entity being made
	refs []string
}

func (m *mapper) fault(field string, p *program, err error) error {
	f := &Fault{Resource: m.r.String(), Field: field, Err: err}
	if p != nil {
		f.Expr = cut(p.text)
	}
	return f
}

func (m *mapper) item(v any) error {
	if m.r.expansion == nil {
		return m.selected(v)
	}
	items, err := m.r.expansion.items(m.ctx, v)
	if err != nil {
		return m.fault("itemsToParse", m.r.expansion.list, err)
	}
	for _, v := range items {
		if err := m.selected(v); err != nil {
			return err
		}
	}
	return nil
}

// selected maps v if the selector says so.
func (m *mapper) selected(v any) error {
	out, err := m.r.selector.run(m.ctx, v)
	if err != nil {
		return m.fault("selector.query", m.r.selector, err)
	}
	yes, ok := out.(bool)
	if !ok {
		return m.fault("selector.query", m.r.selector, fmt.Errorf("gave %s, should give true or false", typeName(out)))
	}
	if !yes {
		return nil
	}
	m.out.Selected = true
	return m.entity(v)
}

// entity makes one entity. The other fields are evaluated even where it has
// no identifier, because their nulls tell a person what is wrong.
func (m *mapper) entity(v any) error {
	identifier, err := m.identifier(v)
	if err != nil {
		return err
	}
	blueprint, err := m.blueprint(v)
	if err != nil {
		return err
	}
	e := Entity{Identifier: identifier.text, Search: identifier.search, Blueprint: blueprint, Keys: m.r.keys}
	e.Searching = e.Search
	m.begin(e)
	if err := m.fields(v, &e); err != nil {
		return err
	}
	if e.Identifier == "" || e.Blueprint == "" {
		m.out.Skipped++
		return nil
	}
	m.finish(&e)
	return nil
}

func (m *mapper) begin(e Entity) {
	m.refs = m.refs[:0]
	m.body = append(m.body[:0], `{"identifier":`...)
	if e.Search {
		m.body = append(m.body, e.Identifier...)
	} else {
		m.body = appendString(m.body, e.Identifier)
	}
	m.body = append(m.body, `,"blueprint":`...)
	m.body = appendString(m.body, e.Blueprint)
}

func (m *mapper) finish(e *Entity) {
	e.Body = slices.Clone(append(m.body, '}'))
	if len(m.refs) > 0 {
		slices.Sort(m.refs)
		e.Refs = slices.Clone(slices.Compact(m.refs))
	}
	m.out.Entities = append(m.out.Entities, *e)
}

type identifier struct {
	text   string // "" where there is none
	search bool
}

func (m *mapper) identifier(v any) (identifier, error) {
	f := &m.r.identifier
	out, err := m.strict(f, v)
	if err != nil {
		return identifier{}, err
	}
	if out == nil {
		m.null(f.path)
	}
	if !truthy(out) {
		return identifier{}, nil
	}
	switch out := out.(type) {
	case string:
		return identifier{text: out}, nil
	case int, float64, *big.Int:
		text, err := appendJSON(nil, out)
		return identifier{text: string(text)}, err
	}
	if !isSearch(out) {
		return identifier{}, m.fault(f.path, f.program, fmt.Errorf("gave %s, should give a text, a number or a search object", typeName(out)))
	}
	text, err := appendJSON(nil, out)
	if err != nil {
		return identifier{}, m.fault(f.path, f.program, err)
	}
	return identifier{text: string(text), search: true}, nil
}

// strict evaluates a field of which no part may fail.
func (m *mapper) strict(f *field, v any) (any, error) {
	if f.search == nil {
		out, err := f.program.run(m.ctx, v)
		if err != nil {
			return nil, m.fault(f.path, f.program, err)
		}
		return out, nil
	}
	return f.search.evaluate(func(leaf *field) (any, error) {
		out, err := leaf.program.run(m.ctx, v)
		if err != nil {
			return nil, m.fault(leaf.path, leaf.program, err)
		}
		return out, nil
	})
}

func (m *mapper) blueprint(v any) (string, error) {
	p := m.r.blueprint
	out, err := p.run(m.ctx, v)
	if err != nil {
		return "", m.fault("blueprint", p, err)
	}
	if out == nil {
		m.null("blueprint")
	}
	if !truthy(out) {
		return "", nil
	}
	name, ok := out.(string)
	if !ok {
		return "", m.fault("blueprint", p, fmt.Errorf("gave %s, should give a text", typeName(out)))
	}
	return name, nil
}

// fields appends everything behind identifier and blueprint to the body.
func (m *mapper) fields(v any, e *Entity) error {
	for _, f := range m.r.single {
		if err := m.field(f, v, e); err != nil {
			return err
		}
	}
	if err := m.group(`,"properties":{`, m.r.properties, v, e); err != nil {
		return err
	}
	return m.group(`,"relations":{`, m.r.relations, v, e)
}

func (m *mapper) group(head string, fields []*field, v any, e *Entity) error {
	if fields == nil {
		return nil
	}
	m.body = append(m.body, head...)
	for i, f := range fields {
		if i > 0 {
			m.body = append(m.body, ',')
		}
		if err := m.field(f, v, e); err != nil {
			return err
		}
	}
	m.body = append(m.body, '}')
	return nil
}

// field appends one key and its value.
func (m *mapper) field(f *field, v any, e *Entity) error {
	out, err := m.lenient(f, v)
	if err != nil {
		return err
	}
	if f.kind == inRelations {
		m.refs = references(m.refs, out)
	}
	if (f.kind == inRelations || f.kind == inTeam) && searches(out) {
		e.Searching = true
	}
	m.body = append(m.body, f.encoded...)
	start := len(m.body)
	if m.body, err = appendJSON(m.body, out); err != nil || len(m.body) > maxBody {
		m.body = m.body[:start]
		if errors.Is(err, errTooDeep) {
			m.failed(f.path)
			m.body = append(m.body, "null"...)
			return nil
		}
		return m.fault(f.path, f.program, fmt.Errorf("%w with it", errTooLarge))
	}
	return nil
}

// lenient evaluates a field whose failure becomes null. The error is a fault.
func (m *mapper) lenient(f *field, v any) (any, error) {
	if f.search != nil {
		return f.search.evaluate(func(leaf *field) (any, error) { return m.lenient(leaf, v) })
	}
	out, err := f.program.run(m.ctx, v)
	if err == nil && f.kind == inIcon {
		out, err = icon(out)
	}
	switch {
	case isLimit(m.ctx, err):
		return nil, m.fault(f.path, f.program, err)
	case err != nil:
		m.failed(f.path)
		return nil, nil
	case out == nil:
		m.null(f.path)
	}
	return out, nil
}

// icon gives an icon as the text that Port wants.
func icon(v any) (any, error) {
	switch v := v.(type) {
	case nil, string:
		return v, nil
	case []any, map[string]any:
		return nil, fmt.Errorf("gave %s, should give a text", typeName(v))
	}
	text, err := appendJSON(nil, v)
	return string(text), err
}

// null and failed count a field that gave null, or that failed.
func (m *mapper) null(path string) {
	if m.out.Nulls == nil {
		m.out.Nulls = make(map[string]int)
	}
	m.out.Nulls[path]++
}

func (m *mapper) failed(path string) {
	if m.out.Failed == nil {
		m.out.Failed = make(map[string]int)
	}
	m.out.Failed[path]++
}

// typeName names what a value is, for messages: "a number", "null".
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null or nothing"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return "a text"
	}
	return "a " + gojq.TypeOf(v)
}

func isErrLimit(err error) bool { return errors.Is(err, ErrLimit) }
