package portsim

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// A recorder keeps an answer, so that it can be lost, cut, or handed over without a socket.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) replay(w http.ResponseWriter) {
	for key, values := range r.header {
		w.Header()[key] = values
	}
	r.WriteHeader(http.StatusOK)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes())
}

// Transport is a way to the server without a socket, for tests under testing/synctest: there a goroutine that waits for
// a socket would stop the clock. A body shorter than its Content-Length ends with io.ErrUnexpectedEOF, as on a wire.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ server *Server }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	inner := r.Clone(r.Context())
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	defer inner.Body.Close()
	answered := newRecorder()
	t.server.ServeHTTP(answered, inner)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answered.WriteHeader(http.StatusOK)
	var body io.Reader = &answered.body
	if n, err := strconv.Atoi(answered.header.Get("Content-Length")); err == nil && n > answered.body.Len() {
		body = io.MultiReader(body, cut{})
	}
	return &http.Response{
		Status: http.StatusText(answered.status), StatusCode: answered.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answered.header, Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}, nil
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
