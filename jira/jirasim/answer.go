package jirasim

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// answer is a whole HTTP answer, made before a byte of it is sent so that it can
// be compressed, cut and logged.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    bool // send half the body, then break the connection

	pooled  *page
	gzipped *bytes.Buffer
}

const jsonType = "application/json;charset=UTF-8"

func textAnswer(status int, contentType, body string) *answer {
	return &answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
}

func jsonAnswer(p *page) *answer {
	return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {jsonType}}, body: p.b, pooled: p}
}

// refuse is Jira's usual error body.
func refuse(status int, messages ...string) *answer {
	p := &page{}
	p.raw(`{"errorMessages":[`)
	for i, message := range messages {
		p.comma(i)
		p.str(message)
	}
	p.raw(`],"errors":{}}`)
	a := jsonAnswer(p)
	a.status = status
	return a
}

func htmlAnswer(status int, title string) *answer {
	return textAnswer(status, "text/html;charset=UTF-8",
		"<!DOCTYPE html>\n<html lang=\"en\"><head><title>"+title+"</title></head><body><h1>"+title+"</h1></body></html>\n")
}

var (
	pages      = sync.Pool{New: func() any { return new(page) }}
	compressor = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return w }}
	buffers    = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// compress replaces the body where the client accepts gzip. Short bodies go
// plainly, as they do at Jira's edge.
func (a *answer) compress(r *http.Request) {
	if len(a.body) < 1024 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return
	}
	out := buffers.Get().(*bytes.Buffer)
	out.Reset()
	w := compressor.Get().(*gzip.Writer)
	w.Reset(out)
	_, _ = w.Write(a.body) // a bytes.Buffer takes everything
	_ = w.Close()
	compressor.Put(w)
	a.body, a.gzipped = out.Bytes(), out
	a.header.Set("Content-Encoding", "gzip")
	a.header.Set("Vary", "Accept-Encoding")
}

func (a *answer) writeTo(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if !a.cut {
		_, _ = w.Write(a.body) // a client that left is no fault of the site
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// release gives the buffers back; the body must not be read afterwards.
func (a *answer) release() {
	if a.gzipped != nil {
		buffers.Put(a.gzipped)
	}
	if a.pooled != nil {
		pages.Put(a.pooled)
	}
	a.body, a.gzipped, a.pooled = nil, nil, nil
}
