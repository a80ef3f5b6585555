package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ProjectQuery says which projects to list. The zero value lists all that are
// live and visible to the account.
type ProjectQuery struct {
	Expand   []string // "description", "lead", "issueTypes", "url", "projectKeys", "insight"
	Status   []string // "live", "archived", "deleted", which Data Center keeps no project as; none means live
	IDs      []string // only these, at most 50
	Keys     []string // only these, at most 50
	PageSize int      // 0 means 100, the most that Jira gives
	Cursor   string   // of the page to resume after
}

// maxProjectFilter is how many ids or keys Jira takes in one project search.
const maxProjectFilter = 50

// Projects lists projects in the order of their keys, page by page. Each item
// has "__siteUrl" added. A site where nothing matches gives one empty page.
//
// Pages are counted off by their place in the list, so that a project may come
// twice, or not at all, where projects come or go meanwhile: one that is missing
// is to be confirmed by [Client.Project].
//
// The sequence may be ranged over more than once; each time asks Jira again.
// An error comes once, as the last pair.
//
// Data Center gives one list, of which the filters and the pages are made here:
// each page that is resumed from a cursor costs the whole list.
//
//jira:operation GET /rest/api/2/project https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/project-getAllProjects
//jira:operation GET /rest/api/3/project/search https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-search-get
func (c *Client) Projects(ctx context.Context, query ProjectQuery) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		err := c.eachProjectPage(ctx, query, func(p Page) bool { return yield(p, nil) })
		if err != nil {
			yield(Page{}, err)
		}
	}
}

// eachProjectPage walks by offset. It goes on by what came, not by what was
// asked for, because Jira lowers the page size without a word.
func (c *Client) eachProjectPage(ctx context.Context, query ProjectQuery, yield func(Page) bool) error {
	q, at, err := projectCall(query)
	if err != nil {
		return err
	}
	via, err := c.via(ctx, q)
	if err != nil {
		return err
	}
	if via.deployment == DataCenter {
		return c.eachListedProject(ctx, query, at, yield)
	}
	site, err := c.SiteURL(ctx)
	if err != nil {
		return err
	}
	var guard pageGuard
	for {
		q.query.Set("startAt", strconv.Itoa(at))
		p, err := c.projectPage(ctx, q)
		if errors.Is(err, ErrNotFound) && at == 0 { // so Jira says that no project matches
			yield(Page{})
			return nil
		}
		if err != nil {
			return err
		}
		if !p.follows(at) {
			return q.fail(errNoAdvance)
		}
		if err := guard.check(p.values); err != nil {
			return q.fail(err)
		}
		at += len(p.values)
		page := p.page(at, site)
		if !yield(page) || page.Cursor == "" {
			return nil
		}
	}
}

// projectCall checks a query and makes the call of it, with the offset to begin
// at.
func projectCall(query ProjectQuery) (q *call, at int, err error) {
	values := url.Values{"orderBy": {"key"}, "maxResults": {strconv.Itoa(cmp.Or(query.PageSize, 100))}}
	if len(query.Expand) > 0 {
		values.Set("expand", strings.Join(query.Expand, ","))
	}
	for name, list := range map[string][]string{"status": query.Status, "id": query.IDs, "keys": query.Keys} {
		if len(list) > 0 {
			values[name] = list
		}
	}
	q = &call{method: http.MethodGet, path: "/rest/api/3/project/search", query: values}
	if n := max(len(query.IDs), len(query.Keys)); n > maxProjectFilter {
		return nil, 0, q.fail(fmt.Errorf("%d ids or keys at once: Jira takes at most %d", n, maxProjectFilter))
	}
	if query.Cursor != "" {
		at, err = strconv.Atoi(query.Cursor)
	}
	if err != nil || at < 0 {
		return nil, 0, q.fail(fmt.Errorf("%q is no cursor of a project listing", query.Cursor))
	}
	return q, at, nil
}

// projectPage is one answer of project/search.
type projectPage struct {
	StartAt *int  `json:"startAt"`
	Total   *int  `json:"total"`
	IsLast  *bool `json:"isLast"`
	values  []json.RawMessage
}

func (c *Client) projectPage(ctx context.Context, q *call) (projectPage, error) {
	var p projectPage
	q.decode = func(body []byte) (err error) {
		p = projectPage{}
		p.values, err = decodeList(body, "values", &p)
		q.points = len(p.values)
		return err
	}
	err := c.do(ctx, q)
	return p, err
}

// last reports whether no page follows: Jira says so, or the page is empty.
func (p projectPage) last() bool {
	return (p.IsLast != nil && *p.IsLast) || len(p.values) == 0
}

// page is what a caller gets, to be resumed at the offset next.
func (p projectPage) page(next int, site string) Page {
	page := Page{Items: addSiteURL(p.values, site), Total: -1}
	if p.Total != nil {
		page.Total = *p.Total
	}
	if !p.last() {
		page.Cursor = strconv.Itoa(next)
	}
	return page
}

// follows reports whether this can be the page that was asked for. It is not if
// it states another offset, or is empty while Jira says that more is to come.
func (p projectPage) follows(at int) bool {
	if p.StartAt != nil && *p.StartAt != at {
		return false
	}
	return len(p.values) > 0 || p.IsLast == nil || *p.IsLast || p.Total == nil || *p.Total <= at
}

// Project reads one project by its id or key. The error is [ErrNotFound] if it
// does not exist or is not visible. "__siteUrl" is added.
//
//jira:operation GET /rest/api/3/project/{projectIdOrKey} https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-projectidorkey-get
func (c *Client) Project(ctx context.Context, idOrKey string, expand ...string) (json.RawMessage, error) {
	q := &call{method: http.MethodGet, path: "/rest/api/3/project/%s", args: []string{idOrKey}, query: url.Values{}}
	if len(expand) > 0 {
		q.query.Set("expand", strings.Join(expand, ","))
	}
	return c.object(ctx, q)
}

// object reads one object and adds the site's address.
func (c *Client) object(ctx context.Context, q *call) (json.RawMessage, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	site, err := c.SiteURL(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := c.rawObject(ctx, q)
	if err != nil {
		return nil, err
	}
	return addSiteURL([]json.RawMessage{raw}, site)[0], nil
}

// rawObject reads one object as it is served.
func (c *Client) rawObject(ctx context.Context, q *call) (raw json.RawMessage, err error) {
	q.decode = func(body []byte) (err error) {
		raw, err = rawObject(bytes.TrimSpace(body))
		q.points = 1
		return err
	}
	err = c.do(ctx, q)
	return raw, err
}
