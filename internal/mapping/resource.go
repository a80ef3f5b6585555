package mapping

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resource reads one entry of resources. What is wrong with it goes to the
// document's faults; the resource is then not usable, but says its kind, line
// and blueprint as far as they can be read.
func (p *parser) resource(index int, a at) *Resource {
	r := &Resource{Index: index, Line: a.node.Line}
	values := a.object("a resource: an object with kind, selector and port")
	if values == nil {
		return r
	}
	a.unknown(values, "kind", "selector", "port")
	p.kind(r, a, values)
	p.selector(r, a, values)
	p.port(r, a, values)
	if len(*p.doc.faults) > 0 {
		return r
	}
	r.keys = r.keySet()
	r.reads = r.analyse()
	return r
}

func (p *parser) kind(r *Resource, a at, values map[string]at) {
	v, ok := values["kind"]
	if !ok {
		a.fault("there is no key kind, should be one of %s", strings.Join(p.known, ", "))
		return
	}
	if r.Kind, ok = v.text("the name of a kind"); ok && !slices.Contains(p.known, r.Kind) {
		v.fault("%q is no kind that can be read; it should be one of %s", r.Kind, strings.Join(p.known, ", "))
	}
}

// selector keeps the object as it is, because each kind has keys of its own
// there, and compiles the one that all kinds have.
func (p *parser) selector(r *Resource, a at, values map[string]at) {
	v, ok := values["selector"]
	if !ok {
		a.fault(`there is no key selector, should be an object such as {query: "true"}`)
		return
	}
	keys := v.object(`an object such as {query: "true"}`)
	if keys == nil {
		return
	}
	query, ok := keys["query"]
	if !ok {
		v.fault(`there is no key query, should be a jq expression that gives true or false, such as "true"`)
		return
	}
	if r.selector = p.strict(query, "a jq expression that gives true or false"); r.selector == nil {
		return
	}
	object, _ := v.plain(0).(map[string]any)
	object["query"] = r.selector.text // the same, however it was written
	raw, err := json.Marshal(object)
	if err != nil {
		v.fault("cannot be written as JSON: %v", err)
	}
	r.Selector = raw
}

// plain gives the value as Go's JSON has it.
func (a at) plain(depth int) any {
	a = a.resolve()
	if depth > maxDepth {
		a.fault("is nested more than %d deep", maxDepth)
		return nil
	}
	switch a.node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for name, v := range a.object("an object") {
			object[name] = v.plain(depth + 1)
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, v := range a.list("a list") {
			list = append(list, v.plain(depth+1))
		}
		return list
	}
	return a.scalar()
}

func (a at) scalar() any {
	switch a.node.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(a.node.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(a.node.Value)) {
			return json.Number(a.node.Value)
		}
	}
	return a.node.Value
}

func (p *parser) port(r *Resource, a at, values map[string]at) {
	port, ok := values["port"]
	if !ok {
		a.fault("there is no key port, should be an object with entity.mappings")
		return
	}
	keys := port.object("an object with entity.mappings")
	if keys == nil {
		return
	}
	port.unknown(keys, "entity", "itemsToParse", "itemsToParseName", "itemsToParseTopLevelTransform")
	p.expansion(r, keys)
	entity, ok := keys["entity"]
	if !ok {
		port.fault("there is no key entity, should be an object with mappings")
		return
	}
	entityKeys := entity.object("an object with mappings")
	if entityKeys == nil {
		return
	}
	entity.unknown(entityKeys, "mappings")
	mappings, ok := entityKeys["mappings"]
	if !ok {
		entity.fault("there is no key mappings, should be an object with identifier and blueprint")
		return
	}
	p.mappings(r, mappings)
}

func (p *parser) expansion(r *Resource, keys map[string]at) {
	x := &expansion{name: "item"}
	if v, ok := keys["itemsToParseName"]; ok {
		x.name, _ = v.text("the name of a key, such as item")
	}
	transform := true
	if v, ok := keys["itemsToParseTopLevelTransform"]; ok {
		v.boolean(&transform)
	}
	list, ok := keys["itemsToParse"]
	if !ok || list.isNull() {
		return
	}
	x.list = p.strict(list, "a jq expression that gives a list")
	r.expansion = x
	if x.list == nil || !transform {
		return
	}
	if path := deletionPath(x.list.text); path != "" {
		if deletion := newProgram("del("+path+")", p.limits); deletion.err == nil {
			x.deletion = deletion
		}
	}
}

