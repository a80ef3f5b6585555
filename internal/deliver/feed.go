package deliver

import (
	"cmp"
	"context"
	"time"

	"ferry/internal/catalog"
)

const (
	pageSize = 400
	// linger is how long a bulk that is not full waits for company while ingest goes on.
	linger = 20 * time.Millisecond
	// sweepEvery is the least time between two readings of all rows for the sake of a wake, while
	// hundreds are on their way that each reading passes; sweepAnyway is the longest time without one.
	sweepEvery  = 250 * time.Millisecond
	sweepAnyway = time.Second
)

// The feeder reads the undelivered rows and hands them to the workers in bulks. All of it
// belongs to one goroutine.
//
// Rows that ingest adds have higher numbers than all before, so the feeder goes on from the last
// row it saw: reading from the first again would mean reading, at every wake, the hundreds of
// rows that are on their way. Rows that change keep their number; a sweep from the first finds
// them.
type feeder struct {
	d       *Deliverer
	done    <-chan struct{} // nil once it was seen closed
	bulks   chan<- bulk
	reports *reports

	onTheWay map[int64]bool // rows in an open bulk or with a worker
	sent     int            // bulks given to the workers
	waiting  *waiting
	open     map[string]*openBulk // by blueprint

	after  int64     // the last row seen
	swept  time.Time // when the sweep began
	ending time.Time // when done was seen closed
	met    int       // rows of this sweep that are to be sent, or were on their way when it came by
	woken  bool      // something was committed since the sweep began
}

type openBulk struct {
	bulk
	since time.Time // when its first entity came
}

func newFeeder(d *Deliverer, done <-chan struct{}, bulks chan<- bulk, reports *reports) *feeder {
	return &feeder{
		d: d, done: done, bulks: bulks, reports: reports,
		onTheWay: map[int64]bool{},
		waiting:  &d.waiting,
		open:     map[string]*openBulk{},
		swept:    time.Now(),
		ending:   time.Now(), // where there is no done
	}
}

