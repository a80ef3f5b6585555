package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// lease is the integration's in PostgreSQL: an advisory lock of the very session that writes. So a
// holder whose session is gone can write nothing, and the server gives the lock to the next.
//
// A session may be alive while its holder is not connected to it, and behind a pooler the lock may
// be another session's. So each transaction also locks the integration's row, shared, and sees that
// the epoch is the lease's own. The next holder's first statement raises the epoch and waits for
// that row: what a lost epoch had begun to write is committed before it, or never.
type lease struct {
	log     *slog.Logger
	place   place
	epoch   int64 // 0: it has not begun
	backend int   // the server's process
	readers *readers

	writer  *writer
	current *session  // guarded by the writer
	heard   time.Time // when the server last answered; watch's own

	lost       chan struct{}
	lose       sync.Once
	ctx        context.Context // ends with the lease
	end        context.CancelCauseFunc
	background sync.WaitGroup
}

// soon is how long it takes until what failed is tried again, or what was held asked for again.
const soon = time.Second

// takeLead asks for the lease until it is given.
func (p *postgres) takeLead(ctx context.Context, wait bool, in *Inbox) (*Store, error) {
	said := &saying{log: p.Logger}
	for {
		s, err := p.tryLead(ctx, wait, in, said)
		if err == nil || !wait || hopeless(err) || ctx.Err() != nil {
			return s, err
		}
		said.say(slog.LevelWarn, "the catalogue's database is away; it is asked again every second", "err", explain(err))
		if !pause(ctx, soon) {
			return nil, context.Cause(ctx)
		}
	}
}

// pause is false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *postgres) tryLead(ctx context.Context, wait bool, in *Inbox, said *saying) (_ *Store, err error) {
	session, at, err := p.session(ctx, leadingSettings)
	if err != nil {
		return nil, err
	}
	l := &lease{log: p.Logger, place: at, readers: p.readers, current: session, heard: time.Now()}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	defer func() {
		if err != nil {
			_ = l.release() // err says why
		}
	}()
	if err := l.take(ctx, func() error { return p.leased(wait, said) }); err != nil {
		return nil, err
	}
	l.writer = newWriter(l)
	s := newStore(p.Config, l.writer, p.readers, in)
	s.where, s.release, l.lost = p.where(), l.release, s.lost
	if err := s.writer.write(ctx, s.begin); err != nil {
		return nil, err
	}
	l.epoch = s.epoch
	s.started()
	l.background.Go(l.watch)
	l.background.Go(l.tend)
	l.background.Go(func() { p.listen(l.ctx, at.channel, in.arrived) })
	return s, nil
}

// leased is called when another process has the lease. It fails if that is not waited for.
func (p *postgres) leased(wait bool, said *saying) error {
	if !wait {
		return fmt.Errorf("%w %s in this database: stop it, or use another OCEAN__INTEGRATION__IDENTIFIER", ErrLeased, p.Integration)
	}
	said.say(slog.LevelInfo, "another ferry leads; this one receives, and waits for the lease")
	return nil
}

// take waits for the lock. held is called each time that another has it.
func (l *lease) take(ctx context.Context, held func() error) error {
	for {
		var locked bool
		err := l.current.query(ctx, `SELECT pg_try_advisory_lock(?), pg_backend_pid()`, []any{l.place.leaseLock}, into(&locked, &l.backend))
		if err != nil {
			return err
		}
		if locked {
			return l.seeThatItHolds(ctx)
		}
		if err := held(); err != nil {
			return err
		}
		if !pause(ctx, soon) {
			return context.Cause(ctx)
		}
	}
}

// seeThatItHolds fails behind a pooler that gives each transaction another of its sessions: while
// one is in use, ours is not the one that has the lock.
func (l *lease) seeThatItHolds(ctx context.Context) error {
	other, err := l.readers.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = other.Rollback() }() // it did nothing
	if _, err := other.ExecContext(ctx, `SELECT 1`); err != nil {
		return err
	}
	return l.ping(ctx)
}

