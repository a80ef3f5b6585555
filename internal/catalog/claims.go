package catalog

import (
	"slices"
	"strings"
)

// entityKey is what an entity is known by, in Port and here.
type entityKey struct{ blueprint, identifier string }

// entityRow is an entity as an Apply sees it: what it was, and what becomes of it.
type entityRow struct {
	id         int64
	blueprint  string
	identifier string
	search     bool
	searching  bool // one of its claims holds a search object
	before     int  // claims it had
	claims     int  // claims it has
	isNew      bool
	touched    bool // its body, or the set of its claims, changed

	unanswered bool    // Port may have been sent what its claims say, and nobody knows what became of it
	keyset     int64   // the keys of which a delivery must speak
	left       []int64 // the key sets of the claims that it had then and has no more
}

func (e *entityRow) wasWanted() bool { return e.before > 0 }

// loadEntities finds the entities that the batch's claims name or named.
func (a *applying) loadEntities() error {
	a.entities = map[entityKey]*entityRow{}
	a.byID = map[int64]*entityRow{}
	for blueprint, identifiers := range a.named() {
		if err := queryIn(a.tx, entityColumns+` WHERE integration = ? AND blueprint = ? AND identifier IN (%s)`,
			[]any{a.integration(), blueprint}, identifiers, a.scanEntity); err != nil {
			return err
		}
	}
	return queryIn(a.tx, entityColumns+` WHERE id IN (%s)`, nil, a.unloaded(), a.scanEntity)
}

// named are the identifiers, by blueprint, of the entities that the batch claims.
func (a *applying) named() map[string][]string {
	byBlueprint := map[string][]string{}
	seen := map[entityKey]bool{}
	for _, item := range a.items {
		for _, c := range item.Claims {
			for _, e := range c.Entities {
				if k := (entityKey{e.Blueprint, e.Identifier}); !seen[k] {
					seen[k] = true
					byBlueprint[k.blueprint] = append(byBlueprint[k.blueprint], k.identifier)
				}
			}
		}
	}
	return byBlueprint
}

// Of a version that Port has, or has refused in this run or the one before, it is known what became.
const entityColumns = `SELECT id, blueprint, identifier, search, searching, claims, keyset,
	delivered <> version AND refused <> version AND refused <> -version FROM entity`

func (a *applying) scanEntity(scan func(...any) error) error {
	e := &entityRow{}
	if err := scan(&e.id, &e.blueprint, &e.identifier, &e.search, &e.searching, &e.before, &e.keyset, &e.unanswered); err != nil {
		return err
	}
	e.claims = e.before
	a.keep(e)
	return nil
}

func (a *applying) keep(e *entityRow) {
	a.entities[entityKey{e.blueprint, e.identifier}] = e
	a.byID[e.id] = e
	a.order = append(a.order, e)
}

// unloaded are the entities that existing claims point to and the batch does not name.
func (a *applying) unloaded() []int64 {
	var ids []int64
	seen := map[int64]bool{}
	for _, c := range a.before {
		if a.byID[c.entity] == nil && !seen[c.entity] {
			seen[c.entity] = true
			ids = append(ids, c.entity)
		}
	}
	return ids
}

// entity is the row that e belongs to, made if it is not there.
func (a *applying) entity(e Entity) *entityRow {
	row := a.entities[entityKey{e.Blueprint, e.Identifier}]
	if row == nil {
		a.s.entityID++
		row = &entityRow{id: a.s.entityID, blueprint: e.Blueprint, identifier: e.Identifier, search: e.Search, isNew: true}
		a.keep(row)
	}
	return row
}

// writeClaims puts the batch's claims in the place of those that were there.
func (a *applying) writeClaims() error {
	var values []any
	for _, item := range a.items {
		for _, c := range a.claimsOf(item) {
			for n, e := range c.Entities {
				row, err := a.claim(claimKey{item.ID, c.Resource, n}, e)
				if err != nil {
					return err
				}
				values = append(values, row...)
			}
			if err := a.dropFrom(claimKey{item.ID, c.Resource, len(c.Entities)}); err != nil {
				return err
			}
		}
	}
	return a.insert(`INSERT INTO claim (integration, reading, parent, item, resource, n, entity, keyset, searching, refs, body)`, 11, `
		ON CONFLICT (integration, reading, parent, item, resource, n) DO UPDATE SET
			entity = excluded.entity, keyset = excluded.keyset, searching = excluded.searching,
			refs = excluded.refs, body = excluded.body`, values)
}

// claimsOf is what the resources make of item now. All of them make nothing of it if it is gone;
// those that are gone make nothing of it once all that there are have spoken.
func (a *applying) claimsOf(item Item) []Claim {
	if !item.Gone && !item.Whole {
		return item.Claims
	}
	var claims []Claim
	if !item.Gone {
		claims = slices.Clone(item.Claims)
	}
	seen := map[int]bool{}
	for k := range a.before {
		if k.item == item.ID && (item.Gone || k.resource < 0) && !seen[k.resource] {
			seen[k.resource] = true
			claims = append(claims, Claim{Resource: k.resource})
		}
	}
	return claims
}

// claim notes that the claim at k is now e, and returns its row, or nothing if it is unchanged.
func (a *applying) claim(k claimKey, e Entity) ([]any, error) {
	keyset, err := a.s.keysets.id(a.tx, e.Keys)
	if err != nil {
		return nil, err
	}
	row := a.entity(e)
	next := claimRow{row.id, keyset, e.Searching, joinRefs(e.Refs), string(e.Body)}
	prev, existed := a.before[k]
	if existed && prev == next {
		return nil, nil
	}
	if existed {
		a.leave(prev)
	}
	a.after[k] = next
	row.claims++
	row.touched = true
	return []any{a.integration(), a.reading, a.batch.Parent, k.item, k.resource, k.n,
		row.id, keyset, bit(e.Searching), prose(next.refs), prose(next.body)}, nil
}

// leave takes a claim that was off its entity. Where a process was killed before it recorded what
// Port took, Port may have the keys of that claim: whatever is sent next must speak of them.
func (a *applying) leave(c claimRow) {
	e := a.byID[c.entity]
	e.claims--
	e.touched = true
	if e.unanswered {
		e.left = append(e.left, c.keyset)
	}
}

// dropFrom removes the claims of an item and resource from the k.n-th on.
func (a *applying) dropFrom(k claimKey) error {
	if _, ok := a.before[k]; !ok {
		return nil
	}
	for ; ; k.n++ {
		c, ok := a.before[k]
		if !ok {
			break
		}
		a.leave(c)
		delete(a.after, k)
		if err := a.exec(`DELETE FROM claim WHERE integration = ? AND reading = ? AND parent = ? AND item = ? AND resource = ? AND n = ?`,
			a.integration(), a.reading, a.batch.Parent, k.item, k.resource, k.n); err != nil {
			return err
		}
	}
	return nil
}

// joinRefs puts refs one a line. Those that are empty or hold a line break are left out: no
// identifier that Port takes is like that, so there is nothing they could relate to.
func joinRefs(refs []string) string {
	usable := slices.DeleteFunc(slices.Clone(refs), func(ref string) bool {
		return ref == "" || strings.Contains(ref, "\n")
	})
	return strings.Join(usable, "\n")
}