func (p *parser) mappings(r *Resource, a at) {
	values := a.object("an object with identifier and blueprint")
	if values == nil {
		return
	}
	a.unknown(values, "identifier", "blueprint", "title", "icon", "team", "properties", "relations")
	if v, ok := values["blueprint"]; !ok {
		a.fault("there is no key blueprint, should be a jq expression such as '\"jiraIssue\"'")
	} else if r.blueprint = p.strict(v, "a jq expression such as '\"jiraIssue\"'"); r.blueprint != nil && r.blueprint.literal {
		r.Blueprint, _ = r.blueprint.value.(string)
	}
	if v, ok := values["identifier"]; !ok {
		a.fault("there is no key identifier, should be a jq expression such as .key")
	} else if f := p.field(v, inIdentifier, "identifier", true); f != nil {
		r.identifier = *f
	}
	for _, single := range []struct {
		name   string
		kind   place
		search bool
	}{{"title", inTitle, false}, {"icon", inIcon, false}, {"team", inTeam, true}} {
		if v, ok := values[single.name]; ok && !v.isNull() {
			r.single = append(r.single, p.field(v, single.kind, single.name, single.search))
		}
	}
	r.properties = p.group(values, "properties", inProperties, false)
	r.relations = p.group(values, "relations", inRelations, true)
}

func (p *parser) group(values map[string]at, name string, kind place, search bool) []*field {
	v, ok := values[name]
	if !ok || v.isNull() {
		return nil
	}
	keys := v.object("an object of names and jq expressions")
	fields := []*field{}
	for _, key := range sortedKeys(keys) {
		f := p.field(keys[key], kind, key, search)
		if f == nil {
			continue
		}
		f.path = name + "." + key
		if f.search != nil {
			f.search.prefix(name + ".")
		}
		f.encoded = append(appendString(nil, key), ':')
		fields = append(fields, f)
	}
	return fields
}

// field reads an expression, or a search object where one may stand.
func (p *parser) field(v at, kind place, name string, search bool) *field {
	f := &field{kind: kind, name: name, path: name}
	f.encoded = append(append([]byte{','}, appendString(nil, name)...), ':')
	if search && v.node.Kind == yaml.MappingNode {
		f.search = p.search(v, kind, name, 0)
		return f
	}
	should := "a jq expression"
	if search {
		should = "a jq expression or a search object"
	}
	if kind == inIdentifier {
		f.program = p.strict(v, should)
	} else {
		f.program = p.lenient(v, should)
	}
	if f.program == nil {
		return nil
	}
	return f
}

// strict compiles an expression on which the entity rests: one that does not
// compile makes the resource unusable.
func (p *parser) strict(v at, should string) *program {
	text, ok := v.text(should)
	if !ok {
		return nil
	}
	program := newProgram(text, p.limits)
	if program.err != nil {
		v.fault("%q: %v", cut(text), program.err)
		return nil
	}
	v.lint(program)
	return program
}

// lenient compiles an expression that may fail. One that does not compile is
// null in every entity, as in the incumbent, and a warning.
func (p *parser) lenient(v at, should string) *program {
	text, ok := v.text(should)
	if !ok {
		return nil
	}
	program := newProgram(text, p.limits)
	if program.err != nil {
		v.warn("%q is always null: %v", cut(text), program.err)
	} else {
		v.lint(program)
	}
	return program
}

func (p *parser) search(v at, kind place, path string, depth int) *search {
	s := &search{}
	values := v.object("a search object")
	if depth > maxDepth {
		v.fault("is nested more than %d deep", maxDepth)
		return s
	}
	required := []string{"property", "operator"}
	if depth == 0 || values["rules"].node != nil || values["combinator"].node != nil {
		required = []string{"combinator", "rules"}
	}
	for _, name := range required {
		if _, ok := values[name]; !ok {
			v.fault("there is no key %s, should be there in a search object; others are combinator and rules, or property, operator and value", strconv.Quote(name))
		}
	}
	for _, name := range sortedKeys(values) {
		if name == "rules" {
			s.nested = true
			for i, rule := range values[name].list("a list of rules") {
				s.rules = append(s.rules, p.search(rule, kind, path+".rules["+strconv.Itoa(i)+"]", depth+1))
			}
			continue
		}
		if f := p.field(values[name], kind, name, false); f != nil {
			f.path = path + "." + name
			s.leaves = append(s.leaves, *f)
		}
	}
	return s
}

// prefix puts the group's name before the path of every leaf.
func (s *search) prefix(group string) {
	s.each(func(f *field) { f.path = group + f.path })
}
