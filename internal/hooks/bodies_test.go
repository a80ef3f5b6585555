package hooks_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/hooks"
	"ferry/jira"
)

// padded is an event of so many bytes.
func padded(size int) string {
	const start, end = `{"webhookEvent":"jira:issue_created","issue":{"id":"1"},"x":"`, `"}`
	return start + strings.Repeat("x", size-len(start)-len(end)) + end
}

func TestBodiesOfEverySize(t *testing.T) {
	s := newSite(t, hooks.ReceiverConfig{Trust: trust})
	deep := `{"webhookEvent":"jira:issue_created","x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}"
	for _, test := range []struct {
		name, body string
		want       int
	}{
		{"small", padded(1000), 200},
		{"the largest small one", padded(64 << 10), 200},
		{"the smallest large one", padded(64<<10 + 1), 200},
		{"large", padded(1 << 20), 200},
		{"the largest", padded(jira.MaxEventBody), 200},
		{"too large", padded(jira.MaxEventBody + 1), 413},
		{"nested too deep", deep, 400},
	} {
		for _, said := range []bool{true, false} {
			q := httptest.NewRequest("POST", path, strings.NewReader(test.body))
			if !said {
				q.ContentLength = -1
			}
			q.Header.Set("X-Hub-Signature", jira.Sign([]byte(test.body), secret))
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, q); w.Code != test.want {
				t.Errorf("a body that is %s, its length said: %t: answered %d %s, want %d", test.name, said, w.Code, w.Body, test.want)
			}
		}
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func (u unread) Close() error { return nil }

// Whatever can be refused without a body costs none.
func TestStrangersAreRefusedUnread(t *testing.T) {
	s := newSite(t, hooks.ReceiverConfig{Trust: hooks.Trust{Secrets: []string{secret}, ClientSecrets: []string{"of the app"}, Token: token}})
	for _, test := range []struct {
		method, path, header string
		length               int64
		want                 int
	}{
		{"POST", path, "", -1, 401},
		{"POST", path, "Authorization: Bearer x.y.z", -1, 401},
		{"POST", path, "Authorization: Basic c2FtOnNlc2FtZQ==", 10, 401},
		{"POST", path + "/" + token[1:], "X-Hub-Signature: sha256=00", -1, 401},
		{"POST", path, "X-Hub-Signature: sha256=00", jira.MaxEventBody + 1, 413},
		{"POST", path, "Content-Encoding: br", 10, 415},
		{"PUT", path, "X-Hub-Signature: sha256=00", 10, 405},
		{"POST", "/", "X-Hub-Signature: sha256=00", 10, 404},
	} {
		q := httptest.NewRequest(test.method, test.path, unread{t})
		q.ContentLength = test.length
		if name, value, ok := strings.Cut(test.header, ": "); ok {
			q.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, q); w.Code != test.want {
			t.Errorf("%s %s with %q: answered %d, want %d", test.method, test.path, test.header, w.Code, test.want)
		}
	}
}

// A body that breaks off may come whole the next time, which Jira has to be told.
func TestABrokenBodyIsAskedForAgain(t *testing.T) {
	s := newSite(t, hooks.ReceiverConfig{Trust: trust})
	for _, length := range []int64{-1, 1000, 1 << 20} {
		body := io.MultiReader(strings.NewReader(`{"webhookEvent"`), broken{})
		q := httptest.NewRequest("POST", path, body)
		q.ContentLength = length
		q.Header.Set("X-Hub-Signature", jira.Sign(nil, secret))
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, q); w.Code != http.StatusRequestTimeout {
			t.Errorf("a body of %d that breaks off is answered %d, want 408", length, w.Code)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

// Of large bodies only so many are held at once, small ones do not wait for them, and those that
// wait too long are told to come again.
func TestLargeBodiesWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, hooks.ReceiverConfig{Trust: trust})
		var slow sync.WaitGroup
		answers := make(chan int, 4)
		release := make(chan struct{})
		reading := make(chan struct{}, 4)
		for range 4 {
			slow.Go(func() {
				q := httptest.NewRequest("POST", path, &slowly{reading, release})
				q.ContentLength = jira.MaxEventBody
				q.Header.Set("X-Hub-Signature", jira.Sign(nil, secret))
				w := httptest.NewRecorder()
				s.ServeHTTP(w, q)
				answers <- w.Code
			})
		}
		synctest.Wait()
		if n := len(reading); n != 2 {
			t.Errorf("%d bodies of 25 MiB are read at once, want 2 of 64 MiB", n)
		}
		if w := s.deliver(padded(1000)); w.Code != 200 {
			t.Errorf("a small delivery beside large ones is answered %d, want 200", w.Code)
		}
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if n := len(answers); n != 2 {
			t.Fatalf("%d deliveries were answered after 16 s, want the two that waited", n)
		}
		for range 2 {
			if code := <-answers; code != 503 {
				t.Errorf("a delivery for which there was no place is answered %d, want 503", code)
			}
		}
		close(release)
		slow.Wait()
		if w := s.deliver(padded(1 << 20)); w.Code != 200 {
			t.Errorf("a large delivery after the others is answered %d, want 200", w.Code)
		}
	})
}

// slowly is a body of which nothing comes until it is released.
type slowly struct {
	reading chan<- struct{}
	release <-chan struct{}
}

func (b *slowly) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.release
	return 0, io.EOF
}
