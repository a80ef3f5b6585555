package catalog

import (
	"slices"
	"strings"
)

// What an event tells of an issue it tells of its parent too, where that shows it. Where nobody heard the
// event, only what was changed itself is found; its parent is not, since the field that lists its sub-tasks
// changes without the parent's having been updated. So when a read that something asked for finds that an
// item came to relate to another, or ceased to, that one is read again: it may relate to the item. And so is
// what relates to such an item, and not the other way round: it may have been read when the item was
// elsewhere, where no read of the item itself has seen it.

// mostReferrers is how many may relate to an item for them to be read again. What more relate to is no
// sub-task but an epic, whose children show it in a field of their own.
const mostReferrers = 100

// target is what a claim relates to. What relates to one another is of one blueprint.
type target struct{ blueprint, identifier string }

type targetSet map[target]bool

// dirtyRelated makes dirty the items of what asked items came to relate to, or ceased to, and of what
// relates to such items, but for those of this very read.
func (a *applying) dirtyRelated() error {
	asked := a.asked()
	if len(asked) == 0 {
		return nil
	}
	before, after := a.targets(a.before, asked), a.targets(a.after, asked)
	differ := map[string]targetSet{}
	for id := range asked {
		if d := differing(before[id], after[id]); len(d) > 0 {
			differ[id] = d
		}
	}
	found := itemsAt{}
	there, err := a.findTargets(found, differ)
	if err != nil {
		return err
	}
	if err := a.findReferrers(found, a.movedAmongOthers(asked, differ, after, there)); err != nil {
		return err
	}
	mine := whereabouts{a.reading, a.batch.Parent}
	here := map[string]bool{}
	for _, item := range a.items {
		here[item.ID] = true
	}
	found[mine] = slices.DeleteFunc(found[mine], func(id string) bool { return here[id] })
	return a.touchAll(found)
}

// asked are the items of which something was said, or a catch-up found that they have changed. What a
// listing asks for is not among them: it asks for all.
func (a *applying) asked() map[string]bool {
	rows := map[string]bool{}
	for _, d := range a.batch.Taken {
		rows[d.ID] = d.Priority != Scan
	}
	items := map[string]bool{}
	for _, item := range a.items {
		if rows[item.ID] {
			items[item.ID] = true
		}
	}
	return items
}

