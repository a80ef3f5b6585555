package deliver_test

import (
	"context"
	"errors"
	"fmt"
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
