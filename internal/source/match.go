package source

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"ferry/jira"
)

// MaxMatch is how many issues one Match call asks about: the most that Jira Cloud will look at
// afresh rather than in its index (facts 1.5).
const MaxMatch = 50

// Matched is what Jira says of issues and a query.
type Matched struct {
	Selected  map[string]bool
	Undecided map[string]error // issues of which nothing is proved, and why
}

// NeedsReading tells whether Match needs to know what a direct read gave.
func (s *Source) NeedsReading(ctx context.Context) (bool, error) {
	deployment, err := s.client.Deployment(ctx)
	return deployment == jira.DataCenter, err
}

// Match tells which of up to MaxMatch issues a query selects now, not by the index. read is what
// Directly gave of them, for NeedsReading; what it did not give is not in the answer.
func (s *Source) Match(ctx context.Context, jql string, ids []string, read Answer) (Matched, error) {
	afterwards, err := s.NeedsReading(ctx)
	if err != nil {
		return Matched{}, err
	}
	if afterwards {
		return s.matchByIndex(ctx, jql, ids, read)
	}
	numbers, err := parseIDs(ids)
	if err != nil {
		return Matched{}, err
	}
	m := Matched{Selected: map[string]bool{}}
	query := jira.IssueQuery{JQL: within(jql, numbers), Reconcile: numbers}
	for page, err := range s.client.SearchIssues(ctx, query) {
		if err != nil {
			return Matched{}, err
		}
		got, err := IDs(page.Items)
		if err != nil {
			return Matched{}, err
		}
		for _, id := range got {
			m.Selected[id] = true
		}
	}
	return m, nil
}

// Selected gives those of up to MaxMatch issues that a query selects now, not by the index, with
// their fields. It is for Cloud.
func (s *Source) Selected(ctx context.Context, r *Reading, jql string, ids []string) (Answer, error) {
	numbers, err := parseIDs(ids)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Items: map[string]json.RawMessage{}}
	query := jira.IssueQuery{JQL: within(jql, numbers), Reconcile: numbers, Fields: r.Fields(), Expand: r.Expand}
	for page, err := range s.client.SearchIssues(ctx, query) {
		if err != nil {
			return Answer{}, err
		}
		got, err := IDs(page.Items)
		if err != nil {
			return Answer{}, err
		}
		for i, id := range got {
			answer.Items[id] = page.Items[i]
		}
	}
	return answer, nil
}

// errBehind: what an index said is older than the issue, or is no proof.
var errBehind = errors.New("the search index of Jira does not show yet what the issue itself says")

const (
	// quiet is how long ago an issue must have changed for answers that lack it to count. Nodes
	// of a Data Center follow one another within seconds.
	quiet = 5 * time.Minute
	// rounds is how often an index must say the same of an issue that it lacks. One node of several
	// may have lost the issue for good, and each of the two requests of a round may go to any of
	// them: at worst one round in four looks as if jql did not select it. Runs repeat, and hold
	// fifty issues against an answer at once, so that it must be next to never.
	rounds = 12
)

// matchByIndex asks a Data Center, which cannot look at issues afresh. What its index leaves
// undecided, or refuses to speak of, may have been archived: that shows in the issue's own state
// or in its project's, and what is archived is in no search.
func (s *Source) matchByIndex(ctx context.Context, jql string, ids []string, read Answer) (Matched, error) {
	if _, err := parseIDs(ids); err != nil {
		return Matched{}, err
	}
	given := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return read.Items[id] == nil })
	direct, err := timesOf(slices.Collect(maps.Values(read.Items)))
	if err != nil {
		return Matched{}, err
	}
	index := asOf{s, direct}
	m, err := index.match(ctx, jql, given)
	if err == nil && len(m.Undecided) == 0 || err != nil && !refused(err) {
		return m, err
	}
	open, failure := s.searchable(ctx, given, read)
	switch {
	case failure != nil:
		return m, failure
	case err != nil && len(open) < len(given):
		return index.match(ctx, jql, open)
	}
	maps.DeleteFunc(m.Undecided, func(id string, _ error) bool { return !slices.Contains(open, id) })
	return m, err
}

