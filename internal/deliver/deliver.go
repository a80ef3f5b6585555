package deliver

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// Config says how entities are written and what may be deleted.
type Config struct {
	Merge            bool    // enableMergeEntity: keys the mapping does not make stay as they are
	CreateMissing    bool    // createMissingRelatedEntities
	DeleteDependents bool    // deleteDependentEntities: a delete takes along what relates to it
	Threshold        float64 // entityDeletionThreshold: the part of all entities that one run may delete; 0 forbids all
	AcceptDeletions  bool    // a person has looked: the threshold does not count

	// Protected says why nothing of a blueprint may be deleted in this run; "" if it may. nil: everything may.
	Protected func(blueprint string) (reason string)

	// Live says that changes are delivered one by one as they come: a survey of all that Port holds
	// does not pay, and who waits for company delays what somebody is waiting to see.
	Live bool
	Look time.Duration // how often rows are looked at without a wake, where Live; 0: every second

	Workers  int                         // bulks under way at once, 0: 40
	Kind     func(reading string) string // the kind a reading is of; nil: its name
	Event    string                      // what made us write: "resync", …
	ResyncID string                      // the run's, as Port is told
	Run      int64                       // the run's number in the catalogue
	First    bool                        // nothing was ever delivered from this store
	Logger   *slog.Logger                // nil: nothing is logged
	Progress func(delivered int)         // how many were delivered so far; called by several goroutines; nil: nobody asks
	Lag      func(time.Duration)         // from Jira's first word of a change to Port's having it; like Progress
	Grace    time.Duration               // how long calls under way may go on when the context has ended, 0: 10 s
}

const (
	// workers is twice what the Port client lets out at once: while the answer to one bulk is
	// written, another must be on the wire.
	workers = 40
	// finishWithin is how long calls that are under way may go on when ctx has ended, unless told otherwise.
	finishWithin = 10 * time.Second
)

// Deliverer delivers one run. Its methods are called one after another.
type Deliverer struct {
	store  *catalog.Store
	client *port.Client
	config Config
	log    *slog.Logger

	mu     sync.Mutex
	result Result
	absent map[string]time.Time // since when blueprints are known that Port does not have
	kept   map[int64]int64      // rows that Port would not delete, and their versions
	took   bool                 // a deletion may have taken along what nobody knew of
	// missing are rows that Port did not have when they were first to be sent, and has not taken yet.
	missing map[int64]bool

	makers  makers
	waiting waiting // handed from feeder to feeder

	// Of Follow and Beside alone.
	beside    bool // others read what has changed, and deliver it when the run is over
	reading   bool // a run reads
	held      int  // deletions that wait for what relates to them
	undrained bool // there was something undelivered when the deletions began
	braked    int  // unwanted entities when the brake was met, 0: it was not

	again     map[int64]int64 // those of kept that are tried again
	keptAt    time.Time       // when all that is kept was last tried
	keptTries int             // how often that was since anything new was kept
	freedAt   time.Time       // when something was last deleted or delivered that what is kept may have waited for
	freed     chan struct{}   // has one when something was delivered
}

// Result is what became of entities in one call.
type Result struct {
	Created, Updated int
	Refused          int            // set aside, each with its reason
	Deleted          map[string]int // by the reading of the item that first claimed them
	Waiting          int            // deletions that wait for a person
}

// New prepares a run's deliveries and sends nothing.
func New(store *catalog.Store, client *port.Client, config Config) *Deliverer {
	config.Workers = cmp.Or(config.Workers, workers)
	if config.Kind == nil {
		config.Kind = func(reading string) string { return reading }
	}
	if config.Protected == nil {
		config.Protected = func(string) string { return "" }
	}
	if config.Progress == nil {
		config.Progress = func(int) {}
	}
	if config.Lag == nil {
		config.Lag = func(time.Duration) {}
	}
	config.Grace = cmp.Or(config.Grace, finishWithin)
	d := &Deliverer{
		store: store, client: client, config: config,
		log:    cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
		absent: map[string]time.Time{}, kept: map[int64]int64{}, missing: map[int64]bool{},
		took:    true, // by an earlier process
		waiting: newWaiting(store.Awaited),
		freed:   make(chan struct{}, 1),
	}
	d.makers = makers{d: d, lookedUp: map[string]int{}, alone: map[string]bool{}, over: config.Live}
	return d
}

func (d *Deliverer) upsert() port.Upsert {
	return port.Upsert{
		Merge: d.config.Merge, CreateMissing: d.config.CreateMissing,
		Event: d.config.Event, ResyncID: d.config.ResyncID,
	}
}

// count changes what was counted so far.
func (d *Deliverer) count(change func(*Result)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.result)
}

// counted is what was counted so far.
func (d *Deliverer) counted() Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	counted := d.result
	counted.Deleted = maps.Clone(d.result.Deleted)
	return counted
}

// since is what was counted after an earlier moment.
func (r Result) since(before Result) Result {
	r.Created -= before.Created
	r.Updated -= before.Updated
	r.Refused -= before.Refused
	r.Waiting -= before.Waiting
	deleted := map[string]int{}
	for reading, n := range r.Deleted {
		if n -= before.Deleted[reading]; n > 0 {
			deleted[reading] = n
		}
	}
	r.Deleted = deleted
	return r
}

// lasting is a context for calls to Port. When ctx ends nothing more is begun, but what is under
// way has the grace to come to its end: its answer is worth recording. Where the lease is lost it has
// none: nothing can be recorded, and who works now may send what is newer.
func (d *Deliverer) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), catalog.ErrEpoch) {
			cancel(context.Cause(ctx))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(d.config.Grace, func() { cancel(context.Cause(ctx)) })
	})
	return work, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel(nil)
	}
}
