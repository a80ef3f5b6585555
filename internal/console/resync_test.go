package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/console"
	"ferry/internal/port"
	"ferry/jira"
)

// office is a resync that takes until it is told how it ended.
type office struct {
	begun chan context.Context
	ends  chan error
}

func newOffice() *office {
	return &office{begun: make(chan context.Context, 20), ends: make(chan error)}
}

func (o *office) resync(ctx context.Context) error {
	o.begun <- ctx
	select {
	case err := <-o.ends:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *office) public() *console.Public {
	return public(func(c *console.PublicConfig) { c.Resync = o.resync })
}

// post asks for n resyncs, and gives the answers as they come.
func post(h http.Handler, n int) chan string {
	answers := make(chan string, n)
	for range n {
		go func() { answers <- ask(h, "POST /resync") }()
	}
	synctest.Wait()
	return answers
}

const done = "200\n" + `{"ok":true}`

func TestResyncAnswersWhenItHasEnded(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"well":               {nil, done},
		"by a fault of ours": {errors.New("the disk is full:\nmake room"), "500\n" + `{"ok":false,"reason":"the disk is full: make room"}`},
		"by Jira":            {fmt.Errorf("issues: %w", &jira.Error{Method: "GET", Path: "/rest/api/3/myself", Status: 503}), "502\n" + `{"ok":false,"reason":"issues: GET /rest/api/3/myself: 503 Service Unavailable"}`},
		"by Port":            {fmt.Errorf("deliver: %w", &port.Error{Method: "GET", Path: "/v1/organization", Status: 502}), "502\n" + `{"ok":false,"reason":"deliver: GET /v1/organization: Port answered 502 Bad Gateway"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice()
				answers := post(o.public(), 1)
				<-o.begun
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(answers) > 0 {
					t.Fatalf("answered before the end: %s", <-answers)
				}
				o.ends <- test.err
				if got := <-answers; got != test.want {
					t.Errorf("got %s\nwant %s", got, test.want)
				}
			})
		})
	}
}

// A resync that has begun may have read the mapping already that the next request is about.
func TestRequestsWhileAResyncRunsShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		p := o.public()
		first := post(p, 1)
		others := post(p, 5)
		if n := len(o.begun); n != 1 {
			t.Fatalf("%d resyncs at once", n)
		}
		<-o.begun
		o.ends <- nil
		synctest.Wait()
		if len(first) != 1 || len(others) != 0 || len(o.begun) != 1 {
			t.Fatalf("after the first: %d and %d answers, %d more begun", len(first), len(others), len(o.begun))
		}
		o.ends <- errors.New("no")
		synctest.Wait()
		close(others)
		var got []string
		for answer := range others {
			got = append(got, answer)
		}
		if want := slices.Repeat([]string{"500\n" + `{"ok":false,"reason":"no"}`}, 5); !slices.Equal(got, want) {
			t.Errorf("the others got %q", got)
		}
		if len(o.begun) != 1 {
			t.Errorf("%d resyncs for five requests", len(o.begun))
		}
	})
}

func TestAFewRequestsMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		p := o.public()
		waiting := post(p, 8)
		want := "429\nRetry-After: 60\n" + `{"ok":false,"reason":"enough requests are waiting for a resync: ask again later"}`
		if got := ask(p, "POST /resync"); got != want {
			t.Errorf("the ninth got %s", got)
		}
		o.ends <- nil
		synctest.Wait()
		for len(waiting) < 8 {
			o.ends <- nil
			synctest.Wait()
		}
		again := post(p, 1)
		o.ends <- nil
		if got := <-again; got != done {
			t.Errorf("after all had their answer: %s", got)
		}
	})
}

func TestClientThatGoesAwayTakesNothingAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		l, end := serving(t, o.public())
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = send(ctx, l.client(t), "/resync", nil) }()
		running := <-o.begun
		answer := make(chan string)
		go func() {
			got, err := send(t.Context(), l.client(t), "/resync", nil)
			answer <- fmt.Sprint(got, err)
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		if err := running.Err(); err != nil {
			t.Fatalf("the resync's context: %v", err)
		}
		o.ends <- nil
		<-o.begun
		o.ends <- nil
		if got := <-answer; got != done+"<nil>" {
			t.Errorf("who stayed got %s", got)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestStopEndsTheWaitForResyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		l, end := serving(t, o.public())
		answers := make(chan string, 3)
		for range 3 {
			go func() {
				got, err := send(t.Context(), l.client(t), "/resync", nil)
				answers <- fmt.Sprint(got, err)
			}()
			synctest.Wait()
		}
		begun := time.Now()
		if err := end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("stopped after %s", took)
		}
		for range 3 {
			if got := <-answers; got != "503\nRetry-After: 60\n"+`{"ok":false,"reason":"ferry is stopping"}`+"<nil>" {
				t.Errorf("got %s", got)
			}
		}
	})
}

func TestPanicOfAResyncEndsItForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p := public(func(c *console.PublicConfig) {
			c.Resync = func(context.Context) error {
				if calls++; calls == 1 {
					time.Sleep(time.Second)
					panic("no")
				}
				return nil
			}
		})
		first := post(p, 1)
		if got := <-first; got != "500\ninternal error" {
			t.Errorf("got %s", got)
		}
		if got := ask(p, "POST /resync"); got != done {
			t.Errorf("the next got %s", got)
		}
	})
}
