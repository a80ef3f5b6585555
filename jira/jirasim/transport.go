package jirasim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport is a RoundTripper that answers in the caller's goroutine, without a
// socket, so that time can be simulated around it with testing/synctest.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	a, err := t.s.respond(r)
	if err != nil {
		return nil, err
	}
	// The buffers are not released: the caller reads them when it likes.
	body := io.Reader(bytes.NewReader(a.body))
	if a.cut {
		body = io.MultiReader(bytes.NewReader(a.body[:len(a.body)/2]), cutReader{})
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(body), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
