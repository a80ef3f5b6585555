package jirasim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"ferry/jira/jirasim/jql"
)

// dataCenterSearch is the search by places, which Cloud has removed.
const dataCenterSearch = "/rest/api/2/search"

// pagedQuery is what both forms of Data Center's search ask. The names are Jira's.
type pagedQuery struct {
	JQL           string   `json:"jql"`
	StartAt       int      `json:"startAt"`
	MaxResults    *int     `json:"maxResults"`
	Fields        []string `json:"fields"`
	Expand        []string `json:"expand"` // here an array, at Cloud a string
	ValidateQuery *bool    `json:"validateQuery"`
}

func (c *call) pagedQuery() (pagedQuery, *answer) {
	var q pagedQuery
	if c.Method == http.MethodPost {
		refused := c.decode(&q)
		return q, refused
	}
	limit, refused := c.number("maxResults", 50)
	if refused != nil {
		return q, refused
	}
	from, refused := c.number("startAt", 0)
	if refused != nil {
		return q, refused
	}
	strict := c.query.Get("validateQuery") != "false"
	return pagedQuery{JQL: c.query.Get("jql"), StartAt: from, MaxResults: &limit, Fields: c.list("fields"),
		Expand: c.list("expand"), ValidateQuery: &strict}, nil
}

// searchPaged answers GET and POST /rest/api/2/search of Data Center.
func (s *Server) searchPaged(c *call) *answer {
	q, refused := c.pagedQuery()
	if refused != nil {
		return refused
	}
	return s.answerPaged(c, q)
}

func (s *Server) answerPaged(c *call, q pagedQuery) *answer {
	query, refused := s.parsePaged(c, q)
	if refused != nil {
		return refused
	}
	from, limit := max(0, q.StartAt), s.pagedLimit(q)
	if refused := s.beyondWindow(from + limit); refused != nil {
		return refused
	}
	ids := s.unsettle(query, s.evaluate(c, query, nil))
	p := s.newPage(c)
	p.raw(fmt.Sprintf(`{"expand":"schema,names","startAt":%d,"maxResults":%d,"total":%d,"issues":[`, from, limit, len(ids)))
	at := min(from, len(ids))
	s.writeVisible(p, ids[at:min(at+limit, len(ids))], selectFields(q.Fields, "*navigable").whole(), s.indexOf(c, nil))
	p.raw(`]}`)
	return jsonAnswer(p)
}

// parsePaged takes a query that restricts nothing, too.
func (s *Server) parsePaged(c *call, q pagedQuery) (*jql.Query, *answer) {
	query, err := jql.Parse(q.JQL)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, err.Error())
	}
	if q.ValidateQuery != nil && !*q.ValidateQuery {
		return query, nil
	}
	return query, s.missing(c, query)
}

// pagedLimit is the size of the page: 50 unless asked, silently capped; a negative one
// asks for as many as there may be.
func (s *Server) pagedLimit(q pagedQuery) int {
	if q.MaxResults == nil {
		return min(50, s.config.PageLimit)
	}
	if *q.MaxResults < 0 {
		return s.config.PageLimit
	}
	return min(*q.MaxResults, s.config.PageLimit)
}

// beyondWindow refuses a page that ends beyond the limit of the search platform, in
// the words of
// https://support.atlassian.com/jira/kb/handling-jql-rest-api-searching-exceeding-max_result_window-in-jira
func (s *Server) beyondWindow(end int) *answer {
	if major, _ := s.dataCenter(); major < 10 || end <= s.config.ResultWindow {
		return nil
	}
	p := &page{}
	p.raw(`{"message":`)
	p.str(fmt.Sprintf("Search limit exceeded. We couldn't complete your search because it requests %s results which exceeded the search platform limit of %s. "+
		"Try refining your query or contact your Jira administrator. Repeating the same search may not work.", thousands(end), thousands(s.config.ResultWindow)))
	p.raw(`,"stack-trace":"Please contact your admin passing attached Log's referral number: 91a9a4e4-244c-4d3a-939d-c50b92d49d02"}`)
	a := jsonAnswer(p)
	a.status = http.StatusInternalServerError
	return a
}

// thousands writes 10100 as 10,100.
func thousands(n int) string {
	text := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// unsettle gives what the ORDER BY holds equal another order in every page, as nodes
// with an index of their own do:
// https://support.atlassian.com/jira/kb/inconsistent-paginated-api-search-result-while-using-jql
func (s *Server) unsettle(query *jql.Query, ids []int64) []int64 {
	if !s.config.Unsettled {
		return ids
	}
	random := rand.New(rand.NewPCG(s.config.Seed, uint64(s.Count(dataCenterSearch))))
	s.mu.RLock()
	defer s.mu.RUnlock()
	left, right := &view{s: &s.site}, &view{s: &s.site}
	for from := 0; from < len(ids); {
		to := from + 1
		for to < len(ids) && s.ties(query, left, right, ids[from], ids[to]) {
			to++
		}
		equal := ids[from:to]
		random.Shuffle(len(equal), func(i, j int) { equal[i], equal[j] = equal[j], equal[i] })
		from = to
	}
	return ids
}

// ties counts an issue that went meanwhile as unlike every other.
func (s *Server) ties(query *jql.Query, left, right *view, a, b int64) bool {
	x, y := s.issues[a], s.issues[b]
	return x != nil && y != nil && query.Ties(left.on(x), right.on(y))
}
