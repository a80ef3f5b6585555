package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// asked is what Jira answered when it was asked which queries select some issues.
type asked struct {
	members   map[string]membership
	undecided map[string]error // issues of which a query that can be answered was not
}

func newAsked() *asked { return &asked{map[string]membership{}, map[string]error{}} }

// brokenQuery is why Jira takes a query for no issue at all. What the others say of an issue holds.
type brokenQuery struct{ error }

func (b brokenQuery) Unwrap() error { return b.error }

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
// everything; otherwise the issue must be read again.
func (t *reading) match(ctx context.Context, ids []string, read source.Answer, into *asked) error {
	for chunk := range slices.Chunk(ids, source.MaxMatch) {
		for _, l := range t.states {
			if l.is(catalog.ListingFailed) {
				into.postpone(t.lasting, chunk)
				continue
			}
			if err := t.matchChunk(ctx, l, chunk, read, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// matchUnread is match for issues that are being read meanwhile. It gives back those of which Jira
// refused to speak: it does so for every issue of a question if it does not have one of them, and to
// find that one costs two calls for each. The read tells.
func (t *reading) matchUnread(ctx context.Context, ids []string, into *asked) (refused []string, err error) {
	for chunk := range slices.Chunk(ids, source.MaxMatch) {
		answered, err := t.matchWhole(ctx, chunk, into)
		if err != nil {
			return nil, err
		}
		if !answered {
			refused = append(refused, chunk...)
		}
	}
	return refused, nil
}

// matchWhole asks every query about the same issues, and takes the answers only if there are all.
func (t *reading) matchWhole(ctx context.Context, ids []string, into *asked) (answered bool, err error) {
	answers := newAsked()
	for _, l := range t.states {
		if l.is(catalog.ListingFailed) {
			answers.postpone(t.lasting, ids)
			continue
		}
		if refusal, err := t.matchSome(ctx, l, ids, source.Answer{}, answers); refusal != nil || err != nil {
			return false, err
		}
	}
	maps.Copy(into.members, answers.members)
	maps.Copy(into.undecided, answers.undecided)
	return true, nil
}

// matchChunk asks about one query. Jira may refuse it for an issue that it names, or for itself:
// then for every issue, and asking on would cost two calls for each.
func (t *reading) matchChunk(ctx context.Context, l *listing, ids []string, read source.Answer, into *asked) error {
	refusal, err := t.matchSome(ctx, l, ids, read, into)
	if refusal == nil {
		return err
	}
	if _, broken := t.Source.Count(ctx, l.JQL); broken != nil {
		if fatal(broken) {
			return broken
		}
		for _, id := range ids {
			into.undecided[id] = brokenQuery{broken}
		}
		return nil
	}
	return t.matchHalves(ctx, l, ids, read, into, refusal)
}

// matchHalves asks again in halves, until it is known for which issue Jira refuses.
func (t *reading) matchHalves(ctx context.Context, l *listing, ids []string, read source.Answer, into *asked, refusal error) error {
	if len(ids) == 1 {
		into.undecided[ids[0]] = refusal
		return nil
	}
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		refusal, err := t.matchSome(ctx, l, half, read, into)
		if err == nil && refusal != nil {
			err = t.matchHalves(ctx, l, half, read, into, refusal)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// matchSome asks about one query, or says why Jira refuses to answer that.
func (t *reading) matchSome(ctx context.Context, l *listing, ids []string, read source.Answer, into *asked) (refusal, err error) {
	matched, err := t.Source.Match(ctx, l.JQL, ids, read)
	switch {
	case err == nil:
		into.add(l, ids, matched)
		return nil, nil
	case fatal(err):
		return nil, err
	}
	return err, nil
}

// add takes what Jira says of issues and one query.
func (a *asked) add(l *listing, ids []string, matched source.Matched) {
	for _, id := range ids {
		if err, not := matched.Undecided[id]; not {
			a.undecided[id] = err
			continue
		}
		m := a.members[id]
		if matched.Selected[id] {
			m.selecting |= 1 << l.Bit
		} else {
			m.rejecting |= 1 << l.Bit
		}
		a.members[id] = m
	}
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
