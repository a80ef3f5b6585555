package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A body is an entity's JSON, taken apart.
type body struct {
	single map[string]json.RawMessage            // title, icon, team …
	groups map[string]map[string]json.RawMessage // properties, relations; an entry for each that is there
}

// bodyOrder is the order of a body's keys on the wire.
var bodyOrder = []string{"identifier", "blueprint", "title", "icon", "team", "properties", "relations"}

func parseBody(raw json.RawMessage) (body, error) {
	b := body{groups: map[string]map[string]json.RawMessage{}}
	if err := json.Unmarshal(raw, &b.single); err != nil {
		return body{}, fmt.Errorf("body of an entity: %w", err)
	}
	for _, name := range []string{"properties", "relations"} {
		group, ok := b.single[name]
		if !ok {
			continue
		}
		keys := map[string]json.RawMessage{}
		if err := json.Unmarshal(group, &keys); err != nil {
			return body{}, fmt.Errorf("body of an entity: %s: %w", name, err)
		}
		b.groups[name] = keys
		delete(b.single, name)
	}
	return b, nil
}

// Fold makes one body of the claims on an entity, in their order. With merge a
// later claim replaces key by key (title, icon, team, each property, each
// relation); otherwise the last one stands whole. No claim, or one that is no
// JSON object, is an error.
func Fold(merge bool, bodies []json.RawMessage) (json.RawMessage, error) {
	if len(bodies) == 0 {
		return nil, fmt.Errorf("fold of no bodies")
	}
	last := bodies[len(bodies)-1]
	if !merge || len(bodies) == 1 {
		return last, nil
	}
	sum, err := parseBody(bodies[0])
	if err != nil {
		return nil, err
	}
	for _, raw := range bodies[1:] {
		b, err := parseBody(raw)
		if err != nil {
			return nil, err
		}
		maps.Copy(sum.single, b.single)
		for name, keys := range b.groups {
			if sum.groups[name] == nil {
				sum.groups[name] = keys
				continue
			}
			maps.Copy(sum.groups[name], keys)
		}
	}
	return sum.encode(), nil
}

// Nulled gives the body with null for each key of sent that is not in now: so
// Port forgets what the mapping no longer makes. Both are key sets in the form
// of [Entity.Keys]. A key that the body has stays, and a body that is no JSON
// object is given back as it is.
func Nulled(raw json.RawMessage, sent, now string) json.RawMessage {
	if sent == now || sent == "" {
		return raw
	}
	b, err := parseBody(raw)
	if err != nil {
		return raw
	}
	made := splitKeys(now)
	for _, key := range splitKeys(sent) {
		if !slices.Contains(made, key) {
			b.null(key)
		}
	}
	return b.encode()
}

func (b body) null(key string) {
	keys := b.single
	if group, name, ok := strings.Cut(key, "."); ok {
		if group != "properties" && group != "relations" {
			return
		}
		if b.groups[group] == nil {
			b.groups[group] = map[string]json.RawMessage{}
		}
		keys, key = b.groups[group], name
	} else if key == "identifier" || key == "blueprint" {
		return
	}
	if _, ok := keys[key]; !ok {
		keys[key] = json.RawMessage("null")
	}
}

// encode writes the values as they were read: json.Marshal would escape them
// for HTML.
func (b body) encode() json.RawMessage {
	out := []byte{'{'}
	begin := func(name string) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
	}
	for _, name := range bodyOrder {
		if value, ok := b.single[name]; ok {
			begin(name)
			out = append(out, value...)
		}
		if keys, ok := b.groups[name]; ok {
			begin(name)
			out = appendRaw(out, keys)
		}
	}
	return append(out, '}')
}

func appendRaw(out []byte, keys map[string]json.RawMessage) []byte {
	out = append(out, '{')
	for i, k := range slices.Sorted(maps.Keys(keys)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(appendString(out, k), ':'), keys[k]...)
	}
	return append(out, '}')
}
