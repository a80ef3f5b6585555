package jira_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/jira"
)

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Bodies arrive whole, plain or compressed, with and without a length, and both
// their sizes are counted.
func TestBodies(t *testing.T) {
	text := `{"id":"1","fill":"` + strings.Repeat("filler ", 5000) + `"}`
	zipped := zip(t, text)
	two := append(zip(t, text[:100]), zip(t, text[100:])...) // gzip in two members, whose last length is not the whole
	tests := []struct {
		name, encoding string
		body           []byte
		length         bool
	}{
		{"plain", "", []byte(text), false},
		{"plain with its length", "", []byte(text), true},
		{"identity", "identity", []byte(text), true},
		{"gzip", "gzip", zipped, false},
		{"gzip with its length", "gzip", zipped, true},
		{"gzip in two members", "GZIP", two, true},
	}
	for _, tt := range tests {
		c := newClient(t, jira.Config{Retries: -1}, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
				t.Errorf("Accept-Encoding = %q, want gzip", got)
			}
			if tt.encoding != "" {
				w.Header().Set("Content-Encoding", tt.encoding)
			}
			if tt.length {
				w.Header().Set("Content-Length", fmt.Sprint(len(tt.body)))
			}
			_, _ = w.Write(tt.body)
		})
		if _, err := c.SiteURL(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := c.Stats()
		raw, err := c.Issue(t.Context(), "1", nil)
		if want := text[:len(text)-1] + `,"__siteUrl":"https://acme.example"}`; err != nil || string(raw) != want {
			t.Errorf("%s: Issue gives %d bytes, %v, want %d", tt.name, len(raw), err, len(want))
		}
		in, decoded := c.Stats().BytesIn-before.BytesIn, c.Stats().BytesDecoded-before.BytesDecoded
		if in != int64(len(tt.body)) || decoded != int64(len(text)) {
			t.Errorf("%s: counted %d bytes in and %d decoded, want %d and %d", tt.name, in, decoded, len(tt.body), len(text))
		}
	}
}

// A body beyond the limit is refused at once, however it is packed, and a
// length that lies makes no difference.
func TestBodiesAreBounded(t *testing.T) {
	large := `{"fill":"` + strings.Repeat("x", 5000) + `"}`
	lying := zip(t, large)
	binary.LittleEndian.PutUint32(lying[len(lying)-4:], 1)
	tests := []struct {
		name, encoding string
		body           []byte
		length         string
		says           string
	}{
		{"plain", "", []byte(large), "", "too large"},
		{"plain with its length", "", []byte(large), fmt.Sprint(len(large)), "too large"},
		{"gzip", "gzip", zip(t, large), "", "too large"},
		{"gzip that is large before it is unpacked", "gzip", []byte(large), "", "too large"},
		{"gzip that states another length", "gzip", lying, "", "too large"},
	}
	for _, tt := range tests {
		attempts := 0
		c := newClient(t, jira.Config{MaxBody: 1000}, func(w http.ResponseWriter, _ *http.Request) {
			attempts++
			w.Header().Set("Content-Encoding", tt.encoding)
			if tt.length != "" {
				w.Header().Set("Content-Length", tt.length)
			}
			_, _ = w.Write(tt.body)
		})
		_, err := c.Issue(t.Context(), "1", nil)
		if attempts != 1 || !strings.Contains(errorText(err), tt.says) {
			t.Errorf("%s: Issue = %v after %d attempts, want %q after 1", tt.name, err, attempts, tt.says)
		}
	}
}

// Of an error's body the beginning is read, also when that is all that is
// needed of an endless page.
func TestErrorBodiesAreBounded(t *testing.T) {
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(bytes.Repeat([]byte("<p>"), 1<<20))
	})
	_, err := c.Myself(t.Context())
	if got := c.Stats().BytesIn; err == nil || got > 70<<10 {
		t.Errorf("Myself = %v after %d bytes, want an error after about 64 KiB", err, got)
	}
}
