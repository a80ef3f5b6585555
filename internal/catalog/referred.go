package catalog

import (
	"context"
	"time"
)

// aboutToCome is for how long a read that failed may wait for its next attempt and still be about to come.
const aboutToCome = time.Minute

// Referred are those of the entities, by row, to which another relates whose item is about to be read
// again because something was said of it. What that one says of them may not hold any more; were they
// deleted now, Port might make them anew for its sake.
func (s *Store) Referred(ctx context.Context, list []Pending) (map[int64]bool, error) {
	rows := map[string][]int64{}
	identifiers := make([]string, 0, len(list))
	for _, p := range list {
		if rows[p.Identifier] == nil {
			identifiers = append(identifiers, p.Identifier)
		}
		rows[p.Identifier] = append(rows[p.Identifier], p.Entity)
	}
	referred := map[int64]bool{}
	err := in(identifiers, []any{int(Scan), now() + aboutToCome.Milliseconds(), s.integration}, func(placeholders string, args []any) error {
		return s.read(ctx, `
			SELECT DISTINCT r.target FROM ref AS r
			JOIN claim AS c ON c.entity = r.entity
			JOIN dirty AS d ON d.integration = c.integration AND d.reading = c.reading AND d.parent = c.parent AND d.id = c.item
			WHERE d.priority <> ? AND d.due <= ? AND r.integration = ? AND r.target IN (`+placeholders+`)`, args, func(scan func(...any) error) error {
			var target string
			err := scan(&target)
			for _, row := range rows[target] {
				referred[row] = true
			}
			return err
		})
	})
	return referred, wrap("look for what relates to deletions", err)
}

// Searched tells whether entities of the blueprint are named by search objects.
func (s *Store) Searched(ctx context.Context, blueprint string) (searched bool, err error) {
	err = s.read(ctx, `SELECT EXISTS (SELECT 1 FROM entity WHERE integration = ? AND blueprint = ? AND search = 1)`,
		[]any{s.integration, blueprint}, into(&searched))
	return searched, wrap("look for search objects", err)
}

// Awaited are those of the identifiers to which a wanted entity relates that Port has refused.
func (s *Store) Awaited(ctx context.Context, identifiers []string) (map[string]bool, error) {
	awaited := map[string]bool{}
	err := in(identifiers, []any{s.integration}, func(placeholders string, args []any) error {
		return s.read(ctx, `
			SELECT DISTINCT r.target FROM ref AS r
			JOIN entity AS e ON e.id = r.entity
			WHERE r.integration = ? AND r.target IN (`+placeholders+`) AND e.claims > 0 AND e.refused = e.version`, args,
			func(scan func(...any) error) error {
				var target string
				err := scan(&target)
				awaited[target] = true
				return err
			})
	})
	return awaited, wrap("look for what was refused for want of others", err)
}
