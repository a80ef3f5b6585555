package catalog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// server is the URL of a PostgreSQL server whose user may make schemas.
const server = "FERRY_TEST_POSTGRES"

// inSchema is a place for a catalogue in a schema of its own, which is dropped after the test.
func inSchema(t testing.TB) Config {
	t.Helper()
	address := os.Getenv(server)
	if address == "" {
		t.Skip("not run: what needs a PostgreSQL server; to run it: eval \"$(.ci/postgres start)\"; go test ./internal/catalog; .ci/postgres stop")
	}
	schema := fmt.Sprintf("test_%x", rand.Uint64())
	onServer(t, `CREATE SCHEMA `+schema)
	t.Cleanup(func() { onServer(t, `DROP SCHEMA `+schema+` CASCADE`) })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return Config{URL: u.String(), Integration: "jira"}
}

// onServer runs a text on a connection of its own.
func onServer(t testing.TB, text string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv(server))
	if err == nil {
		_, err = conn.Exec(ctx, text)
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Error(err)
	}
}
