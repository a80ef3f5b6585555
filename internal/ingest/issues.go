package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	p := &pool{reading: t, swept: make(chan struct{})}
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return t.sweeps(reading, p) })
	for range t.Workers {
		group.Go(func() error { return p.work(reading) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, l := range t.states {
		if l.state != catalog.ListingComplete {
			t.result.Failed = append(t.result.Failed, fmt.Sprintf("the list of %s is %s: %s", t.describe(l.Query), l.state, l.reason))
		}
	}
	return t.judge(ctx, p.absent)
}

// sweeps runs the listings. With one, reading begins with its first page; with several, when
// all have ended, for only then is it known which of them select an issue, and each issue is to
// be read once.
func (t *reading) sweeps(ctx context.Context, p *pool) error {
	defer close(p.swept)
	group, listing := errgroup.WithContext(ctx)
	var mu sync.Mutex
	total := 0
	for _, l := range t.states {
		counted := make(chan int, 1)
		group.Go(func() error { return t.sweep(listing, l, counted) })
		group.Go(func() error {
			n := <-counted
			mu.Lock()
			defer mu.Unlock()
			total += n
			t.total.Store(int64(total))
			t.progress(false)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if t.CatchUp > 0 {
		return t.touchUpdated(ctx)
	}
	return nil
}

// touchUpdated makes dirty what changed within the window and is newer than what is known,
// whether a query selects it or not: what left a selector has changed too.
func (t *reading) touchUpdated(ctx context.Context) error {
	for times, err := range t.Source.Updated(ctx, "", t.CatchUp) {
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

// pool reads what is dirty.
type pool struct {
	*reading
	swept chan struct{} // closed when the listings have ended

	mu     sync.Mutex
	absent []unread // what a direct read did not give: to be judged
}

// lookAgain is how long a worker waits that found nothing to read while the lists still come.
const lookAgain = 20 * time.Millisecond

// work reads until the listings have ended and nothing is left that is due in this run.
func (p *pool) work(ctx context.Context) error {
	if len(p.Queries) > 1 {
		if err := wait(ctx, p.swept, 0); err != nil {
			return err
		}
	}
	for {
		swept := isClosed(p.swept)
		rows, err := p.Store.Take(ctx, p.Name, "", source.MaxGet)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if err := p.readRows(ctx, rows); err != nil {
				p.Store.Release(rows)
				return err
			}
			continue
		}
		if swept {
			due, err := p.Store.NextDue(ctx, p.Name, "")
			if err != nil || due.IsZero() {
				return err
			}
			if err := wait(ctx, nil, time.Until(due)); err != nil {
				return err
			}
			continue
		}
		if err := wait(ctx, p.swept, lookAgain); err != nil {
			return err
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wait ends with done, after d unless d is 0, or with ctx.
func wait(ctx context.Context, done <-chan struct{}, d time.Duration) error {
	var timer <-chan time.Time
	if d > 0 || done == nil {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-done:
		return nil
	case <-timer:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readRows reads the issues of dirty rows. Rows that this run's listings made dirty are known
// to be selected by them; of the others Jira is asked.
func (p *pool) readRows(ctx context.Context, rows []catalog.Dirty) error {
	number := p.Store.NextRead()
	ids := make([]string, len(rows))
	for i, d := range rows {
		ids[i] = d.ID
	}
	known, unknown := p.memberships(rows)
	asked := map[string]membership{}
	var refused error
	group, gctx := errgroup.WithContext(ctx)
	var answer source.Answer
	group.Go(func() (err error) {
		answer, err = p.Source.Issues(gctx, p.Reading, ids, rows[0].Priority == catalog.Live)
		return err
	})
	group.Go(func() (err error) {
		refused, err = p.match(gctx, unknown, asked)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if refused != nil && len(answer.Absent(unknown)) > 0 {
		// Jira refuses JQL that names an issue it does not have.
		asked = map[string]membership{}
		if _, err := p.match(ctx, answer.Given(unknown), asked); err != nil {
			return err
		}
	}
	maps.Copy(known, asked)
	return p.applyRows(ctx, number, rows, answer, known)
}

// memberships are the rows of which this run's listings said which queries select them, and the
// ids of the others, of which Jira must be asked.
func (p *pool) memberships(rows []catalog.Dirty) (known map[string]membership, unknown []string) {
	known = make(map[string]membership, len(rows))
	for _, d := range rows {
		if d.Run == p.RunID && d.Listed != 0 && d.Priority == catalog.Scan {
			known[d.ID] = membership{selecting: d.Listed}
		} else {
			unknown = append(unknown, d.ID)
		}
	}
	return known, unknown
}

// match asks Jira, for each query of the reading, which of the issues it selects now. A query
// that Jira refuses decides nothing; refused is its answer.
func (t *reading) match(ctx context.Context, ids []string, into map[string]membership) (refused, err error) {
	for chunk := range slices.Chunk(ids, source.MaxMatch) {
		for _, l := range t.states {
			selected, err := t.Source.Match(ctx, l.JQL, chunk)
			if err != nil && fatal(err) {
				return nil, err
			}
			if err != nil {
				refused = err
				continue
			}
			for _, id := range chunk {
				m := into[id]
				if selected[id] {
					m.selecting |= 1 << l.Bit
				} else {
					m.rejecting |= 1 << l.Bit
				}
				into[id] = m
			}
		}
	}
	return refused, nil
}

// attempts is how often the read of one issue is tried that Jira says it cannot give just now.
const attempts = 4

func (p *pool) applyRows(ctx context.Context, number catalog.ReadNumber, rows []catalog.Dirty, answer source.Answer, asked map[string]membership) error {
	b := catalog.Batch{Number: number}
	for _, d := range rows {
		raw, given := answer.Items[d.ID]
		reason, failed := answer.Failed[d.ID]
		switch {
		case given:
			item, err := p.item(ctx, raw, asked[d.ID])
			if err != nil {
				return err
			}
			if d.Run == p.RunID {
				item.Run, item.Listed = d.Run, d.Listed
			}
			b.Items, b.Taken = append(b.Items, item), append(b.Taken, d)
		case failed:
			if err := p.postpone(ctx, d, reason); err != nil {
				return err
			}
		default:
			p.mu.Lock()
			p.absent = append(p.absent, unread{d, number})
			p.mu.Unlock()
		}
	}
	if err := p.apply(ctx, b); err != nil {
		return err
	}
	p.done.Add(int64(len(b.Items)))
	p.progress(false)
	return nil
}

func (p *pool) postpone(ctx context.Context, d catalog.Dirty, reason string) error {
	if d.Attempts+1 < attempts {
		return p.Store.Postpone(ctx, []catalog.Dirty{d}, time.Second<<d.Attempts)
	}
	reason = fmt.Sprintf("Jira could not give it in %d attempts (%s): it stays as it was; the next run asks again", attempts, reason)
	return p.Store.GiveUp(ctx, p.RunID, p.Kind, []catalog.Dirty{d}, reason)
}
