package jirasim

import (
	"net/url"
	"slices"
	"sync"
	"time"
)

// Request is one request as it arrived. Credentials are not kept.
type Request struct {
	Method string
	Path   string // without the gateway's prefix
	Query  url.Values
	Body   []byte
	Scheme string // of the Authorization header: Basic, Bearer, or empty
	Status int    // what was answered; 0 where the client left first
	At     time.Time
}

// requestLog keeps the latest requests and counts all of them.
type requestLog struct {
	mu     sync.Mutex
	recent []Request
	counts map[string]int
}

// keptRequests bounds the log of a site that runs for days.
const keptRequests = 5_000

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[string]int)
	}
	l.counts[r.Path]++
	if len(l.recent) >= 2*keptRequests {
		l.recent = slices.Delete(l.recent, 0, keptRequests)
	}
	l.recent = append(l.recent, r)
}

// Requests returns what was asked, in the order of the answers; of a great many
// only the latest 5,000 or some more.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.recent)
}

// Count returns how many requests of the path, such as /rest/api/3/search/jql,
// came, also of those whose client left before the answer; of all paths where path is
// empty.
func (s *Server) Count(path string) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if path != "" {
		return s.log.counts[path]
	}
	all := 0
	for _, n := range s.log.counts {
		all += n
	}
	return all
}

// ForgetRequests empties what Requests and Count report.
func (s *Server) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.recent, s.log.counts = nil, nil
}
