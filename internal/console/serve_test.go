package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/console"
)

// send posts over a connection, and gives the answer as text.
func send(ctx context.Context, client *http.Client, path string, body io.Reader) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ferry"+path, body)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	return told(answer), nil
}

// slow is a webhook that says when it has begun and is held until it is let go.
type slow struct {
	begun, letGo chan struct{}
	ended        bool
}

func newSlow() *slow { return &slow{begun: make(chan struct{}), letGo: make(chan struct{})} }

func (s *slow) config(c *console.PublicConfig) { c.Webhook, c.Grace = s, 3*time.Second }

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	close(s.begun)
	select {
	case <-s.letGo:
		fmt.Fprint(w, "kept")
	case <-r.Context().Done():
		time.Sleep(time.Second) // what it has to put away
	}
	s.ended = true
}

func TestStopLetsRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow()
		l, end := serving(t, public(s.config))
		answer := make(chan string)
		go func() {
			got, err := send(t.Context(), l.client(t), "/integration/webhook", nil)
			answer <- fmt.Sprint(got, err)
		}()
		<-s.begun
		go func() {
			time.Sleep(2 * time.Second)
			if _, err := l.dial(t.Context()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a new connection while stopping: %v", err)
			}
			close(s.letGo)
		}()
		stopped := make(chan error)
		go func() { stopped <- end() }()
		if got := <-answer; got != "200\nkept<nil>" {
			t.Errorf("got %s", got)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestServeReturnsAfterItsLastHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow()
		log := new(journal)
		l, end := serving(t, public(func(c *console.PublicConfig) {
			s.config(c)
			c.Logger, c.Connections = log.logger(), 1 // the listener is full while it is to end
		}))
		failed := make(chan error)
		go func() {
			_, err := send(t.Context(), l.client(t), "/integration/webhook", nil)
			failed <- err
		}()
		<-s.begun
		begun := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- end() }()
		if err := <-failed; err == nil {
			t.Error("the request was answered")
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); !s.ended || took != 4*time.Second {
			t.Errorf("returned after %s, the handler ended: %v; want after 3 s of grace and its own second", took, s.ended)
		}
		if !strings.Contains(log.String(), "cut off") {
			t.Errorf("the log does not tell that a request was cut off: %s", log)
		}
	})
}

func TestConnectionsBeyondTheBoundWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow()
		l, end := serving(t, public(func(c *console.PublicConfig) {
			s.config(c)
			c.Connections = 1
		}))
		first, second := make(chan string, 1), make(chan string, 1)
		busy := l.client(t)
		go func() {
			got, err := send(t.Context(), busy, "/integration/webhook", nil)
			first <- fmt.Sprint(got, err)
		}()
		<-s.begun
		go func() {
			got, err := send(t.Context(), l.client(t), "/nothing", nil)
			second <- fmt.Sprint(got, err)
		}()
		synctest.Wait()
		if len(second) > 0 {
			t.Fatalf("two connections at once: %s", <-second)
		}
		close(s.letGo)
		if got := <-first; got != "200\nkept<nil>" {
			t.Errorf("the first got %s", got)
		}
		busy.CloseIdleConnections()
		if got := <-second; got != "404\n404 page not found<nil>" {
			t.Errorf("the second got %s", got)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A client that sends its request a little at a time does not hold a place for long.
func TestSlowRequestsEnd(t *testing.T) {
	const head = "POST /integration/webhook HTTP/1.1\r\nHost: ferry\r\n"
	for name, test := range map[string]struct {
		request string
		within  time.Duration
	}{
		"nothing":              {"", 10 * time.Second},
		"half a header":        {head, 10 * time.Second},
		"half a body":          {head + "Content-Length: 9\r\n\r\n{", 2 * time.Minute},
		"nothing after an end": {"GET /none HTTP/1.1\r\nHost: ferry\r\n\r\n", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, end := serving(t, public(func(c *console.PublicConfig) {
					c.Webhook = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if _, err := io.ReadAll(r.Body); err != nil {
							http.Error(w, "cut", http.StatusBadRequest)
						}
					})
				}))
				c, err := l.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				begun := time.Now()
				go func() { _, _ = io.WriteString(c, test.request) }()
				_, _ = io.Copy(io.Discard, c)
				if took := time.Since(begun); took < test.within-time.Second || took > test.within+time.Second {
					t.Errorf("the connection was closed after %s, want %s", took, test.within)
				}
				if err := end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Nor does one that does not take its answer.
func TestAnswersThatNobodyTakesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := serving(t, public(nil))
		c, err := l.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: ferry\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Minute + time.Second)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after three minutes: %d bytes, %v", n, err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestResyncMayTakeLongerThanOtherRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		l, end := serving(t, o.public())
		go func() {
			time.Sleep(5 * time.Hour)
			o.ends <- nil
		}()
		got, err := send(t.Context(), l.client(t), "/resync", strings.NewReader("{}"))
		if got != done || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Nobody takes what was written before a panic for the whole answer.
func TestPanicCutsAnAnswerThatHadBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := serving(t, public(func(c *console.PublicConfig) {
			c.Webhook = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "some")
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				panic("no")
			})
		}))
		got, err := send(t.Context(), l.client(t), "/integration/webhook", nil)
		if want := "the body ended with unexpected EOF"; got != want || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestLargeHeadersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := serving(t, public(nil))
		r, err := http.NewRequest(http.MethodGet, "http://ferry/health/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Large", strings.Repeat("x", 128<<10))
		answer, err := l.client(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("answered %s", answer.Status)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A listener that fails ends Serve with its error.
func TestServeTellsWhatEndedIt(t *testing.T) {
	l := newPipes()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := public(nil).Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
}

func TestListen(t *testing.T) {
	l, err := console.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	_, err = console.Listen(t.Context(), taken)
	want := fmt.Sprintf("port %d is in use by another program: end that, or set APPLICATION__PORT or --port to another", taken)
	if err == nil || err.Error() != want {
		t.Errorf("a port in use: %v\nwant %s", err, want)
	}
	if _, err = console.Listen(t.Context(), 70000); err == nil || !strings.Contains(err.Error(), "APPLICATION__PORT") {
		t.Errorf("a port that cannot be: %v", err)
	}
}
