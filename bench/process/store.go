package process

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// Store is a place for an empty catalogue.
type Store struct {
	Settings map[string]string // by which ferry finds it
	Remove   func() error      // it, and all in it
}

// SQLite is a catalogue in a directory below dir.
func SQLite(dir string) Store {
	data := filepath.Join(dir, "data")
	return Store{map[string]string{"FERRY_DATA_DIR": data}, func() error { return os.RemoveAll(data) }}
}

// PostgreSQL is a catalogue in a schema of its own on a server, whose user may make schemas. The
// process's number is added to the name.
func PostgreSQL(ctx context.Context, server, name string) (Store, error) {
	schema := fmt.Sprintf("%s_%d", name, os.Getpid())
	if err := onServer(ctx, server, `CREATE SCHEMA `+schema); err != nil {
		return Store{}, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return Store{}, errors.New("-postgres is no URL: it should be like postgres://user@host:5432/database")
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return Store{map[string]string{"FERRY_DATABASE_URL": u.String()}, func() error {
		return onServer(context.WithoutCancel(ctx), server, `DROP SCHEMA `+schema+` CASCADE`)
	}}, nil
}

// onServer runs a statement on a connection of its own.
func onServer(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the server of -postgres: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
