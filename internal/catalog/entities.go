package catalog

import (
	"maps"
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
	for _, e := range a.order {
		if !e.touched {
			continue
		}
		a.done.Changes = append(a.done.Changes, Change{e.verb(), e.blueprint, e.identifier})
		searching := flag(sums[e.id].searching)
		if e.isNew {
			values = append(values, e.id, a.s.integration, e.blueprint, e.identifier, flag(e.search), searching,
				a.reading, e.claims, 1, a.batch.Run, a.batch.Run)
			continue
		}
		if err := a.exec(`UPDATE entity SET version = version + 1, changed = ?, claims = ?, searching = ? WHERE id = ?`,
			a.batch.Run, e.claims, searching, e.id); err != nil {
			return err
		}
	}
	if err := a.insert(`INSERT INTO entity (id, integration, blueprint, identifier, search, searching, reading, claims, version, born, changed)`,
		11, ``, values); err != nil {
		return err
	}
	return a.writeRefs(sums)
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

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sum is what an entity's claims say together.
type sum struct {
	searching        bool
	oldRefs, newRefs map[string]bool
	known            int // of the claims it had, those of this batch's items
}

// sums adds up the claims of the touched entities. Where an entity has claims of items that
// are not in this batch they are asked for; they are the same before and after.
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
			s.oldRefs = addLines(s.oldRefs, c.refs)
		}
	}
	for _, c := range a.after {
		if s := sums[c.entity]; s != nil {
			s.newRefs = addLines(s.newRefs, c.refs)
			s.searching = s.searching || c.searching
		}
	}
	return sums, a.addOthers(sums)
}

func (a *applying) addOthers(sums map[int64]*sum) error {
	var shared []int64
	for _, e := range a.order {
		if e.touched && e.before > sums[e.id].known {
			shared = append(shared, e.id)
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
			s := sums[entity]
			s.searching = s.searching || searching
			s.oldRefs, s.newRefs = addLines(s.oldRefs, refs), addLines(s.newRefs, refs)
			return nil
		})
}

func addLines(set map[string]bool, lines string) map[string]bool {
	if lines == "" {
		return set
	}
	if set == nil {
		set = map[string]bool{}
	}
	for line := range strings.SplitSeq(lines, "\n") {
		set[line] = true
	}
	return set
}

func (a *applying) writeRefs(sums map[int64]*sum) error {
	var values []any
	for _, e := range a.order {
		s := sums[e.id]
		if s == nil || maps.Equal(s.oldRefs, s.newRefs) {
			continue
		}
		for target := range s.oldRefs {
			if s.newRefs[target] {
				continue
			}
			if err := a.exec(`DELETE FROM ref WHERE integration = ? AND target = ? AND entity = ?`, a.s.integration, target, e.id); err != nil {
				return err
			}
		}
		for target := range s.newRefs {
			if !s.oldRefs[target] {
				values = append(values, a.s.integration, target, e.id)
			}
		}
	}
	return a.insert(`INSERT INTO ref (integration, target, entity)`, 3, `ON CONFLICT (integration, target, entity) DO NOTHING`, values)
}
