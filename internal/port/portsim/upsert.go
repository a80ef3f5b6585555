package portsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// An upsert is one entity as it is sent. A key that is not sent is nil, one sent as null is the text null.
type upsert struct {
	Identifier json.RawMessage            `json:"identifier"`
	Blueprint  string                     `json:"blueprint"`
	Title      json.RawMessage            `json:"title"`
	Icon       json.RawMessage            `json:"icon"`
	Team       json.RawMessage            `json:"team"`
	Properties map[string]json.RawMessage `json:"properties"`
	Relations  map[string]json.RawMessage `json:"relations"`
}

// How a request wants its entities written.
type manner struct {
	upsert, merge, createMissing, validateOnly bool
	agent                                      string
	now                                        int64
}

func (s *Server) manner(r *http.Request) manner {
	query := r.URL.Query()
	return manner{
		upsert: query.Get("upsert") == "true", merge: query.Get("merge") == "true",
		createMissing: query.Get("create_missing_related_entities") == "true",
		validateOnly:  query.Get("validation_only") == "true",
		agent:         r.UserAgent(), now: s.config.Clock().UnixNano(),
	}
}

// A refusal is why one entity was not taken.
type refusal struct {
	status     int
	code, said string
	identifier string // when it is not the entity's own
}

func unprocessable(message string, args ...any) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", said: fmt.Sprintf(message, args...)}
}

// A written entity, as the answer to a bulk lists it.
type written struct {
	Index      int    `json:"index"`
	Identifier string `json:"identifier"`
	Created    bool   `json:"created"`
}

const maxBulk = 20

func (s *Server) bulkUpsert(r *http.Request, body []byte) answer {
	var sent struct {
		Entities []upsert `json:"entities"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		return invalid("body must be an object with a list of entities: %v", err)
	}
	if n := len(sent.Entities); n < 1 || n > maxBulk {
		return invalid("body/entities must have 1 to %d items, not %d", maxBulk, n)
	}
	if s.config.RefuseWhole {
		for i, one := range sent.Entities {
			if id, plain := plainText(one.Identifier); plain && !identifierLike(id) {
				return invalid("body/entities/%d/identifier must match pattern", i)
			}
		}
	}
	how := s.manner(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	taken, errors := make([]written, 0, len(sent.Entities)), []fields{}
	for i, one := range sent.Entities {
		id, created, refused := s.write(b, one, how)
		if refused == nil {
			taken = append(taken, written{i, id, created})
			continue
		}
		errors = append(errors, fields{"index": i, "identifier": refused.names(one), "statusCode": refused.status, "error": refused.code, "message": refused.said})
	}
	status := http.StatusOK
	if len(errors) > 0 {
		status = http.StatusMultiStatus
	}
	return answer{status, fields{"ok": len(errors) == 0, "entities": taken, "errors": errors}}
}

func (r *refusal) names(one upsert) any {
	if r.identifier != "" {
		return r.identifier
	}
	return one.Identifier
}

func (s *Server) singleUpsert(r *http.Request, body []byte) answer {
	var one upsert
	if err := json.Unmarshal(body, &one); err != nil {
		return invalid("body must be an entity: %v", err)
	}
	how := s.manner(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blueprints[r.PathValue("blueprint")]
	if b == nil {
		return noBlueprint(r.PathValue("blueprint"))
	}
	id, created, refused := s.write(b, one, how)
	if refused != nil {
		return refuse(refused.status, refused.code, "%s", refused.said)
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return answer{status, fields{"ok": true, "entity": b.entities[id].shown(b.identifier)}}
}

// write takes one entity or refuses it, wholly. Entities of a bulk are written one after another: one cannot relate to
// another that comes later in it, unless missing ones are made. (Port does not promise more.)
func (s *Server) write(b *blueprint, one upsert, how manner) (string, bool, *refusal) {
	id, refused := s.identify(b, one)
	if refused != nil {
		return "", false, refused
	}
	before := b.entities[id]
	if before != nil && !how.upsert {
		return "", false, &refusal{status: http.StatusConflict, code: "entity_exists", said: "Entity " + id + " already exists"}
	}
	after := &entity{identifier: id, datasource: how.agent, created: how.now, updated: how.now}
	if before != nil {
		after.identifier, after.created, after.datasource = before.identifier, before.created, before.datasource
		if strings.HasSuffix(how.agent, "/exporter") {
			after.datasource = how.agent
		}
		if how.merge {
			after.title, after.icon, after.team = before.title, before.icon, before.team
			after.properties, after.relations = before.properties, before.relations
		}
	}
	missing, refused := s.fill(b, after, one, how)
	if refused == nil {
		refused = b.checkRequired(after)
	}
	if refused != nil || how.validateOnly {
		return id, before == nil, refused
	}
	for _, stub := range missing {
		s.makeStub(stub, how)
	}
	b.entities[id] = after
	s.upserted++
	return id, before == nil, nil
}

// identify finds which entity is meant: by identifier, or by a search among the entities that are there.
func (s *Server) identify(b *blueprint, one upsert) (string, *refusal) {
	if one.Blueprint != "" && one.Blueprint != b.identifier {
		return "", unprocessable("the entity's blueprint is %q, the path's %q", one.Blueprint, b.identifier)
	}
	if id, plain := plainText(one.Identifier); plain {
		if !identifierLike(id) {
			return "", unprocessable("identifier %.80q does not match the pattern of identifiers", id)
		}
		return id, nil
	}
	if kind(one.Identifier) != "object" {
		return "", unprocessable("identifier must be a string or a search query")
	}
	found, refused := s.searchIn(b, one.Identifier)
	switch {
	case refused != nil:
		return "", refused
	case len(found) == 0:
		return "", &refusal{status: http.StatusNotFound, code: "not_found", said: "the search query matches no entity", identifier: "unknown"}
	case len(found) > 1:
		return "", unprocessable("the search query matches %d entities, and must match one", len(found))
	}
	return found[0], nil
}

// plainText is the text of a JSON string.
func plainText(raw json.RawMessage) (string, bool) {
	if kind(raw) != "string" {
		return "", false
	}
	if inner := string(raw[1 : len(raw)-1]); !strings.ContainsRune(inner, '\\') {
		return inner, true
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}
