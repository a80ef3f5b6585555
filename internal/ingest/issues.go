package ingest

import (
	"context"
	"errors"
	"fmt"
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
		rows, err := p.Store.Take(ctx, p.Name, "", source.MaxGet)
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
	due, err := p.Store.NextDue(ctx, p.Name, "")
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

// readRows reads the issues of dirty rows. Rows that this run's listings made dirty are known
// to be selected by them; of the others Jira is asked.
func (p *pool) readRows(ctx context.Context, rows []catalog.Dirty) (err error) {
	defer func() {
		if err != nil {
			p.Store.Release(rows)
		}
	}()
	number := p.Store.NextRead()
	ids := make([]string, len(rows))
	for i, d := range rows {
		ids[i] = d.ID
	}
	known, unknown := p.memberships(rows)
	answer, asked, err := p.ask(ctx, ids, unknown)
	if err != nil {
		return err
	}
	if err := p.sureOfRejections(ctx, asked); err != nil {
		return err
	}
	for id, m := range asked.members {
		known[id] = m
	}
	return p.applyRows(ctx, batchOf{number, rows, answer, known, asked.undecided})
}

// ask reads issues, and asks which queries select those that are unknown: at once, or where the one
// needs the other, afterwards. What no listing of this run told of is read directly, because it
// has changed, and an index may not know that yet.
func (p *pool) ask(ctx context.Context, ids, unknown []string) (answer source.Answer, _ *asked, err error) {
	how := source.Cheaply
	if len(unknown) > 0 {
		how = source.Directly
	}
	afterwards, err := p.Source.NeedsReading(ctx)
	if err != nil {
		return answer, nil, err
	}
	asked := newAsked()
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		answer, err = p.Source.Issues(reading, p.Reading, ids, how)
		if err == nil && afterwards {
			err = p.match(reading, unknown, answer, asked)
		}
		return err
	})
	if !afterwards {
		group.Go(func() error { return p.match(reading, unknown, source.Answer{}, asked) })
	}
	return answer, asked, group.Wait()
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

// attempts is how often the read of one issue is tried that Jira says it cannot give just now.
const attempts = 4

// batchOf is what was learnt of a batch of dirty rows.
type batchOf struct {
	number    catalog.ReadNumber
	rows      []catalog.Dirty
	answer    source.Answer
	known     map[string]membership
	undecided map[string]error
}

func (p *pool) applyRows(ctx context.Context, x batchOf) error {
	b := catalog.Batch{Number: x.number, Index: x.answer.Indexed}
	for _, d := range x.rows {
		raw, given := x.answer.Items[d.ID]
		reason, failed := x.answer.Failed[d.ID]
		if err, not := x.undecided[d.ID]; not && given {
			given, failed, reason = false, true, err.Error()
		}
		switch {
		case given:
			item := p.item(ctx, d.ID, raw, x.known[d.ID])
			if x.answer.Indexed && item.Updated%1000 == 0 {
				item.Updated += 999 // an index may keep seconds alone: it is not behind what was read directly in that second
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
			p.absent = append(p.absent, unread{d, x.number})
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

// postpone lets a row be read again a little later. A run gives up in the end, since the next
// one reads everything; a catch-up must not, for nothing would tell of this change again.
func (p *pool) postpone(ctx context.Context, d catalog.Dirty, reason string) error {
	wait := time.Second << min(d.Attempts, 9)
	if p.catchingUp() || d.Attempts+1 < attempts {
		return p.Store.Postpone(ctx, []catalog.Dirty{d}, wait)
	}
	p.unsettle(p.Kind)
	reason = fmt.Sprintf("Jira could not give it in %d attempts (%s): it stays as it was; the next run asks again", attempts, reason)
	return p.Store.GiveUp(ctx, p.RunID, p.Kind, []catalog.Dirty{d}, reason)
}

// asked is what Jira answered when it was asked which queries select some issues.
type asked struct {
	members   map[string]membership
	undecided map[string]error // issues of which a query that can be answered was not
}

func newAsked() *asked { return &asked{map[string]membership{}, map[string]error{}} }

var errNotListed = errors.New("the list that should hold it failed")

func (a *asked) postpone(yes bool, ids []string) {
	for _, id := range ids {
		if yes {
			a.undecided[id] = errNotListed
		}
	}
}

// match asks Jira, for each query of the reading, which of the issues it selects now. A query
// whose listing failed cannot be answered: in a run what it selected stays, and the next run reads
// everything; in a catch-up the issue must be read again.
func (t *reading) match(ctx context.Context, ids []string, read source.Answer, into *asked) error {
	for chunk := range slices.Chunk(ids, source.MaxMatch) {
		for _, l := range t.states {
			if l.is(catalog.ListingFailed) {
				into.postpone(t.catchingUp(), chunk)
				continue
			}
			if err := t.matchOne(ctx, l, chunk, read, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// matchOne asks about one query. Jira refuses JQL that names an issue it does not have, so a
// refusal is asked again in halves, until it is known for which issue.
func (t *reading) matchOne(ctx context.Context, l *listing, ids []string, read source.Answer, into *asked) error {
	matched, err := t.Source.Match(ctx, l.JQL, ids, read)
	switch {
	case err != nil && fatal(err):
		return err
	case err != nil && len(ids) > 1:
		half := len(ids) / 2
		if err := t.matchOne(ctx, l, ids[:half], read, into); err != nil {
			return err
		}
		return t.matchOne(ctx, l, ids[half:], read, into)
	case err != nil:
		into.undecided[ids[0]] = err
		return nil
	}
	for _, id := range ids {
		if err, not := matched.Undecided[id]; not {
			into.undecided[id] = err
			continue
		}
		m := into.members[id]
		if matched.Selected[id] {
			m.selecting |= 1 << l.Bit
		} else {
			m.rejecting |= 1 << l.Bit
		}
		into.members[id] = m
	}
	return nil
}

// sureOfRejections makes an empty answer mean something. Given to another account than the
// store's it means nothing, and nothing is rejected; else Jira must know us still.
func (t *reading) sureOfRejections(ctx context.Context, a *asked) error {
	rejected := false
	for id, m := range a.members {
		rejected = rejected || m.rejecting != 0
		if !t.MayDelete {
			m.rejecting = 0
			a.members[id] = m
		}
	}
	if !rejected || !t.MayDelete {
		return nil
	}
	return t.sameAccount(ctx)
}
