package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// IssueQuery says which issues to search and what of them to read.
type IssueQuery struct {
	// JQL must restrict something; Jira Cloud refuses a bare ORDER BY. Order by
	// id, key or created, which do not change under the walk as updated does.
	JQL string

	Fields    []string // "summary", "*all", "-comment"; none means ids only
	Expand    []string // "names", "renderedFields", "changelog" …
	PageSize  int      // 0 means 5000 for ids and keys (1000 at Data Center), 100 with other fields: the most that Jira gives
	Reconcile []int64  // ids, at most 50, that Jira Cloud looks at afresh instead of trusting its index; Data Center cannot
	Cursor    string   // of the page to resume after; valid for the same query only, at Cloud for seven days
}

// maxReconcile is how many ids Jira reconciles in one search.
const maxReconcile = 50

// idsOnly reports whether nothing but identity is asked for.
func (q IssueQuery) idsOnly() bool {
	for _, f := range q.Fields {
		if f != "id" && f != "key" {
			return false
		}
	}
	return true
}

// searchBody is what search/jql takes. Unlike bulkfetch it wants expand as one
// text.
type searchBody struct {
	JQL       string   `json:"jql"`
	Fields    []string `json:"fields"`
	Expand    string   `json:"expand,omitzero"`
	PageSize  int      `json:"maxResults"`
	Reconcile []int64  `json:"reconcileIssues,omitempty"`
	Token     string   `json:"nextPageToken,omitzero"`
}

// SearchIssues lists the issues that match, page by page. Items of a search
// for ids or keys only are as served; others have "__siteUrl" added.
//
// The search reads an index that follows changes within seconds or minutes and
// may lose sight of an issue for a while, so that a missing issue is to be
// confirmed by [Client.Issue] or [Client.BulkFetch]. An issue that changes its
// place while the walk goes on may come twice. An empty page that is not the
// last is passed on like any other. The sequence may be ranged over more than
// once; an error comes once, as the last pair.
//
// At Data Center the list is read in the order of keys, or in that of the JQL.
// A list of more than 10,000, which is as far as Jira lets anybody look into one
// search, is read in windows of the time of creation, from the oldest on, each in
// the order of keys: the ORDER BY of the JQL does not count then. Items of a
// search for ids have "self" and "key" too. What goes and comes meanwhile moves
// what follows it; the walk sees that, and neither leaves out what was there all
// the time nor ends before it has as many as Jira counts. The error is
// [ErrCrowded] where windows cannot be made narrow enough.
//
//jira:operation POST /rest/api/2/search https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/search-searchUsingSearchRequest
//jira:operation POST /rest/api/3/search/jql https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-post
func (c *Client) SearchIssues(ctx context.Context, query IssueQuery) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		err := c.eachIssuePage(ctx, query, func(p Page) bool { return yield(p, nil) })
		if err != nil {
			yield(Page{}, err)
		}
	}
}

// eachIssuePage walks from token to token. It ends because tokens and pages may
// not come twice, and pages may not be empty, nor follow one another, for ever.
func (c *Client) eachIssuePage(ctx context.Context, query IssueQuery, yield func(Page) bool) error {
	body := query.body()
	q := &call{method: http.MethodPost, path: "/rest/api/3/search/jql", body: body}
	via, err := c.via(ctx, q)
	if err != nil {
		return err
	}
	if via.deployment == DataCenter {
		return c.eachOffsetPage(ctx, query, yield)
	}
	if len(query.Reconcile) > maxReconcile {
		return q.fail(fmt.Errorf("%d issues to reconcile: Jira takes at most %d", len(query.Reconcile), maxReconcile))
	}
	site, err := c.siteFor(ctx, query)
	if err != nil {
		return err
	}
	walk := tokenWalk{seen: map[string]bool{query.Cursor: true}}
	for {
		p, err := c.issuePage(ctx, q)
		if err != nil {
			return err
		}
		if err := walk.check(p); err != nil {
			return q.fail(err)
		}
		page := Page{Items: p.issues, Cursor: p.next(), Total: -1}
		if site != "" {
			page.Items = addSiteURL(page.Items, site)
		}
		if !yield(page) || page.Cursor == "" {
			return nil
		}
		body.Token = page.Cursor
	}
}

// eachOffsetPage walks from offset to offset, at Data Center.
func (c *Client) eachOffsetPage(ctx context.Context, query IssueQuery, yield func(Page) bool) error {
	site, err := c.siteFor(ctx, query)
	if err != nil {
		return err
	}
	walk, err := c.newWindowWalk(query, site)
	if err != nil {
		return err
	}
	return walk.each(ctx, yield)
}

