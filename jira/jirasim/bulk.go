package jirasim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// bulkQuery is the body of bulkfetch. Here expand is an array, in search a string.
type bulkQuery struct {
	IDsOrKeys    []string `json:"issueIdsOrKeys"`
	Fields       []string `json:"fields"`
	FieldsByKeys bool     `json:"fieldsByKeys"`
	Properties   []string `json:"properties"`
	Expand       []string `json:"expand"`
}

// bulkFetch answers POST /rest/api/3/issue/bulkfetch: in the order of ids, keys
// of moved issues resolved, and what cannot be seen silently absent.
func (s *Server) bulkFetch(c *call) *answer {
	var q bulkQuery
	if refused := c.decode(&q); refused != nil {
		return refused
	}
	if n := len(q.IDsOrKeys); n == 0 || n > s.config.BulkLimit {
		return refuse(http.StatusBadRequest, fmt.Sprintf("issueIdsOrKeys must hold between 1 and %d ids or keys, not %d.", s.config.BulkLimit, n))
	}
	p := s.newPage(c)
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.wanted(c, q.IDsOrKeys)
	failing := c.trouble.failing(found)
	want := selectFields(q.Fields, "*navigable")
	p.raw(`{"issues":[`)
	written := 0
	for _, r := range found {
		if !slices.Contains(failing, r.ID) {
			p.comma(written)
			p.issue(r, want.whole())
			written++
		}
	}
	p.raw(`],"issueErrors":[`)
	for i, id := range failing {
		p.comma(i)
		p.raw(`{"id":"` + strconv.FormatInt(id, 10) + `","errorMessage":"The issue could not be read at the moment. Try again."}`)
	}
	p.raw(`]}`)
	return jsonAnswer(p)
}

// wanted are the issues that may be seen, each once, by id.
func (s *Server) wanted(c *call, idsOrKeys []string) []*record {
	if c.identity.anonymous() {
		return nil
	}
	var found []*record
	for _, idOrKey := range idsOrKeys {
		if r := s.find(idOrKey); r != nil && r.visible() {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *record) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(found)
}

// failing are the issues that PerIssueError hits among those found.
func (t trouble) failing(found []*record) []int64 {
	f, ok := t.find(PerIssueError)
	if !ok || len(found) == 0 {
		return nil
	}
	if len(f.IDs) == 0 {
		return []int64{found[0].ID}
	}
	var ids []int64
	for _, r := range found {
		if slices.Contains(f.IDs, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// oneIssue answers GET /rest/api/3/issue/{idOrKey}. A former key gets the issue
// under its present key, without a redirect.
func (s *Server) oneIssue(c *call, idOrKey string) *answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, dataCenter := s.find(idOrKey), s.config.Deployment == DataCenter
	if r != nil && c.identity.anonymous() && dataCenter {
		return refuse(http.StatusUnauthorized, "You do not have the permission to see the specified issue.", "Login Required")
	}
	if r == nil || !r.visible() && !(dataCenter && r.archivedVisibly()) || c.identity.anonymous() {
		return refuse(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
	}
	p := s.newPage(c)
	p.issue(r, selectFields(c.list("fields"), "*all").whole())
	return jsonAnswer(p)
}
