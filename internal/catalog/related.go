package catalog

import (
	"slices"
	"strings"
)

// What an event tells of an issue it tells of its parent too, where that shows it. Where there was no
// event, because nobody heard it, only what was changed itself is found; its parent is not, since the
// field that lists its sub-tasks changes without the parent's having been updated. So when a read finds
// more than events have told of, and that the item came to relate to something, or ceased to, that is
// read again: it may relate to the item. And so is what relates to the item already: it may have been
// read when the item was elsewhere, where no read of the item itself has seen it.

// untold tells whether there may be more to an item than events have told: nobody told of it, or it was
// updated later than an event showed it, if any did.
func untold(item Item, d Dirty) bool {
	return d.Priority == Later || d.Priority == Live && item.Updated > d.Expect
}

// target is what a claim relates to. What relates to one another is of one blueprint.
type target struct{ blueprint, identifier string }

type targetSet map[target]bool

// byBlueprint are the identifiers of each blueprint, in order.
func (s targetSet) byBlueprint() map[string][]string {
	lists := map[string][]string{}
	for t := range s {
		lists[t.blueprint] = append(lists[t.blueprint], t.identifier)
	}
	for _, list := range lists {
		slices.Sort(list)
	}
	return lists
}

func (a *applying) untold() map[string]bool {
	rows := map[string]Dirty{}
	for _, d := range a.batch.Taken {
		rows[d.ID] = d
	}
	items := map[string]bool{}
	for _, item := range a.items {
		if d, asked := rows[item.ID]; asked && untold(item, d) {
			items[item.ID] = true
		}
	}
	return items
}

// dirtyRelated makes dirty the items of what untold items came to relate to, or ceased to, and of what
// relates to such items, but for those of this very read.
func (a *applying) dirtyRelated() error {
	look := a.untold()
	if len(look) == 0 {
		return nil
	}
	others, moved := differing(a.targets(a.before, look), a.targets(a.after, look))
	found := itemsAt{}
	if err := a.findItems(found, `
		SELECT c.reading, c.parent, c.item FROM entity AS e
		JOIN claim AS c ON c.entity = e.id
		WHERE e.integration = ? AND e.blueprint = ? AND e.identifier IN (%s)`, others); err != nil {
		return err
	}
	if err := a.findItems(found, `
		SELECT c.reading, c.parent, c.item FROM ref AS r
		JOIN entity AS e ON e.id = r.entity
		JOIN claim AS c ON c.entity = r.entity
		WHERE r.integration = ? AND e.blueprint = ? AND r.target IN (%s)`, a.identifiers(moved)); err != nil {
		return err
	}
	mine := whereabouts{a.reading, a.batch.Parent}
	for _, item := range a.items {
		found[mine] = slices.DeleteFunc(found[mine], func(id string) bool { return id == item.ID })
	}
	return a.touchAll(found)
}

// findItems adds to found the items that a query gives for identifiers, by blueprint.
func (a *applying) findItems(found itemsAt, query string, identifiers targetSet) error {
	for blueprint, list := range identifiers.byBlueprint() {
		if err := queryIn(a.tx, query, []any{a.integration(), blueprint}, list, found.scan); err != nil {
			return err
		}
	}
	return nil
}

// identifiers are those of what the items claim, or claimed.
func (a *applying) identifiers(items map[string]bool) targetSet {
	set := targetSet{}
	for _, claims := range []map[claimKey]claimRow{a.before, a.after} {
		for k, c := range claims {
			if e := a.byID[c.entity]; items[k.item] {
				set[target{e.blueprint, e.identifier}] = true
			}
		}
	}
	return set
}

// targets are what the claims of each item relate to.
func (a *applying) targets(claims map[claimKey]claimRow, look map[string]bool) map[string]targetSet {
	all := map[string]targetSet{}
	for k, c := range claims {
		if !look[k.item] || c.refs == "" {
			continue
		}
		if all[k.item] == nil {
			all[k.item] = targetSet{}
		}
		for ref := range strings.SplitSeq(c.refs, "\n") {
			all[k.item][target{a.byID[c.entity].blueprint, ref}] = true
		}
	}
	return all
}

// differing are the targets that an item has in one of the two and not in the other, and those items.
func differing(before, after map[string]targetSet) (targets targetSet, items map[string]bool) {
	targets, items = targetSet{}, map[string]bool{}
	for _, pair := range [][2]map[string]targetSet{{before, after}, {after, before}} {
		for item, has := range pair[0] {
			for t := range has {
				if !pair[1][item][t] {
					targets[t], items[item] = true, true
				}
			}
		}
	}
	return targets, items
}

// itemsAt are ids of items, by where they are.
type itemsAt map[whereabouts][]string

type whereabouts struct {
	reading int64
	parent  string
}

// scan adds an item that was queried.
func (i itemsAt) scan(scan func(...any) error) error {
	var at whereabouts
	var id string
	err := scan(&at.reading, &at.parent, &id)
	i[at] = append(i[at], id)
	return err
}

// touchAll makes items dirty, each once.
func (t *tx) touchAll(items itemsAt) error {
	for at, ids := range items {
		if err := t.touch(at.reading, at.parent, ids); err != nil {
			return err
		}
	}
	return nil
}
