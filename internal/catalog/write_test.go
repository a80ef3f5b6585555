package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func ask[T any](t testing.TB, s *Store, query string) (answer T) {
	t.Helper()
	if err := s.readers.db.QueryRow(query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// holdWriter keeps the writer's place until the function returned is called.
func (s *Store) holdWriter() (release func()) {
	s.writer.turns.leading <- struct{}{}
	return func() { <-s.writer.turns.leading }
}

// gather starts changes and returns when all of them wait for the writer.
func gather(s *Store, changes []func(*tx) error) (wait func() []error) {
	errs := make([]error, len(changes))
	var all sync.WaitGroup
	for i, change := range changes {
		all.Go(func() { errs[i] = s.write(context.Background(), change) })
	}
	awaitWaiting(s.writer.turns, len(changes))
	return func() []error { all.Wait(); return errs }
}

func addName(name string) func(*tx) error {
	return func(t *tx) error {
		_, err := t.s.readings.id(t, name)
		return err
	}
}

// counted counts the transactions of a desk.
type counted struct {
	desk
	commits *int
}

func (c counted) commit(t *tx) error {
	*c.commits++
	return c.desk.commit(t)
}

func (w *writer) count() *int {
	commits := 0
	w.on = counted{w.on, &commits}
	return &commits
}

func TestWritersThatWaitShareOneCommit(t *testing.T) { onEach(t, testShareOneCommit) }

func testShareOneCommit(t *testing.T, place func(testing.TB) Config) {
	s := openAt(t, place(t))
	var changes []func(*tx) error
	for i := range 20 {
		changes = append(changes, addName(fmt.Sprint("reading ", i)))
	}
	release := s.holdWriter()
	commits := s.writer.count()
	wait := gather(s, changes)
	release()
	for i, err := range wait() {
		if err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if *commits != 1 {
		t.Errorf("20 changes took %d commits, want 1", *commits)
	}
	if n := ask[int](t, s, `SELECT COUNT(*) FROM reading`); n != 20 {
		t.Errorf("%d readings, want 20", n)
	}
}

func TestAChangeThatFailsSpoilsNoOther(t *testing.T) { onEach(t, testFailsAlone) }

func testFailsAlone(t *testing.T, place func(testing.TB) Config) {
	s := openAt(t, place(t))
	errBad := errors.New("bad")
	bad := func(t *tx) error {
		if err := addName("taken back")(t); err != nil {
			return err
		}
		return errBad
	}
	refused := func(t *tx) error { // by the database
		if err := addName("taken back too")(t); err != nil {
			return err
		}
		return t.exec(`UPDATE reading SET asked = 2 WHERE integration = ?`, t.integration())
	}
	release := s.holdWriter()
	wait := gather(s, []func(*tx) error{addName("a"), bad, addName("b"), refused, addName("c")})
	release()
	failed := 0
	for _, err := range wait() {
		if errors.Is(err, errBad) || err != nil && strings.Contains(err.Error(), "asked") {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed != 2 {
		t.Errorf("%d changes failed, want the 2 bad ones", failed)
	}
	// The name that was taken back is not remembered: it gets a row when it is asked for again.
	if err := s.Touch(t.Context(), "taken back", "", []string{"1"}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Take(t.Context(), "taken back", "", 1); err != nil || len(got) != 1 {
		t.Errorf("Take after its reading was rolled back = %v, %v, want the row", got, err)
	}
	if n := ask[int](t, s, `SELECT COUNT(*) FROM reading`); n != 4 {
		t.Errorf("%d readings, want a, b, c and the one asked for again", n)
	}
}

// What fails with its whole transaction must not leave a neighbour written on its own.
func TestAChangeThatLosesTheTransactionFailsAll(t *testing.T) { onEach(t, testFailsAll) }

func testFailsAll(t *testing.T, place func(testing.TB) Config) {
	s := openAt(t, place(t))
	lose := func(t *tx) error {
		if err := t.exec(`ROLLBACK`); err != nil { // as SQLite does by itself on a full disk
			return err
		}
		return errors.New("disk full")
	}
	release := s.holdWriter()
	wait := gather(s, []func(*tx) error{addName("a"), lose, addName("b")})
	release()
	for i, err := range wait() {
		if err == nil {
			t.Errorf("change %d succeeded in a transaction that was lost", i)
		}
	}
	if n := ask[int](t, s, `SELECT COUNT(*) FROM reading`); n != 0 {
		t.Errorf("%d readings were written, want none", n)
	}
	if err := s.Touch(t.Context(), "a", "", []string{"1"}); err != nil {
		t.Errorf("the next change: %v", err)
	}
}

func TestAWaiterThatIsCancelledIsNeitherLostNorDoubled(t *testing.T) { onEach(t, testCancelled) }

func testCancelled(t *testing.T, place func(testing.TB) Config) {
	s := openAt(t, place(t))
	release := s.holdWriter()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Touch(ctx, "issue", "", []string{"1"}) }()
	awaitWaiting(s.writer.turns, 1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Touch that was cancelled = %v, want context.Canceled", err)
	}
	release()
	// Cancelled at any moment, a change that returned nil is there once, and one that returned
	// an error is not.
	kept := 0
	for i := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := s.Touch(ctx, "issue", "", []string{fmt.Sprint("i", i)}); err == nil {
			kept++
		}
		cancel()
	}
	if n, hints := ask[int](t, s, `SELECT COUNT(*) FROM dirty`), ask[int](t, s, `SELECT COALESCE(SUM(hints), 0) FROM dirty`); n != kept || hints != kept {
		t.Errorf("%d rows with %d hints, want %d as were acknowledged", n, hints, kept)
	}
}

// PostgreSQL answers COMMIT with ROLLBACK, and no error, where something had failed before.
func TestNothingIsAcknowledgedThatWasRolledBack(t *testing.T) {
	s := openAt(t, inSchema(t))
	err := s.write(t.Context(), func(t *tx) error {
		if err := addName("a")(t); err != nil {
			return err
		}
		_ = t.exec(`UPDATE reading SET asked = 2 WHERE integration = ?`, t.integration())
		return nil
	})
	if n := ask[int](t, s, `SELECT COUNT(*) FROM reading`); err == nil || n != 0 {
		t.Errorf("a change that passed over an error = %v, and %d rows were written; want an error and none", err, n)
	}
}
