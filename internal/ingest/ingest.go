package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/mapping"
	"ferry/internal/source"
)

// Config is what one ingest works with.
type Config struct {
	Store   *catalog.Store
	Source  *source.Source
	Mapping *mapping.Mapping
	RunID   int64
	// Account is the Jira account of this run. MayDelete is false if it is another than the
	// store's: what such an account does not see proves nothing.
	Account   string
	MayDelete bool
	// Accept: a person has decided that projects whose issues all vanished are really gone.
	Accept bool
	// Since makes this a catch-up: it reads only what is not known or has changed since. Zero: it
	// reads everything.
	Since time.Time
	// LiveBeside: Live goes on beside this run and reads what has changed; the run reads what it lists.
	LiveBeside bool

	Workers int             // batches under way at once, from the request to the commit; 0: 20
	Arrived <-chan struct{} // a wake for Live: something was said of items; nil: it looks now and then
	Look    time.Duration   // how often that is; 0: every second

	Pulse func() // told by Live that it goes on, at least once in Look; nil: nobody asks

	// Progress and Changed may be nil. Both are called from several goroutines.
	Progress func(Progress)
	Changed  func([]catalog.Change)
	Logger   *slog.Logger
}

// workers is twice what the Jira client lets out at once: while one batch is mapped and written,
// another must be on the wire.
const workers = 20

// Progress is how far the reading of a kind has come.
type Progress struct {
	Kind  string
	Read  int
	Total int // -1: not known yet
	Done  bool
}

// Result is what a run found. What was set aside is in the catalogue.
type Result struct {
	Read   map[string]int // items read, by reading
	Failed []string       // listings that failed or are not complete, each a sentence
	Nulled map[Field]int  // items for which an expression failed, so that null stands in its place
}

// Field is a mapped key of one resource, such as "properties.status".
type Field struct {
	Resource string // "resource 2 (issue)"
	Path     string
}

// Ingest is one run's reading of Jira.
type Ingest struct {
	Config
	log       *slog.Logger
	readings  []*source.Reading
	refused   []source.Refusal
	resources map[int]*mapping.Resource
	mu        sync.Mutex
	finished  []*reading      // in their order
	unsettled map[string]bool // guarded by mu: kinds of which something could not be decided in this run
	result    Result
}

// New plans a run.
func New(config Config) *Ingest {
	in := &Ingest{
		Config:    config,
		log:       cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
		resources: map[int]*mapping.Resource{},
		unsettled: map[string]bool{},
		result:    Result{Read: map[string]int{}, Nulled: map[Field]int{}},
	}
	in.Workers = cmp.Or(config.Workers, workers)
	for _, r := range config.Mapping.Resources {
		in.resources[r.Index] = r
	}
	in.readings, in.refused = Plan(config.Mapping)
	for _, kind := range in.setAsideKinds() {
		in.unsettled[kind] = true
	}
	return in
}

// Plan is what a mapping reads of Jira, and which of its resources cannot be read.
func Plan(m *mapping.Mapping) ([]*source.Reading, []source.Refusal) {
	var asks []source.Ask
	for _, r := range m.Resources {
		fields, all := fieldsRead(r.Reads())
		asks = append(asks, source.Ask{Resource: r.Index, Kind: r.Kind, Selector: r.Selector, Fields: fields, AllFields: all})
	}
	return source.Plan(asks)
}

// setAsideKinds are the kinds of resources that cannot be used. Claims whose resource is gone may
// be theirs, as they were before somebody broke them. A resource whose kind is none may be
// meant for any.
func (in *Ingest) setAsideKinds() []string {
	var kinds []string
	for _, a := range in.Mapping.SetAside {
		if !source.IsKind(a.Kind) {
			return source.Kinds()
		}
		kinds = append(kinds, a.Kind)
	}
	for _, r := range in.refused {
		kinds = append(kinds, in.resources[r.Resource].Kind)
	}
	return kinds
}

// identities are the resources of the mapping, for the catalogue to know again.
func (in *Ingest) identities() []catalog.Resource {
	list := make([]catalog.Resource, len(in.Mapping.Resources)+len(in.Mapping.SetAside))
	for _, r := range in.Mapping.Resources {
		list[r.Index] = catalog.Resource{Kind: r.Kind, Identity: r.Identity()}
	}
	for _, a := range in.Mapping.SetAside {
		list[a.Index] = catalog.Resource{Kind: a.Kind}
	}
	for _, r := range in.refused {
		list[r.Resource].Identity = ""
	}
	return list
}

// fieldsRead are the keys of an item's `fields` that are read.
func fieldsRead(reads mapping.Paths) (names []string, all bool) {
	if reads.Whole {
		return nil, true
	}
	fields := reads.Keys["fields"]
	for name := range fields.Keys {
		if name == mapping.Each {
			return nil, true
		}
		names = append(names, name)
	}
	return names, fields.Whole
}

// Run reads Jira. It returns an error for what ends a run: no access, a site that does not
// answer, a store that cannot be written. A listing that fails alone is in the result.
func (in *Ingest) Run(ctx context.Context) (Result, error) {
	if err := in.nameSetAside(ctx); err != nil {
		return in.result, err
	}
	if err := in.begin(ctx); err != nil {
		return in.result, err
	}
	for _, r := range in.readings {
		if err := in.read(ctx, r); err != nil {
			return in.result, fmt.Errorf("read the %ss of Jira: %w", r.Kind, err)
		}
	}
	if !in.MayDelete || in.catchingUp() {
		return in.result, nil
	}
	return in.result, in.dropFormer(ctx)
}

