package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// offsetSearch is what Data Center's search takes. Unlike that of Cloud it wants
// expand as a list, and refuses members that it does not know.
type offsetSearch struct {
	JQL      string   `json:"jql"`
	StartAt  int      `json:"startAt"`
	Max      int      `json:"maxResults"`
	Fields   []string `json:"fields,omitempty"`
	Expand   []string `json:"expand,omitempty"`
	Validate bool     `json:"validateQuery"`
}

// offsetPage is one answer of Data Center's search.
type offsetPage struct {
	StartAt *int `json:"startAt"`
	Total   *int `json:"total"`
	issues  []json.RawMessage
}

// offsetCall is a search at Data Center: a POST, for JQL may be longer than a URL.
func offsetCall(body *offsetSearch) *call {
	return &call{method: http.MethodPost, path: "/rest/api/3/search", body: body, deployment: DataCenter}
}

func (c *Client) offsetPage(ctx context.Context, body *offsetSearch) (offsetPage, error) {
	var p offsetPage
	q := offsetCall(body)
	q.decode = func(text []byte) (err error) {
		p = offsetPage{}
		if p.issues, err = decodeList(text, "issues", &p); err == nil {
			err = p.check(body.StartAt)
		}
		q.points = len(p.issues)
		return err
	}
	err := c.do(ctx, q)
	return p, err
}

// check refuses a page that cannot be the one that begins at an offset.
func (p offsetPage) check(start int) error {
	switch {
	case p.Total == nil:
		return notJira("answered JSON without a total")
	case p.StartAt != nil && *p.StartAt != start:
		return notJira("answered with issues from place %d on, asked for those from %d on", *p.StartAt, start)
	case *p.Total < 0 || len(p.issues) > 0 && *p.Total < start+len(p.issues):
		return notJira("answered with %d issues from place %d on, of %d", len(p.issues), start, *p.Total)
	}
	return nil
}

// defaultWindow is how far into the results of a search Data Center lets
// anybody read: from version 10 on, unless jira.search.platform.max.result.window
// says something else
// (https://support.atlassian.com/jira/kb/handling-jql-rest-api-searching-exceeding-max_result_window-in-jira).
const defaultWindow = 10_000

// resultWindow is how many results of one search are asked for: as many as the
// site is known to allow.
type resultWindow struct{ learnt atomic.Int64 }

func (w *resultWindow) size() int {
	return cmp.Or(int(w.learnt.Load()), defaultWindow)
}

// tooDeep reports whether Jira refused to look so far into the results of a
// search, with status 500 or 400. Asking the same again is of no use.
func (e *Error) tooDeep() bool {
	if e.Status != http.StatusInternalServerError && e.Status != http.StatusBadRequest {
		return false
	}
	for _, m := range e.Messages {
		if strings.Contains(strings.ToLower(m), "search limit exceeded") {
			return true
		}
	}
	return false
}

var windowNamed = regexp.MustCompile(`(?i)limit of ([0-9][0-9,.' ]*)`)

// learn takes from an error how many results the site allows: the number that
// Jira names, or half of what was thought. It reports whether that is news.
func (w *resultWindow) learn(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.tooDeep() {
		return false
	}
	now := w.size()
	n := now / 2
	if found := windowNamed.FindStringSubmatch(strings.Join(e.Messages, " ")); found != nil {
		digits := strings.NewReplacer(",", "", ".", "", "'", "", " ", "").Replace(found[1])
		if named, err := strconv.Atoi(digits); err == nil && named < now {
			n = named
		}
	}
	return w.shrink(n)
}

// smallestWindow is the least that a search must let through; with less, a site
// is not worth walking.
const smallestWindow = 10

func (w *resultWindow) shrink(n int) bool {
	if n < smallestWindow || n >= w.size() {
		return false
	}
	w.learnt.Store(int64(n))
	return true
}

// countByOffset counts by asking for no results.
func (c *Client) countByOffset(ctx context.Context, jql string) (int, error) {
	p, err := c.offsetPage(ctx, &offsetSearch{JQL: jql, Validate: true, Fields: []string{"id"}})
	if err != nil {
		return 0, err
	}
	return *p.Total, nil
}
