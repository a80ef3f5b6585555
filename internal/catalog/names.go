package catalog

// names numbers texts that recur in many rows: readings and key sets. Only the writer uses it.
type names struct {
	load, insert string
	ids          map[string]int64 // nil: not loaded, or not sure after a rollback
}

func newReadings() names {
	return names{
		load:   `SELECT id, name FROM reading WHERE integration = ?`,
		insert: `INSERT INTO reading (integration, id, name) VALUES (?, ?, ?)`,
	}
}

func newKeysets() names {
	return names{
		load:   `SELECT id, keys FROM keyset WHERE integration = ?`,
		insert: `INSERT INTO keyset (integration, id, keys) VALUES (?, ?, ?)`,
	}
}

func (n *names) forget() { n.ids = nil }

// id is the number of name, given now if it has none yet. Numbers begin at 1.
func (n *names) id(t *tx, name string) (int64, error) {
	if err := n.ensure(t); err != nil {
		return 0, err
	}
	if id, ok := n.ids[name]; ok {
		return id, nil
	}
	id := int64(len(n.ids)) + 1
	if err := t.exec(n.insert, t.s.integration, id, name); err != nil {
		return 0, err
	}
	n.ids[name] = id
	return id, nil
}

func (n *names) ensure(t *tx) error {
	if n.ids != nil {
		return nil
	}
	n.ids = map[string]int64{}
	return t.query(n.load, []any{t.s.integration}, func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		n.ids[name] = id
		return err
	})
}
