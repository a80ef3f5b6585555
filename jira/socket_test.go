package jira_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ferry/jira"
)

// socketClient talks to a handler over a real connection.
func socketClient(tb testing.TB, answer http.HandlerFunc) *jira.Client {
	tb.Helper()
	server := httptest.NewServer(answer)
	tb.Cleanup(server.Close)
	auth, err := jira.Bearer("tok")
	if err != nil {
		tb.Fatal(err)
	}
	c, err := jira.New(server.URL, auth, jira.Config{RetryBase: time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Connections that are cut in the middle of a body, with a length or in chunks,
// compressed or not, and before any byte, are read again.
func TestCutConnections(t *testing.T) {
	whole := `{"id":"1","fill":"` + strings.Repeat("x", 4000) + `"}`
	zipped := string(zip(t, whole))
	cuts := []string{
		"", // before the status line
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4020\r\n\r\n" + whole[:100],
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + whole[:100] + "\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + whole[:100],
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + zipped[:len(zipped)/2],
	}
	for i, cut := range cuts {
		var attempts atomic.Int64
		c := socketClient(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "serverInfo") {
				reply(w, 200, `{"baseUrl":"https://acme.example"}`)
				return
			}
			if attempts.Add(1) > 1 {
				reply(w, 200, whole)
				return
			}
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = buf.WriteString(cut)
			_ = buf.Flush()
			_ = conn.Close()
		})
		raw, err := c.Issue(t.Context(), "1", nil)
		if err != nil || !strings.HasPrefix(string(raw), whole[:len(whole)-1]) {
			t.Errorf("cut %d: Issue = %d bytes, %v, want the whole issue", i, len(raw), err)
		}
		if got := attempts.Load(); got < 2 {
			t.Errorf("cut %d: %d attempts, want another", i, got)
		}
	}
}

// BenchmarkBulkFetch reads 100 issues of 4.5 KB a call over a loopback socket,
// compressed; the server's share is in it.
func BenchmarkBulkFetch(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"issues":[`)
	for i := range 100 {
		fmt.Fprintf(&body, `%s{"id":"%d","key":"ACME-%d","fields":{"summary":"%s"}}`, strings.Repeat(",", min(i, 1)), i, i,
			strings.Repeat(fmt.Sprintf("A sentence of issue %d. ", i), 190))
	}
	body.WriteString(`]}`)
	zipped := zip(b, body.String())
	c := socketClient(b, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "serverInfo") {
			reply(w, 200, `{"baseUrl":"https://acme.example"}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped)
	})
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		bulk, err := c.BulkFetch(b.Context(), jira.BulkQuery{IDs: []string{"1"}})
		if err != nil || len(bulk.Issues) != 100 {
			b.Fatalf("BulkFetch = %d issues, %v", len(bulk.Issues), err)
		}
	}
}
