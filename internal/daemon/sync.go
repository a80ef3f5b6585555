package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
	"ferry/internal/ingest"
	"ferry/internal/mapping"
	"ferry/internal/port"
	"ferry/internal/port/defaults"
	"ferry/internal/source"
	"ferry/jira"
)

// Sync is one integration's work: from this Jira, through this store, into this Port.
type Sync struct {
	Jira  *jira.Client
	Port  *port.Client // nil: the catalogue alone
	Store *catalog.Store

	// Mapping is a mapping file's text and MappingName what to call it in faults. Without one the
	// mapping is the integration's in Port, or, without Port, the default.
	Mapping     []byte
	MappingName string
	Install     defaults.Options

	AcceptDeletions bool // a person has looked at the deletions that waited
	AcceptAccount   bool // a person says that another Jira account is to be trusted from now on
	AcceptSite      bool // a person says that the site has another name now

	Every time.Duration // between the beginnings of two scheduled runs, for Port to show; 0: there is no schedule

	// Grace is how long Port may take for the last word when the context has ended. 0: ten seconds.
	Grace time.Duration

	Progress func(Progress)      // may be nil; called often, from several goroutines
	Lag      func(time.Duration) // how long a change took from Jira's first word of it to Port; as Progress
	Logger   *slog.Logger
}

// Progress is how far a run has come. The entities delivered are counted over all kinds and
// told with an empty Kind.
type Progress struct {
	Kind      string
	Read      int
	Total     int // -1: not known yet
	Delivered int
	Done      bool
}

// run is a Sync's work under way.
type run struct {
	*Sync
	log      *slog.Logger
	started  time.Time
	stopped  atomic.Int64 // when its context ended, in nanoseconds since 1970; 0: it has not
	requests int64        // that the Jira client had made before
	sent     int64        // that the Port client had made before
	resyncID string
	keeps    bool     // nothing is deleted before the run's end
	held     heldTurn // to deliver, if others want it too
	beside   bool     // of the reading and delivering of what changes, which goes on all the time
	mapping  *mapping.Mapping
	text     []byte // the mapping's
	account  string
	site     string
	owner    struct{ site, account string } // of the store, before this run
	trusted  bool                           // the account is the one this store was filled by
	catalog  catalog.Run
	source   *source.Source
	ingest   *ingest.Ingest
	read     ingest.Result
	deleted  map[string]int // by reading
	audit    deliver.Unclaimed
	atPort   time.Time // when it began, by Port's clock; zero if Port did not say
}

func (s *Sync) begin() *run {
	r := &run{Sync: s, started: time.Now(), resyncID: uuid.NewString(), source: source.New(s.Jira), deleted: map[string]int{}}
	r.log = cmp.Or(s.Logger, slog.New(slog.DiscardHandler))
	r.requests = s.Jira.Stats().Requests
	if s.Port != nil {
		r.sent = s.Port.Stats().Requests
	}
	return r
}

// Run reads Jira, makes Port right, and returns. The error is the sentence for which the run
// failed; where the report is not nil, it says how far it came.
func (s *Sync) Run(ctx context.Context) (*Report, error) {
	r := s.begin()
	defer r.mindEnd(ctx)()
	if err := r.prepare(ctx); err != nil {
		return nil, r.tell(ctx, err)
	}
	err := r.work(ctx)
	report, reportErr := r.report(ctx, err)
	return report, r.tell(ctx, errors.Join(err, reportErr))
}

// mindEnd notes when ctx ends, until what it returns is called: the grace begins there.
func (r *run) mindEnd(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { r.stopped.Store(time.Now().UnixNano()) })
}

// lastWord is a context for what Port is told when the context may have ended.
func (r *run) lastWord(ctx context.Context) (context.Context, context.CancelFunc) {
	from := time.Now()
	if stopped := r.stopped.Load(); stopped != 0 {
		from = time.Unix(0, stopped)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), from.Add(cmp.Or(r.Grace, 10*time.Second)))
}

// prepare asks everybody who must agree before anything is changed, and tells all that is wrong
// at once. Only then is Port set up.
func (r *run) prepare(ctx context.Context) error {
	var refused [4]error
	if r.Mapping != nil {
		r.mapping, refused[0] = mapping.Parse(r.MappingName, r.Mapping, source.Kinds())
	}
	var group sync.WaitGroup
	group.Go(func() { r.account, refused[1] = r.source.Account(ctx) })
	group.Go(func() { r.site, refused[2] = r.source.Site(ctx) })
	group.Go(func() { refused[3] = r.reachPort(ctx) })
	group.Wait()
	if errors.Is(refused[2], jira.ErrUnauthorized) && refused[1] != nil {
		refused[2] = nil // it says the same
	}
	if err := errors.Join(refused[:]...); err != nil {
		return err
	}
	if err := r.checkSite(ctx); err != nil {
		return err
	}
	return r.install(ctx)
}

