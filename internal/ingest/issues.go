package ingest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// issues lists what every query selects, reads what is dirty while the lists still come, and
// judges what they no longer hold.
func (t *reading) issues(ctx context.Context) error {
	for _, q := range t.Queries {
		t.states = append(t.states, &listing{Query: q, state: catalog.ListingRunning})
	}
	p := &pool{reading: t, swept: make(chan struct{}), more: make(chan struct{}, t.Workers)}
	defer p.release()
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return p.sweeps(reading) })
	for range t.Workers {
		group.Go(func() error { return p.work(reading) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return t.judge(ctx, p.absent)
}

// pool reads what is dirty.
type pool struct {
	*reading
	swept chan struct{} // closed when the listings have ended
	more  chan struct{} // a wake for each worker: there is more to read

	mu     sync.Mutex
	absent []unread // what a direct read did not give: to be judged
}

// takes are the priorities of what the pool reads. What has changed is left to [Ingest.Live], where
// that goes on beside it.
func (p *pool) takes() []catalog.Priority {
	if p.LiveBeside {
		return []catalog.Priority{catalog.Scan}
	}
	return nil
}

func (p *pool) release() {
	rows := make([]catalog.Dirty, len(p.absent))
	for i, u := range p.absent {
		rows[i] = u.row
	}
	p.Store.Release(rows)
}

func (p *pool) wake() {
	for range p.Workers {
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// expect adds to what is to be read.
func (p *pool) expect(n int) {
	p.total.CompareAndSwap(-1, 0)
	p.total.Add(int64(n))
	p.progress(false)
}

// sweeps runs the listings. With one, reading begins with its first page; with several, when
// all have ended, for only then is it known which of them select an issue, and each issue is to
// be read once.
func (p *pool) sweeps(ctx context.Context) error {
	defer close(p.swept)
	group, listing := errgroup.WithContext(ctx)
	for _, l := range p.states {
		group.Go(func() error { return p.sweep(listing, l) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if p.catchingUp() {
		return p.touchUpdated(ctx)
	}
	return nil
}

// lookback is how far before Since a catch-up looks: Jira's index lags, and JQL counts time in
// whole minutes.
const lookback = 3 * time.Minute

// touchUpdated makes dirty what changed within the window and is newer than what is known,
// whether a query selects it or not: what left a selector has changed too.
func (t *reading) touchUpdated(ctx context.Context) error {
	for times, err := range t.Source.Updated(ctx, "", time.Since(t.Since)+lookback) {
		if err != nil {
			return err
		}
		ids, err := t.Store.Outdated(ctx, t.Name, "", times)
		if err != nil {
			return err
		}
		if err := t.Store.Touch(ctx, t.Name, "", ids); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain is how long a worker that found nothing to read waits for a wake.
const lookAgain = 250 * time.Millisecond

// work reads until the listings have ended and nothing is left that is due in this run.
func (p *pool) work(ctx context.Context) error {
	if len(p.Queries) > 1 {
		if err := wait(ctx, p.swept, nil, 0); err != nil {
			return err
		}
	}
	for {
		swept := isClosed(p.swept)
		rows, err := p.Store.Take(ctx, p.Name, "", source.MaxGet, p.takes()...)
		switch {
		case err != nil:
			return err
		case len(rows) > 0:
			err = p.readRows(ctx, rows)
		case swept:
			var over bool
			if over, err = p.over(ctx); over {
				return err
			}
		default:
			err = wait(ctx, p.swept, p.more, lookAgain)
		}
		if err != nil {
			return err
		}
	}
}

// over tells whether nothing is left to read, waiting for rows that were postponed for a while.
// A catch-up leaves them to the next.
func (p *pool) over(ctx context.Context) (bool, error) {
	due, err := p.Store.NextDue(ctx, p.Name, "", p.takes()...)
	if err != nil || due.IsZero() || p.catchingUp() && time.Until(due) > 0 {
		return true, err
	}
	return false, wait(ctx, nil, nil, max(time.Millisecond, time.Until(due)))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wait ends with done, with more, after d unless d is 0, or with ctx.
func wait(ctx context.Context, done, more <-chan struct{}, d time.Duration) error {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-done:
	case <-more:
	case <-timer:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// readRows reads the issues of dirty rows.
func (p *pool) readRows(ctx context.Context, rows []catalog.Dirty) (err error) {
	defer func() {
		if err != nil {
			p.Store.Release(rows)
		}
	}()
	x, err := p.learnIssues(ctx, rows)
	if err != nil {
		return err
	}
	absent, err := p.applyRows(ctx, x)
	if err != nil || len(absent) == 0 {
		return err
	}
	if p.LiveBeside {
		return p.leave(ctx, absent)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.absent = append(p.absent, absent...)
	return nil
}

// leave leaves it to [Ingest.Live] to judge what was not there: an event about it must not wait for
// the run's end.
func (p *pool) leave(ctx context.Context, absent []unread) error {
	rows := make([]catalog.Dirty, len(absent))
	for i, u := range absent {
		rows[i] = u.row
	}
	defer p.Store.Release(rows)
	return p.Store.Touch(ctx, p.Name, "", idsOf(rows))
}
