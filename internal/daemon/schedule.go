package daemon

import (
	"cmp"
	"context"
	"errors"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/ingest"
	"ferry/internal/source"
)

// Schedule says what is done when. Its zero value is one resync, and webhooks and catch-ups after it.
type Schedule struct {
	// Every is the time from the beginning of one resync to that of the next; 0: none follows.
	Every time.Duration
	// NoStart leaves out the resync at the start. A mapping under which nothing was read yet is read
	// all the same.
	NoStart bool
	// NoRuns leaves out all resyncs: what is not told of is not read.
	NoRuns bool
	// Requests is how often Port is asked whether a person there wants a resync; 0: never.
	Requests time.Duration
	// Watch is how often Port is asked for the mapping. 0: a minute.
	Watch time.Duration
	// Polled is how often Jira is asked what has changed of kinds that no webhook tells of, and Net how
	// often of the others, as a net under the webhook. 0: a minute, and a quarter of an hour.
	Polled, Net time.Duration
	// Look is how often the store is looked at for what is due, where nothing wakes. 0: a second.
	Look time.Duration
	// Sweep is how often a catch-up lists all ids, to find what is no longer there, where the webhook
	// is live; SweepPolled where it is not. 0: an hour, and a quarter of one.
	Sweep, SweepPolled time.Duration
}

func (s Schedule) watch() time.Duration  { return cmp.Or(s.Watch, time.Minute) }
func (s Schedule) look() time.Duration   { return cmp.Or(s.Look, time.Second) }
func (s Schedule) polled() time.Duration { return cmp.Or(s.Polled, time.Minute) }
func (s Schedule) net() time.Duration    { return cmp.Or(s.Net, 15*time.Minute) }

func (s Schedule) sweep(live bool) time.Duration {
	if live {
		return cmp.Or(s.Sweep, time.Hour)
	}
	return cmp.Or(s.SweepPolled, 15*time.Minute)
}

// The times that the store keeps.
const (
	momentAsked   = "resync asked for"
	momentDue     = "resync due"
	momentRequest = "resync request of Port"
	momentUpdates = "updates read " // and the kind
	momentSwept   = "ids listed"
	momentJudged  = "run ended under " // and the mapping's hash
)

// running does the runs and the sweeps, one at a time, when they are due.
func (g *reign) running(ctx context.Context) error {
	if err := g.firstDue(ctx); err != nil {
		return g.outlive(ctx, err)
	}
	told := false
	for {
		err := g.runDue(ctx)
		switch {
		case errors.Is(err, errMapping), lostLease(err) != nil:
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil && !told:
			g.log.Error("what is due is not known; it is looked for again", "err", err)
		}
		told = err != nil
		select {
		case <-g.kicks.resync.wait():
		case <-time.After(g.Schedule.look()):
		case <-ctx.Done():
			return nil
		}
	}
}

