package jira

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxErrorBody is how much of an error's body is read: Jira's messages are
// short, and the rest is a web page.
const maxErrorBody = 64 << 10

var errTooLarge = errors.New("the answer is too large: ask for fewer fields or smaller pages, or raise Config.MaxBody")

// readBody reads a body to its end, decompressed, and counts both sizes. Of an
// error's body only the beginning is read. The result is the caller's own.
func (c *Client) readBody(resp *http.Response) (body []byte, err error) {
	good := resp.StatusCode >= 200 && resp.StatusCode < 300
	limit := c.config.MaxBody
	if !good {
		limit = maxErrorBody
	}
	wire := &counter{r: resp.Body}
	defer func() {
		c.stats.bytesIn.Add(wire.n)
		c.stats.bytesDecoded.Add(int64(len(body)))
	}()
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); {
	case encoding == "gzip":
		body, err = readGzip(wire, resp.ContentLength, limit)
	case encoding == "" || encoding == "identity":
		body, err = readSized(wire, resp.ContentLength, limit)
	default:
		err = notJira("answered in an encoding that was not asked for")
	}
	broken := err != nil && !errors.Is(err, errTooLarge) && !errors.Is(err, ErrNotJira)
	if broken {
		err = fmt.Errorf("the answer broke off: %w", err)
	}
	if good || broken && resp.StatusCode == http.StatusNotFound {
		return body, err // whether a 404 is Jira's own shows in its words alone
	}
	return body, nil // the status says enough; the messages are a help
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// readSized reads all of r, at most limit bytes, into one buffer of the right
// size where the size is known (-1: it is not).
func readSized(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		size = limit + 1 // enough to see that it is too much
	}
	var buf bytes.Buffer
	// bytes.MinRead more, or ReadFrom would grow the buffer to see the end.
	buf.Grow(int(max(size, 0)) + bytes.MinRead)
	_, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if int64(buf.Len()) > limit {
		return buf.Bytes()[:limit], errTooLarge
	}
	return buf.Bytes(), err
}

// What decompression needs is costly to make and quick to use again.
var (
	wireBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// maxPooled keeps a rare giant from staying in memory.
const maxPooled = 4 << 20

// readGzip reads and decompresses. The compressed bytes are read whole first:
// their last four say how long the content is, so that it needs one buffer.
func readGzip(r io.Reader, size, limit int64) ([]byte, error) {
	wire := wireBuffers.Get().(*bytes.Buffer)
	defer func() {
		if wire.Cap() <= maxPooled {
			wireBuffers.Put(wire)
		}
	}()
	wire.Reset()
	wire.Grow(int(min(max(size, 0), limit)) + bytes.MinRead)
	_, err := wire.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(wire.Len()) > limit:
		return nil, errTooLarge
	}
	hint := contentLength(wire.Bytes())
	unzip := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(unzip)
	if err := unzip.Reset(wire); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return readSized(unzip, hint, limit)
}

// contentLength reads the length that gzip data states at its end (RFC 1952,
// ISIZE). It is only a hint: it may be a lie, so that it is not believed beyond
// what deflate can reach, 1032 to 1.
func contentLength(gzipped []byte) int64 {
	if len(gzipped) < 4 {
		return -1
	}
	said := int64(binary.LittleEndian.Uint32(gzipped[len(gzipped)-4:]))
	if said > 1032*int64(len(gzipped)) {
		return -1
	}
	return said
}
