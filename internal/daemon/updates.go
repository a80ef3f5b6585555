package daemon

import (
	"context"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/ingest"
)

// Mended lets what may not have been heard be read: the webhook was not there, or not right.
func (d *Daemon) Mended(context.Context, time.Time) { d.kicks.updates.set() }

// updating asks Jira, kind by kind, what has changed: after a start, after the webhook was mended, and
// at a steady beat, which is quick for what no webhook tells of. It makes items dirty; what is no
// longer there is for a sweep or a run to find.
func (g *reign) updating(ctx context.Context) error {
	beats := map[string]*beat{}
	for _, kind := range g.ingest.Kinds() {
		beats[kind] = &beat{kind: kind, gap: true}
	}
	for {
		for _, b := range beats {
			if err := g.keep(ctx, b); err != nil {
				return err
			}
		}
		select {
		case <-g.kicks.updates.wait():
			for _, b := range beats {
				b.gap = true
			}
		case <-time.After(g.Schedule.look()):
		case <-ctx.Done():
			return nil
		}
	}
}

// beat is when the changes of a kind are asked for. Only updating has it.
type beat struct {
	kind      string
	gap       bool      // some may not have been heard: ask now
	again     time.Time // when to ask once more, since Jira's index may not have held yet what was not heard; zero: not
	notBefore time.Time // after a failure
	failures  int
}

// keep asks for the changes of a kind, if that is due.
func (g *reign) keep(ctx context.Context, b *beat) error {
	since, err := g.updatesDue(ctx, b)
	if err != nil || since.IsZero() {
		return g.outlive(ctx, lostLease(err))
	}
	began := time.Now()
	config := g.liveConfig()
	config.Since = since
	err = ingest.New(config).Updates(ctx, b.kind)
	if err == nil {
		err = g.store.SetMoment(ctx, momentUpdates+b.kind, began)
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case lostLease(err) != nil:
		return err
	case err != nil:
		if b.failures == 0 {
			g.log.Warn("Jira was not asked what has changed; it is tried again", "kind", b.kind, "err", err)
		}
		b.notBefore = time.Now().Add(min(time.Second<<b.failures, time.Minute))
		b.failures = min(b.failures+1, 6)
		return nil
	}
	b.asked()
	return nil
}

// lagging is after how long Jira's index holds what has changed, surely enough. What is asked for looks back
// further than that.
const lagging = 2 * time.Minute

// asked notes that changes were asked for.
func (b *beat) asked() {
	switch {
	case b.gap:
		b.again = time.Now().Add(lagging)
	case b.due():
		b.again = time.Time{}
	}
	b.gap, b.failures = false, 0
}

// due tells whether to ask now, however long ago that was done last.
func (b *beat) due() bool { return b.gap || !b.again.IsZero() && !time.Now().Before(b.again) }

// updatesDue is since when changes are to be asked for now: since they were last asked for, or a run
// began that read everything, however good the webhook was meanwhile, for a webhook that is there does not
// deliver everything. It is zero if none are to be asked for, or nothing was ever read, so that a run
// reads everything.
func (g *reign) updatesDue(ctx context.Context, b *beat) (since time.Time, err error) {
	if time.Now().Before(b.notBefore) {
		return since, nil
	}
	last, err := g.store.Moment(ctx, momentUpdates+b.kind)
	if err != nil {
		return since, err
	}
	read, err := g.store.ReadSince(ctx)
	if err != nil {
		return since, err
	}
	since = later(last, read)
	if since.IsZero() {
		return since, g.heardFrom(ctx, b.kind)
	}
	if b.due() || time.Since(since) >= g.beat(b.kind) {
		return since, nil
	}
	return time.Time{}, nil
}

// heardFrom begins the time of which changes are asked for where no run ever reads everything.
func (g *reign) heardFrom(ctx context.Context, kind string) error {
	if !g.Schedule.NoRuns {
		return nil
	}
	return g.store.SetMoment(ctx, momentUpdates+kind, time.Now())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// updatesRead is since when changes of all the kinds have been asked for; zero if of one they never were.
func updatesRead(ctx context.Context, store *catalog.Store, kinds []string) (oldest time.Time, err error) {
	for i, kind := range kinds {
		at, err := store.Moment(ctx, momentUpdates+kind)
		if err != nil {
			return time.Time{}, err
		}
		if i == 0 || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest, nil
}
