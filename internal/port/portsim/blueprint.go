package portsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// A blueprint is its JSON, what of it checks entities, and its entities.
type blueprint struct {
	identifier string
	whole      record
	properties map[string]schema
	required   []string
	relations  map[string]relation
	names      map[string]string // of properties and relations, each to itself: one string for all entities
	entities   map[string]*entity
}

type schema struct {
	Type  string            `json:"type"`
	Enum  []json.RawMessage `json:"enum"`
	Items *schema           `json:"items"`
}

type relation struct {
	Target   string `json:"target"`
	Many     bool   `json:"many"`
	Required bool   `json:"required"`
}

// read derives what checks entities from the whole.
func (b *blueprint) read() bool {
	var shape struct {
		Properties map[string]schema `json:"properties"`
		Required   json.RawMessage   `json:"required"`
	}
	if b.whole["schema"] != nil && json.Unmarshal(b.whole["schema"], &shape) != nil {
		return false
	}
	b.properties, b.required, b.relations = shape.Properties, nil, nil
	_ = json.Unmarshal(shape.Required, &b.required) // may be an expression, which is not evaluated here
	if b.whole["relations"] != nil && json.Unmarshal(b.whole["relations"], &b.relations) != nil {
		return false
	}
	b.names = map[string]string{}
	for name := range b.properties {
		b.names[name] = name
	}
	for name := range b.relations {
		b.names[name] = name
	}
	return true
}

// dangling names a relation whose target does not exist, or is empty.
func (s *Server) dangling(b *blueprint) string {
	for _, name := range slices.Sorted(maps.Keys(b.relations)) {
		if target := b.relations[name].Target; target != b.identifier && s.blueprints[target] == nil {
			return name
		}
	}
	return ""
}

func noBlueprint(id string) answer {
	return refuse(http.StatusNotFound, "not_found", "Blueprint with identifier %q was not found", id)
}

func (s *Server) createBlueprint(_ *http.Request, body []byte) answer {
	b := &blueprint{entities: map[string]*entity{}}
	if json.Unmarshal(body, &b.whole) != nil {
		return invalid("body must be an object")
	}
	b.identifier = b.whole.text("identifier")
	if !identifierLike(b.identifier) || !b.read() {
		return invalid("body must have a valid identifier, schema and relations")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blueprints[b.identifier] != nil {
		return refuse(http.StatusConflict, "identifier_taken", "Blueprint with identifier %q already exists", b.identifier)
	}
	if name := s.dangling(b); name != "" {
		return invalid("relation %q has a target that does not exist", name)
	}
	s.blueprints[b.identifier] = b
	return answer{http.StatusCreated, fields{"ok": true, "blueprint": maps.Clone(b.whole)}}
}

func (s *Server) getBlueprint(r *http.Request, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	return ok("blueprint", maps.Clone(b.whole))
}

func (s *Server) countEntities(r *http.Request, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	return ok("count", len(b.entities))
}

func (s *Server) patchBlueprint(r *http.Request, body []byte) answer {
	var patch record
	if json.Unmarshal(body, &patch) != nil {
		return invalid("body must be an object")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	if id := patch.text("identifier"); id != "" && id != b.identifier {
		return invalid("a blueprint's identifier cannot change here")
	}
	changed := &blueprint{identifier: b.identifier, whole: maps.Clone(b.whole), entities: b.entities}
	maps.Copy(changed.whole, patch)
	if !changed.read() {
		return invalid("body must have a valid schema and relations")
	}
	if name := s.dangling(changed); name != "" {
		return invalid("relation %q has a target that does not exist", name)
	}
	*b = *changed
	return ok("blueprint", maps.Clone(b.whole))
}

func (s *Server) deleteBlueprint(r *http.Request, _ []byte) answer {
	id := r.PathValue("blueprint")
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[id]
	switch {
	case b == nil:
		return noBlueprint(id)
	case len(b.entities) > 0:
		return invalid("Blueprint %q has entities", id)
	}
	for _, other := range s.blueprints {
		for name, relation := range other.relations {
			if other != b && relation.Target == id {
				return invalid("Blueprint %q is the target of relation %q of %q", id, name, other.identifier)
			}
		}
	}
	delete(s.blueprints, id)
	return answer{http.StatusOK, fields{"ok": true}}
}

// AddBlueprint installs one from its JSON, replacing what has its identifier. It panics on JSON that is no blueprint.
func (s *Server) AddBlueprint(body []byte) {
	b := &blueprint{entities: map[string]*entity{}}
	if err := json.Unmarshal(body, &b.whole); err != nil {
		panic(err)
	}
	b.identifier = b.whole.text("identifier")
	if b.identifier == "" || !b.read() {
		panic("portsim: not a blueprint: " + string(body))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.blueprints[b.identifier]; before != nil {
		b.entities = before.entities
	}
	s.blueprints[b.identifier] = b
}

// Blueprints lists the identifiers, sorted.
func (s *Server) Blueprints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.blueprints))
}
