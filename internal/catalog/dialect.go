package catalog

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// dialect is how a database wants what this package says to both alike: statements with ? for an
// argument, and arguments and columns that are numbers, texts or truth values.
type dialect interface {
	// statement is text as the database wants it.
	statement(text string) string
	// arguments are args as the database takes them. keep: they are written, and their texts must
	// be found again.
	arguments(ctx context.Context, args []any, keep bool) ([]any, error)
	// scanner scans the row on which rows stand.
	scanner(ctx context.Context, rows *sql.Rows) func(dest ...any) error
	// schema makes all tables.
	schema() string
	hasTables(ctx context.Context, tx *sql.Tx) (bool, error)
	// alone keeps what other processes do to the schema apart from what tx does.
	alone(ctx context.Context, tx *sql.Tx) error
	// hangUp ends a connection before it is closed, if closing it would ask something of a server
	// that may be gone.
	hangUp(conn *sql.Conn)
}

// prose is an argument that no index holds: a body, a reason. Any other text may be a key, and is
// one to the dialect.
type prose string

// numbered is text with $1, $2 and so on in the place of each ? outside of literals.
func numbered(text string) string {
	var b strings.Builder
	n, quoted := 0, false
	for _, c := range text {
		switch {
		case c == '?' && !quoted:
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		case c == '\'':
			quoted = !quoted
		}
		b.WriteRune(c)
	}
	return b.String()
}

// asIs is the dialect of SQLite, which takes everything as it is written here.
type asIs struct{}

func (asIs) statement(text string) string { return text }

func (asIs) arguments(_ context.Context, args []any, _ bool) ([]any, error) { return args, nil }

func (asIs) scanner(_ context.Context, rows *sql.Rows) func(...any) error { return rows.Scan }

func (asIs) schema() string { return schema }

func (asIs) hasTables(ctx context.Context, tx *sql.Tx) (there bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'store')`).Scan(&there)
	return there, err
}

func (asIs) alone(context.Context, *sql.Tx) error { return nil } // the directory is locked

func (asIs) hangUp(*sql.Conn) {}
