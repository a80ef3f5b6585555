package deliver_test

import (
	"context"
	"testing"
	"time"

	"ferry/internal/port/portsim"
)

// A change is read between the last delivery and a deletion: Port has an earlier version of it, whose
// relations only Port knows, and takes along what relates to it.
func TestCascadeThroughAnEntityOfWhichPortHasAnEarlierVersion(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "target"}, thing{id: "middle", parent: "target"}, thing{id: "end", parent: "middle", title: "e"}, thing{id: "last", parent: "end", title: "l"})
	w.upserts()
	w.claim(thing{id: "middle", title: "m"})
	w.drop("issue", "target")
	w.deletes()
	for id, title := range map[string]string{"middle": "m", "end": "e", "last": "l"} {
		if e, there := w.sim.Entity("issue", id); !there || e.Title != title {
			t.Errorf("in Port %s is %v, %t, want it whole", id, e, there)
		}
	}
}

// What is not wanted any more went by an earlier cascade, with what relates to it. That is found
// also where changes come without end, so that deletions take nothing along for now.
func TestWhatWentWithTheUnwantedComesBackWhileChangesCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *portsim.Config) { c.Latency = 20 * time.Millisecond })
	w.config.Live = true
	w.claim(thing{id: "middle"}, thing{id: "end", links: []string{"middle"}, title: "e"})
	w.upserts()
	w.drop("issue", "middle")
	w.readAgain()
	w.sim.Remove("issue", "middle")
	w.sim.Remove("issue", "end")
	w.claim(thing{id: "busy"})
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	followed := make(chan error, 1)
	go func() { followed <- w.deliverer().Follow(ctx, false) }()
	for ctx.Err() == nil {
		w.claim(thing{id: "busy", title: time.Now().String()})
		if _, there := w.sim.Entity("issue", "end"); there {
			stop()
		}
	}
	<-followed
	if e, there := w.sim.Entity("issue", "end"); !there || e.Title != "e" {
		t.Errorf("in Port end is %v, %t, want it whole", e, there)
	}
}

// What relates to a deletion and is about to be read again would make Port make it anew. In the
// daemon a run leaves such a deletion to what delivers after it.
func TestARunsDeletionsWaitForWhatIsAboutToBeReadAgain(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "child"}, thing{id: "parent", links: []string{"child"}})
	w.upserts()
	w.drop("issue", "child")
	if w.besideDeletes(); w.issues() != "child parent" {
		t.Errorf("in Port: %s, want child to wait for parent", w.issues())
	}
	w.readAgain()
	w.claim(thing{id: "parent"})
	if w.besideDeletes(); w.issues() != "parent" {
		t.Errorf("in Port: %s, want parent alone", w.issues())
	}
}

// besideDeletes is the end of a run beside which changes are read.
func (w *world) besideDeletes() {
	w.t.Helper()
	d := w.deliverer()
	w.must(d.Beside(w.t.Context(), closed, false))
	_, err := d.Deletes(w.t.Context())
	w.must(err)
}

// readAgain takes away the rows of what is to be read again.
func (w *world) readAgain() {
	w.t.Helper()
	rows, err := w.store.Take(w.t.Context(), reading, "", 100)
	w.must(err)
	w.must(w.store.Done(w.t.Context(), rows))
}
