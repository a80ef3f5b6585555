package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// polling asks Port at a steady beat whether a person there wants a resync. It outlives every error.
// A request is settled when a resync that began after it has ended.
func (t *tenure) polling(ctx context.Context) error {
	told := false
	for {
		err := t.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !told:
			t.log().Warn("Port was not asked whether a resync is wanted, or that failed; it is asked again", "err", err)
		}
		told = err != nil
		if pause(ctx, t.Schedule.Requests) != nil {
			return nil
		}
	}
}

func (t *tenure) poll(ctx context.Context) error {
	request, err := t.Port.ResyncRequest(ctx)
	if errors.Is(err, port.ErrNotFound) {
		return nil // the integration is only about to be made
	}
	if err != nil || request.UpdatedAt.IsZero() {
		return err
	}
	settled, err := t.store.Moment(ctx, momentRequest)
	if err != nil || !request.UpdatedAt.Truncate(time.Millisecond).After(settled) {
		return err
	}
	if settled.IsZero() && !t.Schedule.NoStart && !t.tookOver && request.UpdatedAt.Before(t.began) {
		// The resync at the start is what an earlier request asked for.
		return t.store.SetMoment(ctx, momentRequest, request.UpdatedAt)
	}
	if request.UpdatedAt.Equal(t.requested) {
		return nil // it failed, and is tried again by itself
	}
	t.requested = request.UpdatedAt
	t.log().Info("Port asks for a resync", "at", request.UpdatedAt)
	if err := t.Resync(ctx); err != nil {
		return err
	}
	return t.store.SetMoment(ctx, momentRequest, request.UpdatedAt)
}

// Standing is how the daemon stands.
type Standing struct {
	Leads     bool
	Epoch     int64
	Catalogue *catalog.Status // nil for who does not lead
}

// Standing looks at how things stand.
func (d *Daemon) Standing(ctx context.Context) (Standing, error) {
	store := d.current.get()
	if store == nil {
		return Standing{}, nil
	}
	status, err := d.status(ctx, store)
	return Standing{Leads: true, Epoch: store.Epoch(), Catalogue: &status}, err
}

// status is how the store stands. Without Port nothing waits to be delivered.
func (d *Daemon) status(ctx context.Context, store *catalog.Store) (catalog.Status, error) {
	status, err := store.Status(ctx)
	if d.Port == nil {
		status.Undelivered = catalog.Backlog{}
	}
	return status, err
}

// stuck is how long what looks every second may show nothing.
const stuck = 10 * time.Minute

// Alive fails if what reads changes does not go on, so that only another process helps.
func (d *Daemon) Alive() error {
	pulse := d.pulse.Load()
	if idle := time.Since(time.UnixMilli(pulse)); pulse != 0 && idle > max(stuck, 3*d.Schedule.look()) {
		return fmt.Errorf("what reads changes has not moved for %s", idle.Round(time.Second))
	}
	return nil
}

// Fresh tells of the newest moment up to which the catalogue is known to be equal to Jira and Port to
// the catalogue, and how old that may become; zero and zero for who does not lead, since others work.
func (d *Daemon) Fresh(ctx context.Context) (newest time.Time, promised time.Duration, err error) {
	store := d.current.get()
	if store == nil {
		return newest, 0, nil
	}
	promised = d.promised()
	read, err := store.ReadSince(ctx)
	if err != nil {
		return newest, promised, err
	}
	updated, err := updatesRead(ctx, store, d.current.reads())
	if err != nil {
		return newest, promised, err
	}
	newest = later(read, updated)
	status, err := d.status(ctx, store)
	for _, waiting := range []catalog.Backlog{status.Undelivered, status.Dirty[catalog.Live]} {
		if !waiting.Oldest.IsZero() && waiting.Oldest.Before(newest) {
			newest = waiting.Oldest
		}
	}
	return newest, promised, err
}

// promised is three beats of the slowest kind, of which one may be missed and one be under way, and a
// minute.
func (d *Daemon) promised() time.Duration {
	beat := d.Schedule.polled()
	for _, kind := range d.current.reads() {
		beat = max(beat, d.beat(kind))
	}
	return 3*beat + time.Minute
}

// beat is how often it is asked what of a kind has changed.
func (d *Daemon) beat(kind string) time.Duration {
	if d.Webhook.hears(kind) {
		return d.Schedule.net()
	}
	return d.Schedule.polled()
}
