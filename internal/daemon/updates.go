package daemon

import (
	"context"
	"errors"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/ingest"
	"ferry/internal/source"
)

// Verified notes that the webhook was there, enabled and right at that time.
func (d *Daemon) Verified(ctx context.Context, at time.Time) {
	store := d.current.get()
	if store == nil {
		return
	}
	if err := store.SetMoment(ctx, momentHeard, at); err != nil && ctx.Err() == nil {
		d.log().Warn("it could not be noted that the webhook is right; the next catch-up will look further back", "err", err)
	}
}

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
	from      time.Time // since when that is, as it was when the gap was first seen: the webhook may be good again before it was asked
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
	case errors.Is(err, catalog.ErrEpoch):
		return err
	case err != nil:
		if b.failures == 0 {
			g.log.Warn("Jira was not asked what has changed; it is tried again", "kind", b.kind, "err", err)
		}
		b.notBefore = time.Now().Add(min(time.Second<<b.failures, time.Minute))
		b.failures = min(b.failures+1, 6)
		return nil
	}
	b.gap, b.from, b.failures = false, time.Time{}, 0
	return nil
}

// updatesDue is since when changes are to be asked for now; zero if none are, or nothing was ever
// read, so that a run reads everything.
func (g *reign) updatesDue(ctx context.Context, b *beat) (since time.Time, err error) {
	if time.Now().Before(b.notBefore) {
		return since, nil
	}
	last, err := g.store.Moment(ctx, momentUpdates+b.kind)
	if err != nil {
		return since, err
	}
	read, err := g.store.ReadSince(ctx)
	if err != nil || last.IsZero() && read.IsZero() {
		return since, err
	}
	since = later(last, read)
	every := g.Schedule.polled()
	if g.Webhook.hears(b.kind) {
		every = g.Schedule.net()
	}
	switch {
	case b.gap:
		b.from, err = g.gapFrom(ctx, b, since)
		return b.from, err
	case time.Since(since) >= every:
		return since, nil
	}
	return time.Time{}, nil
}

// gapFrom is since when changes may not have been heard: since they were last asked for, or since the
// webhook was last known to be good where that told of them.
func (g *reign) gapFrom(ctx context.Context, b *beat, since time.Time) (time.Time, error) {
	switch {
	case !b.from.IsZero():
		return b.from, nil
	case b.kind != issueKind:
		return since, nil
	}
	if !g.gapSeen.Swap(true) {
		return later(since, g.heard), nil // of an earlier process
	}
	heard, err := g.store.Moment(ctx, momentHeard)
	return later(since, heard), err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// issueKind is the kind by which freshness is judged: the one that changes all day.
const issueKind = source.Issue
