package catalog

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed schema.sql
var schema string

// schemaVersion is the version of schema.sql.
const schemaVersion = 3

// prepare makes the tables where there are none, and refuses those of another schema before it
// touches them. It gives the integration's number, which it gets now if it has none.
func prepare(ctx context.Context, s *session, identifier string) (integration int64, err error) {
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	p := preparing{ctx, tx, s.dialect}
	integration, err = p.run(identifier)
	if err != nil {
		_ = tx.Rollback() // what it has to complain of, err says
		return 0, err
	}
	return integration, tx.Commit()
}

type preparing struct {
	ctx context.Context
	tx  *sql.Tx
	dialect
}

func (p preparing) run(identifier string) (int64, error) {
	if err := p.alone(p.ctx, p.tx); err != nil {
		return 0, err
	}
	there, err := p.hasTables(p.ctx, p.tx)
	if err == nil && there {
		err = p.checkVersion()
	}
	if err == nil && !there {
		err = p.makeTables()
	}
	if err != nil {
		return 0, err
	}
	return p.number(identifier)
}

func (p preparing) checkVersion() error {
	var version int
	if err := p.tx.QueryRowContext(p.ctx, `SELECT version FROM store`).Scan(&version); err != nil {
		return err
	}
	if version != schemaVersion {
		return otherSchema(version)
	}
	return nil
}

// otherSchema is the version of tables that another Ferry made.
type otherSchema int

func (v otherSchema) Error() string {
	return fmt.Sprintf("its schema is version %d and this Ferry knows version %d: use the Ferry that made it, or another place for the catalogue", int(v), schemaVersion)
}

func (p preparing) makeTables() error {
	if _, err := p.tx.ExecContext(p.ctx, p.schema()); err != nil {
		return err
	}
	_, err := p.tx.ExecContext(p.ctx, p.statement(`INSERT INTO store (version) VALUES (?)`), schemaVersion)
	return err
}

// number is the integration's. No two get one at the same time: they are alone.
func (p preparing) number(identifier string) (id int64, err error) {
	err = p.tx.QueryRowContext(p.ctx, p.statement(`SELECT id FROM integration WHERE identifier = ?`), identifier).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = p.tx.QueryRowContext(p.ctx, p.statement(`
			INSERT INTO integration (id, identifier, epoch)
			SELECT COALESCE(MAX(id), 0) + 1, ?, 0 FROM integration RETURNING id`), identifier).Scan(&id)
	}
	return id, err
}

// postgresSchema is schema.sql as PostgreSQL takes it. Its texts compare as bytes do, as SQLite's.
func postgresSchema(text string) string {
	return strings.NewReplacer("INTEGER", "BIGINT", " WITHOUT ROWID", "", " TEXT", ` TEXT COLLATE "C"`).Replace(text)
}
