package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says where the store is and whose it is.
type Config struct {
	URL         string       // of a PostgreSQL database, postgres://user:password@host:5432/name; empty: SQLite, in Dir
	Dir         string       // the data directory of SQLite; made if it is not there
	Integration string       // Port's integration identifier
	Logger      *slog.Logger // nil: nothing is logged
}

// ErrLeased: another process has the lease.
var ErrLeased = errors.New("another ferry is working on")

// Database is where the catalogue of an integration is. With SQLite one process has it. With
// PostgreSQL any number of processes have it, and of these one leads.
type Database struct {
	engine
	inbox *Inbox
}

// engine is one of the two databases.
type engine interface {
	// where is the database, as a person may see it.
	where() string
	// write runs a change as of an Inbox, which needs no lease.
	write(ctx context.Context, change func(*tx) error) error
	// takeLead takes the integration's lease. wait: until it can be had.
	takeLead(ctx context.Context, wait bool, in *Inbox) (*Store, error)
	close() error
}

// Connect finds the database that config names. A SQLite file is opened, or [ErrLeased] is
// returned if another process has it. A PostgreSQL server need not be there yet: the error is of
// the address alone.
func Connect(ctx context.Context, config Config) (*Database, error) {
	if config.Integration == "" {
		return nil, errors.New("connect to the catalogue: the integration has no identifier")
	}
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	var e engine
	var err error
	if config.URL == "" {
		e, err = openFile(ctx, config)
		err = opening(config.Dir, err)
	} else {
		e, err = newPostgres(config)
	}
	if err != nil {
		return nil, err
	}
	return &Database{e, newInbox(e.write)}, nil
}

// Inbox is where hints are put down, by any process.
func (d *Database) Inbox() *Inbox { return d.inbox }

// Lead waits until this process has the integration's lease, and gives the store that goes with
// it. A PostgreSQL server that is away, or another process that leads, is waited for until ctx
// ends. Where the lease is lost, close the store and lead again.
func (d *Database) Lead(ctx context.Context) (*Store, error) {
	s, err := d.takeLead(ctx, true, d.inbox)
	return s, opening(d.where(), err)
}

// Ready is nil if hints can be put down now: it puts down when that was.
func (d *Database) Ready(ctx context.Context) error {
	return wrap("see whether hints can be put down", d.write(ctx, func(t *tx) error { return t.setMoment("ready", time.Now()) }))
}

// Close ends all connections. Close the store before it.
func (d *Database) Close() error { return wrap("close", d.close()) }

// Open is Connect and Lead without waiting: it fails with [ErrLeased] if another process has the
// lease. Closing the store closes the database.
func Open(ctx context.Context, config Config) (*Store, error) {
	d, err := Connect(ctx, config)
	if err != nil {
		return nil, err
	}
	s, err := d.takeLead(ctx, false, d.inbox)
	if err != nil {
		return nil, errors.Join(opening(d.where(), err), d.Close())
	}
	s.opened = d
	return s, nil
}

func opening(where string, err error) error {
	if err != nil {
		return fmt.Errorf("open the catalogue in %s: %w", where, explain(err))
	}
	return nil
}
