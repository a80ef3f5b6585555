package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// readers are connections that only read, with their statements prepared once per text and kept.
// Few texts exist.
type readers struct {
	dialect
	db *sql.DB

	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

func newReaders(d dialect, db *sql.DB) *readers {
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	return &readers{dialect: d, db: db, byText: map[string]*sql.Stmt{}}
}

// read calls row for each row of a query, at one moment of the store. It sees everything that
// was committed before it was called.
func (s *Store) read(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	return s.readers.query(ctx, query, args, row)
}

func (r *readers) query(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	stmt, err := r.stmt(ctx, query)
	if err != nil {
		return err
	}
	args, err = r.arguments(ctx, args, false)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, r.scanner(ctx, rows), row)
}

func (r *readers) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt, ok := r.byText[query]; ok {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, r.statement(query))
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	r.byText[query] = stmt
	return stmt, nil
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, stmt := range r.byText {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, r.db.Close())...)
}
