package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// writeEntities makes the rows of the entities that are new, changed or no longer claimed, and
// their refs.
func (a *applying) writeEntities() error {
	sums, err := a.sums()
	if err != nil {
		return err
	}
	var values []any
	updates := map[entityUpdate][]int64{}
	for _, e := range a.order {
		if !e.touched {
			continue
		}
		a.done.Changes = append(a.done.Changes, Change{e.verb(), e.blueprint, e.identifier})
		searching := sums[e.id].after.searching
		if !e.isNew {
			u := entityUpdate{e.claims, searching}
			updates[u] = append(updates[u], e.id)
			continue
		}
		values = append(values, e.id, a.integration(), e.blueprint, e.identifier, bit(e.search), bit(searching),
			a.reading, e.claims, 1, a.batch.Run, a.batch.Run, a.told(), bit(a.batch.Live))
	}
	for u, ids := range updates {
		if err := execIn(a.tx, `UPDATE entity SET version = version + 1, changed = ?, claims = ?, searching = ?,
			since = CASE WHEN since = 0 THEN ? ELSE since END, live = CASE WHEN ? = 1 THEN 1 ELSE live END WHERE id IN (%s)`,
			[]any{a.batch.Run, u.claims, bit(u.searching), a.told(), bit(a.batch.Live)}, ids); err != nil {
			return err
		}
	}
	if err := a.insert(`INSERT INTO entity (id, integration, blueprint, identifier, search, searching, reading, claims, version, born, changed, since, live)`,
		13, ``, values); err != nil {
		return err
	}
	if err := a.oweKeys(); err != nil {
		return err
	}
	return a.writeRefs(sums)
}

// oweKeys adds the keys of claims that left to those of which the next delivery must speak.
func (a *applying) oweKeys() error {
	for _, e := range a.order {
		if len(e.left) == 0 {
			continue
		}
		sets := make([]string, 0, len(e.left)+1)
		for _, id := range append(e.left, e.keyset) {
			keys, err := a.s.keysets.text(a.tx, id)
			if err != nil {
				return err
			}
			sets = append(sets, keys)
		}
		if err := a.owe(e.id, UnionKeys(sets...)); err != nil {
			return err
		}
	}
	return nil
}

// told is when Jira first told of what the batch was read for, or now.
func (a *applying) told() int64 {
	at := now()
	for _, d := range a.batch.Taken {
		if d.Told > 0 {
			at = min(at, d.Told)
		}
	}
	return at
}

// entityUpdate is what is written to many entities alike; most have one claim.
type entityUpdate struct {
	claims    int
	searching bool
}

func (e *entityRow) verb() Verb {
	switch {
	case e.claims == 0:
		return Went
	case e.before == 0:
		return Made
	}
	return Changed
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sum is what this batch's claims of an entity said before, and say now.
type sum struct {
	before, after side
	known         int // of the claims it had, those of this batch's items
}

type side struct {
	searching bool
	refs      map[string]bool
}

func (s *side) add(searching bool, refs string) {
	s.searching = s.searching || searching
	if refs == "" {
		return
	}
	if s.refs == nil {
		s.refs = map[string]bool{}
	}
	for ref := range strings.SplitSeq(refs, "\n") {
		s.refs[ref] = true
	}
}

// lost says whether something was said before that is not said now.
func (s *sum) lost() bool {
	return s.before.searching && !s.after.searching || len(missing(s.before.refs, s.after.refs)) > 0
}

// missing are those of refs that are not among others, in order.
func missing(refs, others map[string]bool) []string {
	var list []string
	for ref := range refs {
		if !others[ref] {
			list = append(list, ref)
		}
	}
	slices.Sort(list)
	return list
}

// sums adds up what the batch's claims of the touched entities say. An entity may have claims
// of items that are not in this batch, a hundred thousand if it is shared by all issues: they
// are read only where something was lost that one of them may still say.
func (a *applying) sums() (map[int64]*sum, error) {
	sums := map[int64]*sum{}
	for _, e := range a.order {
		if e.touched {
			sums[e.id] = &sum{}
		}
	}
	for _, c := range a.before {
		if s := sums[c.entity]; s != nil {
			s.known++
			s.before.add(c.searching, c.refs)
		}
	}
	for _, c := range a.after {
		if s := sums[c.entity]; s != nil {
			s.after.add(c.searching, c.refs)
		}
	}
	return sums, a.addOthers(sums)
}

func (a *applying) addOthers(sums map[int64]*sum) error {
	var shared []int64
	for _, e := range a.order {
		s := sums[e.id]
		if s == nil || e.before == s.known {
			continue
		}
		if s.lost() {
			shared = append(shared, e.id)
		} else if !s.before.searching {
			s.after.searching = s.after.searching || e.searching // the others said it
		}
	}
	return queryIn(a.tx, `SELECT entity, reading, parent, item, resource, n, searching, refs FROM claim WHERE entity IN (%s)`,
		nil, shared, func(scan func(...any) error) error {
			var entity, reading int64
			var parent, refs string
			var k claimKey
			var searching bool
			if err := scan(&entity, &reading, &parent, &k.item, &k.resource, &k.n, &searching, &refs); err != nil {
				return err
			}
			if _, mine := a.after[k]; mine && reading == a.reading && parent == a.batch.Parent {
				return nil
			}
			sums[entity].after.add(searching, refs)
			return nil
		})
}

func (a *applying) writeRefs(sums map[int64]*sum) error {
	var added []refRow
	for _, e := range a.order {
		s := sums[e.id]
		if s == nil {
			continue
		}
		if err := execIn(a.tx, `DELETE FROM ref WHERE integration = ? AND entity = ? AND target IN (%s)`,
			[]any{a.integration(), e.id}, missing(s.before.refs, s.after.refs)); err != nil {
			return err
		}
		for _, target := range missing(s.after.refs, s.before.refs) {
			added = append(added, refRow{target, e.id})
		}
	}
	return a.addRefs(added)
}

type refRow struct {
	target string
	entity int64
}

// addRefs writes rows in the order of their key, so that neighbours land on one page.
func (a *applying) addRefs(rows []refRow) error {
	slices.SortFunc(rows, func(x, y refRow) int {
		return cmp.Or(strings.Compare(x.target, y.target), cmp.Compare(x.entity, y.entity))
	})
	values := make([]any, 0, len(rows)*3)
	for _, r := range rows {
		values = append(values, a.integration(), r.target, r.entity)
	}
	return a.insert(`INSERT INTO ref (integration, target, entity)`, 3, `ON CONFLICT (integration, target, entity) DO NOTHING`, values)
}
