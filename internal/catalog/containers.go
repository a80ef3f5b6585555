package catalog

import "context"

// ByContainer groups items by the Jira project they were last seen in; "" for those of which
// nothing is known.
func (s *Store) ByContainer(ctx context.Context, reading, parent string, ids []string) (map[string][]string, error) {
	groups := map[string][]string{}
	err := in(ids, []any{s.integration, reading, parent}, func(placeholders string, args []any) error {
		known := map[string]string{}
		err := s.read(ctx, `
			SELECT i.id, i.container FROM item AS i
			JOIN reading AS r ON r.integration = i.integration AND r.id = i.reading
			WHERE i.integration = ? AND r.name = ? AND i.parent = ? AND i.gone = 0 AND i.id IN (`+placeholders+`)`, args, func(scan func(...any) error) error {
			var id, container string
			err := scan(&id, &container)
			known[id] = container
			return err
		})
		for _, v := range args[3:] {
			id := v.(string)
			groups[known[id]] = append(groups[known[id]], id)
		}
		return err
	})
	return groups, wrap("group items by project", err)
}

// HeldIn is how many items of a Jira project are known that are not proved to be gone.
func (s *Store) HeldIn(ctx context.Context, reading, parent, container string) (n int, err error) {
	err = s.read(ctx, `
		SELECT COUNT(*) FROM item AS i
		JOIN reading AS r ON r.integration = i.integration AND r.id = i.reading
		WHERE i.integration = ? AND r.name = ? AND i.parent = ? AND i.gone = 0 AND i.container = ?`,
		[]any{s.integration, reading, parent, container}, into(&n))
	return n, wrap("count the items of a project", err)
}

// Example is the identifier of an entity that an item makes, by which a person knows the item;
// "" if it makes none.
func (s *Store) Example(ctx context.Context, reading, parent, id string) (identifier string, err error) {
	err = s.read(ctx, `
		SELECT e.identifier FROM claim AS c
		JOIN reading AS r ON r.integration = c.integration AND r.id = c.reading
		JOIN entity AS e ON e.id = c.entity
		WHERE c.integration = ? AND r.name = ? AND c.parent = ? AND c.item = ?
		ORDER BY c.resource, c.n LIMIT 1`, []any{s.integration, reading, parent, id}, into(&identifier))
	return identifier, wrap("name an item", err)
}
