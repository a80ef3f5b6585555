package ingest

import (
	"context"
	"encoding/json"
	"slices"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// learn asks Jira about dirty rows by what costs least. What it gives is to be applied part by part,
// all under the number given, since the first question was asked under it.
func (l *live) learn(ctx context.Context, number catalog.ReadNumber, rows []catalog.Dirty) (parts []learnt, err error) {
	ask := l.learnByID
	if l.Kind == source.Issue {
		ask = l.learnIssues
		var found, unselected learnt
		found, unselected, rows, err = l.learnSelected(ctx, rows)
		if err != nil {
			return nil, err
		}
		parts = append(parts, found, unselected)
	}
	if len(rows) > 0 {
		x, err := ask(ctx, rows)
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	parts = slices.DeleteFunc(parts, func(x learnt) bool { return len(x.rows) == 0 })
	for i := range parts {
		parts[i].number = number
	}
	return parts, nil
}

// learnSelected asks, where the reading has one query, which issues it selects, and takes their
// bodies along: one call for fifty issues, where reading them by id and asking what selects them
// takes one and a half. What it does not give is read by id, to tell what has gone from what is
// merely not selected. Bodies from a search are applied as those of an index, however fresh Jira
// says they are: what they would take away is read directly. left is what could not be asked so.
func (l *live) learnSelected(ctx context.Context, rows []catalog.Dirty) (found, unselected learnt, left []catalog.Dirty, err error) {
	if ok, err := l.searchable(ctx); err != nil || !ok {
		return found, unselected, rows, err
	}
	var asked []catalog.Dirty
	for _, d := range rows {
		if d.Attempts == 0 && d.Expect != catalog.ExpectGone {
			asked = append(asked, d)
		} else {
			left = append(left, d)
		}
	}
	s := &selection{live: l}
	if err := s.search(ctx, asked); err != nil {
		return found, unselected, left, err
	}
	unselected, err = l.learnUnselected(ctx, s.unselected)
	return s.found(), unselected, append(left, s.refused...), err
}

// searchable tells whether one search can tell all about an issue.
func (l *live) searchable(ctx context.Context) (bool, error) {
	byIndex, err := l.Source.NeedsReading(ctx)
	return !byIndex && len(l.Queries) == 1, err
}

// selection is what searches for the reading's one query gave.
type selection struct {
	live                          *live
	answers                       []source.Answer // by chunk
	selected, unselected, refused []catalog.Dirty
}

// search asks about as many issues a call as Jira looks at afresh, all calls at once. Jira refuses a
// search that names an issue it does not have; then each of its rows is left to be read by id.
func (s *selection) search(ctx context.Context, rows []catalog.Dirty) error {
	chunks := slices.Collect(slices.Chunk(rows, source.MaxMatch))
	s.answers = make([]source.Answer, len(chunks))
	refused := make([]bool, len(chunks))
	group, asking := errgroup.WithContext(ctx)
	for i, chunk := range chunks {
		group.Go(func() (err error) {
			s.answers[i], err = s.live.Source.Selected(asking, s.live.Reading, s.live.Queries[0].JQL, idsOf(chunk))
			if err != nil && !fatal(err) {
				refused[i], err = true, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, chunk := range chunks {
		for _, d := range chunk {
			s.sort(d, s.answers[i], refused[i])
		}
	}
	return nil
}

func (s *selection) sort(d catalog.Dirty, answer source.Answer, refused bool) {
	_, given := answer.Items[d.ID]
	switch {
	case refused:
		s.refused = append(s.refused, d)
	case given:
		s.selected = append(s.selected, d)
	default:
		s.unselected = append(s.unselected, d)
	}
}

// found is what was learnt of the issues that are selected.
func (s *selection) found() learnt {
	x := learnt{rows: s.selected, members: map[string]membership{}, fresh: true}
	x.answer = source.Answer{Items: map[string]json.RawMessage{}, Indexed: true}
	for _, a := range s.answers {
		for id, raw := range a.Items {
			x.answer.Items[id], x.members[id] = raw, membership{selecting: s.live.Mask()}
		}
	}
	return x
}

// learnUnselected reads by id issues of which a search just said that no query selects them.
func (l *live) learnUnselected(ctx context.Context, rows []catalog.Dirty) (learnt, error) {
	x := learnt{rows: rows, fresh: true}
	if len(rows) == 0 {
		return x, nil
	}
	asked := newAsked()
	for _, d := range rows {
		asked.members[d.ID] = membership{rejecting: l.Mask()}
	}
	var err error
	if x.answer, err = l.Source.Issues(ctx, l.Reading, idsOf(rows), source.Directly); err != nil {
		return x, err
	}
	x.members = asked.members
	return x, l.sureOfRejections(ctx, asked)
}

// learnByID reads items of a kind that has no bulk read, and what selects them.
func (t *reading) learnByID(ctx context.Context, rows []catalog.Dirty) (learnt, error) {
	x := learnt{rows: rows, fresh: true}
	asked := newAsked()
	var err error
	if x.answer, err = t.get(ctx, idsOf(rows)); err != nil {
		return x, err
	}
	if err := t.stillSelected(ctx, x.answer.Given(), x.answer, asked); err != nil {
		return x, err
	}
	x.members, x.undecided = asked.members, asked.undecided
	return x, t.sureOfRejections(ctx, asked)
}
