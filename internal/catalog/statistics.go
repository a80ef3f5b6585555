package catalog

import "context"

// statistics keeps what PostgreSQL knows of how its tables are filled from being of another time.
// It plans by that, and keeps its plans: in a store that was empty a moment ago, each hundred items
// would be looked for among all that there are. Autovacuum looks once a minute, in which a first
// run writes a hundred thousand rows
// (https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS).
type statistics struct{ readers *readers }

// outgrown are our tables of which more rows were written since they were looked at than there
// were then. So a table is looked at each time that it has doubled, not each time that we ask.
const outgrown = `
	SELECT c.relname FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
	WHERE s.schemaname = current_schema() AND c.relname IN ('item', 'claim', 'entity', 'ref', 'dirty')
	AND s.n_mod_since_analyze > 500 + c.reltuples`

func (s statistics) refresh(ctx context.Context) error {
	var tables []string
	err := s.readers.query(ctx, outgrown, nil, func(scan func(...any) error) error {
		var table string
		err := scan(&table)
		tables = append(tables, table)
		return err
	})
	for _, table := range tables {
		if err == nil {
			_, err = s.readers.db.ExecContext(ctx, `ANALYZE `+table)
		}
	}
	return err
}