// release gives the lease back.
func (l *lease) release() error {
	l.end(ErrLost)
	l.background.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), quiet)
	defer cancel()
	if !broken(l.current) {
		// Without it the next would wait until the server has seen that this session is gone.
		_ = l.current.query(ctx, `SELECT pg_advisory_unlock_all()`, nil, func(func(...any) error) error { return nil })
	}
	return l.current.close()
}

// watch sees every second that the lease is still there.
func (l *lease) watch() {
	for pause(l.ctx, soon) {
		if err := l.check(); err != nil {
			l.giveUp(err)
		}
	}
}

// tend keeps the tables' statistics.
func (l *lease) tend() {
	said := &saying{log: l.log}
	for pause(l.ctx, soon) {
		if err := (statistics{l.readers}).refresh(l.ctx); err != nil && l.ctx.Err() == nil {
			said.say(slog.LevelWarn, "the catalogue may be slow: the database's statistics of its tables cannot be refreshed", "err", explain(err))
		}
	}
}

// check fails if the lease is lost. While a transaction is being written its session cannot be
// asked, so others are: were it cut off from the server, they would be too.
func (l *lease) check() error {
	// What ends in the middle of its question breaks the session, which has yet to give the lease back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), quiet/2)
	defer cancel()
	var err error
	if l.writer.ifIdle(func() { err = l.ping(ctx) }) {
		l.heard = time.Now()
		return err
	}
	var epoch int64
	err = l.readers.query(ctx, `SELECT epoch FROM integration WHERE id = ?`, []any{l.place.integration}, into(&epoch))
	switch {
	case err == nil && epoch != l.epoch:
		return errTaken
	case err == nil || answered(err):
		l.heard = time.Now()
	case time.Since(l.heard) > quiet:
		return err
	}
	return nil
}

// ping asks on the session itself.
func (l *lease) ping(ctx context.Context) error {
	var backend int
	err := l.current.query(ctx, `SELECT pg_backend_pid()`, nil, into(&backend))
	if err == nil && backend != l.backend {
		return errPooler
	}
	return err
}

var (
	errTaken  = errors.New("another ferry has taken it")
	errPooler = errors.New("FERRY_DATABASE_URL leads to a pooler that gives each transaction another session, which cannot hold a lease: name the database itself, or a pool in session mode")
)

// giveUp makes it known that the lease is lost.
func (l *lease) giveUp(why error) {
	l.lose.Do(func() {
		if l.ctx.Err() != nil {
			return // it was given back
		}
		l.end(ErrLost)
		l.log.Warn("the lease of the integration is lost", "epoch", l.epoch, "err", explain(why))
		close(l.lost)
	})
}

func (l *lease) session(context.Context) (*session, error) {
	if l.ctx.Err() != nil {
		return nil, ErrLost
	}
	return l.current, nil
}

func (l *lease) limit() (context.Context, context.CancelFunc) {
	return context.WithCancel(l.ctx) // the server ends what takes too long, see [leadingSettings]
}

func (l *lease) begin(t *tx) error {
	if err := t.control(t.ctx, `BEGIN`); err != nil || l.epoch == 0 {
		return err
	}
	var epoch int64
	err := t.query(`SELECT epoch FROM integration WHERE id = ? FOR SHARE`, []any{l.place.integration}, into(&epoch))
	if err == nil && epoch != l.epoch {
		return errTaken
	}
	return err
}

func (l *lease) commit(t *tx) error { return t.control(t.ctx, commit) }

// again: who receives gives way before the server has to choose, but it may have been at it for a
// while when the two met.
func (l *lease) again(err error) bool { return deadlocked(err) }

func (l *lease) failed(s *session, err error) error {
	if errors.Is(err, errTaken) || broken(s) {
		l.giveUp(err)
	}
	if l.ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}
