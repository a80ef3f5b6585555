package catalog

import (
	"slices"
	"strings"
)

// What an event tells of an issue it tells of its parent too, where that shows it. Where there was no
// event, because nobody heard it, only what was changed itself is found; its parent is not, since the
// field that lists its sub-tasks changes without the parent's having been updated. So when a read finds
// more than events have told of, what the item came to relate to, or ceased to, is read again: it may
// relate to the item.

// untold tells whether there may be more to an item than events have told: nobody told of it, or it was
// updated later than an event showed it, if any did.
func untold(item Item, d Dirty) bool {
	return d.Priority == Later || d.Priority == Live && item.Updated > d.Expect
}

// target is what a claim relates to. What relates to one another is of one blueprint.
type target struct{ blueprint, identifier string }

// dirtyRelated makes dirty the items of what untold items came to relate to, or ceased to, but for
// those of this very read.
func (a *applying) dirtyRelated() error {
	rows := map[string]Dirty{}
	for _, d := range a.batch.Taken {
		rows[d.ID] = d
	}
	look := map[string]bool{}
	for _, item := range a.items {
		if d, asked := rows[item.ID]; asked && untold(item, d) {
			look[item.ID] = true
		}
	}
	if len(look) == 0 {
		return nil
	}
	found := itemsAt{}
	for blueprint, identifiers := range differing(a.targets(a.before, look), a.targets(a.after, look)) {
		err := queryIn(a.tx, `
			SELECT c.reading, c.parent, c.item FROM entity AS e
			JOIN claim AS c ON c.entity = e.id
			WHERE e.integration = ? AND e.blueprint = ? AND e.identifier IN (%s)`,
			[]any{a.integration(), blueprint}, identifiers, found.scan)
		if err != nil {
			return err
		}
	}
	mine := whereabouts{a.reading, a.batch.Parent}
	for _, item := range a.items {
		found[mine] = slices.DeleteFunc(found[mine], func(id string) bool { return id == item.ID })
	}
	return a.touchAll(found)
}

// targets are what the claims of each item relate to.
func (a *applying) targets(claims map[claimKey]claimRow, look map[string]bool) map[string]map[target]bool {
	all := map[string]map[target]bool{}
	for k, c := range claims {
		if !look[k.item] || c.refs == "" {
			continue
		}
		if all[k.item] == nil {
			all[k.item] = map[target]bool{}
		}
		for ref := range strings.SplitSeq(c.refs, "\n") {
			all[k.item][target{a.byID[c.entity].blueprint, ref}] = true
		}
	}
	return all
}

// differing are the targets that an item has in one of the two and not in the other, by blueprint.
func differing(before, after map[string]map[target]bool) map[string][]string {
	list := map[string][]string{}
	for _, pair := range [][2]map[string]map[target]bool{{before, after}, {after, before}} {
		for item, targets := range pair[0] {
			for t := range targets {
				if !pair[1][item][t] {
					list[t.blueprint] = append(list[t.blueprint], t.identifier)
				}
			}
		}
	}
	for blueprint := range list {
		slices.Sort(list[blueprint])
		list[blueprint] = slices.Compact(list[blueprint])
	}
	return list
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
