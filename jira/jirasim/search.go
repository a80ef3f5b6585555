package jirasim

import (
	"fmt"
	"net/http"
	"strconv"
)

// issueQuery is what both forms of search/jql ask. The names are Jira's.
type issueQuery struct {
	JQL             string   `json:"jql"`
	NextPageToken   string   `json:"nextPageToken"`
	MaxResults      *int     `json:"maxResults"`
	Fields          []string `json:"fields"`
	Expand          string   `json:"expand"`
	Properties      []string `json:"properties"`
	FieldsByKeys    bool     `json:"fieldsByKeys"`
	ReconcileIssues []int64  `json:"reconcileIssues"`
}

func (c *call) issueQuery() (issueQuery, *answer) {
	var q issueQuery
	if c.Method == http.MethodPost {
		refused := c.decode(&q)
		return q, refused
	}
	limit, refused := c.number("maxResults", 50)
	if refused != nil {
		return q, refused
	}
	q = issueQuery{JQL: c.query.Get("jql"), NextPageToken: c.query.Get("nextPageToken"), MaxResults: &limit,
		Fields: c.list("fields"), Expand: c.query.Get("expand"), Properties: c.list("properties")}
	for _, text := range c.list("reconcileIssues") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return q, refuse(http.StatusBadRequest, "reconcileIssues must be ids of issues.")
		}
		q.ReconcileIssues = append(q.ReconcileIssues, id)
	}
	return q, nil
}

// check refuses what is beyond Jira's limits.
func (q issueQuery) check() *answer {
	switch {
	case len(q.ReconcileIssues) > 50:
		return refuse(http.StatusBadRequest, "reconcileIssues can hold at most 50 ids.")
	case len(q.Properties) > 5:
		return refuse(http.StatusBadRequest, "properties can hold at most 5 keys.")
	case q.MaxResults != nil && *q.MaxResults < 0:
		return refuse(http.StatusBadRequest, "maxResults must not be negative.")
	}
	return nil
}

// limit is the size of the page: what was asked, silently capped.
func (s *Server) limit(q issueQuery, want selection) int {
	asked := 50
	if q.MaxResults != nil && *q.MaxResults > 0 {
		asked = *q.MaxResults
	}
	if want.bare() {
		return min(asked, s.config.IDPageLimit)
	}
	return min(asked, s.config.PageLimit)
}

// searchIssues answers GET and POST /rest/api/3/search/jql.
func (s *Server) searchIssues(c *call) *answer {
	q, refused := c.issueQuery()
	if refused != nil {
		return refused
	}
	return s.answerSearch(c, q, "id")
}

// answerSearch gives a page of what the query selects, with those fields unless it
// names others.
func (s *Server) answerSearch(c *call, q issueQuery, fields string) *answer {
	if refused := q.check(); refused != nil {
		return refused
	}
	w, at, refused := s.begin(c, q)
	if refused != nil {
		return refused
	}
	want := selectFields(q.Fields, fields)
	at.offset = min(at.offset, len(w.ids))
	end := min(at.offset+s.limit(q, want), len(w.ids))
	if c.trouble.has(EmptyPageWithToken) && at.offset < len(w.ids) {
		end = at.offset
	}
	p := s.newPage(c)
	p.raw(`{"issues":[`)
	s.writeVisible(p, w.ids[at.offset:end], want, s.indexOf(c, q.ReconcileIssues))
	p.raw(`]`)
	at.offset = end
	s.closePage(p, c, q, w, at)
	return jsonAnswer(p)
}

// closePage writes what follows the issues. The last page has no token at all;
// null was promised once and is not sent (JRACLOUD-92184).
func (s *Server) closePage(p *page, c *call, q issueQuery, w *walk, at position) {
	switch {
	case c.trouble.has(OldShape):
		p.raw(fmt.Sprintf(`,"startAt":0,"maxResults":50,"total":%d}`, len(w.ids)))
	case at.offset >= len(w.ids) || c.trouble.has(ShortWalk):
		p.raw(`,"isLast":true}`)
	case c.trouble.has(RepeatToken) && q.NextPageToken != "":
		p.raw(`,"nextPageToken":`)
		p.str(q.NextPageToken)
		p.raw(`,"isLast":false}`)
	default:
		p.raw(`,"nextPageToken":`)
		p.str(at.token(q.JQL))
		p.raw(`,"isLast":false}`)
	}
}

// writeVisible writes those of the issues that are there and may be seen, as the
// index has them. An index that is behind gives the bare ids of deleted ones too: what
// has to be loaded for a page with fields is not there any more.
func (s *Server) writeVisible(p *page, ids []int64, want selection, index func(*record) *record) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	written := 0
	for _, id := range ids {
		r := s.issues[id]
		if r == nil && want.bare() {
			r = s.grave(id)
		}
		if r == nil || !r.visible() {
			continue
		}
		if r = index(r); r != nil {
			p.comma(written)
			p.issue(r, want)
			written++
		}
	}
}

// approximateCount answers POST /rest/api/3/search/approximate-count.
func (s *Server) approximateCount(c *call) *answer {
	var q struct {
		JQL string `json:"jql"`
	}
	if refused := c.decode(&q); refused != nil {
		return refused
	}
	query, refused := s.parse(c, q.JQL)
	if refused != nil {
		return refused
	}
	p := s.newPage(c)
	p.raw(`{"count":`)
	p.num(int64(len(s.evaluate(c, query, nil))))
	p.raw(`}`)
	return jsonAnswer(p)
}
