package portsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// An Entity is one for a person or a test to look at, or to put in.
type Entity struct {
	Blueprint, Identifier string
	Title, Icon           any // string, or nil
	Team                  any
	Properties, Relations map[string]any // values as encoding/json decodes them
	Datasource            string
	Created, Updated      time.Time
}

// Put sets an entity as it is given, whole and unchecked, as if the datasource had written it now. Its blueprint must exist.
func (s *Server) Put(given Entity, datasource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[given.Blueprint]
	if b == nil {
		panic("portsim: no blueprint " + given.Blueprint)
	}
	now := s.config.Clock().UnixNano()
	e := &entity{identifier: given.Identifier, datasource: datasource, created: now, updated: now}
	e.title, e.icon, e.team = optional(given.Title), optional(given.Icon), optional(given.Team)
	for name, v := range given.Properties {
		e.properties = append(e.properties, value{name, string(encoded(v))})
	}
	e.properties = pack(e.properties)
	for _, name := range slices.Sorted(maps.Keys(given.Relations)) {
		e.relations = append(e.relations, linkTo(name, given.Relations[name]))
	}
	b.entities[e.identifier] = e
}

func optional(v any) string {
	if v == nil {
		return ""
	}
	return string(encoded(v))
}

func linkTo(name string, to any) link {
	switch to := to.(type) {
	case string:
		return link{name: name, targets: []string{to}}
	case []string:
		return link{name: name, many: true, targets: to}
	}
	return link{name: name}
}

// Remove takes an entity away, as if somebody had in Port.
func (s *Server) Remove(blueprint, identifier string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blueprints[blueprint]; b != nil {
		delete(b.entities, identifier)
	}
}

func (e *entity) seen(blueprint string) Entity {
	seen := Entity{
		Blueprint: blueprint, Identifier: e.identifier, Datasource: e.datasource,
		Title: decoded(e.title), Icon: decoded(e.icon), Team: decoded(e.team),
		Properties: map[string]any{}, Relations: map[string]any{},
		Created: time.Unix(0, e.created).UTC(), Updated: time.Unix(0, e.updated).UTC(),
	}
	for _, v := range e.properties {
		seen.Properties[v.name] = decoded(v.text)
	}
	for _, l := range e.relations {
		seen.Relations[l.name] = decoded(string(encoded(l.json())))
	}
	return seen
}

// Entity looks one up.
func (s *Server) Entity(blueprint, identifier string) (Entity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blueprints[blueprint]; b != nil && b.entities[identifier] != nil {
		return b.entities[identifier].seen(blueprint), true
	}
	return Entity{}, false
}

// Entities lists those of a blueprint by identifier.
func (s *Server) Entities(blueprint string) []Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Entity
	if b := s.blueprints[blueprint]; b != nil {
		for _, id := range slices.Sorted(maps.Keys(b.entities)) {
			all = append(all, b.entities[id].seen(blueprint))
		}
	}
	return all
}

// Len is how many entities a blueprint has.
func (s *Server) Len(blueprint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blueprints[blueprint]; b != nil {
		return len(b.entities)
	}
	return 0
}

// Dump writes every entity on a line of its own, in order, without the times: two Ports that hold the same have the
// same dump.
func (s *Server) Dump() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(s.blueprints)) {
		entities := s.blueprints[id].entities
		for _, key := range slices.Sorted(maps.Keys(entities)) {
			e := entities[key].seen(id)
			line, _ := json.Marshal(map[string]any{ // decoded JSON, which marshals
				"title": e.Title, "icon": e.Icon, "team": e.Team, "properties": e.Properties, "relations": e.Relations, "datasource": e.Datasource,
			})
			fmt.Fprintf(&b, "%s/%s %s\n", id, key, line)
		}
	}
	return b.String()
}

// Clear removes every entity. Blueprints and integrations stay.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.blueprints {
		clear(b.entities)
	}
}
