package portsim

import (
	"encoding/json"
	"net/http"
	"slices"
)

// A stub is an entity that is to be made because another relates to it.
type stub struct {
	blueprint  *blueprint
	identifier string
}

// fill puts what was sent over what after holds, and returns the related entities that must be made for it.
func (s *Server) fill(b *blueprint, after *entity, one upsert, how manner) ([]stub, *refusal) {
	if refused := s.fillMeta(after, one); refused != nil {
		return nil, refused
	}
	if refused := b.checkProperties(one.Properties); refused != nil {
		return nil, refused
	}
	after.properties = pack(b.overlay(after.properties, one.Properties))
	links := slices.Clone(after.relations)
	var missing []stub
	for name, sent := range one.Relations {
		sentLink, refused := s.link(b, name, sent)
		if refused != nil {
			return nil, refused
		}
		stubs, refused := s.targets(b, after, sentLink, how)
		if refused != nil {
			return nil, refused
		}
		missing = append(missing, stubs...)
		links = slices.DeleteFunc(links, func(l link) bool { return l.name == name })
		links = append(links, sentLink)
	}
	after.relations = slices.Clip(links)
	return missing, nil
}

// overlay puts the sent values over the kept ones, key by key.
func (b *blueprint) overlay(kept []value, sent map[string]json.RawMessage) []value {
	values := make([]value, 0, len(kept)+len(sent))
	for _, v := range kept {
		if _, replaced := sent[v.name]; !replaced {
			values = append(values, v)
		}
	}
	for name, text := range sent {
		values = append(values, value{b.names[name], string(text)})
	}
	return values
}

func (s *Server) fillMeta(after *entity, one upsert) *refusal {
	if one.Title != nil {
		if k := kind(one.Title); k != "string" && k != "null" {
			return unprocessable("title must be a string")
		}
		after.title = string(one.Title)
	}
	if one.Icon != nil {
		if k := kind(one.Icon); k != "string" && k != "null" {
			return unprocessable("icon must be a string")
		}
		after.icon = string(one.Icon)
	}
	if one.Team == nil {
		return nil
	}
	team, refused := s.team(one.Team)
	after.team = team
	return refused
}

// team is a name, a list of names, null, or a search among the entities of the blueprint _team.
func (s *Server) team(sent json.RawMessage) (string, *refusal) {
	var members []json.RawMessage
	switch kind(sent) {
	case "string", "null":
		return string(sent), nil
	case "object":
		members = []json.RawMessage{sent}
	case "array":
		_ = json.Unmarshal(sent, &members) // cannot fail: it was parsed with the request
	default:
		return "", unprocessable("team must be a string, a list or a search query")
	}
	names := []string{}
	for _, member := range members {
		if name, plain := plainText(member); plain {
			names = append(names, name)
			continue
		}
		if kind(member) != "object" {
			return "", unprocessable("team must be a list of strings or search queries")
		}
		if teams := s.blueprints["_team"]; teams != nil {
			found, refused := s.searchIn(teams, member)
			if refused != nil {
				return "", refused
			}
			names = append(names, found...)
		}
	}
	return string(encoded(names)), nil
}

// link reads one relation as it was sent: null, an identifier, a list of them, or a search.
func (s *Server) link(b *blueprint, name string, sent json.RawMessage) (link, *refusal) {
	relation, known := b.relations[name]
	if !known {
		return link{}, unprocessable("relation %q is not in blueprint %q", name, b.identifier)
	}
	l := link{name: b.names[name], many: relation.Many}
	switch kind(sent) {
	case "null":
		l.many = false
	case "object":
		found, refused := s.search(relation.Target, sent)
		if refused == nil && len(found) > 1 && !relation.Many {
			refused = unprocessable("the search query of relation %q matches %d entities, and must match one", name, len(found))
		}
		l.targets = found
		return l, refused
	case "string":
		if relation.Many {
			return l, unprocessable("relation %q must be a list", name)
		}
		id, _ := plainText(sent)
		l.targets = []string{id}
	case "array":
		l.targets = []string{}
		if !relation.Many || json.Unmarshal(sent, &l.targets) != nil || slices.Contains(l.targets, "") {
			return l, unprocessable("relation %q must be as its blueprint says: many %t, of strings", name, relation.Many)
		}
	default:
		return l, unprocessable("relation %q must be a string, a list or a search query", name)
	}
	return l, nil
}

func (s *Server) search(blueprint string, query json.RawMessage) ([]string, *refusal) {
	if b := s.blueprints[blueprint]; b != nil {
		return s.searchIn(b, query)
	}
	return nil, nil
}

// targets swaps each target for the target's own string, and lists those that do not exist.
func (s *Server) targets(b *blueprint, after *entity, l link, how manner) ([]stub, *refusal) {
	target := s.blueprints[b.relations[l.name].Target]
	var missing []stub
	for i, id := range l.targets {
		var there *entity
		if target != nil {
			there = target.entities[id]
		}
		switch {
		case there != nil:
			l.targets[i] = there.identifier
		case target == b && id == after.identifier:
		case !how.createMissing || target == nil:
			return nil, &refusal{status: http.StatusNotFound, code: "not_found",
				said: "entity " + id + " of relation " + l.name + " (blueprint " + b.relations[l.name].Target + ") was not found"}
		case !identifierLike(id):
			return nil, unprocessable("relation %q: identifier %.80q does not match the pattern of identifiers", l.name, id)
		default:
			missing = append(missing, stub{target, id})
		}
	}
	return missing, nil
}

// makeStub makes an entity that has nothing but its identifier, and belongs to whom caused it.
func (s *Server) makeStub(missing stub, how manner) {
	if missing.blueprint.entities[missing.identifier] == nil {
		missing.blueprint.entities[missing.identifier] = &entity{
			identifier: missing.identifier, datasource: how.agent, created: how.now, updated: how.now,
		}
	}
}
