package jirasim

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultKind is a sort of trouble.
type FaultKind int

const (
	// Throttle answers 429. RetryAfter, Reason, Reset and Remaining are its
	// headers; what is empty is not sent. HTML makes its body a page.
	Throttle FaultKind = iota + 1
	// ServerError answers Status (500 unless set), as JSON or as HTML.
	ServerError
	// HTML answers 200 and a login page.
	HTML
	// Cut breaks the connection in the middle of the body.
	Cut
	// Hang answers after For, or never where For is 0: until the client leaves.
	Hang
	// DeadToken takes the credentials for wrong: 401 where Jira must know who
	// asks, elsewhere 200, nothing, and X-Seraph-LoginReason.
	DeadToken
	// Unauthorized answers 401, whatever was asked.
	Unauthorized
	// Forbidden answers 403.
	Forbidden
	// EmptyPageWithToken makes a search page empty though more follows.
	EmptyPageWithToken
	// RepeatToken makes a search page name the token it was itself asked with.
	// A first page is left alone: it was asked with none.
	RepeatToken
	// ShortWalk makes a search page the last, though more should follow.
	ShortWalk
	// LoseFromIndex makes searches not find the issues IDs. Reading them works,
	// and so does a search that names them in reconcileIssues.
	LoseFromIndex
	// StaleIndex makes searches see IDs, or every issue where there are none, as
	// they were before their latest Update. Reading them by id is not affected, nor
	// is a search that names them in reconcileIssues.
	StaleIndex
	// PerIssueError makes bulkfetch name IDs, or the first issue asked for where
	// there are none, among its issueErrors.
	PerIssueError
	// OldShape answers a search as the removed API did, and project/search with
	// a bare array, as some proxies do.
	OldShape
	// Redirect sends the client to Location with status 302.
	Redirect
	// LoseAnswer does what was asked, and then breaks the connection without an answer,
	// after For.
	LoseAnswer
)

// searchPath is where the kinds about search pages apply.
const searchPath = "/rest/api/3/search/jql"

// Fault is trouble to come, by script (After, Times) or by chance (Probability).
type Fault struct {
	Match       string // a part of the path; "" is every path
	After       int    // so many matching requests go well first
	Times       int    // so many are hit then; 0 is all of them
	Probability float64
	Do          FaultKind

	Status     int           // of ServerError
	HTML       bool          // ServerError and Throttle: the body is a page
	RetryAfter string        // seconds or a date
	Reason     string        // the header RateLimit-Reason, such as jira-burst-based
	Reset      string        // the header X-RateLimit-Reset
	Remaining  string        // the header X-RateLimit-Remaining
	For        time.Duration // of Hang and LoseAnswer
	IDs        []int64       // of LoseFromIndex, StaleIndex and PerIssueError
	Location   string        // of Redirect
}

// Inject brings trouble from now on. The function it returns ends it.
func (s *Server) Inject(f Fault) (end func()) { return s.faults.add(f) }

// Heal ends all trouble.
func (s *Server) Heal() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = nil
}

type faultList struct {
	mu     sync.Mutex
	active []*activeFault
	random *rand.Rand
}

type activeFault struct {
	Fault
	seen, hits int
}

func (l *faultList) add(f Fault) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &activeFault{Fault: f}
	l.active = append(l.active, a)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.active = slices.DeleteFunc(l.active, func(f *activeFault) bool { return f == a })
	}
}

// draw decides which faults hit a request of the path. A fault counts the
// requests it applies to even where another one answers them.
func (l *faultList) draw(path string) trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	var hit trouble
	for _, f := range l.active {
		if !f.applies(path) {
			continue
		}
		f.seen++
		if f.seen <= f.After || f.Times > 0 && f.hits >= f.Times {
			continue
		}
		if f.Probability > 0 && l.random.Float64() >= f.Probability {
			continue
		}
		f.hits++
		hit = append(hit, f.Fault)
	}
	return hit
}

func (f *Fault) applies(path string) bool {
	switch f.Do {
	case EmptyPageWithToken, RepeatToken, ShortWalk:
		return path == searchPath && strings.Contains(path, f.Match)
	case LoseFromIndex, StaleIndex:
		return (strings.HasPrefix(path, "/rest/api/3/search/") || path == dataCenterSearch) && strings.Contains(path, f.Match)
	case PerIssueError:
		return path == "/rest/api/3/issue/bulkfetch" && strings.Contains(path, f.Match)
	}
	return strings.Contains(path, f.Match)
}

// trouble is what hits one request.
type trouble []Fault

func (t trouble) has(kind FaultKind) bool {
	_, ok := t.find(kind)
	return ok
}

func (t trouble) find(kind FaultKind) (Fault, bool) {
	for _, f := range t {
		if f.Do == kind {
			return f, true
		}
	}
	return Fault{}, false
}

func (t trouble) hang(r *http.Request) error {
	f, ok := t.find(Hang)
	if !ok {
		return nil
	}
	if f.For > 0 {
		return wait(r, f.For)
	}
	<-r.Context().Done()
	return r.Context().Err()
}

// answer is the answer of the first fault that needs none from the site, or nil.
func (t trouble) answer(now time.Time) *answer {
	for _, f := range t {
		if a := f.answer(now); a != nil {
			return a
		}
	}
	return nil
}

func (f Fault) answer(now time.Time) *answer {
	switch f.Do {
	case Throttle:
		return f.throttle(now)
	case ServerError:
		return f.serverError()
	case HTML:
		return htmlAnswer(http.StatusOK, "Log in with Atlassian account")
	case Unauthorized:
		return unauthorized()
	case Forbidden:
		return refuse(http.StatusForbidden, "You do not have permission to perform this operation.")
	case Redirect:
		a := htmlAnswer(http.StatusFound, "Found")
		a.header.Set("Location", f.Location)
		return a
	}
	return nil
}

func (f Fault) throttle(now time.Time) *answer {
	a := textAnswer(http.StatusTooManyRequests, jsonType, `{"errorMessages":["Rate limit exceeded."],"errors":{}}`)
	if f.HTML {
		a = htmlAnswer(http.StatusTooManyRequests, "Too Many Requests")
	}
	a.header.Set("Date", now.UTC().Format(http.TimeFormat))
	f.headers(a.header)
	return a
}

func (f Fault) serverError() *answer {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	a := refuse(status, "Internal server error")
	if f.HTML {
		a = htmlAnswer(status, http.StatusText(status))
	}
	f.headers(a.header)
	return a
}

func (f Fault) headers(h http.Header) {
	for name, value := range map[string]string{
		"Retry-After": f.RetryAfter, "RateLimit-Reason": f.Reason,
		"X-RateLimit-Reset": f.Reset, "X-RateLimit-Remaining": f.Remaining,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
}
