package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// learnt is what was learnt of the items of dirty rows.
type learnt struct {
	number    catalog.ReadNumber
	rows      []catalog.Dirty
	answer    source.Answer
	members   map[string]membership
	undecided map[string]error
	fresh     bool // of each item it was asked afresh what selects it
}

// learnIssues reads the issues of dirty rows. Rows that this run's listings made dirty are known
// to be selected by them; of the others Jira is asked.
func (t *reading) learnIssues(ctx context.Context, rows []catalog.Dirty) (learnt, error) {
	x := learnt{number: t.Store.NextRead(), rows: rows}
	members, unknown := t.memberships(rows)
	answer, asked, err := t.ask(ctx, rows, unknown)
	if err == nil {
		err = t.sureOfRejections(ctx, asked)
	}
	if err != nil {
		return x, err
	}
	for id, m := range asked.members {
		members[id] = m
	}
	x.answer, x.members, x.undecided, x.fresh = answer, members, asked.undecided, len(unknown) == len(rows)
	return x, nil
}

// inPart tells whether what was learnt of an issue is all but what a broken query says of it. That is to
// be asked again when a person has mended the query, or what it names is there.
func (x learnt) inPart(d catalog.Dirty) bool {
	_, broken := errors.AsType[brokenQuery](x.undecided[d.ID])
	return broken
}

func idsOf(rows []catalog.Dirty) []string {
	ids := make([]string, len(rows))
	for i, d := range rows {
		ids[i] = d.ID
	}
	return ids
}

