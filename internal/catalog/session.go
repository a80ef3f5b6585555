package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// session is a connection of its own, with its statements prepared once per text and kept. One
// goroutine uses it at a time.
type session struct {
	dialect
	integration int64
	db          *sql.DB // of this connection alone
	conn        *sql.Conn
	stmts       map[string]*sql.Stmt
	stopHints   string // lets nobody put hints down until the transaction ends; empty: nobody can in any case
	passHeld    string // lets a SELECT lock its rows, but for those that others hold; empty: nobody can hold any
}

// newSession takes db's one connection.
func newSession(ctx context.Context, d dialect, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &session{dialect: d, db: db, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// close closes what was prepared along with it.
func (s *session) close() error {
	s.hangUp(s.conn)
	err := s.conn.Close()
	if errors.Is(err, sql.ErrConnDone) { // it broke
		err = nil
	}
	return errors.Join(err, s.db.Close())
}

// control runs what begins and ends transactions, which takes no arguments.
func (s *session) control(ctx context.Context, text string) error {
	_, err := s.conn.ExecContext(ctx, text)
	return err
}

func (s *session) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, s.statement(query))
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	s.stmts[query] = stmt
	return stmt, nil
}

func (s *session) exec(ctx context.Context, query string, args []any) (int64, error) {
	stmt, err := s.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	args, err = s.arguments(ctx, args, true)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (s *session) query(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	stmt, err := s.stmt(ctx, query)
	if err != nil {
		return err
	}
	args, err = s.arguments(ctx, args, false)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, s.scanner(ctx, rows), row)
}

func each(rows *sql.Rows, scan func(...any) error, row func(scan func(...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// into scans the one row of a query that has always one.
func into(dest ...any) func(scan func(...any) error) error {
	return func(scan func(...any) error) error { return scan(dest...) }
}