// refused tells whether Jira does not take a question, for what it names or as a whole.
func refused(err error) bool {
	e, ok := errors.AsType[*jira.Error](err)
	return ok && e.Status == http.StatusBadRequest
}

// asOf asks the index and holds its answers against what direct reads gave.
type asOf struct {
	source *Source
	direct map[string]int64 // `updated` in milliseconds since 1970, by id
}

// match believes nothing that an answer does not show of itself. Each node of a Data Center has an
// index of its own that is a little behind, and answers come from any of them. So an issue in the
// answer for jql is selected if it has there the `updated` that the direct read before had, or a
// later one. One in the answer for NOT jql is not, if it has that very `updated`: a later one may be
// of a clock that was wrong.
//
// That an issue is missing proves nothing: the index may have lost it. But one that is in neither,
// since a field that jql compares is empty, must lose what it made too. It does if it has not
// changed for a while, the index has it so, and jql does not select it, many times over. So does
// one whose index keeps seconds alone, for it may have changed twice in one.
func (x asOf) match(ctx context.Context, jql string, ids []string) (Matched, error) {
	m := Matched{Selected: map[string]bool{}, Undecided: map[string]error{}}
	found, err := x.search(ctx, ids, within(jql, numbersOf(ids)))
	if err != nil {
		return m, err
	}
	var left, missing []string
	for _, id := range ids {
		switch updated, ok := found[id]; {
		case !ok:
			left = append(left, id)
		case updated == 0 || Before(updated, x.direct[id]):
			m.Undecided[id] = errBehind
		default:
			m.Selected[id] = true
		}
	}
	found, err = x.search(ctx, left, without(jql, numbersOf(left)))
	if err != nil && !refused(err) {
		return m, err // a clause that cannot be negated is refused: then nothing is proved by it
	}
	for _, id := range left {
		switch updated, ok := found[id]; {
		case ok && !x.shows(id, updated):
			m.Undecided[id] = errBehind
		case !ok || updated != x.direct[id]:
			missing = append(missing, id)
		}
	}
	return m, x.judgeMissing(ctx, jql, missing, &m)
}

// shows tells whether an index that has an issue with that `updated` has it as it was read.
func (x asOf) shows(id string, updated int64) bool {
	return updated != 0 && !Before(updated, x.direct[id]) && !Before(x.direct[id], updated)
}

// judgeMissing decides about issues of which the answers for jql and for NOT jql prove nothing.
func (x asOf) judgeMissing(ctx context.Context, jql string, ids []string, m *Matched) error {
	for _, id := range ids {
		m.Undecided[id] = errBehind
	}
	for range rounds {
		found, err := x.search(ctx, ids, unchanged(numbersOf(ids), quiet))
		if err != nil {
			return err
		}
		shown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !x.shows(id, found[id]) })
		if found, err = x.search(ctx, shown, within(jql, numbersOf(shown))); err != nil {
			return err
		}
		ids = slices.DeleteFunc(shown, func(id string) bool { _, selected := found[id]; return selected })
	}
	for _, id := range ids {
		delete(m.Undecided, id)
	}
	return nil
}

// search says which of the ids the answer has, and when they changed by it, in milliseconds since
// 1970.
func (x asOf) search(ctx context.Context, ids []string, jql string) (map[string]int64, error) {
	found := map[string]int64{}
	if len(ids) == 0 {
		return found, nil
	}
	query := jira.IssueQuery{JQL: jql + stable, Fields: []string{"updated"}}
	for page, err := range x.source.client.SearchIssues(ctx, query) {
		if err != nil {
			return nil, err
		}
		times, err := timesOf(page.Items)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, times)
	}
	return found, nil
}

// Before compares times in milliseconds since 1970, of which an index may keep the seconds alone.
func Before(a, b int64) bool {
	if a%1000 == 0 || b%1000 == 0 {
		a, b = a/1000, b/1000
	}
	return a < b
}

// numbersOf are ids as numbers.
func numbersOf(ids []string) []int64 {
	numbers, err := parseIDs(ids)
	if err != nil {
		panic("source: " + err.Error()) // unreachable: matchByIndex has parsed them
	}
	return numbers
}
