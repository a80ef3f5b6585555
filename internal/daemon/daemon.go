package daemon

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/ingest"
)

// Daemon keeps Port true to Jira for as long as it runs. Of several on one database one works, and
// the others wait for its place; all may receive webhooks meanwhile.
type Daemon struct {
	Sync     // of which Store is left empty: it is the database's
	Database *catalog.Database
	Replicas bool // others may work on the database, so that it may be theirs to do what is asked of us
	Schedule Schedule
	Webhook  Webhook

	// Listen hears from elsewhere that a resync is wanted, by whoever works. It returns when ctx
	// ends, or with a sentence if it can never hear anything. nil: nobody is listened to.
	Listen func(ctx context.Context, resync func(context.Context) error) error

	// Told of what happens; each may be nil.
	Ran      func(*Report)
	CaughtUp func(catalog.State) // how a catch-up that listed all ids ended
	Changed  func(Change)

	accepted atomic.Bool // a run has carried out the deletions that a person accepted
	asks     asks
	kicks    kicks
	current  current
	pulse    atomic.Int64 // when what reads changes last showed that it goes on, in milliseconds since 1970; 0: it need not
}

// Webhook is what the daemon needs to know of how Jira tells it of changes.
type Webhook struct {
	// Keep keeps it registered until ctx ends, by whoever works. nil: somebody else does.
	Keep func(ctx context.Context)
	// Hears tells whether the changes of a kind come by it just now. nil: none do.
	Hears func(kind string) bool
}

func (w Webhook) hears(kind string) bool { return w.Hears != nil && w.Hears(kind) }

// Run works whenever it is this process's turn, until ctx ends: that is no error. An error is a
// sentence for which the daemon cannot work at all.
func (d *Daemon) Run(ctx context.Context) error {
	if d.Port != nil {
		// Nobody is to wait for a Port that is down when the end has come.
		defer context.AfterFunc(ctx, d.Port.Hurry)()
	}
	for {
		err := d.lead(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil || lostLease(err) != nil:
			d.log().Warn("the lease was lost; another works, or we again as soon as the database is there", "err", err)
		default:
			return err
		}
	}
}

func (d *Daemon) log() *slog.Logger { return cmp.Or(d.Logger, slog.New(slog.DiscardHandler)) }

// lead waits for the lease, and works until it is lost or ctx ends.
func (d *Daemon) lead(ctx context.Context) (err error) {
	began := time.Now()
	store, err := d.Database.Lead(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d.current.set(store)
	defer d.current.set(nil)
	t := &tenure{
		Daemon: d, store: store, sync: d.Sync, turn: newTurn(),
		began: time.Now(), tookOver: time.Since(began) > took,
	}
	t.sync.Store = store
	err = t.work(ctx)
	t.farewell(context.WithoutCancel(ctx))
	return err
}

// took tells a lease that another held before from one that was free.
const took = 3 * time.Second

// tenure is the time for which this process has the lease.
type tenure struct {
	*Daemon
	store     *catalog.Store
	sync      Sync
	turn      *turn
	resynced  atomic.Bool // a reign had its resync at the start
	began     time.Time   // when
	requested time.Time   // the request of Port that polling asked for last
	again     bool        // the last run failed, so that another is to come
	tookOver  bool        // another worked until now, so that nothing is missing but what it did not come to
}

// work does everything that goes on for as long as the lease lasts.
func (t *tenure) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.lost(ctx) })
	group.Go(func() error { return t.reigns(ctx) })
	if t.Webhook.Keep != nil {
		group.Go(func() error { t.Webhook.Keep(ctx); return nil })
	}
	if t.Listen != nil {
		group.Go(func() error { return t.Listen(ctx, t.Resync) })
	}
	if t.Port != nil && t.Schedule.Requests > 0 {
		group.Go(func() error { return t.polling(ctx) })
	}
	return group.Wait()
}

func (t *tenure) lost(ctx context.Context) error {
	select {
	case <-t.store.Lost():
		return catalog.ErrEpoch
	case <-ctx.Done():
		return nil
	}
}

// reigns applies one mapping after another.
func (t *tenure) reigns(ctx context.Context) error {
	for {
		r, err := t.prepared(ctx)
		if err != nil {
			return err
		}
		err = t.reign(ctx, r)
		switch {
		case ctx.Err() != nil || lostLease(err) != nil:
			return err
		case errors.Is(err, errMapping):
			t.log().Info("the mapping has changed")
			continue
		case errors.Is(err, ingest.ErrAccount):
			t.log().Warn("Jira knows the credentials as another account's than before", "err", err)
		default:
			t.log().Error("the store did not let the work begin; it is tried again", "err", err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// errMapping ends a reign.
var errMapping = errors.New("the mapping has changed")

// farewell says what is left to do, which the store keeps.
func (t *tenure) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	left, err := t.status(ctx, t.store)
	if err != nil {
		return // the store is gone, as was said
	}
	unread := 0
	for _, b := range left.Dirty {
		unread += b.N
	}
	t.log().Info("stopped; what is left to do is kept", "unread", unread, "undelivered", left.Undelivered.N)
}