func (q IssueQuery) body() *searchBody {
	body := &searchBody{
		JQL:       q.JQL,
		Fields:    q.Fields,
		Expand:    strings.Join(q.Expand, ","),
		PageSize:  cmp.Or(q.PageSize, 100),
		Reconcile: q.Reconcile,
		Token:     q.Cursor,
	}
	if len(q.Fields) == 0 {
		body.Fields = []string{"id"}
	}
	if q.idsOnly() {
		body.PageSize = cmp.Or(q.PageSize, 5000)
	}
	return body
}

// siteFor is the address to put into the items, "" for items without one.
func (c *Client) siteFor(ctx context.Context, query IssueQuery) (string, error) {
	if query.idsOnly() {
		return "", nil
	}
	return c.SiteURL(ctx)
}

// issuePage is one answer of search/jql. StartAt and Total belong to the search
// that Jira Cloud has removed, which some proxies still answer with.
type issuePage struct {
	NextPageToken string `json:"nextPageToken"`
	IsLast        *bool  `json:"isLast"`
	StartAt       *int   `json:"startAt"`
	Total         *int   `json:"total"`
	issues        []json.RawMessage
}

func (c *Client) issuePage(ctx context.Context, q *call) (issuePage, error) {
	var p issuePage
	q.decode = func(body []byte) (err error) {
		p = issuePage{}
		p.issues, err = decodeList(body, "issues", &p)
		q.points = len(p.issues)
		return err
	}
	err := c.do(ctx, q)
	return p, err
}

// last reports whether Jira says that this is the last page. It need not.
func (p issuePage) last() bool { return p.IsLast != nil && *p.IsLast }

// next is the token of the page to come: none if Jira says that this is the
// last page, or names no other (https://jira.atlassian.com/browse/JRACLOUD-92184).
func (p issuePage) next() string {
	if p.last() {
		return ""
	}
	return p.NextPageToken
}

// tokenWalk remembers what a walk must not meet again.
type tokenWalk struct {
	seen  map[string]bool
	guard pageGuard
	empty int // pages in a row
}

// check refuses a page after which the walk would go in circles, or would end
// although there is more.
func (w *tokenWalk) check(p issuePage) error {
	next := p.next()
	if next != "" && w.seen[next] {
		return errRepeatedToken
	}
	if err := w.guard.check(p.issues); err != nil {
		return err
	}
	if next == "" {
		if !p.last() && p.StartAt != nil && p.Total != nil && *p.Total > *p.StartAt+len(p.issues) {
			return notJira("answered in the shape of the removed search, with %d of %d issues and no token", len(p.issues), *p.Total)
		}
		return nil
	}
	w.seen[next] = true
	w.empty++
	if len(p.issues) > 0 {
		w.empty = 0
	}
	if w.empty > maxEmptyPages {
		return errEmptyPages
	}
	return nil
}

// ApproximateCount counts the issues that match, by the search index: a hint
// for progress and completeness, not a promise. At Cloud JQL must restrict
// something. At Data Center it is the total of a search for no results.
//
//jira:operation POST /rest/api/2/search https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/search-searchUsingSearchRequest
//jira:operation POST /rest/api/3/search/approximate-count https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-approximate-count-post
func (c *Client) ApproximateCount(ctx context.Context, jql string) (int, error) {
	var answer struct {
		Count *int `json:"count"`
	}
	q := &call{
		method: http.MethodPost,
		path:   "/rest/api/3/search/approximate-count",
		body:   map[string]string{"jql": jql},
		decode: func(body []byte) error {
			if err := decodeObject(body, &answer); err != nil || answer.Count != nil {
				return err
			}
			return notJira("answered JSON without a count")
		},
	}
	via, err := c.via(ctx, q)
	if err != nil {
		return 0, err
	}
	if via.deployment == DataCenter {
		return c.countByOffset(ctx, jql)
	}
	if err := c.do(ctx, q); err != nil {
		return 0, err
	}
	return *answer.Count, nil
}

// Issue reads one issue by its id or key; no fields means all. An issue that
// has moved is found under its former key too. The error is [ErrNotFound] if it
// does not exist or is not visible. "__siteUrl" is added.
//
//jira:operation GET /rest/api/3/issue/{issueIdOrKey} https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-get
func (c *Client) Issue(ctx context.Context, idOrKey string, fields []string, expand ...string) (json.RawMessage, error) {
	return c.object(ctx, issueCall(idOrKey, fields, expand))
}

func issueCall(idOrKey string, fields, expand []string) *call {
	q := &call{method: http.MethodGet, path: "/rest/api/3/issue/%s", args: []string{idOrKey}, query: url.Values{}}
	if len(fields) > 0 {
		q.query.Set("fields", strings.Join(fields, ","))
	}
	if len(expand) > 0 {
		q.query.Set("expand", strings.Join(expand, ","))
	}
	return q
}
