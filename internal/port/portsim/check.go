package portsim

import (
	"bytes"
	"encoding/json"
	"slices"
)

// kind is the JSON type a text begins as, in JSON schema's words.
func kind(text []byte) string {
	if len(text) == 0 {
		return "null"
	}
	switch text[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// accepts reports whether a property may have the value. Null is always allowed: it empties the property.
func (p schema) accepts(text []byte) bool {
	is := kind(text)
	switch {
	case is == "null", p.Type == "":
		return true
	case p.Type == "integer":
		if is != "number" || bytes.ContainsAny(text, ".eE") {
			return false
		}
	case is != p.Type:
		return false
	}
	return p.allows(text) && (is != "array" || p.acceptsItems(text))
}

func (p schema) allows(text []byte) bool {
	return len(p.Enum) == 0 || slices.ContainsFunc(p.Enum, func(one json.RawMessage) bool { return bytes.Equal(one, text) })
}

func (p schema) acceptsItems(text []byte) bool {
	if len(text) == len("[]") || p.Items == nil {
		return true
	}
	var items []json.RawMessage
	_ = json.Unmarshal(text, &items) // cannot fail: it was parsed with the request
	return !slices.ContainsFunc(items, func(item json.RawMessage) bool {
		return kind(item) == "null" || !p.Items.accepts(item)
	})
}

// checkProperties refuses what the blueprint's schema does not have, or not as this type.
func (b *blueprint) checkProperties(sent map[string]json.RawMessage) *refusal {
	for name, text := range sent {
		property, known := b.properties[name]
		if !known {
			return unprocessable("property %q is not in the schema of blueprint %q", name, b.identifier)
		}
		if !property.accepts(text) {
			return unprocessable("property %q of blueprint %q must be %s", name, b.identifier, property.Type)
		}
	}
	return nil
}

// checkRequired looks at the entity as it would be kept.
func (b *blueprint) checkRequired(e *entity) *refusal {
	for _, name := range b.required {
		if text, there := e.property(name); !there || text == "null" {
			return unprocessable("property %q of blueprint %q is required", name, b.identifier)
		}
	}
	for name, relation := range b.relations {
		if link, there := e.relation(name); relation.Required && (!there || len(link.targets) == 0) {
			return unprocessable("relation %q of blueprint %q is required", name, b.identifier)
		}
	}
	return nil
}
