package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgres is a catalogue in a PostgreSQL database. Any number of processes put hints down in it;
// the one that has the integration's lease writes everything else.
type postgres struct {
	Config
	address  *pgx.ConnConfig
	dialect  postgresDialect
	readers  *readers
	receiver *writer
	received *receiving // the receiver's desk
}

// newPostgres connects to nothing yet.
func newPostgres(config Config) (*postgres, error) {
	address, err := parseAddress(config.URL)
	if err != nil {
		return nil, err
	}
	p := &postgres{Config: config, address: address}
	keys := p.pool(readingSettings)
	keys.SetMaxOpenConns(2)
	p.dialect = postgresDialect{longKeys{keys}}
	p.readers = newReaders(p.dialect, p.pool(readingSettings))
	p.received = &receiving{database: p}
	p.receiver = newWriter(p.received)
	return p, nil
}

func (p *postgres) where() string {
	return fmt.Sprintf("%s:%d/%s", p.address.Host, p.address.Port, p.address.Database)
}

func (p *postgres) write(ctx context.Context, change func(*tx) error) error {
	return p.receiver.write(ctx, change)
}

func (p *postgres) close() (err error) {
	p.receiver.alone(func() { err = p.received.hangUp() })
	for _, c := range []interface{ close() error }{p.readers, p.dialect.keys} {
		if closing := c.close(); err == nil {
			err = closing
		}
	}
	return err
}

// place is where an integration is in a database: what its sessions lock and listen to.
type place struct {
	integration int64
	leaseLock   int64
	hintsLock   int64
	channel     string
}

// session opens a connection of its own, and makes the tables if they are not there.
func (p *postgres) session(ctx context.Context, s settings) (_ *session, _ place, err error) {
	session, err := newSession(ctx, p.dialect, p.pool(s))
	if err != nil {
		return nil, place{}, err
	}
	at, err := p.settle(ctx, session)
	if err != nil {
		_ = session.close() // err says why
		return nil, place{}, err
	}
	return session, at, nil
}

// settle finds the integration's place. Advisory locks and channels belong to the whole database,
// so they carry the number of a table, which tells one schema of it from another.
func (p *postgres) settle(ctx context.Context, s *session) (at place, err error) {
	if s.integration, err = prepare(ctx, s, p.Integration); err != nil {
		return place{}, err
	}
	var lease, hints int64
	err = s.query(ctx, `SELECT CAST(CAST('integration' AS regclass) AS oid)::bigint, CAST(CAST('reading' AS regclass) AS oid)::bigint`,
		nil, into(&lease, &hints))
	at = place{
		integration: s.integration,
		leaseLock:   lease<<32 | s.integration,
		hintsLock:   hints<<32 | s.integration,
		channel:     fmt.Sprintf("ferry_%d_%d", lease, s.integration),
	}
	s.passHeld = ` FOR UPDATE SKIP LOCKED`
	s.stopHints = fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, at.hintsLock)
	return at, err
}

// saying logs a state when it is another than before.
type saying struct {
	log  *slog.Logger
	last string
}

func (s *saying) say(level slog.Level, what string, args ...any) {
	if what != s.last {
		s.log.Log(context.Background(), level, what, args...)
	}
	s.last = what
}

// postgresDialect: see [longKeys] for the texts.
type postgresDialect struct{ keys longKeys }

func (postgresDialect) statement(text string) string { return numbered(text) }

func (d postgresDialect) arguments(ctx context.Context, args []any, keep bool) (_ []any, err error) {
	list := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			list[i], err = d.keys.argument(ctx, arg, keep)
		case prose:
			list[i] = escape(string(arg))
		default:
			list[i] = arg
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (d postgresDialect) scanner(ctx context.Context, rows *sql.Rows) func(...any) error {
	return func(dest ...any) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for _, column := range dest {
			var err error
			switch column := column.(type) {
			case *string:
				*column, err = d.keys.text(ctx, *column)
			case *[]byte:
				var text string
				text, err = d.keys.text(ctx, string(*column))
				*column = []byte(text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func (postgresDialect) schema() string { return postgresSchema(schema) + longKeyTable }

func (postgresDialect) hasTables(ctx context.Context, tx *sql.Tx) (there bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT to_regclass('store') IS NOT NULL`).Scan(&there)
	return there, err
}

func (postgresDialect) alone(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('ferry ' || current_schema(), 0))`)
	return err
}

func (postgresDialect) hangUp(conn *sql.Conn) {
	_ = conn.Raw(func(driver any) error { // the connection is given up in any case
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return driver.(*stdlib.Conn).Conn().Close(ctx)
	})
}

// broken says that nothing can be asked on a session any more.
func broken(s *session) bool {
	gone := true
	_ = s.conn.Raw(func(driver any) error { // it fails where the connection is gone
		gone = driver.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return gone
}
