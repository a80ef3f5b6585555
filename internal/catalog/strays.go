package catalog

import "context"

// Strays are items with claims of resources that the mapping has no more, in the order of their
// ids, after the id given.
func (s *Store) Strays(ctx context.Context, reading, parent, after string, limit int) ([]string, error) {
	var ids []string
	err := s.read(ctx, `
		SELECT DISTINCT c.item FROM claim AS c
		JOIN reading AS r ON r.integration = c.integration AND r.id = c.reading
		WHERE c.integration = ? AND r.name = ? AND c.parent = ? AND c.item > ? AND c.resource < 0
		ORDER BY c.item LIMIT ?`, []any{s.integration, reading, parent, after, limit}, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, wrap("look for claims of resources that are gone", err)
}

// NotInherited are items on which other resources than those given hold claims in the reading
// former, and which the reading current has not read in the run; in the order of their ids, after
// the id given.
func (s *Store) NotInherited(ctx context.Context, former string, resources []int, current string, run int64, after string, limit int) ([]string, error) {
	args := []any{s.integration, former, after}
	others := ""
	if len(resources) > 0 {
		others = `AND c.resource NOT IN (` + placeholders(len(resources)) + `)`
	}
	for _, r := range resources {
		args = append(args, r)
	}
	var ids []string
	err := s.read(ctx, `
		SELECT DISTINCT c.item FROM claim AS c
		JOIN reading AS r ON r.integration = c.integration AND r.id = c.reading
		WHERE c.integration = ? AND r.name = ? AND c.item > ? `+others+` AND NOT EXISTS (
			SELECT 1 FROM item AS i JOIN reading AS j ON j.integration = i.integration AND j.id = i.reading
			WHERE i.integration = c.integration AND j.name = ? AND i.parent = c.parent AND i.id = c.item AND i.run = ?)
		ORDER BY c.item LIMIT ?`, append(args, current, run, limit), func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, wrap("look for items that were not read", err)
}

// Readings are the names of all readings that the store has rows of.
func (s *Store) Readings(ctx context.Context) ([]string, error) {
	var names []string
	err := s.read(ctx, `SELECT name FROM reading WHERE integration = ? ORDER BY id`, []any{s.integration}, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, wrap("list the readings", err)
}

// DropReading drops a reading that the mapping needs no more: its items, their claims, and the
// entities nothing else claims.
func (s *Store) DropReading(ctx context.Context, run int64, reading string) error {
	return wrap("drop a reading", s.dropWhole(ctx, reading, func(t *tx, id int64) (bool, error) {
		return t.dropSome(run, id)
	}))
}

// DropOthers drops the claims on items of a reading that are not of the resources given, and the
// entities nothing else claims.
func (s *Store) DropOthers(ctx context.Context, run int64, reading string, resources []int) error {
	return wrap("drop what other resources claimed", s.dropWhole(ctx, reading, func(t *tx, id int64) (bool, error) {
		return t.dropOthers(run, id, resources)
	}))
}

// dropWhole drops some of a reading in each transaction, until there is nothing left to drop.
func (s *Store) dropWhole(ctx context.Context, reading string, some func(t *tx, id int64) (dropped bool, err error)) error {
	for dropped := true; dropped; {
		err := s.write(ctx, func(t *tx) error {
			id, err := s.readings.id(t, reading)
			if err == nil {
				dropped, err = some(t, id)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.changed.set()
	}
	return nil
}

// dropOthers drops some of the claims, and says whether there were any.
func (t *tx) dropOthers(run, reading int64, resources []int) (bool, error) {
	args := []any{t.integration(), reading}
	for _, r := range resources {
		args = append(args, r)
	}
	type place struct{ parent, item string }
	others := map[place][]Claim{}
	err := t.query(`
		SELECT parent, item, resource FROM claim
		WHERE integration = ? AND reading = ? AND n = 0 AND resource NOT IN (`+placeholders(len(resources))+`) LIMIT 500`, args,
		func(scan func(...any) error) error {
			var p place
			var resource int
			err := scan(&p.parent, &p.item, &resource)
			others[p] = append(others[p], Claim{Resource: resource})
			return err
		})
	if err != nil {
		return false, err
	}
	byParent := map[string][]Item{}
	for p, claims := range others {
		byParent[p.parent] = append(byParent[p.parent], Item{ID: p.item, Claims: claims})
	}
	for parent, items := range byParent {
		a := &applying{tx: t, reading: reading, batch: Batch{Number: t.s.NextRead(), Run: run, Parent: parent}, items: items}
		if err := a.apply(); err != nil {
			return false, err
		}
	}
	return len(others) > 0, nil
}

// dropSome drops some items of a reading, and says whether there were any.
func (t *tx) dropSome(run, reading int64) (bool, error) {
	byParent := map[string][]Item{}
	err := t.query(`SELECT parent, id FROM item WHERE integration = ? AND reading = ? LIMIT 500`, []any{t.integration(), reading},
		func(scan func(...any) error) error {
			var parent, id string
			err := scan(&parent, &id)
			byParent[parent] = append(byParent[parent], Item{ID: id, Gone: true})
			return err
		})
	if err != nil {
		return false, err
	}
	for parent, items := range byParent {
		a := &applying{tx: t, reading: reading, batch: Batch{Number: t.s.NextRead(), Run: run, Parent: parent}, items: items}
		if err := a.apply(); err != nil {
			return false, err
		}
		if err := execIn(t, `DELETE FROM item WHERE integration = ? AND reading = ? AND parent = ? AND id IN (%s)`,
			[]any{t.integration(), reading, parent}, a.ids(items)); err != nil {
			return false, err
		}
	}
	return len(byParent) > 0, t.exec(`DELETE FROM dirty WHERE integration = ? AND reading = ?`, t.integration(), reading)
}
