package catalog

import "context"

// KindCount says what became of a kind's entities in one run. Made, Sent, Refused and Unsent
// tell apart those with a claim; together with what Port already had they are Wanted.
type KindCount struct {
	Wanted  int // entities with a claim
	Born    int // of these: first claimed in this run
	Changed int // of these: claimed before, and changed in this run
	Made    int // of these: created in Port by this run
	Sent    int // of these: sent by this run, and already in Port
	Refused int // of these: Port would not take them
	Unsent  int // of these: not delivered, for another reason
}

// Counts are the counts of a run, by the reading of the item that first claimed an entity.
func (s *Store) Counts(ctx context.Context, run int64) (map[string]KindCount, error) {
	counts := map[string]KindCount{}
	err := s.read(ctx, `
		SELECT r.name, COUNT(*),
			SUM(CASE WHEN born = ? THEN 1 ELSE 0 END),
			SUM(CASE WHEN born <> ? AND changed = ? THEN 1 ELSE 0 END),
			SUM(CASE WHEN delivered = version AND made = ? THEN 1 ELSE 0 END),
			SUM(CASE WHEN delivered = version AND made <> ? AND sent = ? THEN 1 ELSE 0 END),
			SUM(CASE WHEN delivered <> version AND refused = version THEN 1 ELSE 0 END),
			SUM(CASE WHEN delivered <> version AND refused <> version THEN 1 ELSE 0 END)
		FROM entity AS e JOIN reading AS r ON r.integration = e.integration AND r.id = e.reading
		WHERE e.integration = ? AND e.claims > 0 GROUP BY r.name`, []any{run, run, run, run, run, run, s.integration}, func(scan func(...any) error) error {
		var name string
		var c KindCount
		err := scan(&name, &c.Wanted, &c.Born, &c.Changed, &c.Made, &c.Sent, &c.Refused, &c.Unsent)
		counts[name] = c
		return err
	})
	return counts, wrap("count", err)
}

// Totals are how many entities there are, wanted or not, and how many are unwanted.
func (s *Store) Totals(ctx context.Context) (all, unwanted int, err error) {
	err = s.read(ctx, `
		SELECT COUNT(*), COALESCE(SUM(CASE WHEN claims = 0 THEN 1 ELSE 0 END), 0)
		FROM entity WHERE integration = ?`, []any{s.integration}, into(&all, &unwanted))
	return all, unwanted, wrap("count", err)
}
