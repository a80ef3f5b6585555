package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// fewIssues are read one by one where one search would do as well.
const fewIssues = 3

// bulkByIssue does at Data Center what bulkfetch does at Cloud: a search for the
// ids, and then a read of each issue that the index did not give. With
// validateQuery false a search leaves out ids that do not exist, where else it is
// refused (https://github.com/jonas0007/Jira.SDK/issues/45). One that is refused
// all the same leaves each issue to be read.
func (c *Client) bulkByIssue(ctx context.Context, query BulkQuery, site string) (Bulk, error) {
	var found Bulk
	left := slices.Compact(slices.Sorted(slices.Values(query.IDs)))
	if !c.urgent && !query.Direct && len(left) > fewIssues {
		issues, err := c.searchIDs(ctx, left, query)
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Status != http.StatusBadRequest) {
			return Bulk{}, err
		} // refused, the search has given none
		found = Bulk{Issues: issues, Indexed: len(issues) > 0}
		left = without(left, issues)
	}
	if err := c.readEach(ctx, left, query, &found); err != nil {
		return Bulk{}, err
	}
	found.Issues = inOrderOfIDs(found.Issues)
	found.Issues = addSiteURL(found.Issues, site)
	return found, nil
}

// searchIDs gives those of the issues that the index has and that fit into one
// page. Few sites have smaller pages than this asks for.
func (c *Client) searchIDs(ctx context.Context, ids []string, query BulkQuery) ([]json.RawMessage, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			names[i] = Quote(id)
		}
	}
	for {
		p, err := c.offsetPage(ctx, &offsetSearch{
			JQL: "id in (" + strings.Join(names, ", ") + ") ORDER BY key ASC", Max: min(len(ids), c.window.size()),
			Fields: query.fields(), Expand: query.Expand,
		})
		if !c.window.learn(err) {
			return p.issues, err
		}
	}
}

// fields are those of a query, or what stands for none.
func (q BulkQuery) fields() []string {
	if len(q.Fields) == 0 {
		return []string{"*navigable"}
	}
	return q.Fields
}

// without are the ids and keys that none of the issues has.
func without(ids []string, issues []json.RawMessage) []string {
	has := make(map[string]bool, 2*len(issues))
	for _, raw := range issues {
		has[memberText(raw, "id")], has[memberText(raw, "key")] = true, true
	}
	return slices.DeleteFunc(ids, func(id string) bool { return has[id] })
}

// readEach reads issues one by one, as many at once as the client lets out, and
// adds them to found.
func (c *Client) readEach(ctx context.Context, ids []string, query BulkQuery, found *Bulk) error {
	each, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	issues := make([]json.RawMessage, len(ids))
	failed := make([]*Error, len(ids))
	var group sync.WaitGroup
	for i, id := range ids {
		group.Go(func() {
			var err error
			issues[i], failed[i], err = c.readOne(each, id, query)
			if err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if err := context.Cause(each); err != nil {
		return err
	}
	for i, raw := range issues {
		switch {
		case failed[i] != nil:
			found.Errors = append(found.Errors, BulkError{ID: ids[i], Message: failed[i].Error()})
		case raw != nil:
			found.Issues = append(found.Issues, raw)
		}
	}
	return nil
}

// readOne reads one issue: nil if it is not there or not visible, failed if Jira
// cannot give this one.
func (c *Client) readOne(ctx context.Context, id string, query BulkQuery) (raw json.RawMessage, failed *Error, err error) {
	q := issueCall(id, query.fields(), query.Expand)
	raw, err = c.rawObject(ctx, q)
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil || !ok || e.Err != nil:
		return raw, nil, err
	case e.Status == http.StatusNotFound || e.hidesIssue():
		return nil, nil, nil
	case e.Status == http.StatusBadRequest || e.Status == http.StatusInternalServerError:
		return nil, e, nil
	}
	return nil, nil, err
}

// hidesIssue reports whether Jira says in its own words that the account may
// not see an issue: Data Center has answered so with status 403 instead of 404.
func (e *Error) hidesIssue() bool {
	return e.Status == http.StatusForbidden && slices.ContainsFunc(e.Messages, func(m string) bool {
		return strings.Contains(strings.ToLower(m), "permission to see the specified issue")
	})
}

// inOrderOfIDs sorts issues by number, each once.
func inOrderOfIDs(issues []json.RawMessage) []json.RawMessage {
	type numbered struct {
		id  int64
		raw json.RawMessage
	}
	list := make([]numbered, len(issues))
	for i, raw := range issues {
		id, _ := strconv.ParseInt(memberText(raw, "id"), 10, 64) // what has no number comes first
		list[i] = numbered{id, raw}
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return cmp.Compare(a.id, b.id) })
	list = slices.CompactFunc(list, func(a, b numbered) bool { return a.id != 0 && a.id == b.id })
	sorted := make([]json.RawMessage, len(list))
	for i, n := range list {
		sorted[i] = n.raw
	}
	return sorted
}