// begin makes the catalogue go by this mapping.
func (in *Ingest) begin(ctx context.Context) error {
	if err := in.Store.SetResources(ctx, in.identities()); err != nil {
		return err
	}
	var asked []catalog.AskedReading
	for _, r := range in.readings {
		asked = append(asked, catalog.AskedReading{Name: r.Name, Kind: r.Kind})
	}
	return in.Store.SetReadings(ctx, asked)
}

// alone tells whether no other reading is of the kind.
func (in *Ingest) alone(r *source.Reading) bool {
	return !slices.ContainsFunc(in.readings, func(other *source.Reading) bool { return other != r && other.Kind == r.Kind })
}

// nameSetAside records the resources that cannot be used.
func (in *Ingest) nameSetAside(ctx context.Context) error {
	var errs []error
	for _, a := range in.Mapping.SetAside {
		errs = append(errs, in.aside(ctx, catalog.AsideResource, a.String(), a.Kind, strings.Join(a.Reasons, "; ")))
	}
	for _, r := range in.refused {
		resource := in.resources[r.Resource]
		errs = append(errs, in.aside(ctx, catalog.AsideResource, resource.String(), resource.Kind, r.Reason))
	}
	return errors.Join(errs...)
}

func (in *Ingest) aside(ctx context.Context, about catalog.About, subject, kind, reason string) error {
	in.log.Warn("set aside", "kind", kind, "subject", subject, "reason", reason)
	return in.Store.SetAside(ctx, catalog.Aside{About: about, Subject: subject, Kind: kind, Reason: reason, Run: in.RunID})
}

func (in *Ingest) read(ctx context.Context, r *source.Reading) error {
	started := time.Now()
	t := in.reading(r, in.Source)
	t.lasting = in.catchingUp()
	defer func() {
		in.result.Read[r.Name] += int(t.done.Load())
		in.log.Info("read", "kind", r.Kind, "n", t.done.Load(), "took", time.Since(started).Round(time.Millisecond))
	}()
	t.total.Store(-1)
	t.progress(false)
	var err error
	switch r.Kind {
	case source.Project:
		err = t.projects(ctx)
	case source.Issue:
		err = t.issues(ctx)
	default:
		panic("ingest: a reading of a kind that source does not plan: " + r.Kind)
	}
	if err == nil {
		in.finished = append(in.finished, t)
		t.progress(true)
	}
	return err
}

func (in *Ingest) reading(r *source.Reading, from *source.Source) *reading {
	return &reading{
		Ingest: in, Reading: r, Source: from, reads: in.readsOf(r),
		complete: in.alone(r) && !slices.Contains(in.setAsideKinds(), r.Kind),
	}
}

func (in *Ingest) catchingUp() bool { return !in.Since.IsZero() }

// reading is one reading of a run under way.
type reading struct {
	*Ingest
	*source.Reading
	Source  *source.Source // of the Ingest, or the same in more haste
	lasting bool           // what cannot be read now is tried until it can
	live    bool           // somebody waits to see in Port what it reads
	reads   mapping.Paths
	done    atomic.Int64 // items read
	total   atomic.Int64 // items to read; -1 unknown
	states  []*listing   // one a query
	// complete: it has all resources of the kind and none is set aside, so that what no resource
	// claims is nobody's.
	complete bool
}

// listing is how one query of the reading fared in this run.
type listing struct {
	source.Query
	mu     sync.Mutex
	state  catalog.ListingState
	reason string
}

func (l *listing) end(state catalog.ListingState, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.reason = state, reason
}

func (l *listing) is(state catalog.ListingState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == state
}

// unsettle notes that something of the kind could not be decided in this run, so that what the
// mapping has no more of it is left alone.
func (in *Ingest) unsettle(kind string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.unsettled[kind] = true
}

// countFailed counts expressions that failed and became null.
func (in *Ingest) countFailed(r *mapping.Resource, failed map[string]int) {
	if len(failed) == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for path, n := range failed {
		in.result.Nulled[Field{r.String(), path}] += n
	}
}

func (in *Ingest) settled(kind string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.unsettled[kind]
}

func (t *reading) progress(done bool) {
	if t.Progress != nil {
		t.Progress(Progress{Kind: t.Kind, Read: int(t.done.Load()), Total: int(t.total.Load()), Done: done})
	}
}

// settle records how a listing ended. One that is not complete is set aside by name; it proves
// nothing about what it does not hold.
func (t *reading) settle(ctx context.Context, l *listing, state catalog.ListingState, reason string, found, expected int) error {
	l.end(state, reason)
	if err := t.Store.SetListing(ctx, t.listingRow(l.Query), state, found, expected, reason); err != nil {
		return err
	}
	if state == catalog.ListingComplete {
		return nil
	}
	t.unsettle(t.Kind)
	t.mu.Lock()
	t.result.Failed = append(t.result.Failed, fmt.Sprintf("the list of %s is %s: %s", t.describe(l.Query), state, reason))
	t.mu.Unlock()
	return t.aside(ctx, catalog.AsideListing, t.describe(l.Query), t.Kind, reason)
}

func (t *reading) listingRow(q source.Query) catalog.Listing {
	return catalog.Listing{Run: t.RunID, Reading: t.Name, Bit: q.Bit, Query: q.JQL}
}

func (t *reading) describe(q source.Query) string {
	if q.JQL == "" {
		return "all " + t.Kind + "s"
	}
	return fmt.Sprintf("%ss that %q selects", t.Kind, q.JQL)
}

// Refused are the resources whose selector cannot be used.
func (in *Ingest) Refused() []*mapping.Resource {
	var refused []*mapping.Resource
	for _, r := range in.refused {
		refused = append(refused, in.resources[r.Resource])
	}
	return refused
}
