package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the "sqlite" driver: SQLite in pure Go
)

// file is a catalogue in a data directory, which this process alone works on.
type file struct {
	Config
	lock    *lock
	writer  *writer
	session *session
	readers *readers
	lead    chan struct{} // holds the Store that leads
}

// openFile takes the directory's lock, or fails with [ErrLeased].
func openFile(ctx context.Context, config Config) (_ *file, err error) {
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, err
	}
	f := &file{Config: config, lead: make(chan struct{}, 1)}
	if f.lock, err = takeLock(config.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if err := f.connect(ctx); err != nil {
		return nil, err
	}
	f.session.integration, err = prepare(ctx, f.session, f.Integration)
	return f, err
}

func (f *file) connect(ctx context.Context) error {
	db, err := sql.Open("sqlite", f.dsn(8<<10, false))
	if err != nil {
		return err
	}
	if f.session, err = newSession(ctx, asIs{}, db); err != nil {
		return err
	}
	f.writer = newWriter(fileDesk{f.session})
	if db, err = sql.Open("sqlite", f.dsn(2<<10, true)); err != nil {
		return err
	}
	f.readers = newReaders(asIs{}, db)
	return nil
}

// where is the file the catalogue is in.
func (f *file) where() string { return filepath.Join(f.Dir, "catalogue.db") }

// dsn opens SQLite so that a commit is on the disk when it returns. The writer's page cache is
// larger because its inserts touch several trees at once.
func (f *file) dsn(cacheKiB int, readOnly bool) string {
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
	return "file:" + (&url.URL{Path: f.where()}).EscapedPath() + "?" + q.Encode()
}

func (f *file) write(ctx context.Context, change func(*tx) error) error {
	return f.writer.write(ctx, change)
}

// takeLead waits for another Store of this process to be closed; another process has no part in it.
func (f *file) takeLead(ctx context.Context, _ bool, in *Inbox) (*Store, error) {
	select {
	case f.lead <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s := newStore(f.Config, f.writer, f.readers, in)
	s.where, s.release = f.where(), func() error { <-f.lead; return nil }
	if err := f.writer.write(ctx, s.begin); err != nil {
		<-f.lead
		return nil, err
	}
	s.started()
	return s, nil
}

func (f *file) close() error {
	var errs []error
	if f.writer != nil {
		f.writer.alone(func() {}) // what was begun is finished
	}
	if f.session != nil {
		errs = append(errs, f.session.close())
	}
	if f.readers != nil {
		errs = append(errs, f.readers.close())
	}
	return errors.Join(append(errs, f.lock.release())...)
}

// fileDesk is the one connection that writes to a file.
type fileDesk struct{ only *session }

func (d fileDesk) session(context.Context) (*session, error) { return d.only, nil }

// begin takes SQLite's lock for writing at once: a transaction that began by reading could not wait
// for it later (https://sqlite.org/lang_transaction.html).
func (d fileDesk) begin(t *tx) error { return t.control(t.ctx, `BEGIN IMMEDIATE`) }

func (d fileDesk) commit(t *tx) error { return t.control(t.ctx, `COMMIT`) }

func (d fileDesk) limit() (context.Context, context.CancelFunc) {
	return context.Background(), func() {} // a disk answers, or fails
}

func (d fileDesk) again(error) bool { return false } // nobody else writes

func (d fileDesk) failed(_ *session, err error) error { return err }
