// Package postgrestest gives tests a PostgreSQL schema of their own.
package postgrestest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Server is the environment variable that holds the URL of a server whose user may make schemas.
const Server = "FERRY_TEST_POSTGRES"

// Schema makes an empty schema that is dropped after the test, and returns the URL by which it is
// used. Where there is no server the test is skipped, and says so.
func Schema(t testing.TB) string {
	t.Helper()
	address := os.Getenv(Server)
	if address == "" {
		t.Skip("not run, for want of a PostgreSQL server: export " + Server + `="$(.ci/postgres start)", and .ci/postgres stop afterwards`)
	}
	schema := fmt.Sprintf("test_%x", rand.Uint64())
	Exec(t, `CREATE SCHEMA `+schema)
	t.Cleanup(func() { Exec(t, `DROP SCHEMA `+schema+` CASCADE`) })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Exec runs a statement on a connection of its own.
func Exec(t testing.TB, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv(Server))
	if err != nil {
		t.Fatalf("connect to the server of %s: %v", Server, err)
	}
	if _, err = conn.Exec(ctx, statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Error(err)
	}
}
