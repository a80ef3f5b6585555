package portsim

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// A Fault makes some requests go wrong. Of the requests that match, the first After pass, the next Times fail.
type Fault struct {
	Match       func(*http.Request) bool // nil: every request; see On
	After       int
	Times       int     // 0: without end
	Probability float64 // of each of them, 0: certain
	Seed        uint64  // for Probability
	Late        bool    // the request is carried out first, and only its answer is lost

	Status int // 0: 503
	Header http.Header
	Body   string // empty: Port's JSON for the status
	Cut    bool   // half of Body, then the connection ends
	Hang   bool   // no answer until the client gives up
}

// On matches requests of a method ("" for any) whose path contains part.
func On(method, part string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return (method == "" || method == r.Method) && strings.Contains(r.URL.Path, part)
	}
}

// armed is a fault and how far it has come. Its fields are guarded by the server's lock.
type armed struct {
	Fault
	matched, struck int
	dice            *rand.Rand
}

// Inject arms a fault. The first armed fault that applies to a request strikes.
func (s *Server) Inject(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: fault, dice: rand.New(rand.NewPCG(fault.Seed, fault.Seed))})
}

// Heal disarms all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (a *armed) applies(r *http.Request) bool {
	if a.Match != nil && !a.Match(r) {
		return false
	}
	a.matched++
	if a.matched <= a.After || a.Times > 0 && a.struck >= a.Times {
		return false
	}
	if a.Probability > 0 && a.dice.Float64() >= a.Probability {
		return false
	}
	a.struck++
	return true
}

func (f *Fault) strike(w http.ResponseWriter, r *http.Request) {
	if f.Hang {
		<-r.Context().Done()
		return
	}
	status, body := f.Status, f.Body
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	if body == "" {
		body = `{"ok":false,"error":"injected","message":"` + http.StatusText(status) + `"}`
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if strings.HasPrefix(body, "<") {
		w.Header().Set("Content-Type", "text/html")
	}
	for key, values := range f.Header {
		w.Header()[key] = values
	}
	if f.Cut {
		// net/http ends the connection of a handler that wrote less than it promised.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
