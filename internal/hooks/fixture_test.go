package hooks_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ferry/internal/catalog"
	"ferry/internal/hooks"
	"ferry/jira"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "open sesame"
	former = "open barley"
	path   = "/integration/webhook"
	token  = "0123456789abcdef"
)

// trust believes what is signed with either secret.
var trust = hooks.Trust{Secrets: []string{secret, former}}

// site is a receiver with a catalogue whose mapping reads projects and issues.
type site struct {
	*hooks.Receiver
	store *catalog.Store
	log   *logged
}

func newSite(t testing.TB, config hooks.ReceiverConfig) *site {
	t.Helper()
	store, err := catalog.Open(t.Context(), catalog.Config{Dir: t.TempDir(), Integration: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	err = store.SetReadings(t.Context(), []catalog.AskedReading{{Name: "issue", Kind: "issue"}, {Name: "project", Kind: "project"}})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: store, log: &logged{}}
	config.Replica, config.Logger = "test", s.log.logger()
	s.Receiver = hooks.NewReceiver(store.Inbox(), config)
	return s
}

// logged is a log without its times.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// send posts a body with headers, given as "Name: value".
func (s *site) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, q)
	return w
}

// deliver posts a body as Jira does.
func (s *site) deliver(body string) *httptest.ResponseRecorder {
	return s.send("POST", path, body, "X-Hub-Signature: "+jira.Sign([]byte(body), secret))
}

func event(name, rest string) string { return `{"webhookEvent":"` + name + `",` + rest + `}` }

// dirty is what is to be read, with what is expected of it, one item a line.
func (s *site) dirty(t interface{ Fatal(...any) }) string {
	var lines []string
	for _, reading := range []string{"issue", "project"} {
		rows, err := s.store.Take(context.Background(), reading, "", 1000, catalog.Live)
		if err != nil {
			t.Fatal(err)
		}
		s.store.Release(rows)
		for _, row := range rows {
			line := reading + " " + row.ID
			switch {
			case row.Expect == catalog.ExpectGone:
				line += " gone"
			case row.Expect != 0:
				line += " as of " + time.UnixMilli(row.Expect).UTC().Format(time.RFC3339)
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// heard is what is kept of deliveries, the oldest first.
func (s *site) heard(t testing.TB) []string {
	t.Helper()
	list, err := s.store.Heard(t.Context(), 5000)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, h := range slices.Backward(list) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %s %d %s", h.Answer, h.Identifier, h.Event, h.Touched, h.Reason)))
	}
	return lines
}

// inProcess serves requests in the caller's goroutine.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(q *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w.Result(), nil
}