// ask reads issues, and asks which queries select those that are unknown: at once, or where the one
// needs the other, afterwards. What no listing of this run told of is read directly, because it
// has changed, and an index may not know that yet; so is what was tried before.
func (t *reading) ask(ctx context.Context, rows []catalog.Dirty, unknown []string) (answer source.Answer, _ *asked, err error) {
	how := source.Cheaply
	if len(unknown) > 0 || slices.ContainsFunc(rows, func(d catalog.Dirty) bool { return d.Attempts > 0 }) {
		how = source.Directly
	}
	afterwards, err := t.Source.NeedsReading(ctx)
	if err != nil {
		return answer, nil, err
	}
	asked := newAsked()
	var refused []string
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		answer, err = t.Source.Issues(reading, t.Reading, idsOf(rows), how)
		if err == nil && afterwards {
			err = t.match(reading, unknown, answer, asked)
		}
		return err
	})
	if !afterwards {
		group.Go(func() (err error) {
			refused, err = t.matchUnread(reading, unknown, asked)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return answer, asked, err
	}
	there := slices.DeleteFunc(refused, func(id string) bool { return answer.Items[id] == nil })
	return answer, asked, t.match(ctx, there, answer, asked)
}

// memberships are the rows of which this run's listings said which queries select them, and the
// ids of the others, of which Jira must be asked.
func (t *reading) memberships(rows []catalog.Dirty) (known map[string]membership, unknown []string) {
	known = make(map[string]membership, len(rows))
	for _, d := range rows {
		if d.Run == t.RunID && d.Listed != 0 && d.Priority == catalog.Scan {
			known[d.ID] = membership{selecting: d.Listed}
		} else {
			unknown = append(unknown, d.ID)
		}
	}
	return known, unknown
}

// applyRows applies what was learnt, and gives back the rows of items that were not there: they are
// to be judged. Rows that need another read are postponed.
func (t *reading) applyRows(ctx context.Context, x learnt) (absent []unread, err error) {
	b := catalog.Batch{Number: x.number, Index: x.answer.Indexed, Fresh: x.fresh, Live: t.live}
	var waiting []catalog.Dirty
	for _, d := range x.rows {
		item, given, why := t.itemOf(ctx, d, x)
		switch {
		case why != "":
			err = t.postpone(ctx, d, why)
		case given && x.inPart(d):
			b.Items, waiting = append(b.Items, item), append(waiting, d)
		case given:
			b.Items, b.Taken = append(b.Items, item), append(b.Taken, d)
		default:
			absent = append(absent, unread{d, x.number})
		}
		if err != nil {
			return absent, err
		}
	}
	done, err := t.applied(ctx, b)
	if err == nil && len(waiting) > 0 {
		err = t.Store.Postpone(ctx, waiting, unseen)
	}
	if err != nil {
		return absent, err
	}
	t.done.Add(int64(len(b.Items)))
	t.progress(false)
	return absent, t.readAgain(ctx, b.Taken, done.Behind)
}

// itemOf is the item of a dirty row, if it was given; or why the row must be read again.
func (t *reading) itemOf(ctx context.Context, d catalog.Dirty, x learnt) (item catalog.Item, given bool, why string) {
	if reason, failed := x.answer.Failed[d.ID]; failed {
		return item, false, reason
	}
	raw, given := x.answer.Items[d.ID]
	if !given {
		return item, false, unshown(d, 0, false)
	}
	if err, not := x.undecided[d.ID]; not && !(t.lasting && x.inPart(d)) {
		return item, false, err.Error()
	}
	item = t.item(ctx, d.ID, raw, x.members[d.ID])
	if why := unshown(d, item.Updated, true); why != "" {
		return item, false, why
	}
	if x.answer.Indexed && item.Updated%1000 == 0 {
		item.Updated += 999 // an index may keep seconds alone: it is not behind what was read directly in that second
	}
	item.Run, item.Listed = d.Run, d.Listed
	return item, true, ""
}

// doubts is how often an answer is asked for again that does not show what an event told of. Then
// it is taken: what was told may have been undone since, or have been a lie.
const doubts = 5

// unshown says why an answer does not show what an event told of; "" if it does, or nothing was
// told.
func unshown(d catalog.Dirty, updated int64, given bool) string {
	switch {
	case d.Expect == 0 || d.Attempts >= doubts:
		return ""
	case d.Expect == catalog.ExpectGone && given:
		return "Jira still gives it, although an event said that it is gone"
	case d.Expect > 0 && !given:
		return "Jira does not give it, although an event said that it changed"
	case d.Expect > 0 && source.Before(updated, d.Expect):
		return "Jira gives it as it was before the change that an event told of"
	}
	return ""
}

// postpone lets a row be read again a little later. A run gives up in the end, since the next one
// reads everything; others must not, for nothing would tell of this change again. They name it.
func (t *reading) postpone(ctx context.Context, d catalog.Dirty, reason string) error {
	wait := pause(d)
	if !t.lasting && d.Attempts+1 >= attempts {
		t.unsettle(t.Kind)
		reason = fmt.Sprintf("Jira could not give it in %d attempts (%s): it stays as it was; the next run asks again", attempts, reason)
		return t.Store.GiveUp(ctx, t.RunID, t.Kind, []catalog.Dirty{d}, reason)
	}
	if d.Attempts == doubts { // that an event shows more is over by now
		t.log.Warn("a change cannot be read yet; it is tried again and again", "kind", t.Kind, "id", d.ID, "attempts", d.Attempts+1, "reason", reason)
	}
	return t.Store.Postpone(ctx, []catalog.Dirty{d}, wait)
}

// attempts is how often a run tries the read of one issue that Jira says it cannot give just now.
const attempts = 4

// pause is how long a row waits for its next read: a quarter of a second where only a change does not
// show yet, else a second, and twice as long each time.
func pause(d catalog.Dirty) time.Duration {
	first := time.Second
	if d.Expect != 0 {
		first = time.Second / 4
	}
	return first << min(d.Attempts, 9)
}

// readAgain makes due at once, for a direct read, rows whose items a page of an index had as they
// were.
func (t *reading) readAgain(ctx context.Context, rows []catalog.Dirty, behind []string) error {
	if len(behind) == 0 {
		return nil
	}
	late := slices.DeleteFunc(slices.Clone(rows), func(d catalog.Dirty) bool { return !slices.Contains(behind, d.ID) })
	return t.Store.Postpone(ctx, late, 0)
}