// findTargets adds to found the items of the targets, and gives those of the targets that are there.
func (a *applying) findTargets(found itemsAt, differ map[string]targetSet) (there targetSet, err error) {
	there = targetSet{}
	lists := map[string][]string{}
	for _, targets := range differ {
		for t := range targets {
			lists[t.blueprint] = append(lists[t.blueprint], t.identifier)
		}
	}
	for blueprint, list := range lists {
		slices.Sort(list)
		err := queryIn(a.tx, `
			SELECT c.reading, c.parent, c.item, e.identifier FROM entity AS e
			JOIN claim AS c ON c.entity = e.id
			WHERE e.integration = ? AND e.blueprint = ? AND e.identifier IN (%s)`, []any{a.integration(), blueprint}, slices.Compact(list),
			func(scan func(...any) error) error {
				var identifier string
				err := found.scanWith(scan, &identifier)
				there[target{blueprint, identifier}] = true
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

// findReferrers adds to found the items of what relates to one of the identifiers, and is not among what
// that is given with.
func (a *applying) findReferrers(found itemsAt, moved map[target]targetSet) error {
	few, err := a.withFewReferrers(moved)
	if err != nil {
		return err
	}
	for blueprint, list := range few {
		err := queryIn(a.tx, `
			SELECT c.reading, c.parent, c.item, r.target, e.identifier FROM ref AS r
			JOIN entity AS e ON e.id = r.entity
			JOIN claim AS c ON c.entity = r.entity
			WHERE r.integration = ? AND e.blueprint = ? AND r.target IN (%s)`, []any{a.integration(), blueprint}, list,
			func(scan func(...any) error) error {
				var to, from string
				one := itemsAt{}
				err := one.scanWith(scan, &to, &from)
				if !moved[target{blueprint, to}][target{blueprint, from}] {
					found.add(one)
				}
				return err
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// withFewReferrers are the identifiers to which something relates, but not too much, by blueprint.
func (a *applying) withFewReferrers(moved map[target]targetSet) (few map[string][]string, err error) {
	var list []string
	for t := range moved {
		list = append(list, t.identifier)
	}
	slices.Sort(list)
	referrers := map[string]int{}
	err = queryIn(a.tx, `SELECT target, COUNT(entity) FROM ref WHERE integration = ? AND target IN (%s) GROUP BY target`,
		[]any{a.integration()}, slices.Compact(list), func(scan func(...any) error) error {
			var identifier string
			var n int
			err := scan(&identifier, &n)
			referrers[identifier] = n
			return err
		})
	few = map[string][]string{}
	for t := range moved {
		if n := referrers[t.identifier]; n > 0 && n <= mostReferrers {
			few[t.blueprint] = append(few[t.blueprint], t.identifier)
		}
	}
	return few, err
}

// movedAmongOthers are the identifiers of items that are new here, or of which a relation to what is there
// differs, each with what all its items relate to.
func (a *applying) movedAmongOthers(asked map[string]bool, differ, relates map[string]targetSet, there targetSet) map[target]targetSet {
	known := map[string]bool{}
	for k := range a.before {
		known[k.item] = true
	}
	moved := map[target]targetSet{}
	for id, identifiers := range a.identifiers(asked) {
		if known[id] && len(common(differ[id], there)) == 0 {
			continue
		}
		for t := range identifiers {
			if other, shared := moved[t]; shared {
				moved[t] = common(other, relates[id])
			} else {
				moved[t] = relates[id]
			}
		}
	}
	return moved
}

// identifiers are those of what each item claims, or claimed.
func (a *applying) identifiers(items map[string]bool) map[string]targetSet {
	all := map[string]targetSet{}
	for _, claims := range []map[claimKey]claimRow{a.before, a.after} {
		for k, c := range claims {
			if e := a.byID[c.entity]; items[k.item] {
				all[k.item] = all[k.item].with(target{e.blueprint, e.identifier})
			}
		}
	}
	return all
}

// targets are what the claims of each item relate to.
func (a *applying) targets(claims map[claimKey]claimRow, items map[string]bool) map[string]targetSet {
	all := map[string]targetSet{}
	for k, c := range claims {
		if !items[k.item] || c.refs == "" {
			continue
		}
		for ref := range strings.SplitSeq(c.refs, "\n") {
			all[k.item] = all[k.item].with(target{a.byID[c.entity].blueprint, ref})
		}
	}
	return all
}

func (s targetSet) with(t target) targetSet {
	if s == nil {
		s = targetSet{}
	}
	s[t] = true
	return s
}

// differing are the targets in one of the two and not in the other.
func differing(a, b targetSet) targetSet {
	differ := targetSet{}
	for _, pair := range [][2]targetSet{{a, b}, {b, a}} {
		for t := range pair[0] {
			if !pair[1][t] {
				differ[t] = true
			}
		}
	}
	return differ
}

// common are the targets in both.
func common(a, b targetSet) targetSet {
	both := targetSet{}
	for t := range a {
		if b[t] {
			both[t] = true
		}
	}
	return both
}

// itemsAt are ids of items, by where they are.
type itemsAt map[whereabouts][]string

type whereabouts struct {
	reading int64
	parent  string
}

// scan adds an item that was queried.
func (i itemsAt) scan(scan func(...any) error) error { return i.scanWith(scan) }

// scanWith adds an item that was queried together with more.
func (i itemsAt) scanWith(scan func(...any) error, more ...any) error {
	var at whereabouts
	var id string
	err := scan(append([]any{&at.reading, &at.parent, &id}, more...)...)
	i[at] = append(i[at], id)
	return err
}

func (i itemsAt) add(other itemsAt) {
	for at, ids := range other {
		i[at] = append(i[at], ids...)
	}
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
