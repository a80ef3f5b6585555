package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"ferry/internal/console"
)

// public is a listener that serves nothing but health and metrics, or what with adds.
func public(with func(*console.PublicConfig)) *console.Public {
	config := console.PublicConfig{
		Health:  console.Health{Version: "1.2.3"},
		Metrics: console.NewMetrics(console.MetricsConfig{Version: "1.2.3", Database: "sqlite"}),
	}
	if with != nil {
		with(&config)
	}
	return console.NewPublic(config)
}

// ask sends a request line and gives the answer as text: status, the headers that matter, body.
func ask(h http.Handler, line string) string {
	w := httptest.NewRecorder()
	method, path, _ := strings.Cut(line, " ")
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return told(w.Result())
}

func told(r *http.Response) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "the body ended with " + err.Error()
	}
	var b strings.Builder
	fmt.Fprintln(&b, r.StatusCode)
	for _, name := range []string{"Allow", "Location", "Retry-After"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.Write(bytes.TrimSpace(body))
	return b.String()
}

// pipes is a listener in memory, so that the time of a test can be its own.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) client(t *testing.T) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) }}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serving runs Serve until end is called, which waits for it.
func serving(t *testing.T, p *console.Public) (l *pipes, end func() error) {
	t.Helper()
	l = newPipes()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, l) }()
	return l, func() error {
		cancel()
		return <-served
	}
}

// journal is a log to read in.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
