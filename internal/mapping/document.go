package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A document is the mapping's text while it is read, with what is wrong in it.
type document struct {
	name     string
	warnings []string
	faults   *[]string // where at reports to: the document's, or the resource's
	visited  int       // nodes, against anchors that multiply
}

// An at is one value of the document, with the path that leads to it.
type at struct {
	doc  *document
	path string
	node *yaml.Node
}

func (d *document) place(n *yaml.Node, path, sentence string) string {
	if path != "" {
		sentence = path + ": " + sentence
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.name, n.Line, n.Column, sentence)
}

// fault notes what is wrong with the value.
func (a at) fault(format string, args ...any) {
	*a.doc.faults = append(*a.doc.faults, a.doc.place(a.node, a.path, fmt.Sprintf(format, args...)))
}

func (a at) warn(format string, args ...any) {
	a.doc.warnings = append(a.doc.warnings, a.doc.place(a.node, a.path, fmt.Sprintf(format, args...)))
}

func (a at) key(name string, node *yaml.Node) at {
	path := name
	if a.path != "" {
		path = a.path + "." + name
	}
	return at{a.doc, path, node}
}

func (a at) element(i int, node *yaml.Node) at {
	return at{a.doc, a.path + "[" + strconv.Itoa(i) + "]", node}
}

const (
	maxNodes = 100_000
	maxPath  = 4096 // bytes of a path such as resources[0].kind
)

// resolve follows an alias. A document whose anchors unfold into more nodes, or
// deeper, than any mapping has ends in nulls, with one fault.
func (a at) resolve() at {
	for a.node.Kind == yaml.AliasNode {
		a.node = a.node.Alias
	}
	a.doc.visited++
	if a.doc.visited < maxNodes && len(a.path) > maxPath {
		a.doc.visited = maxNodes
	}
	if a.doc.visited == maxNodes {
		a.fault("the mapping unfolds without end here; are there anchors within anchors?")
	}
	if a.doc.visited >= maxNodes {
		a.node = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: a.node.Line, Column: a.node.Column}
	}
	return a
}

// what names the kind of a value, for messages.
func (a at) what() string {
	switch a.node.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	}
	if a.isNull() {
		return "nothing"
	}
	return fmt.Sprintf("%q", a.node.Value)
}

func (a at) isNull() bool { return a.node.Kind == yaml.ScalarNode && a.node.Tag == "!!null" }

// object gives the values of an object by their keys, or nil with a fault.
func (a at) object(should string) map[string]at {
	a = a.resolve()
	if a.node.Kind != yaml.MappingNode {
		a.fault("is %s, should be %s", a.what(), should)
		return nil
	}
	values := make(map[string]at, len(a.node.Content)/2)
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		key, value := a.node.Content[i], a.node.Content[i+1]
		if key.Tag == "!!merge" {
			a.merge(values, a.key("<<", value))
			continue
		}
		if _, twice := values[key.Value]; twice {
			a.key(key.Value, key).fault("is given twice")
		}
		values[key.Value] = a.key(key.Value, value).resolve()
	}
	return values
}

// merge adds what a YAML merge key brings, where it is not given.
func (a at) merge(values map[string]at, from at) {
	from = from.resolve()
	sources := []at{from}
	if from.node.Kind == yaml.SequenceNode {
		sources = from.list("a list of objects")
	}
	given := a.given()
	for _, source := range sources {
		for name, v := range source.object("an object to merge") {
			if _, ok := values[name]; !ok && !slices.Contains(given, name) {
				values[name] = a.key(name, v.node)
			}
		}
	}
}

func (a at) given() []string {
	var names []string
	for i := 0; i < len(a.node.Content); i += 2 {
		names = append(names, a.node.Content[i].Value)
	}
	return names
}

// list gives the values of a list, or nil with a fault.
func (a at) list(should string) []at {
	a = a.resolve()
	if a.node.Kind != yaml.SequenceNode {
		a.fault("is %s, should be %s", a.what(), should)
		return nil
	}
	values := make([]at, len(a.node.Content))
	for i, node := range a.node.Content {
		values[i] = a.element(i, node).resolve()
	}
	return values
}

// unknown warns of keys that mean nothing here.
func (a at) unknown(values map[string]at, known ...string) {
	for _, name := range sortedKeys(values) {
		if !slices.Contains(known, name) {
			values[name].warn("is no key of a mapping and is ignored; here may stand %s", strings.Join(known, ", "))
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// text gives a scalar as the text of an expression. The YAML scalars true and
// 5 are the texts "true" and "5".
func (a at) text(should string) (string, bool) {
	if a.node.Kind != yaml.ScalarNode || a.isNull() {
		a.fault("is %s, should be %s", a.what(), should)
		return "", false
	}
	if a.node.Tag == "!!bool" {
		return strings.ToLower(a.node.Value), true
	}
	return a.node.Value, true
}

// boolean reads a switch in any of the forms that the incumbent takes.
func (a at) boolean(into *bool) {
	if a.node.Kind == yaml.ScalarNode {
		switch strings.ToLower(a.node.Value) {
		case "true", "yes", "on", "1", "t", "y":
			*into = true
			return
		case "false", "no", "off", "0", "f", "n":
			*into = false
			return
		}
	}
	a.fault("is %s, should be true or false", a.what())
}

// root reads the text to its topmost value.
func root(data []byte) (*yaml.Node, error) {
	if json.Valid(data) {
		return jsonNode(data)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one YAML document")
	}
	return doc.Content[0], nil
}
