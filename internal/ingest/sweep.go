package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/source"
	"ferry/jira"
)

// A listing counts as complete if it is not shorter than the count by more than the greater of
// slack and one in slackShare: the count comes from an index that lags (facts 1.4).
const (
	slack      = 100
	slackShare = 100
)

func tooShort(found, expected int) bool {
	return expected-found > max(slack, expected/slackShare)
}

// sweep lists the ids that one query selects and makes them dirty, page by page. If it comes
// out short it walks once more, in windows of the day of creation: a single walk over many
// issues has been seen to end early without a word (facts 1.6).
func (p *pool) sweep(ctx context.Context, l *listing) error {
	expected, err := p.Source.Count(ctx, l.JQL)
	if err != nil {
		return p.failed(ctx, l, 0, 0, err)
	}
	p.expect(expected)
	seen := &idSet{}
	if err := p.walk(ctx, l, seen, p.Source.Sweep(ctx, l.JQL)); err != nil {
		return p.failed(ctx, l, seen.n, expected, err)
	}
	if tooShort(seen.n, expected) {
		p.log.Warn("the listing is short; walking again by days of creation", "kind", p.Kind, "n", seen.n, "expected", expected)
		if err := p.walkWindows(ctx, l, seen, firstDay(), lastDay()); err != nil {
			return p.failed(ctx, l, seen.n, expected, err)
		}
	}
	if tooShort(seen.n, expected) {
		reason := fmt.Sprintf("Jira counts %d and lists %d, also when asked day by day: what is missing stays as it was", expected, seen.n)
		return p.settle(ctx, l, catalog.ListingIncomplete, reason, seen.n, expected)
	}
	return p.settle(ctx, l, catalog.ListingComplete, "", seen.n, expected)
}

// failed ends a listing that failed alone, or the run if the failure is not the listing's.
func (t *reading) failed(ctx context.Context, l *listing, found, expected int, err error) error {
	if fatal(err) {
		return err
	}
	reason := err.Error()
	if e, ok := errors.AsType[*jira.Error](err); ok && e.Status == http.StatusBadRequest {
		reason += ": mend the selector's jql, or what it names"
	}
	return t.settle(ctx, l, catalog.ListingFailed, reason, found, expected)
}

func (p *pool) walk(ctx context.Context, l *listing, seen *idSet, pages iter.Seq2[source.Page, error]) error {
	for page, err := range pages {
		if err != nil {
			return err
		}
		if err := p.listed(ctx, l, seen.fresh(page.IDs)); err != nil {
			return err
		}
		p.wake()
	}
	return nil
}

func (t *reading) listed(ctx context.Context, l *listing, ids []string) error {
	row := t.listingRow(l.Query)
	if t.catchingUp() {
		return t.Store.ListedKnown(ctx, row, ids)
	}
	return t.Store.Listed(ctx, row, ids)
}

// windowSize is how many issues a window may hold that is walked in one piece.
const windowSize = 10_000

// walkWindows halves the days from first to before last until a window is small or one day.
func (p *pool) walkWindows(ctx context.Context, l *listing, seen *idSet, first, last time.Time) error {
	n, err := p.Source.CountWindow(ctx, l.JQL, first, last)
	if err != nil || n == 0 {
		return err
	}
	days := int(last.Sub(first).Hours() / 24)
	if n <= windowSize || days <= 1 {
		return p.walk(ctx, l, seen, p.Source.Window(ctx, l.JQL, first, last))
	}
	middle := first.AddDate(0, 0, days/2)
	if err := p.walkWindows(ctx, l, seen, first, middle); err != nil {
		return err
	}
	return p.walkWindows(ctx, l, seen, middle, last)
}

// firstDay is before any issue, also one that was imported with its date; lastDay is after today
// in every time zone.
func firstDay() time.Time { return time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) }

func lastDay() time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 3) }
