package catalog

import "context"

// writer writes changes, gathered into transactions, one at a time.
type writer struct {
	on    desk
	turns *turns[func(*tx) error]
	undo  func() // drops what memory holds of rows that a rollback may have taken back; or nil
}

// desk is a connection that is written on, and how its transactions begin and end.
type desk interface {
	// session is the connection, opened again where it was lost and may be.
	session(ctx context.Context) (*session, error)
	begin(t *tx) error
	commit(t *tx) error
	// limit is what the transactions' statements wait by.
	limit() (context.Context, context.CancelFunc)
	// again says that a transaction failed for the sake of another, and is to be run once more.
	again(err error) bool
	// failed is err as it is told to those whose transaction failed by it.
	failed(s *session, err error) error
}

func newWriter(on desk) *writer {
	w := &writer{on: on}
	w.turns = newTurns(w.transact)
	return w
}

// write runs change in a transaction and returns when it is on the disk. Callers that come
// while another transaction is being written are gathered into the next, each change in a
// savepoint, and one flush serves them all.
//
// ctx ends the wait for the writer's place only; a change that has begun is finished, since
// others share its transaction. It may be run more than once.
func (w *writer) write(ctx context.Context, change func(*tx) error) error {
	return w.turns.do(ctx, change)
}

// alone runs f when no transaction is being written, and keeps the next from beginning until it
// returns.
func (w *writer) alone(f func()) {
	w.turns.leading <- struct{}{}
	defer func() { <-w.turns.leading }()
	f()
}

// ifIdle is alone, unless a transaction is being written now: then it is false.
func (w *writer) ifIdle(f func()) bool {
	select {
	case w.turns.leading <- struct{}{}:
		defer func() { <-w.turns.leading }()
		f()
		return true
	default:
		return false
	}
}

// transact gives one error for each change, or one for all.
func (w *writer) transact(batch []func(*tx) error) []error {
	ctx, cancel := w.on.limit()
	defer cancel()
	for {
		results, err := w.attempt(ctx, batch)
		switch {
		case err == nil:
			return results
		case !w.on.again(err) || ctx.Err() != nil:
			return []error{err}
		}
	}
}

func (w *writer) attempt(ctx context.Context, batch []func(*tx) error) ([]error, error) {
	s, err := w.on.session(ctx)
	if err != nil {
		return nil, err
	}
	results, err := w.transaction(&tx{session: s, ctx: ctx}, batch)
	if err != nil {
		return nil, w.on.failed(s, err)
	}
	return results, nil
}

func (w *writer) transaction(t *tx, batch []func(*tx) error) (results []error, err error) {
	if err := w.on.begin(t); err != nil {
		_ = t.control(t.ctx, `ROLLBACK`) // it may have begun, and failed after that
		return nil, err
	}
	defer func() {
		if err != nil {
			// A database that has ended the transaction by itself, as SQLite does on a full disk, has
			// nothing to roll back, and its complaint would only hide the reason.
			_ = t.control(t.ctx, `ROLLBACK`)
			w.undone()
		}
	}()
	if len(batch) == 1 { // its failure is the transaction's: a savepoint would only cost
		if err := batch[0](t); err != nil {
			return nil, err
		}
		return []error{nil}, w.on.commit(t)
	}
	for _, change := range batch {
		changeErr, err := w.savepoint(t, change)
		if err != nil {
			return nil, err
		}
		if changeErr != nil {
			w.undone()
		}
		results = append(results, changeErr)
	}
	return results, w.on.commit(t)
}

func (w *writer) undone() {
	if w.undo != nil {
		w.undo()
	}
}

// savepoint runs change so that its failure undoes it alone. The second error says that the
// transaction cannot go on: what follows a lost savepoint would be written on its own.
func (w *writer) savepoint(t *tx, change func(*tx) error) (failed, fatal error) {
	if err := t.control(t.ctx, `SAVEPOINT change`); err != nil {
		return nil, err
	}
	if err := change(t); err != nil {
		if w.on.again(err) || t.control(t.ctx, `ROLLBACK TO change`) != nil {
			return nil, err
		}
		return err, t.control(t.ctx, `RELEASE change`)
	}
	return nil, t.control(t.ctx, `RELEASE change`)
}
