package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"ferry/jira"
)

// Source reads the kinds from one Jira site.
type Source struct{ client *jira.Client }

// New makes a source that asks through client.
func New(client *jira.Client) *Source { return &Source{client} }

// Urgently is the same source, whose questions go before those of others.
func (s *Source) Urgently() *Source { return &Source{s.client.Urgent()} }

// Page is a part of a listing.
type Page struct {
	IDs   []string          // the ids it holds, where the kind is swept by id
	Items []json.RawMessage // or the items themselves, where pages hold them
	Total int               // how many the listing should hold in all; -1 unknown
}

// Account is the id of the account that Jira knows us by; at Data Center its key.
func (s *Source) Account(ctx context.Context) (string, error) {
	user, err := s.client.Myself(ctx)
	return user.ID(), err
}

// Site is the address of the Jira site, by which it is told from others.
func (s *Source) Site(ctx context.Context) (string, error) { return s.client.SiteURL(ctx) }

// Projects lists a project reading, whole items.
func (s *Source) Projects(ctx context.Context, r *Reading) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for page, err := range s.client.Projects(ctx, jira.ProjectQuery{Expand: r.Expand}) {
			if !yield(Page{Items: page.Items, Total: page.Total}, err) {
				return
			}
		}
	}
}

// Project reads one project by id; nil if Jira does not give it.
func (s *Source) Project(ctx context.Context, r *Reading, id string) (json.RawMessage, error) {
	raw, err := s.client.Project(ctx, id, r.Expand...)
	if errors.Is(err, jira.ErrNotFound) {
		return nil, nil
	}
	return raw, err
}

// Live tells whether a project, as Jira gives it by id, is neither archived nor in the bin.
func Live(project json.RawMessage) (bool, error) {
	var state struct{ Archived, Deleted bool }
	err := json.Unmarshal(project, &state)
	return !state.Archived && !state.Deleted, err
}

// Sweep lists the ids that a query of an issue reading selects, 5000 a page.
func (s *Source) Sweep(ctx context.Context, jql string) iter.Seq2[Page, error] {
	return s.sweep(ctx, where(jql)+stable)
}

// Window is Sweep for what was created on the days from first to before last.
func (s *Source) Window(ctx context.Context, jql string, first, last time.Time) iter.Seq2[Page, error] {
	return s.sweep(ctx, created(jql, first, last)+stable)
}

func (s *Source) sweep(ctx context.Context, jql string) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for page, err := range s.client.SearchIssues(ctx, jira.IssueQuery{JQL: jql}) {
			if err != nil {
				yield(Page{}, err)
				return
			}
			ids, err := IDs(page.Items)
			if !yield(Page{IDs: ids, Total: -1}, err) || err != nil {
				return
			}
		}
	}
}

// Count is about how many issues a query selects. The index it asks lags.
func (s *Source) Count(ctx context.Context, jql string) (int, error) {
	return s.client.ApproximateCount(ctx, where(jql))
}

// CountWindow is Count for what was created on the days from first to before last.
func (s *Source) CountWindow(ctx context.Context, jql string, first, last time.Time) (int, error) {
	return s.client.ApproximateCount(ctx, created(jql, first, last))
}

// Updated gives, page by page, when the issues that a query selects and that changed within the
// window last changed: Jira's `updated` in milliseconds since 1970, by id.
func (s *Source) Updated(ctx context.Context, jql string, window time.Duration) iter.Seq2[map[string]int64, error] {
	query := jira.IssueQuery{JQL: updatedWithin(jql, window) + stable, Fields: []string{"updated"}}
	return func(yield func(map[string]int64, error) bool) {
		for page, err := range s.client.SearchIssues(ctx, query) {
			if err != nil {
				yield(nil, err)
				return
			}
			times, err := timesOf(page.Items)
			if !yield(times, err) || err != nil {
				return
			}
		}
	}
}

// MaxGet is how many issues one Issues call reads.
const MaxGet = 100

// Answer is what a direct read by id says.
type Answer struct {
	Items  map[string]json.RawMessage // those that Jira gave, by id
	Failed map[string]string          // those it could not give just now, with its reason

	Indexed bool // some of the items are as an index has them, which may be behind
}

