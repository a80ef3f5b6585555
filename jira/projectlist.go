package jira

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listedProject is what the filters of a [ProjectQuery] look at.
type listedProject struct {
	ID       string `json:"id"`
	Key      string `json:"key"`
	Archived bool   `json:"archived"`
	raw      json.RawMessage
}

// eachListedProject gives out the projects of Data Center, which has one list
// without pages and without filters. from is where to begin in it.
func (c *Client) eachListedProject(ctx context.Context, query ProjectQuery, from int, yield func(Page) bool) error {
	site, err := c.SiteURL(ctx)
	if err != nil {
		return err
	}
	all, err := c.listedProjects(ctx, query)
	if err != nil {
		return err
	}
	size := query.PageSize
	if size <= 0 {
		size = 100
	}
	for {
		from = min(from, len(all))
		to := min(from+size, len(all))
		page := Page{Items: make([]json.RawMessage, 0, to-from), Total: len(all)}
		for _, p := range all[from:to] {
			page.Items = append(page.Items, p.raw)
		}
		page.Items = addSiteURL(page.Items, site)
		if from = to; from < len(all) {
			page.Cursor = strconv.Itoa(from)
		}
		if !yield(page) || page.Cursor == "" {
			return nil
		}
	}
}

// listedProjects are those that the query wants, in the order of their keys. A
// project that was deleted is in no list.
func (c *Client) listedProjects(ctx context.Context, query ProjectQuery) ([]listedProject, error) {
	q := &call{method: http.MethodGet, path: "/rest/api/3/project", query: url.Values{}}
	if len(query.Expand) > 0 {
		q.query.Set("expand", strings.Join(query.Expand, ","))
	}
	if slices.Contains(query.Status, "archived") {
		q.query.Set("includeArchived", "true")
	}
	var all []listedProject
	q.decode = func(body []byte) (err error) {
		all, err = decodeProjects(body)
		q.points = len(all)
		return err
	}
	if err := c.do(ctx, q); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p listedProject) bool { return !query.wants(p) })
	slices.SortStableFunc(all, func(a, b listedProject) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

func decodeProjects(body []byte) ([]listedProject, error) {
	items, err := splitArray(body)
	if err != nil {
		return nil, err
	}
	all := make([]listedProject, len(items))
	for i, raw := range items {
		if err := decodeObject(raw, &all[i]); err != nil {
			return nil, err
		}
		all[i].raw = raw
	}
	return all, nil
}

func (q ProjectQuery) wants(p listedProject) bool {
	status := "live"
	if p.Archived {
		status = "archived"
	}
	named := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	live := len(q.Status) == 0 && status == "live"
	return (live || slices.Contains(q.Status, status)) && named(q.IDs, p.ID) && named(q.Keys, p.Key)
}
