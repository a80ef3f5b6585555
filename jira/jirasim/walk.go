package jirasim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"ferry/jira/jirasim/jql"
)

// A walk is one query's issues, found once; its pages are cut from the ids. An
// issue that goes meanwhile is missing from its page, and a page may so become
// short or empty, as at Jira.
type walk struct {
	jql string
	ids []int64
}

// walkTable keeps the latest walks. A token of a forgotten one still works: its
// query is evaluated again.
type walkTable struct {
	mu   sync.Mutex
	last uint64
	kept []numberedWalk
}

type numberedWalk struct {
	number uint64
	walk   *walk
}

const keptWalks = 16

func (t *walkTable) add(w *walk) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	if len(t.kept) >= keptWalks {
		t.kept = slices.Delete(t.kept, 0, 1)
	}
	t.kept = append(t.kept, numberedWalk{t.last, w})
	return t.last
}

func (t *walkTable) get(number uint64) *walk {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.kept {
		if k.number == number {
			return k.walk
		}
	}
	return nil
}

// position is what a page token says.
type position struct {
	walk   uint64
	offset int
}

const tokenForm = "%d:%d:%x"

func (at position) token(jql string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, tokenForm, at.walk, at.offset, digest(jql)))
}

// readToken refuses a token of another query.
func readToken(token, jql string) (position, bool) {
	var at position
	var query uint64
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return at, false
	}
	n, err := fmt.Sscanf(string(text), tokenForm, &at.walk, &at.offset, &query)
	return at, err == nil && n == 3 && query == digest(jql) && at.offset >= 0
}

// begin finds the walk and the place in it that a search asks for.
func (s *Server) begin(c *call, q issueQuery) (*walk, position, *answer) {
	query, refused := s.parse(c, q.JQL)
	if refused != nil {
		return nil, position{}, refused
	}
	var at position
	if q.NextPageToken != "" {
		var ok bool
		if at, ok = readToken(q.NextPageToken, q.JQL); !ok {
			return nil, at, refuse(http.StatusBadRequest, "The provided next page token is invalid for this query.")
		}
	}
	if c.identity.anonymous() { // also where the token died in the middle of a walk
		return &walk{}, position{}, nil
	}
	if w := s.walks.get(at.walk); w != nil && q.NextPageToken != "" && w.jql == q.JQL {
		return w, at, nil
	}
	w := &walk{jql: q.JQL, ids: s.evaluate(c, query, q.ReconcileIssues)}
	at.walk = s.walks.add(w)
	return w, at, nil
}

// parse refuses as Jira does: what is malformed, what has no restriction ("order by
// key" alone is unbounded), and what names things that are not there.
func (s *Server) parse(c *call, text string) (*jql.Query, *answer) {
	query, err := jql.Parse(text)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, err.Error())
	}
	if !query.Bounded() {
		return nil, refuse(http.StatusBadRequest,
			"Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	return query, s.missing(c, query)
}

// evaluate returns the ids of the issues that match, in the order of the query; none
// to the anonymous.
func (s *Server) evaluate(c *call, query *jql.Query, reconcile []int64) []int64 {
	if c.identity.anonymous() {
		return nil
	}
	index := s.losing(s.indexOf(c, reconcile), reconcile)
	match := query.Matcher(jql.Env{Now: s.now(), Zone: s.config.Zone, User: c.identity.accountID})
	s.mu.RLock()
	defer s.mu.RUnlock()
	looking := &view{s: &s.site}
	found := make([]*record, 0, len(s.order))
	for _, r := range s.order {
		if r.visible() {
			if r = index(r); r != nil && match(looking.on(r)) {
				found = append(found, r)
			}
		}
	}
	for _, r := range s.buried(reconcile) {
		if r.visible() && match(looking.on(r)) {
			found = append(found, r)
		}
	}
	if query.Ordered() || len(s.hindsight.gone) > 0 {
		s.sort(found, query)
	}
	ids := make([]int64, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	return ids
}

func (s *Server) sort(found []*record, query *jql.Query) {
	left, right := &view{s: &s.site}, &view{s: &s.site}
	slices.SortFunc(found, func(a, b *record) int { return query.Compare(left.on(a), right.on(b)) })
}
