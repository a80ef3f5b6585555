package catalog

// names numbers texts that recur in many rows: readings and key sets. Only the writer uses it.
type names struct {
	load, insert string
	ids          map[string]int64 // nil: not loaded, or not sure after a rollback
	texts        map[int64]string
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
	if err := t.exec(n.insert, t.integration(), id, name); err != nil {
		return 0, err
	}
	n.note(id, name)
	return id, nil
}

func (n *names) note(id int64, name string) { n.ids[name], n.texts[id] = id, name }

// text is the name with the number, "" if there is none.
func (n *names) text(t *tx, id int64) (string, error) {
	err := n.ensure(t)
	return n.texts[id], err
}

func (n *names) ensure(t *tx) error {
	if n.ids != nil {
		return nil
	}
	n.ids, n.texts = map[string]int64{}, map[int64]string{}
	return t.query(n.load, []any{t.integration()}, func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		n.note(id, name)
		return err
	})
}
