package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"ferry/internal/catalog"
	"ferry/internal/source"
	"ferry/jira"
)

// fatal tells whether an error ends the run rather than one listing: the credentials are not
// accepted, the site is not Jira or does not answer, or we were told to stop.
func fatal(err error) bool {
	if errors.Is(err, jira.ErrCrowded) || errors.Is(err, jira.ErrShort) {
		return false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, jira.ErrUnauthorized) || errors.Is(err, jira.ErrNotLoggedIn) || errors.Is(err, jira.ErrNotJira) {
		return true
	}
	e, ok := errors.AsType[*jira.Error](err)
	return !ok || e.Status == 0 || e.Status == 429 || e.Status >= 500
}

// projects lists the projects, applying whole pages, and judges those that are not listed. What
// was dirty before the list began is read with it.
func (t *reading) projects(ctx context.Context) error {
	l := &listing{Query: t.Queries[0], state: catalog.ListingRunning}
	t.states = []*listing{l}
	dirty, err := t.dirtyProjects(ctx)
	if err != nil {
		return err
	}
	defer t.Store.Release(dirty)
	seen, expected, err := t.listProjects(ctx)
	if err == nil && seen.n < expected {
		seen, expected, err = t.listProjects(ctx)
	}
	switch {
	case err != nil:
		err = t.failed(ctx, l, seen.n, expected, err)
	case seen.n < expected:
		reason := fmt.Sprintf("Jira says that there are %d projects and lists %d, twice: what is missing stays as it was", expected, seen.n)
		err = t.settle(ctx, l, catalog.ListingIncomplete, reason, seen.n, expected)
	default:
		err = errors.Join(t.settle(ctx, l, catalog.ListingComplete, "", seen.n, expected), t.Store.Done(ctx, dirty))
	}
	if err != nil {
		return err
	}
	return t.judge(ctx, nil)
}

func (t *reading) dirtyProjects(ctx context.Context) ([]catalog.Dirty, error) {
	if t.LiveBeside {
		return nil, nil
	}
	return t.Store.Take(ctx, t.Name, "", math.MaxInt32)
}

func (t *reading) listProjects(ctx context.Context) (seen *idSet, expected int, err error) {
	seen = &idSet{}
	number, end := t.Store.BeginRead() // it may go on beside a run
	defer func() { end() }()
	for page, err := range t.Source.Projects(ctx, t.Reading) {
		if err != nil {
			return seen, expected, err
		}
		expected = max(expected, page.Total)
		if err := t.applyProjects(ctx, number, page, seen); err != nil {
			return seen, expected, err
		}
		end()
		number, end = t.Store.BeginRead()
	}
	return seen, expected, nil
}

func (t *reading) applyProjects(ctx context.Context, number catalog.ReadNumber, page source.Page, seen *idSet) error {
	b := catalog.Batch{Number: number}
	ids, err := source.IDs(page.Items)
	if err != nil {
		return err
	}
	for i, raw := range page.Items {
		if !seen.add(ids[i]) {
			continue
		}
		item := t.item(ctx, ids[i], raw, membership{selecting: t.Mask()})
		if t.RunID != 0 {
			item.Run, item.Listed = t.RunID, t.Mask()
		}
		b.Items = append(b.Items, item)
	}
	t.total.Store(int64(page.Total))
	t.done.Store(int64(seen.n))
	t.progress(false)
	return t.apply(ctx, b)
}
