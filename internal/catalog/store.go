package catalog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Store is the catalogue of one integration. It has the integration's lease until Close, or until
// [Store.Lost]. Its methods may be called from several goroutines.
type Store struct {
	log         *slog.Logger
	where       string
	integration int64
	epoch       int64
	readers     *readers
	changed     wake
	departed    wake
	inbox       *Inbox
	lost        chan struct{}
	release     func() error // gives the lease back
	opened      io.Closer    // the database, if it was opened with the store

	delivered atomic.Bool // something was delivered from this store

	reads    atomic.Int64 // numbers given out by NextRead in this epoch
	newest   atomic.Int64 // the id of the newest run
	underway underway
	fresh    atomic.Int64 // when something was last applied of which Jira was asked afresh

	writer *writer

	// Guarded by writer, while it writes.
	closed   bool
	entityID int64 // the highest entity id given out
	seq      int64 // the highest dirty sequence number given out
	runFrom  int64 // reads numbered below it began before the newest full run
	readings names
	keysets  names

	taken taken
}

// newStore is a store that has not begun its epoch.
func newStore(config Config, w *writer, r *readers, in *Inbox) *Store {
	return &Store{
		log:      config.Logger,
		writer:   w,
		readers:  r,
		inbox:    in,
		changed:  make(wake, 1),
		departed: make(wake, 1),
		lost:     make(chan struct{}),
		readings: newReadings(),
		keysets:  newKeysets(),
	}
}

// entityIDs is how many entities an integration can have made: their numbers are the n-th of
// these. What is written to an entity names it by its number alone.
const entityIDs = 1 << 40

// begin starts an epoch: everything numbered in an earlier one is older than what comes now.
func (s *Store) begin(t *tx) error {
	s.integration = t.integration()
	err := t.query(`UPDATE integration SET epoch = epoch + 1 WHERE id = ? RETURNING epoch`, []any{s.integration}, into(&s.epoch))
	if err != nil {
		return err
	}
	s.runFrom = s.epoch << epochShift
	if s.epoch > 1 {
		s.fresh.Store(now()) // the last process may have asked, a moment ago
	}
	none := (s.integration - 1) * entityIDs
	var newest int64
	var delivered bool
	err = t.query(`
		SELECT COALESCE((SELECT MAX(id) FROM entity WHERE id > ? AND id <= ?), ?),
		       COALESCE((SELECT MAX(seq) FROM dirty WHERE integration = ?), 0),
		       COALESCE((SELECT MAX(id) FROM run WHERE integration = ?), 0),
		       EXISTS (SELECT 1 FROM entity WHERE integration = ? AND delivered <> 0)`,
		[]any{none, none + entityIDs, none, s.integration, s.integration, s.integration}, into(&s.entityID, &s.seq, &newest, &delivered))
	s.newest.Store(newest)
	s.delivered.Store(delivered)
	s.readings.forget()
	s.keysets.forget()
	return err
}

// started is called when the epoch has begun.
func (s *Store) started() {
	s.writer.undo = s.forgetUncommitted
	s.log.Info("catalogue opened", "path", s.where, "epoch", s.epoch)
}

// forgetUncommitted drops what memory holds of rows that a rollback may have taken back.
// Ids given out are not given out again, so only the interned names need it.
func (s *Store) forgetUncommitted() {
	s.readings.forget()
	s.keysets.forget()
}

// Path is where the catalogue is: SQLite's file, or PostgreSQL's address without its login.
func (s *Store) Path() string { return s.where }

// ErrLost: nothing can be written, because the lease was given up or lost. Another process may
// have it by now.
var ErrLost = errors.New("the lease of the integration was lost: close the store, and lead again")

// Lost is closed when the lease is lost: nothing can be written any more. It never happens to a
// SQLite file. Close the store then, and lead again.
func (s *Store) Lost() <-chan struct{} { return s.lost }

// write runs change as [writer.write] does, as long as the store has the lease.
func (s *Store) write(ctx context.Context, change func(*tx) error) error {
	return s.writer.write(ctx, func(t *tx) error {
		if s.closed {
			return ErrLost
		}
		return change(&tx{session: t.session, s: s, ctx: t.ctx})
	})
}

// Close waits for the transaction that is being written, and ends the lease. What was
// committed stays; nothing else is pending here.
func (s *Store) Close() error {
	var again bool
	s.writer.alone(func() { again, s.closed = s.closed, true })
	if again {
		return nil
	}
	err := s.release()
	if s.opened != nil {
		err = errors.Join(err, s.opened.Close())
	}
	return wrap("close", err)
}

// Inbox is the store's inbox.
func (s *Store) Inbox() *Inbox { return s.inbox }

// ReadNumber orders the reads of Jira by when their requests started.
type ReadNumber int64

// epochShift leaves 2^40 reads to an epoch and 2^23 epochs.
const epochShift = 40

// NextRead numbers a read. Call it when the request starts, not when the answer is there.
func (s *Store) NextRead() ReadNumber {
	return ReadNumber(s.epoch<<epochShift | s.reads.Add(1))
}

// Changed receives after commits that left something to deliver. It holds one wake: a receiver
// that is busy looks again afterwards, so none is lost.
func (s *Store) Changed() <-chan struct{} { return s.changed }

// Departed receives after commits that left something to delete.
func (s *Store) Departed() <-chan struct{} { return s.departed }

type wake chan struct{}

func (w wake) set() {
	select {
	case w <- struct{}{}:
	default:
	}
}

func now() int64 { return time.Now().UnixMilli() }
