package catalog

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the "sqlite" driver: SQLite in pure Go
)

//go:embed schema.sql
var schema string

// schemaVersion is the version of schema.sql.
const schemaVersion = 2

// Config says where the store is and whose it is.
type Config struct {
	Dir         string       // the data directory; made if it is not there
	Integration string       // Port's integration identifier
	Logger      *slog.Logger // nil: nothing is logged
}

// Store is the catalogue of one integration. It holds the integration's lease until Close.
// Its methods may be called from several goroutines.
type Store struct {
	dir         string
	log         *slog.Logger
	integration int64
	epoch       int64
	lease       *lease
	readers     *sql.DB
	readStmts   statements
	changed     wake
	departed    wake

	delivered atomic.Bool // something was delivered from this store

	reads    atomic.Int64 // numbers given out by NextRead in this epoch
	newest   atomic.Int64 // the id of the newest run
	underway underway
	fresh    atomic.Int64 // when something was last applied of which Jira was asked afresh

	writes *turns[func(*tx) error]
	inbox  *Inbox

	// Guarded by writes: whoever leads there is the writer.
	writer   *sql.Conn
	writerDB *sql.DB
	stmts    map[string]*sql.Stmt
	entityID int64 // the highest entity id given out
	seq      int64 // the highest dirty sequence number given out
	runFrom  int64 // reads numbered below it began before the newest full run
	readings names
	keysets  names

	taken taken
}

// Open opens the store in dir, making it if need be, and takes the integration's lease.
// It fails with [ErrLeased] if another process holds it.
func Open(ctx context.Context, config Config) (*Store, error) {
	s, err := open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the catalogue in %s: %w", config.Dir, explain(err))
	}
	return s, nil
}

func open(ctx context.Context, config Config) (_ *Store, err error) {
	if config.Integration == "" {
		return nil, errors.New("the integration has no identifier")
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, err
	}
	held, err := takeLease(config.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir:      config.Dir,
		log:      cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
		lease:    held,
		changed:  make(wake, 1),
		departed: make(wake, 1),
		stmts:    map[string]*sql.Stmt{},
		readings: newReadings(),
		keysets:  newKeysets(),
	}
	s.writes = newTurns(s.transact)
	s.inbox = newInbox(s.write)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s, s.begin(ctx, config.Integration)
}

// Path is the file the catalogue is in.
func (s *Store) Path() string { return filepath.Join(s.dir, "catalogue.db") }

// dsn opens SQLite so that a commit is on the disk when it returns. The writer's page cache is
// larger because its inserts touch several trees at once.
func (s *Store) dsn(cacheKiB int, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "busy_timeout(10000)")
	q.Add("_pragma", "journal_size_limit(16777216)") // after a burst the log shrinks again
	q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cacheKiB))
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		// A hot page is copied from the log once per checkpoint: 16 MiB of log make fewer of them.
		q.Add("_pragma", "wal_autocheckpoint(4000)")
		q.Add("_pragma", "temp_store(MEMORY)") // what a savepoint would restore need not go through a file
	}
	return "file:" + (&url.URL{Path: s.Path()}).EscapedPath() + "?" + q.Encode()
}

func (s *Store) connect(ctx context.Context) (err error) {
	if s.writerDB, err = sql.Open("sqlite", s.dsn(8<<10, false)); err != nil {
		return err
	}
	if s.writer, err = s.writerDB.Conn(ctx); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite", s.dsn(2<<10, true)); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(4)
	s.readers.SetMaxIdleConns(4)
	return nil
}

// prepare makes the tables in a store that has none, and refuses a store whose schema is not
// this one before it touches it.
func (s *Store) prepare(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = makeTables(ctx, tx)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func makeTables(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS store (version INTEGER NOT NULL)`); err != nil {
		return err
	}
	var version int
	err := tx.QueryRowContext(ctx, `SELECT version FROM store`).Scan(&version)
	if err == nil && version != schemaVersion {
		return fmt.Errorf("its schema is version %d and this Ferry knows version %d: use the Ferry that made it, or another data directory", version, schemaVersion)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO store (version) VALUES (?)`, schemaVersion)
	return err
}

// begin starts an epoch: everything numbered in an earlier one is older than what comes now.
func (s *Store) begin(ctx context.Context, identifier string) error {
	row := s.writer.QueryRowContext(ctx, `
		INSERT INTO integration (identifier, epoch) VALUES (?, 1)
		ON CONFLICT (identifier) DO UPDATE SET epoch = integration.epoch + 1
		RETURNING id, epoch`, identifier)
	if err := row.Scan(&s.integration, &s.epoch); err != nil {
		return err
	}
	s.runFrom = s.epoch << epochShift
	if s.epoch > 1 {
		s.fresh.Store(now()) // the last process may have asked, a moment ago
	}
	s.log.Info("catalogue opened", "path", s.Path(), "epoch", s.epoch)
	row = s.writer.QueryRowContext(ctx, `
		SELECT COALESCE((SELECT MAX(id) FROM entity), 0),
		       COALESCE((SELECT MAX(seq) FROM dirty WHERE integration = ?), 0),
		       COALESCE((SELECT MAX(id) FROM run WHERE integration = ?), 0),
		       EXISTS (SELECT 1 FROM entity WHERE integration = ? AND delivered <> 0)`, s.integration, s.integration, s.integration)
	var newest int64
	var delivered bool
	err := row.Scan(&s.entityID, &s.seq, &newest, &delivered)
	s.newest.Store(newest)
	s.delivered.Store(delivered)
	return err
}

// Close waits for the transaction that is being written, and ends the lease. What was
// committed stays; nothing else is pending here.
func (s *Store) Close() error {
	s.writes.leading <- struct{}{}
	defer func() { <-s.writes.leading }()
	errs := s.readStmts.close()
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	for _, db := range []*sql.DB{s.readers, s.writerDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.lease.release())...)
}

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
