package jirasim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport is a RoundTripper that answers in the caller's goroutine, without a
// socket, so that time can be simulated around it with testing/synctest.
func (s *Server) Transport() http.RoundTripper { return transport{s, toSite} }

func toSite(*http.Request) (door, error) { return siteDoor, nil }

type transport struct {
	s      *Server
	doorOf func(*http.Request) (door, error)
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	d, err := t.doorOf(r)
	if err != nil {
		return nil, err
	}
	a, err := t.s.respond(r, d)
	if err != nil {
		return nil, err
	}
	defer a.release()
	text := bytes.Clone(a.body) // the caller reads it after the release
	body := io.Reader(bytes.NewReader(text))
	if a.cut {
		body = io.MultiReader(bytes.NewReader(text[:len(text)/2]), cutReader{})
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(body), ContentLength: int64(len(text)), Request: r,
	}, nil
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
