package catalog

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Whoever puts hints down holds the rows of many items until all are there, and may wait for rows that
// the leader holds. The leader must not wait for it in turn. The row is read once more; had it been
// cleared, so had the hint.
func TestWhatIsReadDoesNotWaitForHintsOnTheirWay(t *testing.T) {
	config := inSchema(t)
	s := openAt(t, config)
	must(t, s.Touch(t.Context(), "issue", "", []string{"1", "2"}))
	rows, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	hold(t, config, `SELECT 1 FROM dirty WHERE id = '1' FOR UPDATE`)
	began := time.Now()
	_, err = s.Apply(t.Context(), Batch{Number: s.NextRead(), Run: 1, Reading: "issue", Kind: "issue", Items: []Item{making("1", "A"), making("2", "B")}, Taken: rows})
	must(t, err)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	left, err := s.Take(t.Context(), "issue", "", 10)
	must(t, err)
	if len(left) != 1 || left[0].ID != "1" {
		t.Errorf("left to read: %+v, want 1 alone", left)
	}
}

// hold locks what a statement locks until the test is over.
func hold(t *testing.T, config Config, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, config.URL)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(ctx) })
	_, err = conn.Exec(ctx, "BEGIN; "+statement)
	must(t, err)
}
