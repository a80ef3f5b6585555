package catalog

import "slices"

// What an event tells of an issue it tells of its parent too, where that shows it. Where there was no
// event, because nobody heard it, only what was changed itself is found; its parent is not, since the
// field that lists its sub-tasks changes without the parent's having been updated. So when a read that
// no event asked for finds that an entity relates to another one or does so no more, that one is read
// again: it may relate to this one.

// noteRelated notes what the claims of these items let an entity relate to that they did not before,
// or the other way round.
func (a *applying) noteRelated(e *entityRow, s *sum) {
	if !slices.ContainsFunc(a.batch.Taken, func(d Dirty) bool { return d.Priority == Later }) {
		return
	}
	if a.related == nil {
		a.related = map[string][]string{}
	}
	a.related[e.blueprint] = slices.Concat(a.related[e.blueprint], missing(s.before.refs, s.after.refs), missing(s.after.refs, s.before.refs))
}

// dirtyRelated makes dirty the items of what was noted, but for those of this very read.
func (a *applying) dirtyRelated() error {
	found := itemsAt{}
	for blueprint, identifiers := range a.related {
		slices.Sort(identifiers)
		err := queryIn(a.tx, `
			SELECT c.reading, c.parent, c.item FROM entity AS e
			JOIN claim AS c ON c.entity = e.id
			WHERE e.integration = ? AND e.blueprint = ? AND e.identifier IN (%s)`,
			[]any{a.integration(), blueprint}, slices.Compact(identifiers), found.scan)
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
