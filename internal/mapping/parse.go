package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const maxDocument = 4 << 20 // bytes of a mapping's text

// Parse reads a mapping from YAML or JSON. name stands before every position
// in a message; known are the kinds that can be read. A document that is no
// mapping at all is a *[ParseError] with everything that is wrong with it. A
// single resource that is wrong, or of another kind, is in SetAside instead,
// and the rest is usable.
func Parse(name string, data []byte, known []string) (*Mapping, error) {
	return parse(name, data, known, defaultLimits)
}

func parse(name string, data []byte, known []string, l limits) (*Mapping, error) {
	if len(data) > maxDocument {
		return nil, &ParseError{name, []string{fmt.Sprintf("%s: is larger than %d bytes", name, maxDocument)}}
	}
	node, err := root(data)
	if err != nil {
		return nil, &ParseError{name, []string{fmt.Sprintf("%s: neither YAML nor JSON: %v", name, err)}}
	}
	var faults []string
	p := parser{doc: &document{name: name, faults: &faults}, known: known, limits: l}
	m := p.mapping(at{p.doc, "", node}.resolve())
	if len(faults) > 0 {
		for _, a := range m.SetAside {
			faults = append(faults, a.Reasons...)
		}
		return nil, &ParseError{name, faults}
	}
	m.Warnings = p.doc.warnings
	m.Hash = m.hash()
	return m, nil
}

type parser struct {
	doc    *document
	known  []string
	limits limits
}

func (p *parser) mapping(top at) *Mapping {
	m := &Mapping{
		DeleteDependentEntities:      true,
		CreateMissingRelatedEntities: true,
		EnableMergeEntity:            true,
		EntityDeletionThreshold:      0.9,
	}
	if top.isNull() {
		top.fault("the mapping is empty, should be an object with resources")
		return m
	}
	values := top.object("a mapping: an object with resources")
	if values == nil {
		return m
	}
	switches := map[string]*bool{
		"deleteDependentEntities":      &m.DeleteDependentEntities,
		"createMissingRelatedEntities": &m.CreateMissingRelatedEntities,
		"enableMergeEntity":            &m.EnableMergeEntity,
	}
	for _, name := range sortedKeys(switches) {
		if v, ok := values[name]; ok {
			v.boolean(switches[name])
		}
	}
	if v, ok := values["entityDeletionThreshold"]; ok {
		v.share(&m.EntityDeletionThreshold)
	}
	top.unknown(values, "resources", "enableMergeEntity", "createMissingRelatedEntities", "deleteDependentEntities", "entityDeletionThreshold")
	p.resources(m, top, values)
	return m
}

// share reads a number from 0 to 1.
func (a at) share(into *float64) {
	if a.node.Kind == yaml.ScalarNode {
		if f, err := strconv.ParseFloat(a.node.Value, 64); err == nil && f >= 0 && f <= 1 {
			*into = f
			return
		}
	}
	a.fault("is %s, should be a number from 0 to 1", a.what())
}

func (p *parser) resources(m *Mapping, top at, values map[string]at) {
	list, ok := values["resources"]
	if !ok {
		top.fault("there is no key resources, should be a list of resources")
		return
	}
	documentFaults := p.doc.faults
	defer func() { p.doc.faults = documentFaults }()
	for i, v := range list.list("a list of resources") {
		var reasons []string
		p.doc.faults = &reasons
		r := p.resource(i, v)
		if len(reasons) == 0 {
			m.Resources = append(m.Resources, r)
			continue
		}
		m.SetAside = append(m.SetAside, SetAside{
			Index: i, Line: r.Line, Kind: r.Kind, Reasons: reasons, Blueprint: r.Blueprint,
		})
	}
}

// hash is over what entities are made of, and the resources' places, because
// claims are folded in their order. "1" stands for the rules of evaluation.
func (m *Mapping) hash() string {
	type resource struct {
		Index    int
		Kind     string
		Selector json.RawMessage
		Texts    []string
	}
	sum := struct {
		Rules     string
		Merge     bool
		Resources []resource
	}{Rules: "1", Merge: m.EnableMergeEntity}
	for _, r := range m.Resources {
		sum.Resources = append(sum.Resources, resource{r.Index, r.Kind, r.Selector, r.texts()})
	}
	text, err := json.Marshal(sum)
	if err != nil {
		panic(err) // unreachable: texts, and a selector that was encoded here
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

// Identity tells the resource from others whatever its place: two mappings in which it has the
// same identity make the same claims by it.
func (r *Resource) Identity() string {
	text, err := json.Marshal([]any{r.Kind, r.Selector, r.texts()})
	if err != nil {
		panic(err) // unreachable: texts, and a selector that was encoded here
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

// texts gives every expression of the resource, each with its place before it.
func (r *Resource) texts() []string {
	out := []string{"selector.query", r.selector.text, "blueprint", r.blueprint.text}
	if x := r.expansion; x != nil {
		out = append(out, "itemsToParse", x.list.text, x.name, strconv.FormatBool(x.deletion != nil))
	}
	r.eachField(func(f *field) { out = append(out, f.path, f.program.text) })
	return out
}

// eachField calls f for every field that is an expression, and for every leaf
// of those that are search objects.
func (r *Resource) eachField(f func(*field)) {
	for _, field := range r.fields() {
		if field.search != nil {
			field.search.each(f)
			continue
		}
		f(field)
	}
}

func (r *Resource) fields() []*field {
	all := []*field{&r.identifier}
	all = append(all, r.single...)
	all = append(all, r.properties...)
	return append(all, r.relations...)
}
