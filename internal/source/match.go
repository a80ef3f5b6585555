package source

import (
	"context"
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

// errBehind: what an index said is older than the issue, or is no proof.
var errBehind = errors.New("the search index of Jira does not show yet what the issue itself says")

const (
	// quiet is how long ago an issue must have changed for answers that lack it to count. Nodes
	// of a Data Center follow one another within seconds.
	quiet = 5 * time.Minute
	// rounds is how often an index must say the same of an issue that it lacks. A node may have
	// lost the issue for good; requests go to the nodes in turn, or at random.
	rounds = 4
)

// matchByIndex asks a Data Center, which cannot look at issues afresh. Each of its nodes has an
// index of its own that is a little behind, and answers come from any of them. So nothing is
// believed that an answer does not show of itself: an issue in it must have the `updated` that
// the direct read before had, or a later one.
//
// Then an issue in the answer for jql is selected, and one in the answer for NOT jql is not. That
// an issue is missing proves nothing: the index may have lost it. But one that is in neither, since
// a field that jql compares is empty, must lose what it made too. It does if it has not changed for
// a while, the index has it so, and jql does not select it, several times over.
func (s *Source) matchByIndex(ctx context.Context, jql string, ids []string, read Answer) (Matched, error) {
	m := Matched{Selected: map[string]bool{}, Undecided: map[string]error{}}
	if _, err := parseIDs(ids); err != nil {
		return m, err
	}
	given := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return read.Items[id] == nil })
	direct, err := timesOf(slices.Collect(maps.Values(read.Items)))
	if err != nil || len(given) == 0 {
		return m, err
	}
	index := asOf{s, direct}
	left, err := index.split(ctx, given, within(jql, numbersOf(given)), func(id string, fresh bool) {
		m.decide(id, fresh, true)
	})
	if err != nil {
		return m, err
	}
	left, err = index.split(ctx, left, without(jql, numbersOf(left)), func(id string, fresh bool) {
		m.decide(id, fresh, false)
	})
	if e, ok := errors.AsType[*jira.Error](err); err != nil && (!ok || e.Status != http.StatusBadRequest) {
		return m, err // a clause that cannot be negated is refused: then nothing is proved by it
	}
	return m, index.judgeMissing(ctx, jql, left, &m)
}

func (m *Matched) decide(id string, fresh, selected bool) {
	switch {
	case !fresh:
		m.Undecided[id] = errBehind
	case selected:
		m.Selected[id] = true
	}
}

// asOf asks the index and holds its answers against what direct reads gave.
type asOf struct {
	source *Source
	direct map[string]int64 // `updated` in milliseconds since 1970, by id
}

// judgeMissing decides about issues that are in the answers neither for jql nor for NOT jql.
func (x asOf) judgeMissing(ctx context.Context, jql string, ids []string, m *Matched) error {
	for _, id := range ids {
		m.Undecided[id] = errBehind
	}
	for range rounds {
		var shown []string
		_, err := x.split(ctx, ids, unchanged(numbersOf(ids), quiet), func(id string, fresh bool) {
			if fresh {
				shown = append(shown, id)
			}
		})
		if err != nil {
			return err
		}
		if ids, err = x.split(ctx, shown, within(jql, numbersOf(shown)), func(string, bool) {}); err != nil {
			return err
		}
	}
	for _, id := range ids {
		delete(m.Undecided, id)
	}
	return nil
}

// split searches, tells of each of the ids that the answer has, and whether it has it no older than
// the direct read did, and returns the ids that it does not have.
func (x asOf) split(ctx context.Context, ids []string, jql string, has func(id string, fresh bool)) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found := map[string]int64{}
	query := jira.IssueQuery{JQL: jql + stable, Fields: []string{"updated"}}
	for page, err := range x.source.client.SearchIssues(ctx, query) {
		if err != nil {
			return ids, err
		}
		times, err := timesOf(page.Items)
		if err != nil {
			return ids, err
		}
		maps.Copy(found, times)
	}
	var missing []string
	for _, id := range ids {
		updated, ok := found[id]
		if !ok {
			missing = append(missing, id)
			continue
		}
		has(id, updated != 0 && !before(updated, x.direct[id]))
	}
	return missing, nil
}

// before compares times in milliseconds since 1970, of which an index may keep the seconds alone.
func before(a, b int64) bool {
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