// reachPort makes sure that Port accepts us.
func (r *run) reachPort(ctx context.Context) error {
	if r.Port == nil {
		return nil
	}
	_, err := r.Port.Integration(ctx)
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}

// checkSite stops a run that would read another site into this store: its ids mean other things.
func (r *run) checkSite(ctx context.Context) (err error) {
	r.owner.site, r.owner.account, err = r.Store.Owner(ctx)
	if err != nil || r.owner.site == "" || r.owner.site == r.site || r.AcceptSite {
		return err
	}
	return fmt.Errorf("this store was filled from %s, and %s is another site: use another FERRY_DATA_DIR and OCEAN__INTEGRATION__IDENTIFIER for it, "+
		"or, if it is the same site under another name, run once with --accept-site", r.owner.site, r.site)
}

// install makes sure that Port knows us, and takes the mapping from there unless one was given.
func (r *run) install(ctx context.Context) (err error) {
	text, name := defaults.Mapping(), "the default mapping"
	if r.Port != nil {
		integration, err := defaults.Install(ctx, r.Port, r.Install)
		if err != nil {
			return err
		}
		text, name = integration.Config, "the mapping of integration "+r.Port.Identifier()+" in Port"
	}
	if r.Mapping != nil {
		r.text = r.Mapping
		return nil
	}
	r.text = text
	if len(text) == 0 {
		return fmt.Errorf("%s is empty: write a mapping in Port's data sources page, or give --mapping FILE", name)
	}
	r.mapping, err = mapping.Parse(name, text, source.Kinds())
	return err
}

func (r *run) work(ctx context.Context) (err error) {
	if err := r.Store.SetMapping(ctx, r.text); err != nil {
		return err
	}
	if r.catalog, err = r.Store.BeginRun(ctx, r.mapping.Hash, r.account); err != nil {
		return err
	}
	r.log.Info("run", "run", r.catalog.ID, "mapping", r.mapping.Hash)
	for _, warning := range r.mapping.Warnings {
		r.log.Warn("mapping", "warning", warning)
	}
	if err := r.checkAccount(ctx); err != nil {
		return err
	}
	if err := r.announce(ctx); err != nil {
		return err
	}
	r.ingest = ingest.New(r.ingestConfig())
	if r.Port == nil {
		err = r.readAndForget(ctx)
	} else {
		err = r.readAndDeliver(ctx)
	}
	if err != nil {
		return err
	}
	return r.cameThrough(ctx)
}

// cameThrough notes that a run has read what it could: what changes from its beginning on is to be asked
// for, also where a listing failed.
func (r *run) cameThrough(ctx context.Context) error {
	for _, kind := range r.ingest.Kinds() {
		if err := r.Store.SetMoment(ctx, momentUpdates+kind, r.started); err != nil {
			return err
		}
	}
	return r.Store.SetMoment(ctx, momentJudged+r.mapping.Hash, r.started)
}

func (r *run) readAndForget(ctx context.Context) (err error) {
	if r.read, err = r.ingest.Run(ctx); err != nil {
		return err
	}
	return r.forget(ctx)
}

func (r *run) ingestConfig() ingest.Config {
	return ingest.Config{
		Store: r.Store, Source: r.source, Mapping: r.mapping, RunID: r.catalog.ID,
		Account: r.account, MayDelete: r.trusted, Accept: r.AcceptDeletions, LiveBeside: r.beside,
		Progress: func(p ingest.Progress) {
			r.progress(Progress{Kind: p.Kind, Read: p.Read, Total: p.Total, Done: p.Done})
		},
		Logger: r.log,
	}
}

func (r *run) progress(p Progress) {
	if r.Progress != nil {
		r.Progress(p)
	}
}

// checkAccount makes sure that what is not seen is not seen by the account that saw it before.
// Another account may see less; then nothing is deleted until a person says so. Whose the store is
// is recorded before anything is read into it.
func (r *run) checkAccount(ctx context.Context) error {
	r.trusted = r.owner.account == "" || r.owner.account == r.account || r.AcceptAccount
	if r.trusted {
		return r.Store.Trust(ctx, r.site, r.account)
	}
	return r.Store.SetAside(ctx, catalog.Aside{
		About: catalog.AsideDecision, Subject: "the Jira account", Run: r.catalog.ID,
		Reason: fmt.Sprintf("this store was filled by Jira's account %s, and the credentials now are those of %s: what it cannot see proves nothing, so nothing is deleted; "+
			"use the former account's token, or run once with --accept-account", r.owner.account, r.account),
	})
}

// announce tells Port that a run begins.
func (r *run) announce(ctx context.Context) (err error) {
	if r.Port == nil {
		return nil
	}
	r.atPort, err = r.Port.ResyncState(ctx, r.scheduled(port.ResyncState{Status: port.Running, Start: r.started}))
	return err
}