func (f *feeder) run(ctx context.Context) error {
	f.look()
	for {
		more, err := f.page(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if f.done == nil {
			over, err := f.finish(ctx)
			if over || err != nil {
				return err
			}
			continue
		}
		if err := f.rest(ctx); err != nil {
			return err
		}
	}
}

// look notices that done is closed.
func (f *feeder) look() {
	select {
	case <-f.done:
		f.done, f.ending = nil, time.Now()
	default:
	}
}

// page takes the next rows. It reports whether there may be more after them.
//
// Reports are read before the rows: a row that was on its way when the rows were read is
// skipped even if it is settled by now, because what was read of it may be older than that.
func (f *feeder) page(ctx context.Context) (more bool, err error) {
	f.collect()
	if err := f.live(ctx); err != nil {
		return false, err
	}
	list, err := f.d.store.Undelivered(ctx, f.after, pageSize)
	if err != nil {
		return false, err
	}
	for _, p := range list {
		f.after = p.Entity
		if err := f.take(ctx, p); err != nil {
			return false, err
		}
	}
	return len(list) == pageSize, nil
}

// live takes what somebody waits to see, which may be among the first rows of many.
func (f *feeder) live(ctx context.Context) error {
	list, err := f.d.store.UndeliveredLive(ctx, pageSize)
	for _, p := range list {
		if err == nil {
			err = f.take(ctx, p)
		}
	}
	return err
}

func (f *feeder) collect() {
	for _, r := range f.reports.take() {
		for _, row := range r.rows {
			delete(f.onTheWay, row)
		}
		f.waiting.hear(r)
	}
}

func (f *feeder) take(ctx context.Context, pending catalog.Pending) error {
	if f.onTheWay[pending.Entity] {
		f.met++ // it may have changed since it was sent
		return nil
	}
	if len(pending.Claims) == 0 {
		return nil // it was dropped while it was read
	}
	stage, now := f.waiting.stageOf(pending.Entity, pending.Version)
	if !now {
		return nil
	}
	p, err := pack(pending, f.d.config.Merge)
	if err != nil {
		return err
	}
	p.stage = stage
	if stage == bare {
		if p.body, err = withoutRelations(p.body); err != nil {
			return err
		}
	}
	f.onTheWay[pending.Entity] = true
	f.met++
	return f.put(ctx, p)
}

// put adds to the open bulk of the blueprint, which goes when it is full.
func (f *feeder) put(ctx context.Context, p parcel) error {
	b := f.open[p.pending.Blueprint]
	if b != nil && !b.takes(p) {
		if err := f.send(ctx, b); err != nil {
			return err
		}
		b = nil
	}
	if b == nil {
		b = &openBulk{bulk{blueprint: p.pending.Blueprint}, time.Now()}
		f.open[p.pending.Blueprint] = b
	}
	b.add(p)
	if !b.full() {
		return nil
	}
	return f.send(ctx, b)
}

func (f *feeder) send(ctx context.Context, b *openBulk) error {
	delete(f.open, b.blueprint)
	if err := f.d.makers.ask(ctx, &b.bulk, f.quiet); err != nil {
		return err
	}
	select {
	case f.bulks <- b.bulk:
		f.sent++
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// quiet waits until no bulk is with a worker. It leaves the reports where they are: [feeder.page]
// says why they are not read between its rows.
func (f *feeder) quiet(ctx context.Context) error {
	for f.reports.settled() < f.sent {
		select {
		case <-f.reports.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// flush sends the bulks that have waited for so long.
func (f *feeder) flush(ctx context.Context, waited time.Duration) error {
	for _, b := range f.open {
		if time.Since(b.since) < waited {
			continue
		}
		if err := f.send(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// sweep starts again from the first row.
func (f *feeder) sweep() {
	f.after, f.met, f.swept, f.woken = 0, 0, time.Now(), false
}

// rest is the end of the rows while ingest goes on: wait for what comes.
func (f *feeder) rest(ctx context.Context) error {
	timer := time.NewTimer(f.restFor())
	defer timer.Stop()
	select {
	case <-f.d.store.Changed():
		f.woken = true
	case <-timer.C:
	case <-f.done:
		f.done, f.ending = nil, time.Now()
		f.sweep()
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if time.Since(f.swept) >= f.sweepDue() {
		if err := f.tryAgain(ctx); err != nil {
			return err
		}
		f.sweep()
	}
	return f.flush(ctx, f.linger())
}

// tryAgain releases what may be taken now.
func (f *feeder) tryAgain(ctx context.Context) error {
	if f.d.config.Live {
		return f.waiting.goOn(ctx, f.d.delivered())
	}
	f.waiting.dropGone()
	f.waiting.retry(f.d.delivered())
	return nil
}

// linger is how long a bulk waits now. Alone it need not wait: what comes meanwhile is the next one's
// company.
func (f *feeder) linger() time.Duration {
	if f.d.config.Live && f.sent == f.reports.settled() {
		return 0
	}
	return linger
}

func (f *feeder) restFor() time.Duration {
	due := max(0, f.sweepDue()-time.Since(f.swept))
	for _, b := range f.open {
		due = min(due, max(0, f.linger()-time.Since(b.since)))
	}
	return due
}

func (f *feeder) sweepDue() time.Duration {
	if f.woken {
		return min(sweepEvery, time.Duration(len(f.onTheWay))*time.Millisecond)
	}
	return cmp.Or(f.d.config.Look, sweepAnyway)
}

// finish is the end of the rows when ingest is over: what is on its way comes back, and
// everything is looked at once more. It is over when a sweep met nothing and nothing waits but for a
// fault of Port to pass.
func (f *feeder) finish(ctx context.Context) (over bool, err error) {
	if err := f.flush(ctx, 0); err != nil {
		return false, err
	}
	if err := f.quiet(ctx); err != nil {
		return false, err
	}
	f.collect()
	more := f.met > 0
	if !more {
		if more, err = f.waiting.resolve(ctx, f.d.delivered()); err != nil {
			return false, err
		}
	}
	f.d.undrained = more || len(f.waiting.rows) > 0
	if !more || f.d.goesOn() && time.Since(f.ending) > drainFor {
		return true, nil
	}
	f.sweep()
	return false, nil
}