// outlive takes an error of the store: the loops look at it again soon.
func (g *reign) outlive(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// firstDue makes the resync at the start due, and the next one an interval after it.
func (g *reign) firstDue(ctx context.Context) error {
	if g.Schedule.NoRuns {
		return nil
	}
	if g.unread || !g.Schedule.NoStart && !g.tookOver && !g.started() {
		g.asks.ask(&g.kicks)
	}
	due, err := g.store.Moment(ctx, momentDue)
	if err != nil || g.Schedule.Every == 0 {
		return err
	}
	if next := time.Now().Add(g.Schedule.Every); due.IsZero() || due.After(next) {
		return g.store.SetMoment(ctx, momentDue, next)
	}
	return nil
}

// started tells whether an earlier reign of this process had its resync at the start.
func (g *reign) started() bool { return g.resynced.Swap(true) }

// runDue does what is due now, if anything is.
func (g *reign) runDue(ctx context.Context) error {
	due, err := g.isDue(ctx)
	if err != nil {
		return err
	}
	if due && !g.Schedule.NoRuns {
		return g.resync(ctx)
	}
	sweep, err := g.sweepDue(ctx)
	if err != nil || !sweep || g.Schedule.NoRuns {
		return err
	}
	return g.sweep(ctx)
}

// isDue: who asks need not wait, also not for as long as a run that failed does.
func (g *reign) isDue(ctx context.Context) (bool, error) {
	if g.asks.any() {
		return true, nil
	}
	asked, err := g.store.Moment(ctx, momentAsked)
	if err != nil || !asked.IsZero() && !asked.Equal(g.asked) {
		return err == nil, err
	}
	due, err := g.store.Moment(ctx, momentDue)
	scheduled := g.Schedule.Every > 0 && !due.IsZero() && !time.Now().Before(due)
	return (scheduled || g.again || !asked.IsZero()) && !time.Now().Before(g.notBefore), err
}

// resync is one run. Those who asked for it before it began hear how it ended.
func (g *reign) resync(ctx context.Context) error {
	began := time.Now()
	asked, err := g.store.Moment(ctx, momentAsked)
	if err != nil {
		return err
	}
	g.asked = asked
	taken := g.asks.take()
	report, err := g.runOnce(ctx)
	if errors.Is(err, errMapping) || ctx.Err() != nil {
		g.asks.back(taken) // another reign, or nobody, will serve them
		return err
	}
	for _, asker := range taken {
		asker <- err
	}
	whole := report != nil && report.Whole
	if report == nil && err != nil {
		report = &Report{Started: began, Took: time.Since(began), State: catalog.Failed} // it did not come to begin
	}
	if report != nil && g.Ran != nil {
		g.Ran(report)
	}
	g.afterRun(err, whole)
	return errors.Join(g.served(ctx, err), g.nextDue(ctx, began), lostLease(err))
}

// lostLease is an error that ends the tenure.
func lostLease(err error) error {
	if errors.Is(err, catalog.ErrEpoch) || errors.Is(err, catalog.ErrLost) {
		return err
	}
	return nil
}

// afterRun lets a run that failed be tried again, later each time.
func (g *reign) afterRun(err error, whole bool) {
	if err == nil {
		g.accepted.Store(true)
		g.failures, g.unread, g.again, g.notBefore = 0, false, false, time.Time{}
		return
	}
	first := time.Minute
	if whole {
		first = 30 * time.Minute // a list failed, and all else was done: that may well be so again
	}
	wait := min(first<<g.failures, 6*time.Hour)
	g.failures = min(g.failures+1, 9)
	g.notBefore = time.Now().Add(wait)
	g.log.Error("the resync failed; what was read and delivered is kept, and it is tried again", "err", err, "wait", wait)
	g.again = true
}

// served forgets that another process was asked for a resync, unless it was asked again since the one
// that has gone well began. Its clock may be another than ours.
func (g *reign) served(ctx context.Context, failure error) error {
	asked, err := g.store.Moment(ctx, momentAsked)
	if err != nil || failure != nil || asked.IsZero() || !asked.Equal(g.asked) {
		return err
	}
	return g.store.SetMoment(ctx, momentAsked, time.Time{})
}

// nextDue notes when the next run is due: an interval after this one began, or when it has ended if
// that is later. A run that takes longer than the interval is not cut short by the next.
func (g *reign) nextDue(ctx context.Context, began time.Time) error {
	if g.Schedule.Every == 0 {
		return nil
	}
	return g.store.SetMoment(ctx, momentDue, began.Add(g.Schedule.Every))
}

// runOnce is a run beside the reading of what changes.
func (g *reign) runOnce(ctx context.Context) (*Report, error) {
	sync := *g.Sync
	if g.accepted.Load() {
		sync.AcceptDeletions = false // a person has looked at those of one run
	}
	r := sync.begin()
	r.beside, r.keeps = true, g.keeps()
	defer r.mindEnd(ctx)()
	if err := r.prepare(ctx); err != nil {
		return nil, r.tell(ctx, err)
	}
	if r.mapping.Hash != g.mapping.Hash || r.account != g.account {
		return nil, errMapping
	}
	r.held = heldTurn{turn: g.turn}
	if err := r.held.take(ctx); err != nil {
		return nil, err
	}
	defer r.held.give()
	err := r.work(ctx)
	g.judged.Store(g.judged.Load() || err == nil)
	report, reportErr := r.report(ctx, err)
	return report, r.tell(ctx, errors.Join(err, reportErr))
}

// sweepDue tells whether all ids are to be listed again, to find what is no longer there.
func (g *reign) sweepDue(ctx context.Context) (bool, error) {
	if !g.judged.Load() {
		return false, nil
	}
	swept, err := g.store.Moment(ctx, momentSwept)
	if err != nil {
		return false, err
	}
	read, err := g.store.ReadSince(ctx)
	if read.After(swept) {
		swept = read
	}
	return time.Since(swept) >= g.Schedule.sweep(g.Webhook.hears(source.Issue)), err
}

func (g *reign) sweep(ctx context.Context) error {
	began := time.Now()
	state, err := g.catchUp(ctx)
	if ctx.Err() != nil || lostLease(err) != nil {
		return err
	}
	if g.CaughtUp != nil {
		g.CaughtUp(state)
	}
	if err != nil {
		g.log.Warn("the catch-up failed; the next one makes it good", "err", err)
	}
	return g.store.SetMoment(ctx, momentSwept, began)
}

// catchUp lists all ids, reads what is not known, and judges what is no longer there.
func (g *reign) catchUp(ctx context.Context) (state catalog.State, err error) {
	r := g.Sync.begin()
	r.beside, r.mapping, r.text, r.account, r.site, r.owner, r.trusted = true, g.mapping, g.text, g.account, g.site, g.owner, g.trusted
	since, err := g.sweepSince(ctx)
	if err != nil || since.IsZero() {
		return catalog.Failed, err
	}
	if r.catalog, err = g.store.BeginCatchUp(ctx, r.mapping.Hash, r.account); err != nil {
		return catalog.Failed, err
	}
	config := r.ingestConfig()
	config.Since, config.Progress, config.Accept = since, nil, false // to accept was for the run
	r.ingest = ingest.New(config)
	state = catalog.Failed
	if r.read, err = r.ingest.Run(ctx); err == nil && len(r.read.Failed) == 0 {
		state = catalog.Completed
	}
	return state, errors.Join(err, g.store.EndCatchUp(context.WithoutCancel(ctx), r.catalog.ID, state))
}

// sweepSince is since when a sweep asks for changes: where a listing fails each time, so that nothing
// was ever read wholly, since they were last asked for.
func (g *reign) sweepSince(ctx context.Context) (time.Time, error) {
	since, err := g.store.ReadSince(ctx)
	if err != nil || !since.IsZero() {
		return since, err
	}
	return updatesRead(ctx, g.store, g.ingest.Kinds())
}
