package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// store is where the catalogue of a seed is.
type store struct {
	settings map[string]string // by which ferry finds it
	remove   func() error
}

// newStore makes room for an empty one.
func newStore(ctx context.Context, o options, p *plan, dir string) (store, error) {
	if p.database == onSQLite {
		data := filepath.Join(dir, "data")
		return store{map[string]string{"FERRY_DATA_DIR": data}, func() error { return os.RemoveAll(data) }}, nil
	}
	schema := fmt.Sprintf("soak_%d_%d", os.Getpid(), p.seed)
	if err := onServer(ctx, o.postgres, `CREATE SCHEMA `+schema); err != nil {
		return store{}, err
	}
	u, err := url.Parse(o.postgres)
	if err != nil {
		return store{}, errors.New("-postgres is no URL: it should be like postgres://user@host:5432/database")
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return store{map[string]string{"FERRY_DATABASE_URL": u.String()}, func() error {
		return onServer(context.WithoutCancel(ctx), o.postgres, `DROP SCHEMA `+schema+` CASCADE`)
	}}, nil
}

// onServer runs a statement on a connection of its own.
func onServer(ctx context.Context, address, statement string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to the server of -postgres: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
