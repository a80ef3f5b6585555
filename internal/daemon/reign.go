package daemon

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/deliver"
	"ferry/internal/ingest"
	"ferry/internal/mapping"
	"ferry/internal/port"
	"ferry/internal/source"
	"ferry/jira"
)

// reign is the time for which one mapping is applied.
type reign struct {
	*tenure
	*run                  // prepared: its mapping, account and site are the reign's
	began     time.Time   // when
	unread    bool        // nothing was ever read wholly under this mapping
	judged    atomic.Bool // a run came to its end under this mapping, so that what relates to what is known
	notBefore time.Time   // when a run may begin again after one that failed
	asked     time.Time   // the word of another process, of which the last run knew, that a resync is wanted
	failures  int
}

// prepared asks everybody who must agree, again and again until they do. Where Port is away the
// mapping that was last applied will do. A store that never came to hold anything has not started
// well: then what cannot mend itself is an error.
func (t *tenure) prepared(ctx context.Context) (*run, error) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		r := t.sync.begin()
		err := t.prepare(ctx, r)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if r, ok := t.remembered(ctx, err); ok {
			return r, nil
		}
		if since, e := t.store.ReadSince(ctx); e == nil && since.IsZero() && lasting(err) {
			return nil, err
		}
		t.log().Error("the work cannot begin; webhooks are taken meanwhile, and it is tried again", "err", err, "wait", wait)
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// patience is how long Port may take for its part, where the mapping that was last applied is known.
const patience = 5 * time.Second

func (t *tenure) prepare(ctx context.Context, r *run) error {
	text, err := t.store.Mapping(ctx)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return r.prepare(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.prepare(ctx)
}

// remembered is a run prepared without Port, by the mapping that was last applied.
func (t *tenure) remembered(ctx context.Context, why error) (*run, bool) {
	text, err := t.store.Mapping(ctx)
	if err != nil || len(text) == 0 || !passes(why) {
		return nil, false
	}
	alone := t.sync
	alone.Port, alone.Mapping, alone.MappingName = nil, text, "the mapping that was last applied"
	r := alone.begin()
	if err := r.prepare(ctx); err != nil {
		return nil, false
	}
	t.log().Error("Port does not give a mapping that can be used; what Jira says is taken in by the one that was last applied", "err", why)
	r.Sync = &t.sync
	return r, true
}

// passes tells whether it is Port, or what it has for a mapping, that keeps the work from beginning, and
// not for good.
func passes(why error) bool {
	_, unusable := errors.AsType[*mapping.ParseError](why)
	return (isPorts(why) || unusable || errors.Is(why, context.DeadlineExceeded)) && !errors.Is(why, port.ErrUnauthorized)
}

// lasting tells whether an error needs a person.
func lasting(err error) bool {
	var passing *port.Error
	for _, kind := range []error{jira.ErrUnauthorized, jira.ErrNotLoggedIn, jira.ErrNotJira, jira.ErrForbidden, port.ErrUnauthorized, port.ErrForbidden} {
		if errors.Is(err, kind) {
			return true
		}
	}
	_, atJira := errors.AsType[*jira.Error](err)
	return !atJira && !errors.As(err, &passing)
}

// reign does everything that goes by one mapping, until that changes ([errMapping]) or ctx ends.
func (t *tenure) reign(ctx context.Context, r *run) error {
	g := &reign{tenure: t, run: r, began: time.Now()}
	if err := t.store.SetMapping(ctx, r.text); err != nil {
		return err
	}
	if err := g.checkAccount(ctx); err != nil {
		return err
	}
	if g.trusted { // what a person said of an account and a site is not said of the next
		t.AcceptAccount, t.AcceptSite, t.sync.AcceptAccount, t.sync.AcceptSite = false, false, false, false
	}
	read, err := t.store.ReadUnder(ctx, r.mapping.Hash)
	if err != nil {
		return err
	}
	g.unread = read.IsZero()
	judged, err := t.store.Moment(ctx, momentJudged+r.mapping.Hash)
	if err != nil {
		return err
	}
	g.judged.Store(!judged.IsZero())
	g.ingest = ingest.New(g.liveConfig())
	g.current.read(g.ingest.Kinds())
	g.pulse.Store(time.Now().UnixMilli())
	defer g.pulse.Store(0)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.ingest.Live(ctx) })
	group.Go(func() error { return g.delivering(ctx) })
	group.Go(func() error { return g.updating(ctx) })
	group.Go(func() error { return g.running(ctx) })
	group.Go(func() error { return g.watching(ctx) })
	return group.Wait()
}

func (g *reign) liveConfig() ingest.Config {
	config := g.ingestConfig()
	config.RunID, config.Progress, config.LiveBeside = 0, nil, true
	config.Accept = false // that was for the run
	config.Pulse = func() { g.pulse.Store(time.Now().UnixMilli()) }
	config.Arrived, config.Look = g.Database.Inbox().Arrived(), g.Schedule.Look
	if g.tenure.Changed != nil {
		config.Changed = g.teller(g.tenure.Changed)
	}
	return config
}

// delivering delivers what changes, between runs.
func (g *reign) delivering(ctx context.Context) error {
	for wait := time.Duration(0); ; {
		err := g.turn.between(ctx, g.deliverChanges)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.Canceled):
			wait = 0 // it made way
		case err != nil:
			if wait == 0 {
				g.log.Warn("changes cannot be delivered; they are kept, and it is tried again", "err", err)
			}
			wait = min(max(2*wait, time.Second), 30*time.Second)
		}
		if pause(ctx, wait) != nil {
			return nil
		}
	}
}

func (g *reign) deliverChanges(ctx context.Context) error {
	if g.Port == nil {
		return g.forgetting(ctx)
	}
	config := g.deliverConfig()
	config.Live, config.Event, config.ResyncID, config.Run, config.First, config.Progress = true, "http_request", "", 0, false, nil
	config.AcceptDeletions, config.Look = false, g.Schedule.Look // to accept was for the run
	return deliver.New(g.store, g.Port, config).Follow(ctx, g.keeps())
}

// keeps tells whether nothing may be deleted between runs, nor while one reads: another account may see
// less, and under a mapping that no run went through to its end it is not known what relates to what.
func (g *reign) keeps() bool { return !g.trusted || !g.judged.Load() }

// forgetting drops what is not wanted any more, where there is no Port.
func (g *reign) forgetting(ctx context.Context) error {
	for {
		if err := g.forget(ctx); err != nil {
			return err
		}
		select {
		case <-g.store.Departed():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watching looks whether the mapping in Port has changed.
func (g *reign) watching(ctx context.Context) error {
	if g.Port == nil || g.Sync.Mapping != nil {
		return nil
	}
	var told string
	for {
		if pause(ctx, g.Schedule.watch()) != nil {
			return nil
		}
		integration, err := g.Port.Integration(ctx)
		if err != nil || len(integration.Config) == 0 || bytes.Equal(integration.Config, g.text) {
			continue // Port is not asked for the sake of the mapping alone: others tell of its troubles
		}
		if _, err := mapping.Parse("the mapping in Port", integration.Config, source.Kinds()); err != nil {
			if told != err.Error() {
				told = err.Error()
				g.log.Error("the mapping in Port has changed and cannot be used; the one before is applied still", "err", err)
			}
			continue
		}
		return errMapping
	}
}

// pause ends after d or with ctx.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func now() time.Time { return time.Now() }
