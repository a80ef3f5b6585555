package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// server is the environment's name for the URL of a PostgreSQL server whose user may make schemas.
const server = "FERRY_TEST_POSTGRES"

// onEach runs a test on both databases. place gives a catalogue's place that it has alone.
func onEach(t *testing.T, test func(t *testing.T, place func(testing.TB) Config)) {
	t.Run("SQLite", func(t *testing.T) { test(t, inDir) })
	t.Run("PostgreSQL", func(t *testing.T) {
		needServer(t)
		test(t, inSchema)
	})
}

func inDir(t testing.TB) Config { return Config{Dir: t.TempDir(), Integration: "jira"} }

func needServer(t testing.TB) {
	t.Helper()
	if os.Getenv(server) == "" {
		t.Skip("not run, for want of a PostgreSQL server: export " + server + `="$(.ci/postgres start)", and .ci/postgres stop afterwards`)
	}
}

// inSchema is a schema of its own, which is dropped after the test.
func inSchema(t testing.TB) Config {
	t.Helper()
	needServer(t)
	schema := fmt.Sprintf("test_%x", rand.Uint64())
	onServer(t, `CREATE SCHEMA `+schema)
	t.Cleanup(func() { onServer(t, `DROP SCHEMA `+schema+` CASCADE`) })
	return Config{URL: with(t, os.Getenv(server), "search_path", schema), Integration: "jira"}
}

// with is an address with one more parameter.
func with(t testing.TB, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is no URL", server)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// onServer runs a text on a connection of its own.
func onServer(t testing.TB, text string, args ...any) {
	t.Helper()
	if err := runOn(os.Getenv(server), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func runOn(address, text string, args ...any) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, text, args...)
	return err
}

func openAt(t testing.TB, config Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openIn(t testing.TB, dir string) *Store {
	t.Helper()
	return openAt(t, Config{Dir: dir, Integration: "jira"})
}

func connect(t testing.TB, config Config) *Database {
	t.Helper()
	d, err := Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// lead fails the test if the lease cannot be had.
func lead(t testing.TB, d *Database) *Store {
	t.Helper()
	s, err := d.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// heeded is a logger, and what is logged to it.
func heeded() (*slog.Logger, <-chan string) {
	said := make(chan string, 1000)
	return slog.New(heed{slog.DiscardHandler, said}), said
}

type heed struct {
	slog.Handler
	said chan string
}

func (heed) Enabled(context.Context, slog.Level) bool { return true }

func (h heed) Handle(_ context.Context, r slog.Record) error {
	h.said <- r.Message
	return nil
}

func withPath(t testing.TB, address, path string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is no URL", server)
	}
	u.Path = "/" + path
	return u.String()
}
