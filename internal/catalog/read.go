package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// statements are the readers' statements, prepared once per text and kept. Few texts exist.
type statements struct {
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

// read calls row for each row of a query, at one moment of the store. It sees everything that
// was committed before it was called.
func (s *Store) read(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	stmt, err := s.readStmts.get(ctx, s.readers, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func (c *statements) get(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stmt, ok := c.byText[query]; ok {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	if c.byText == nil {
		c.byText = map[string]*sql.Stmt{}
	}
	c.byText[query] = stmt
	return stmt, nil
}

func (c *statements) close() (errs []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, stmt := range c.byText {
		errs = append(errs, stmt.Close())
	}
	return errs
}

// into scans the one row of a query that has always one.
func into(dest ...any) func(scan func(...any) error) error {
	return func(scan func(...any) error) error { return scan(dest...) }
}
