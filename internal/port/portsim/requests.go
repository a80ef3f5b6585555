package portsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Request is one that came, whatever became of it.
type Request struct {
	Method, Path string // the path without its query, as it was written
	Query        url.Values
	UserAgent    string
	Header       http.Header
	Body         json.RawMessage // nil: none
	At           time.Time
}

// note counts and keeps the request, and finds the fault that is to strike it.
func (s *Server) note(r *http.Request, body []byte) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[r.Method+" "+r.URL.EscapedPath()]++
	if s.config.Log {
		s.requests = append(s.requests, Request{
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(), UserAgent: r.UserAgent(),
			Header: r.Header.Clone(), Body: slices.Clone(body), At: s.config.Clock(),
		})
	}
	for _, fault := range s.faults {
		if fault.applies(r) {
			return &fault.Fault
		}
	}
	return nil
}

// Requests is everything that came, in order, when Config.Log is set.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count is how many requests of a method ("" for any) came whose path contains part. It counts without Config.Log too.
func (s *Server) Count(method, part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, count := range s.counts {
		m, path, _ := strings.Cut(key, " ")
		if (method == "" || m == method) && strings.Contains(path, part) {
			n += count
		}
	}
	return n
}

// Forget clears the log and the counts.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.upserted, s.deleted = nil, 0, 0
	clear(s.counts)
}

// Upserted is how many single entities were written since New or Forget, stubs not counted.
func (s *Server) Upserted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.upserted
}

// Deleted is how many entities were deleted since New or Forget, dependents counted.
func (s *Server) Deleted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleted
}

// Revoke makes every access token that was given out unusable.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}
