package jirasim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// projectQuery is what project/search was asked.
type projectQuery struct {
	startAt, maxResults       int
	orderBy, text             string
	statuses, ids, keys, kind []string
	insight                   bool
}

func (s *Server) projectQuery(c *call) (q projectQuery, refused *answer) {
	if q.startAt, refused = c.number("startAt", 0); refused != nil {
		return q, refused
	}
	if q.maxResults, refused = c.number("maxResults", 50); refused != nil {
		return q, refused
	}
	if q.startAt < 0 || q.maxResults < 0 {
		return q, refuse(http.StatusBadRequest, "startAt and maxResults must not be negative.")
	}
	if q.maxResults == 0 || q.maxResults > s.config.ProjectPageLimit {
		q.maxResults = s.config.ProjectPageLimit
	}
	q.orderBy, q.text = cmp.Or(c.query.Get("orderBy"), "key"), strings.ToLower(c.query.Get("query"))
	q.ids, q.keys, q.kind = c.list("id"), c.list("keys"), c.list("typeKey")
	if len(q.ids) > 50 || len(q.keys) > 50 {
		return q, refuse(http.StatusBadRequest, "At most 50 ids and 50 keys of projects can be given.")
	}
	if q.statuses = c.list("status"); len(q.statuses) == 0 {
		q.statuses = []string{"live"}
	}
	for _, status := range q.statuses {
		if !slices.Contains([]string{"live", "archived", "deleted"}, status) {
			return q, refuse(http.StatusBadRequest, "The status '"+status+"' is none of live, archived and deleted.")
		}
	}
	q.insight = slices.Contains(c.list("expand"), "insight")
	return q, nil
}

func (q projectQuery) matches(p *project) bool {
	return !p.Hidden && slices.Contains(q.statuses, p.status()) &&
		(len(q.ids) == 0 || slices.Contains(q.ids, p.ID)) &&
		(len(q.keys) == 0 || slices.Contains(q.keys, p.Key)) &&
		(len(q.kind) == 0 || slices.Contains(q.kind, p.Type)) &&
		(strings.Contains(strings.ToLower(p.Key), q.text) || strings.Contains(strings.ToLower(p.Name), q.text))
}

// projectOrders compare projects by what orderBy may name. The site keeps no dates
// of archiving and no categories: those orders are by key.
func projectOrders(insights map[*project]insight) map[string]func(a, b *project) int {
	byKey := func(a, b *project) int { return strings.Compare(a.Key, b.Key) }
	return map[string]func(a, b *project) int{
		"key": byKey, "category": byKey, "archivedDate": byKey, "deletedDate": byKey,
		"name":                 func(a, b *project) int { return strings.Compare(a.Name, b.Name) },
		"owner":                func(a, b *project) int { return strings.Compare(a.Lead, b.Lead) },
		"issueCount":           func(a, b *project) int { return cmp.Compare(a.issues, b.issues) },
		"lastIssueUpdatedDate": func(a, b *project) int { return insights[a].last.Compare(insights[b].last) },
	}
}

// order sorts, by key where orderBy does not decide.
func (q projectQuery) order(found []*project, insights map[*project]insight) *answer {
	name := strings.TrimLeft(q.orderBy, "+- ") // a bare + in a query is a blank
	compare, ok := projectOrders(insights)[name]
	if !ok {
		return refuse(http.StatusBadRequest, "Projects cannot be ordered by '"+q.orderBy+"'.")
	}
	slices.SortFunc(found, func(a, b *project) int {
		c := compare(a, b)
		if strings.HasPrefix(q.orderBy, "-") {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.Key, b.Key))
	})
	return nil
}

// searchProjects answers GET /rest/api/3/project/search. When nothing matches it
// answers 404, but to the anonymous, who may be an account with a dead token, a
// page with nothing on it.
func (s *Server) searchProjects(c *call) *answer {
	q, refused := s.projectQuery(c)
	if refused != nil {
		return refused
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var insights map[*project]insight
	if q.insight || strings.Contains(q.orderBy, "lastIssueUpdatedDate") {
		insights = s.insights()
	}
	var found []*project
	for _, p := range s.projectOrder {
		if !c.identity.anonymous() && q.matches(p) {
			found = append(found, p)
		}
	}
	if refused := q.order(found, insights); refused != nil {
		return refused
	}
	if len(found) == 0 && !c.identity.anonymous() {
		return refuse(http.StatusNotFound, "No projects were found that match the search criteria.")
	}
	if !q.insight {
		insights = nil
	}
	return s.projectPage(c, q, found, insights)
}

func (s *Server) projectPage(c *call, q projectQuery, found []*project, insights map[*project]insight) *answer {
	from := min(q.startAt, len(found))
	to := min(from+q.maxResults, len(found))
	p := projectPage{page: s.newPage(c), expand: c.list("expand"), insights: insights}
	old := c.trouble.has(OldShape)
	if !old {
		p.raw(`{"self":`)
		p.str(pageURL(c, q, q.startAt))
		if to < len(found) {
			p.raw(`,"nextPage":`)
			p.str(pageURL(c, q, to))
		}
		p.raw(fmt.Sprintf(`,"maxResults":%d,"startAt":%d,"total":%d,"isLast":%t,"values":`, q.maxResults, q.startAt, len(found), to == len(found)))
	}
	p.raw(`[`)
	for i, project := range found[from:to] {
		p.comma(i)
		p.project(project)
	}
	p.raw(`]`)
	if !old {
		p.raw(`}`)
	}
	return jsonAnswer(p.page)
}

func pageURL(c *call, q projectQuery, startAt int) string {
	next := make(url.Values, len(c.query)+2)
	for name, values := range c.query {
		next[name] = values
	}
	next.Set("startAt", strconv.Itoa(startAt))
	next.Set("maxResults", strconv.Itoa(q.maxResults))
	return c.base + c.path + "?" + next.Encode()
}
