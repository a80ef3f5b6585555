package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
	"ferry/internal/port/portsim"
)

// follow delivers what changes until the test ends.
func (w *world) follow() {
	w.t.Helper()
	config := w.config
	config.Live, config.Look = true, 20*time.Millisecond
	d := deliver.New(w.store, w.client, config)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Follow(ctx, false) }()
	w.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			w.t.Errorf("Follow = %v, want that it was canceled", err)
		}
	}
}

func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not so after 10 s; in Port: %s; set aside: %v", what, w.issues(), w.reasons())
		}
	}
}

// Deletions that wait for a person are not looked at anew with each that comes.
func TestDeletionsThatWaitAreLookedAtOnce(t *testing.T) {
	for name, keep := range map[string]func(*world){
		"by the threshold": func(w *world) { w.config.Threshold = 0 },
		"by relations of others": func(w *world) {
			w.config.DeleteDependents = false
			for i := range 600 {
				w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: fmt.Sprint("F-", i), Relations: map[string]any{"parent": fmt.Sprintf("I-%03d", i)}}, foreign)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			things := numbered(640)
			w.claim(things...)
			w.upserts()
			keep(w)
			w.drop("issue", idsOf(things[:600])...)
			w.follow()
			defer w.stop()
			w.until("they are set aside", func() bool { return len(w.reasons()) > 0 })
			w.sim.Forget()
			for _, x := range things[600:620] {
				w.drop("issue", x.id)
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			if n := w.sim.Count("", ""); n > 200 {
				t.Errorf("%d requests for 20 more deletions, want at most 200", n)
			}
		})
	}
}

// What Port is not known to have for long is asked for again.
func TestABlueprintThatIsThereAgain(t *testing.T) {
	w := newWorld(t)
	w.follow()
	defer w.stop()
	w.claim(thing{blueprint: "late", id: "L", title: "one"})
	w.until("it is set aside", func() bool { return len(w.reasons()) > 0 })
	w.sim.AddBlueprint([]byte(`{"identifier":"late","schema":{"properties":{}},"relations":{}}`))
	n := 0
	w.until("it is in Port", func() bool {
		n++
		w.claim(thing{blueprint: "late", id: "L", title: fmt.Sprint(n)})
		return w.sim.Len("late") == 1
	})
}

// What Port refused for want of what it relates to is sent again when that is there.
func TestWhatItRelatesToComesLater(t *testing.T) {
	w := newWorld(t)
	w.config.CreateMissing = false
	w.claim(thing{id: "A", parent: "B"})
	w.follow()
	defer w.stop()
	w.until("it is set aside", func() bool { return len(w.reasons()) == 1 })
	w.claim(thing{id: "B"})
	w.until("both are in Port", func() bool { return w.issues() == "A B" && len(w.reasons()) == 0 })
}

// What Port answers 503 to is sent again until it takes it, also when something else is deleted
// meanwhile, which brings all else to its end.
func TestAFaultThatPassesSetsNothingAside(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "gone"})
	w.upserts()
	w.sim.Inject(portsim.Fault{
		Match: portsim.On("POST", "/entities/bulk"), Times: 3, Status: http.StatusMultiStatus,
		Body: `{"ok":false,"entities":[],"errors":[{"index":0,"identifier":"A","statusCode":503,"error":"busy","message":"busy"}]}`,
	})
	w.claim(thing{id: "A"})
	w.drop("issue", "gone")
	w.follow()
	defer w.stop()
	w.until("A is in Port, and nothing else", func() bool {
		if reasons := w.reasons(); len(reasons) > 0 {
			t.Fatalf("set aside: %v, want nothing", reasons)
		}
		return w.issues() == "A" && w.undelivered() == 0
	})
}

// Two that relate to one another wait for the one of them that is sent bare, also if Port has a fault
// with just that.
func TestAFaultOfABareSend(t *testing.T) {
	w := newWorld(t)
	w.config.CreateMissing = false
	w.client = newClient(t, faultWhereBare(w.sim.Transport(), 3))
	w.claim(thing{id: "A", parent: "B"}, thing{id: "B", parent: "A"})
	w.follow()
	defer w.stop()
	w.until("both are in Port", func() bool { return w.issues() == "A B" && w.undelivered() == 0 && len(w.reasons()) == 0 })
}

// faultWhereBare answers 503 for entities without relations, so many times.
func faultWhereBare(next http.RoundTripper, times int32) roundTrip {
	var n atomic.Int32
	return func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/entities/bulk") {
			return next.RoundTrip(r)
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		if bytes.Contains(text, []byte("relations")) || n.Add(1) > times {
			return next.RoundTrip(r)
		}
		var errs []string
		for i := range bytes.Count(text, []byte(`"identifier"`)) {
			errs = append(errs, fmt.Sprintf(`{"index":%d,"statusCode":503,"error":"busy","message":"busy"}`, i))
		}
		return &http.Response{
			StatusCode: http.StatusMultiStatus, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"ok":false,"entities":[],"errors":[` + strings.Join(errs, ",") + `]}`)),
		}, nil
	}
}

// Port keeps what others relate to. It goes when they do not any more, though nothing is deleted
// meanwhile; and where two relate to one another, both at once.
func TestWhatIsKeptGoesWhenNothingRelatesToItAnyMore(t *testing.T) {
	w := newWorld(t)
	w.config.DeleteDependents = false
	w.claim(thing{id: "held"}, thing{id: "its", parent: "held"}, thing{id: "held", links: []string{"its"}}, thing{id: "child", parent: "held"})
	w.upserts()
	w.drop("issue", "held", "its")
	w.readAgain()
	w.follow()
	defer w.stop()
	w.until("they are kept", func() bool { return len(w.reasons()) == 2 })
	w.claim(thing{id: "other"})
	w.until("other is in Port", func() bool { return w.issues() == "child held its other" })
	w.claim(thing{id: "child"})
	w.until("they are gone", func() bool { return w.issues() == "child other" && len(w.reasons()) == 0 })
}

// What Port keeps for good is not asked for with each change.
func TestWhatIsKeptIsTriedSeldom(t *testing.T) {
	w := newWorld(t)
	w.config.DeleteDependents = false
	w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "F", Relations: map[string]any{"parent": "A"}}, foreign)
	w.claim(thing{id: "A"})
	w.upserts()
	w.drop("issue", "A")
	w.follow()
	defer w.stop()
	w.until("it is set aside", func() bool { return len(w.reasons()) == 1 })
	w.sim.Forget()
	for i := range 150 {
		w.claim(thing{id: "busy", title: fmt.Sprint(i)})
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.sim.Count("POST", "/entities/delete"); n < 2 || n > 8 {
		t.Errorf("asked %d times in 3 s, want each pause twice the one before", n)
	}
}

// Who has lost the lease finishes nothing: another may send what is newer.
func TestNothingIsFinishedWithoutALease(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "A"})
	w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Hang: true})
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(catalog.ErrEpoch) })
	began := time.Now()
	_, err := w.deliverer().Upserts(ctx, closed)
	if took := time.Since(began); err == nil || took > 5*time.Second {
		t.Errorf("Upserts = %v after %v, want an error at once", err, took)
	}
}
