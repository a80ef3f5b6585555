package deliver

import (
	"encoding/json"
	"fmt"
	"slices"

	"ferry/internal/catalog"
	"ferry/internal/mapping"
	"ferry/internal/port"
)

// A parcel is one entity on its way.
type parcel struct {
	pending catalog.Pending // without its claims: the body is made of them
	keys    string          // the key set of what the claims make now
	body    json.RawMessage
	stage   stage
	existed bool // Port had it before this run; told of unsettled ones only
}

// envelope is what a bulk's body holds besides its entities and the commas between them.
const envelope = len(`{"entities":[]}`)

// A bulk is what one request carries: entities of one blueprint.
type bulk struct {
	blueprint string
	parcels   []parcel
	size      int // bytes of the request's body

	lookUp bool  // it is to be looked up who made the unsettled ones
	before *held // what Port had under our name in the beginning; nil: not listed
}

// takes reports whether p fits in. An empty bulk takes anything: whether one entity alone is too
// large is for Port to say.
func (b *bulk) takes(p parcel) bool {
	return len(b.parcels) == 0 || len(b.parcels) < port.MaxUpsert && b.size+1+len(p.body) <= port.MaxBody
}

// full reports that nothing more fits in.
func (b *bulk) full() bool { return len(b.parcels) == port.MaxUpsert || b.size >= port.MaxBody }

func (b *bulk) add(p parcel) {
	if len(b.parcels) == 0 {
		b.size = envelope - 1 // the first has no comma before it
	}
	b.parcels = append(b.parcels, p)
	b.size += 1 + len(p.body)
}

func bodies(parcels []parcel) []json.RawMessage {
	list := make([]json.RawMessage, len(parcels))
	for i, p := range parcels {
		list[i] = p.body
	}
	return list
}

// pack makes the body of an entity: what its claims say together, and null for what they no
// longer say.
func pack(p catalog.Pending, merge bool) (parcel, error) {
	body, err := fold(p.Claims, merge)
	if err != nil {
		return parcel{}, fmt.Errorf("fold the claims on %s %s: %w", p.Blueprint, p.Identifier, err)
	}
	keys := keysOf(p.Claims, merge)
	if p.Sent != "" && p.Sent != keys {
		body = mapping.Nulled(body, p.Sent, keys)
	}
	p.Claims = nil
	return parcel{pending: p, keys: keys, body: body}, nil
}

func fold(claims []catalog.Claimed, merge bool) (json.RawMessage, error) {
	if len(claims) == 1 {
		return claims[0].Body, nil
	}
	list := make([]json.RawMessage, len(claims))
	for i, c := range claims {
		list[i] = c.Body
	}
	return mapping.Fold(merge, list)
}

// keysOf is the key set of the folded claims.
func keysOf(claims []catalog.Claimed, merge bool) string {
	last := claims[len(claims)-1].Keys
	if !merge {
		return last
	}
	differs := func(c catalog.Claimed) bool { return c.Keys != last }
	if !slices.ContainsFunc(claims, differs) {
		return last
	}
	var sets []string
	for _, c := range claims {
		sets = append(sets, c.Keys)
	}
	return catalog.UnionKeys(sets...)
}

// withoutRelations is the body as it can be sent before what it relates to is there.
func withoutRelations(body json.RawMessage) (json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil {
		return nil, err
	}
	delete(keys, "relations")
	return json.Marshal(keys)
}

// relatesTo are the identifiers a body relates to by name; search objects name none.
func relatesTo(body json.RawMessage) []string {
	var entity struct {
		Relations map[string]json.RawMessage `json:"relations"`
	}
	if json.Unmarshal(body, &entity) != nil {
		return nil
	}
	var names []string
	for _, raw := range entity.Relations {
		var one string
		var many []string
		switch {
		case json.Unmarshal(raw, &one) == nil:
			names = append(names, one)
		case json.Unmarshal(raw, &many) == nil:
			names = append(names, many...)
		}
	}
	return names
}