// Absent are those of the ids that the answer says nothing of: Jira leaves out, without a
// word, what is not there or not visible (facts 1.8).
func (a Answer) Absent(ids []string) []string {
	var absent []string
	for _, id := range ids {
		_, given := a.Items[id]
		_, failed := a.Failed[id]
		if !given && !failed {
			absent = append(absent, id)
		}
	}
	return absent
}

// Given are the ids of those that Jira gave, in order.
func (a Answer) Given() []string { return slices.Sorted(maps.Keys(a.Items)) }

// How issues are read by id.
type How int

const (
	Cheaply  How = iota // at Data Center from the index, which may be behind; at Cloud like Directly
	Directly            // from the database, so that it is as new as can be
)

// Issues reads up to MaxGet issues by id.
func (s *Source) Issues(ctx context.Context, r *Reading, ids []string, how How) (Answer, error) {
	fields := r.Fields()
	if how != Cheaply {
		var err error
		if fields, err = s.stateFields(ctx, fields); err != nil {
			return Answer{}, err
		}
	}
	bulk, err := s.client.BulkFetch(ctx, jira.BulkQuery{
		IDs: ids, Fields: fields, Expand: r.Expand, Direct: how != Cheaply,
	})
	if err != nil {
		return Answer{}, err
	}
	got, err := IDs(bulk.Issues)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Items: make(map[string]json.RawMessage, len(got)), Failed: map[string]string{}, Indexed: bulk.Indexed}
	for i, id := range got {
		answer.Items[id] = bulk.Issues[i]
	}
	for _, e := range bulk.Errors {
		answer.Failed[e.ID] = e.Message
	}
	return answer, nil
}

// Sees tells whether our account can see an issue of the Jira project for which counts holds. A
// project that it may not see, Jira refuses to search in with status 400.
func (s *Source) Sees(ctx context.Context, project string, counts func(id string) bool) (bool, error) {
	id, err := parseIDs([]string{project})
	if err != nil {
		return false, err
	}
	for page, err := range s.Sweep(ctx, fmt.Sprintf("project = %d", id[0])) {
		if e, ok := errors.AsType[*jira.Error](err); ok && e.Status == http.StatusBadRequest {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(page.IDs, counts) {
			return true, nil
		}
	}
	return false, nil
}

// Departed tells whether a project is proved to be deleted or archived: the reasons for which all
// its issues may vanish without our having lost the permission to see them. An answer of 404 is no
// proof; it is what a lost permission looks like. Data Center tells of archived projects alone.
func (s *Source) Departed(ctx context.Context, id string) (bool, error) {
	query := jira.ProjectQuery{IDs: []string{id}, Status: []string{"archived", "deleted"}}
	for page, err := range s.client.Projects(ctx, query) {
		if err != nil {
			return false, err
		}
		got, err := IDs(page.Items)
		if err != nil || len(got) > 0 && got[0] == id {
			return err == nil, err
		}
	}
	return false, nil
}

// Empty tells whether Jira gives the project and counts no issue in it. Whether the count leaves
// out what our account may not see is nowhere written, so it is no proof for more than a few. Data
// Center does not count: a search there says no more than that we see none, which is known.
func (s *Source) Empty(ctx context.Context, id string) (bool, error) {
	if deployment, err := s.client.Deployment(ctx); err != nil || deployment == jira.DataCenter {
		return false, err
	}
	raw, err := s.client.Project(ctx, id, "insight")
	if errors.Is(err, jira.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var project struct {
		Insight *struct{ TotalIssueCount *int }
	}
	if err := json.Unmarshal(raw, &project); err != nil {
		return false, fmt.Errorf("project %s: %w", id, err)
	}
	return project.Insight != nil && project.Insight.TotalIssueCount != nil && *project.Insight.TotalIssueCount == 0, nil
}

func parseIDs(ids []string) ([]int64, error) {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is not an id of Jira", id)
		}
		numbers[i] = n
	}
	return numbers, nil
}
