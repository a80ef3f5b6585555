package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// write runs change in a transaction and returns when it is on the disk. Callers that come
// while another transaction is being written are gathered into the next, each change in a
// savepoint, and one flush serves them all.
//
// ctx ends the wait for the writer's place only; a change that has begun is finished, since
// others share its transaction.
func (s *Store) write(ctx context.Context, change func(*tx) error) error {
	return s.writes.do(ctx, change)
}

// transact gives one error for each change, or one for all.
func (s *Store) transact(batch []func(*tx) error) []error {
	results, err := s.transaction(batch)
	if err != nil {
		return []error{err}
	}
	return results
}

func (s *Store) transaction(batch []func(*tx) error) (results []error, err error) {
	t := &tx{s: s, ctx: context.Background()}
	if err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			// SQLite ends the transaction by itself when the disk is full or fails; there is
			// then nothing to roll back, and its complaint would only hide the reason.
			_ = t.exec(`ROLLBACK`)
			s.forgetUncommitted()
		}
	}()
	if len(batch) == 1 { // its failure is the transaction's: a savepoint would only cost
		if err := batch[0](t); err != nil {
			return nil, err
		}
		return []error{nil}, t.exec(`COMMIT`)
	}
	for _, change := range batch {
		changeErr, err := t.savepoint(change)
		if err != nil {
			return nil, err
		}
		if changeErr != nil {
			s.forgetUncommitted()
		}
		results = append(results, changeErr)
	}
	return results, t.exec(`COMMIT`)
}

// forgetUncommitted drops what memory holds of rows that a rollback may have taken back.
// Ids given out are not given out again, so only the interned names need it.
func (s *Store) forgetUncommitted() {
	s.readings.forget()
	s.keysets.forget()
}

// tx is the transaction being written. Statements are prepared once per text and kept.
type tx struct {
	s   *Store
	ctx context.Context
}

func (t *tx) integration() int64 { return t.s.integration }

// savepoint runs change so that its failure undoes it alone. The second error says that the
// transaction cannot go on: what follows a lost savepoint would be written on its own.
func (t *tx) savepoint(change func(*tx) error) (failed, fatal error) {
	if err := t.exec(`SAVEPOINT change`); err != nil {
		return nil, err
	}
	if err := change(t); err != nil {
		if lost := t.exec(`ROLLBACK TO change`); lost != nil {
			return nil, err
		}
		return err, t.exec(`RELEASE change`)
	}
	return nil, t.exec(`RELEASE change`)
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if stmt, ok := t.s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := t.s.writer.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	t.s.stmts[query] = stmt
	return stmt, nil
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.execCount(query, args...)
	return err
}

func (t *tx) execCount(query string, args ...any) (int64, error) {
	stmt, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query calls row for each row. row scans what it wants.
func (t *tx) query(query string, args []any, row func(scan func(...any) error) error) error {
	stmt, err := t.stmt(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(t.ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func each(rows *sql.Rows, row func(scan func(...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// chunk sizes: a list of any length is cut into these, so that only a few statements of each
// form exist, all of them kept prepared.
var chunks = []int{64, 16, 4, 1}

// insert writes rows of width values each: head, then one group of placeholders a row, then tail.
func (t *tx) insert(head string, width int, tail string, values []any) error {
	group := "(" + placeholders(width) + ")"
	return inChunks(len(values)/width, func(from, n int) error {
		text := head + " VALUES " + group + strings.Repeat(", "+group, n-1) + " " + tail
		return t.exec(text, values[from*width:(from+n)*width]...)
	})
}

// in runs a statement whose text has one %s, for the placeholders of a chunk of list. The
// arguments of fixed come before the list's.
func in[T any](list []T, fixed []any, run func(placeholders string, args []any) error) error {
	return inChunks(len(list), func(from, n int) error {
		args := make([]any, 0, len(fixed)+n)
		args = append(args, fixed...)
		for _, v := range list[from : from+n] {
			args = append(args, v)
		}
		return run(placeholders(n), args)
	})
}

func inChunks(n int, run func(from, n int) error) error {
	from := 0
	for _, size := range chunks {
		for n-from >= size {
			if err := run(from, size); err != nil {
				return err
			}
			from += size
		}
	}
	return nil
}

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// queryIn is query for a list: text has one %s for its placeholders.
func queryIn[T any](t *tx, text string, fixed []any, list []T, row func(scan func(...any) error) error) error {
	return in(list, fixed, func(placeholders string, args []any) error {
		return t.query(strings.Replace(text, "%s", placeholders, 1), args, row)
	})
}

// execIn is exec for a list: text has one %s for its placeholders.
func execIn[T any](t *tx, text string, fixed []any, list []T) error {
	return in(list, fixed, func(placeholders string, args []any) error {
		return t.exec(strings.Replace(text, "%s", placeholders, 1), args...)
	})
}
