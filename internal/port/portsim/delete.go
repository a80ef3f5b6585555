package portsim

import (
	"encoding/json"
	"net/http"
)

const maxDelete = 100

type key struct{ blueprint, identifier string }

// bulkDelete removes the entities and, with delete_dependents, whatever relates to them, directly or not. Without it, a
// single dependent that is not itself to be deleted refuses the whole request. Identifiers that do not exist are passed over.
func (s *Server) bulkDelete(r *http.Request, body []byte) answer {
	var sent struct {
		Entities []string `json:"entities"`
	}
	if json.Unmarshal(body, &sent) != nil || len(sent.Entities) < 1 || len(sent.Entities) > maxDelete {
		return invalid("body/entities must have 1 to %d identifiers", maxDelete)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	doomed, named := map[key]bool{}, []string{}
	for _, id := range sent.Entities {
		k := key{b.identifier, id}
		if b.entities[id] != nil && !doomed[k] {
			doomed[k] = true
			named = append(named, id)
		}
	}
	cascade := r.URL.Query().Get("delete_dependents") == "true"
	for more := s.dependents(doomed); len(more) > 0; more = s.dependents(doomed) {
		if !cascade {
			return invalid("entity %q of blueprint %q relates to an entity that is to be deleted", more[0].identifier, more[0].blueprint)
		}
		for _, k := range more {
			doomed[k] = true
		}
	}
	for k := range doomed {
		delete(s.blueprints[k.blueprint].entities, k.identifier)
	}
	s.deleted += len(doomed)
	return ok("deletedEntities", named)
}

// dependents lists the entities outside doomed that relate to one inside it.
func (s *Server) dependents(doomed map[key]bool) []key {
	var found []key
	for _, b := range s.blueprints {
		if !b.relatesTo(doomed) {
			continue
		}
		for id, e := range b.entities {
			if k := (key{b.identifier, id}); !doomed[k] && e.relatesTo(b, doomed) {
				found = append(found, k)
			}
		}
	}
	return found
}

// relatesTo spares the entities of blueprints that cannot relate to any of the doomed.
func (b *blueprint) relatesTo(doomed map[key]bool) bool {
	targets := map[string]bool{}
	for k := range doomed {
		targets[k.blueprint] = true
	}
	for _, relation := range b.relations {
		if targets[relation.Target] {
			return true
		}
	}
	return false
}

func (e *entity) relatesTo(b *blueprint, doomed map[key]bool) bool {
	for _, l := range e.relations {
		for _, id := range l.targets {
			if doomed[key{b.relations[l.name].Target, id}] {
				return true
			}
		}
	}
	return false
}

func (s *Server) getEntity(r *http.Request, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	e := b.entities[r.PathValue("entity")]
	if e == nil {
		return refuse(http.StatusNotFound, "not_found", "Entity with identifier %q was not found", r.PathValue("entity"))
	}
	return ok("entity", e.shown(b.identifier))
}
