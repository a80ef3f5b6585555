package catalog

import "context"

// Suspects are items whose claims by the given resources rest on listing l, and which l, being
// complete, did not hold; in the order of their ids, after the id given. Items that are still
// dirty because l held them are none. A suspect is not gone: the caller must have it proved.
func (s *Store) Suspects(ctx context.Context, l Listing, resources []int, after string, limit int) ([]string, error) {
	args := []any{s.integration, l.Reading, l.Parent, after, l.Run, l.Mask(), l.Run, l.Mask()}
	for _, r := range resources {
		args = append(args, r)
	}
	var ids []string
	err := s.read(ctx, `
		SELECT i.id FROM item AS i
		JOIN reading AS r ON r.integration = i.integration AND r.id = i.reading
		WHERE i.integration = ? AND r.name = ? AND i.parent = ? AND i.id > ? AND i.gone = 0
		AND NOT (i.run = ? AND i.listed & ? <> 0)
		AND NOT EXISTS (SELECT 1 FROM dirty AS d WHERE d.integration = i.integration AND d.reading = i.reading
			AND d.parent = i.parent AND d.id = i.id AND d.run = ? AND d.listed & ? <> 0)
		AND EXISTS (SELECT 1 FROM claim AS c WHERE c.integration = i.integration AND c.reading = i.reading
			AND c.parent = i.parent AND c.item = i.id AND c.resource IN (`+placeholders(len(resources))+`))
		ORDER BY i.id LIMIT ?`, append(args, limit), func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, wrap("look for items no longer listed", err)
}
