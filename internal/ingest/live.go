package ingest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

const (
	// liveBatches and laterBatches are how many batches of one reading may be under way.
	liveBatches  = 8
	laterBatches = 4

	// company is how long rows that do not fill a batch wait for others while one is under way, so
	// that a burst costs calls by the hundred issues and not by the event.
	company = 100 * time.Millisecond

	// lookLive is how often Live looks for rows without a wake, unless told otherwise.
	lookLive = time.Second
)

// Live reads what was said of items, for as long as ctx lasts: what people wait to see first and at
// once, what has merely changed after it. Trouble with Jira or the store does not end it; what
// could not be read stays dirty. The error is [catalog.ErrEpoch] if the lease was lost, and [ErrAccount]
// if Jira knows us by another name than [Config.Account].
func (in *Ingest) Live(ctx context.Context) error {
	if err := in.begin(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	var readers []*live
	for _, r := range in.readings {
		readers = append(readers,
			in.live(r, in.Source.Urgently(), catalog.Live, liveBatches),
			in.live(r, in.Source, catalog.Later, laterBatches))
	}
	for _, l := range readers {
		group.Go(func() error { return l.run(ctx) })
	}
	group.Go(func() error { return in.wakeAll(ctx, readers) })
	return group.Wait()
}

// wakeAll passes wakes on to every reader.
func (in *Ingest) wakeAll(ctx context.Context, readers []*live) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-in.Arrived:
			for _, l := range readers {
				l.wake()
			}
		}
	}
}

// live reads the dirty rows of one priority and reading.
type live struct {
	*reading
	priority catalog.Priority
	places   int           // batches that may be under way
	more     chan struct{} // a wake: there may be rows, or a batch has ended
	ended    chan error    // of each batch

	// Of the one goroutine of run.
	underway int
	begun    time.Time // when the last batch was begun
	trouble  trouble
}

func (in *Ingest) live(r *source.Reading, from *source.Source, p catalog.Priority, places int) *live {
	t := in.reading(r, from)
	t.lasting, t.live = true, p == catalog.Live
	for _, q := range r.Queries {
		t.states = append(t.states, &listing{Query: q, state: catalog.ListingRunning})
	}
	return &live{reading: t, priority: p, places: places, more: make(chan struct{}, 1), ended: make(chan error, places)}
}

func (l *live) wake() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *live) run(ctx context.Context) error {
	defer l.join()
	for {
		if l.Pulse != nil {
			l.Pulse()
		}
		rows, err := l.take(ctx)
		if err != nil {
			err = l.outlive(ctx, err)
		} else if len(rows) > 0 {
			l.begin(ctx, rows)
			continue
		}
		if err == nil {
			err = l.rest(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// take gives the rows of the next batch, if one is to begin now.
func (l *live) take(ctx context.Context) ([]catalog.Dirty, error) {
	if l.underway == l.places || l.trouble.lasts() {
		return nil, nil
	}
	rows, err := l.Store.Take(ctx, l.Name, "", source.MaxGet, l.priority)
	if err != nil || len(rows) == source.MaxGet || l.underway == 0 || time.Since(l.begun) >= company {
		return rows, err
	}
	l.Store.Release(rows)
	return nil, nil
}

func (l *live) begin(ctx context.Context, rows []catalog.Dirty) {
	l.underway++
	l.begun = time.Now()
	go func() { l.ended <- l.read(ctx, rows) }()
}

// join waits for the batches under way. Their context has ended, or ends with them.
func (l *live) join() {
	for ; l.underway > 0; l.underway-- {
		<-l.ended
	}
}

// rest waits until there may be something to do.
func (l *live) rest(ctx context.Context) error {
	timer := time.NewTimer(l.restFor())
	defer timer.Stop()
	select {
	case err := <-l.ended:
		l.underway--
		if err != nil {
			return l.outlive(ctx, err)
		}
		l.trouble.over(l.log, l.Kind)
	case <-l.more:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (l *live) restFor() time.Duration {
	switch {
	case l.trouble.lasts():
		return l.trouble.left()
	case l.underway > 0 && l.underway < l.places:
		return max(time.Millisecond, company-time.Since(l.begun))
	}
	return cmp.Or(l.Look, lookLive)
}

// outlive takes an error that ends a batch. It returns those that end the reading of this epoch, or as
// this account.
func (l *live) outlive(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, catalog.ErrEpoch) || errors.Is(err, ErrAccount) {
		return err
	}
	l.trouble.meet(l.log, l.Kind, err)
	return nil
}

// read reads the items of dirty rows, and judges those that are not there.
func (l *live) read(ctx context.Context, rows []catalog.Dirty) (err error) {
	defer func() {
		if err != nil {
			l.Store.Release(rows)
		}
	}()
	number, end := l.Store.BeginRead()
	defer end()
	parts, err := l.learn(ctx, number, rows)
	if err != nil {
		return err
	}
	var absent []unread
	for _, x := range parts {
		missing, err := l.applyRows(ctx, x)
		if err != nil {
			return err
		}
		absent = append(absent, missing...)
	}
	return l.judgeAbsent(ctx, absent)
}

// unseen is how long a row waits of an item that is not there and cannot be proved gone, or of which a
// broken query says nothing: a person must decide or mend it, or a permission come back. A run looks at it
// before.
const unseen = time.Hour

// judgeAbsent takes away what is proved gone. What is not keeps what it made.
func (l *live) judgeAbsent(ctx context.Context, unread []unread) error {
	if len(unread) == 0 {
		return nil
	}
	rows, missing := map[string]catalog.Dirty{}, absent{}
	for _, u := range unread {
		rows[u.row.ID], missing[u.row.ID] = u.row, u.number
	}
	if l.MayDelete {
		if err := l.sameAccount(ctx); err != nil {
			return err
		}
		if err := l.removeAbsent(ctx, l.Name, missing, rows); err != nil {
			return err
		}
	}
	return l.Store.Postpone(ctx, slices.Collect(maps.Values(rows)), unseen) // those that are left
}