// readAndDeliver lets both halves work at once: deliver sends what ingest has applied. If
// deliver stops, ingest goes on, for the catalogue keeps what is pending.
func (r *run) readAndDeliver(ctx context.Context) error {
	d := deliver.New(r.Store, r.Port, r.deliverConfig())
	read := make(chan struct{})
	delivered := make(chan error, 1)
	go func() { delivered <- r.upserts(ctx, d, read) }()
	var err error
	r.read, err = r.ingest.Run(ctx)
	close(read)
	if err := errors.Join(err, <-delivered); err != nil {
		return err
	}
	if r.trusted {
		result, err := d.Deletes(ctx)
		r.deleted = result.Deleted
		if err != nil {
			return err
		}
	}
	return r.auditPort(ctx, d)
}

// upserts delivers until all is read. Beside what goes on all the time it outlives a Port that is away
// for a while: nobody else delivers meanwhile.
func (r *run) upserts(ctx context.Context, d *deliver.Deliverer, read <-chan struct{}) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := r.deliver(ctx, d, read)
		if err == nil || !r.beside || isClosed(read) {
			return err
		}
		r.log.Warn("Port does not take what was read; it is kept, and tried again", "err", err, "wait", wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (r *run) deliver(ctx context.Context, d *deliver.Deliverer, read <-chan struct{}) error {
	if !r.beside {
		_, err := d.Upserts(ctx, read)
		return err
	}
	return d.Beside(ctx, read, r.keeps)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (r *run) deliverConfig() deliver.Config {
	m := r.mapping
	return deliver.Config{
		Merge: m.EnableMergeEntity, CreateMissing: m.CreateMissingRelatedEntities,
		DeleteDependents: m.DeleteDependentEntities, Threshold: m.EntityDeletionThreshold,
		AcceptDeletions: r.AcceptDeletions, Protected: r.protected, Kind: source.KindOf,
		Event: "resync", ResyncID: r.resyncID, Run: r.catalog.ID, First: r.catalog.First, Logger: r.log,
		Lag: r.Lag, Grace: r.Grace,
		Progress: func(n int) { r.progress(Progress{Delivered: n}) },
	}
}

// protected: nothing is deleted of a blueprint for which a resource that is set aside may make
// entities too.
func (r *run) protected(blueprint string) string {
	const reason = "%s is set aside and may make entities of this blueprint, so none of them is deleted: mend the resource, or take it out of the mapping"
	for _, a := range r.mapping.SetAside {
		if a.Blueprint == "" || a.Blueprint == blueprint {
			return fmt.Sprintf(reason, a)
		}
	}
	for _, m := range r.ingest.Refused() {
		if m.Blueprint == "" || m.Blueprint == blueprint {
			return fmt.Sprintf(reason, m)
		}
	}
	return ""
}

// forget drops what is not wanted any more where there is no Port to delete it from. What a
// Port was given by an earlier run stays until one deletes it.
func (r *run) forget(ctx context.Context) error {
	after := int64(0)
	for {
		list, err := r.Store.Unwanted(ctx, after, 500)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].Entity
		var unknown []catalog.Pending
		for _, p := range list {
			if !p.Known {
				unknown = append(unknown, p)
				r.deleted[p.Reading]++
			}
		}
		if err := r.Store.Removed(ctx, unknown, false); err != nil {
			return err
		}
	}
}

// tell lets Port's page know how the run ended. A run that Jira or the mapping did not let begin
// has failed too; one that Port did not let begin cannot be told.
func (r *run) tell(ctx context.Context, failure error) error {
	last, cancel := r.lastWord(ctx)
	defer cancel()
	if len(r.read.Failed) > 0 {
		failure = errors.Join(failure, errors.New(strings.Join(r.read.Failed, "\n")))
	}
	if r.Port == nil || r.catalog.ID == 0 && isPorts(failure) {
		return failure
	}
	state := port.ResyncState{Status: port.Completed, End: time.Now()}
	switch {
	case ctx.Err() != nil:
		state.Status = port.Aborted
	case failure != nil || r.decisions(last) > 0:
		state.Status = port.Failed
	}
	if _, err := r.Port.ResyncState(last, r.scheduled(state)); err != nil && failure == nil {
		return err
	}
	return failure
}

// scheduled adds when the next run is due, which Port shows.
func (r *run) scheduled(state port.ResyncState) port.ResyncState {
	if minutes := int(r.Every.Minutes()); minutes > 0 {
		next := r.started.Add(r.Every)
		state.Next, state.IntervalMinutes = &next, &minutes
	}
	return state
}

// decisions is how many deletions wait for a person. If that cannot be told, the run has failed.
func (r *run) decisions(ctx context.Context) int {
	n, err := r.Store.AsideCount(ctx, r.catalog.ID, catalog.AsideDecision)
	if err != nil {
		return 1
	}
	return n
}

// isPorts tells whether it was Port that failed.
func isPorts(err error) bool {
	_, ok := errors.AsType[*port.Error](err)
	return ok
}
