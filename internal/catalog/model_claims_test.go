package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
)

func (w *world) claim(k itemKey, item Item) {
	if item.Gone {
		delete(w.claims, k)
		return
	}
	if w.claims[k] == nil {
		w.claims[k] = map[int][]Entity{}
	}
	for _, c := range item.Claims {
		w.claims[k][c.Resource] = c.Entities
	}
}

// takesAway tells whether an entity that the item makes would not be made by what is said of it.
func (w *world) takesAway(k itemKey, item Item) bool {
	named, heard := map[entityKey]bool{}, map[int]bool{}
	for _, c := range item.Claims {
		heard[c.Resource] = true
		for _, e := range c.Entities {
			named[entityKey{e.Blueprint, e.Identifier}] = !item.Gone
		}
	}
	for resource, entities := range w.claims[k] {
		for _, e := range entities {
			if (item.Gone || heard[resource]) && !named[entityKey{e.Blueprint, e.Identifier}] {
				return true
			}
		}
	}
	return false
}

// changes are what became of the entities since before; the items of those that relate to one
// that went become dirty.
func (w *world) changes(before map[entityKey]modelEntity) []Change {
	var changes []Change
	after := w.entities()
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for k := range keys {
		was, is := before[k], after[k]
		if slices.EqualFunc(was.claims, is.claims, func(a, b modelClaim) bool { return gocmp.Equal(a, b, itemKeys) }) {
			continue
		}
		verb := Changed
		switch {
		case len(is.claims) == 0:
			verb = Went
		case len(was.claims) == 0:
			verb = Made
		}
		changes = append(changes, Change{verb, k.blueprint, k.identifier})
	}
	var referrers []itemKey
	for _, c := range changes {
		if c.Verb != Went {
			continue
		}
		for _, e := range after {
			if e.refs[c.Identifier] {
				for _, claim := range e.claims {
					referrers = append(referrers, claim.Item)
				}
			}
		}
	}
	for k := range setOf(referrers) {
		w.touched(k)
	}
	return changes
}

// relatedTouched: what asked items came to relate to, or ceased to, becomes dirty, unless this read spoke of
// it. So does what relates to them and they not to it, if they are new or came or ceased to relate to what
// is there.
func (w *world) relatedTouched(b Batch, items []Item, before map[entityKey]modelEntity, spoke map[string]bool) {
	after := w.entities()
	related := map[itemKey]bool{}
	for _, item := range items {
		asked := slices.ContainsFunc(b.Taken, func(d Dirty) bool { return d.ID == item.ID && d.Priority != Scan })
		if !spoke[item.ID] || !asked {
			continue
		}
		k := itemKey{reading: b.Reading, id: item.ID}
		was, is := targetsOf(before, k), targetsOf(after, k)
		moved := len(madeOf(before, k)) == 0
		for t := range mapsTogether(was, is) {
			if was[t] == is[t] {
				continue
			}
			for _, claim := range after[t].claims {
				related[claim.Item], moved = true, true
			}
		}
		if moved {
			maps.Copy(related, referrersTo(after, is, madeOf(before, k), madeOf(after, k)))
		}
	}
	for k := range related {
		if k.reading != b.Reading || !spoke[k.id] {
			w.touched(k)
		}
	}
}

func mapsTogether[K comparable](a, b map[K]bool) map[K]bool {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// targetsOf are what an item's claims relate to, each within its blueprint.
func targetsOf(entities map[entityKey]modelEntity, item itemKey) map[entityKey]bool {
	targets := map[entityKey]bool{}
	for k, e := range entities {
		for _, c := range e.claims {
			for _, ref := range c.Entity.Refs {
				if c.Item == item {
					targets[entityKey{k.blueprint, ref}] = true
				}
			}
		}
	}
	return targets
}

// madeOf are the entities that an item claims.
func madeOf(entities map[entityKey]modelEntity, item itemKey) []entityKey {
	var list []entityKey
	for k, e := range entities {
		if slices.ContainsFunc(e.claims, func(c modelClaim) bool { return c.Item == item }) {
			list = append(list, k)
		}
	}
	return list
}

// referrersTo are the items of what relates to one of some, within its blueprint, but for what they relate to.
func referrersTo(entities map[entityKey]modelEntity, but map[entityKey]bool, some ...[]entityKey) map[itemKey]bool {
	referrers := map[itemKey]bool{}
	for _, of := range slices.Concat(some...) {
		for k, e := range entities {
			if k.blueprint != of.blueprint || !e.refs[of.identifier] || but[k] {
				continue
			}
			for _, c := range e.claims {
				referrers[c.Item] = true
			}
		}
	}
	return referrers
}

var itemKeys = gocmp.AllowUnexported(itemKey{})

func setOf[T comparable](list []T) map[T]bool {
	set := map[T]bool{}
	for _, x := range list {
		set[x] = true
	}
	return set
}

type modelEntity struct {
	claims []modelClaim
	refs   map[string]bool
}

type modelClaim struct {
	Item        itemKey
	Resource, N int
	Entity      Entity
}

// entities are the claims of all items, put together.
func (w *world) entities() map[entityKey]modelEntity {
	all := map[entityKey]modelEntity{}
	for item, resources := range w.claims {
		for resource, entities := range resources {
			for n, e := range entities {
				k := entityKey{e.Blueprint, e.Identifier}
				x := all[k]
				if x.refs == nil {
					x.refs = map[string]bool{}
				}
				x.claims = append(x.claims, modelClaim{item, resource, n, e})
				for _, ref := range e.Refs {
					x.refs[ref] = true
				}
				all[k] = x
			}
		}
	}
	for _, x := range all {
		slices.SortFunc(x.claims, func(a, b modelClaim) int {
			return cmp.Or(a.Resource-b.Resource, w.readings[a.Item.reading]-w.readings[b.Item.reading],
				strings.Compare(a.Item.id, b.Item.id), a.N-b.N)
		})
	}
	return all
}

func (e modelEntity) bodies() (bodies []string) {
	for _, c := range e.claims {
		bodies = append(bodies, string(c.Entity.Body))
	}
	return bodies
}

// fold puts bodies of the form key=value together, the later over the earlier.
func fold(bodies []string) string {
	set := map[string]string{}
	for _, b := range bodies {
		k, v, _ := strings.Cut(b, "=")
		set[k] = v
	}
	return fmt.Sprint(set)
}
