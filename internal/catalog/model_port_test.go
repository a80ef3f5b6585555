package catalog

import (
	"maps"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// send puts undelivered entities on the wire, none of them twice at once.
func (w *world) send(rt *rapid.T) {
	list, err := w.store.Undelivered(w.t.Context(), 0, rapid.IntRange(1, 5).Draw(rt, "limit"))
	w.must(err)
	for _, p := range list {
		if !slices.ContainsFunc(w.sends, func(s Pending) bool { return s.Entity == p.Entity }) {
			w.sends = append(w.sends, p)
		}
	}
}

func (p Pending) fold() string {
	var bodies []string
	for _, c := range p.Claims {
		bodies = append(bodies, string(c.Body))
	}
	return fold(bodies)
}

func (w *world) sent(rt *rapid.T) {
	p := takeOut(rt, &w.sends, "which one")
	k := entityKey{p.Blueprint, p.Identifier}
	if rapid.IntRange(0, 3).Draw(rt, "refused") == 0 {
		w.must(w.store.Delivered(w.t.Context(), w.run, []Delivery{{Pending: p, Refused: "no such blueprint"}}))
		w.refused[k] = p.fold()
		return
	}
	_, had := w.port[k]
	w.port[k] = p.fold()
	if rapid.IntRange(0, 5).Draw(rt, "killed") == 0 {
		return // Port has it, and nobody wrote that down
	}
	w.must(w.store.Delivered(w.t.Context(), w.run, []Delivery{{Pending: p, Keys: "keys", Created: !had}}))
}

// remove deletes in Port what is no longer wanted, with what relates to it or without. Nothing
// is on the wire then: deliver's order is upserts, then deletes.
func (w *world) remove(rt *rapid.T) {
	if len(w.sends) > 0 {
		rt.Skip("entities are on the wire")
	}
	list, err := w.store.Unwanted(w.t.Context(), 0, 2)
	w.must(err)
	if len(list) == 0 {
		rt.Skip("all are wanted")
	}
	cascade := rapid.Bool().Draw(rt, "cascade")
	for _, p := range list {
		delete(w.port, entityKey{p.Blueprint, p.Identifier})
		if cascade {
			w.cascade(p.Identifier, map[string]bool{})
		}
	}
	if rapid.Bool().Draw(rt, "meanwhile") {
		w.claimAgain(list[0])
	}
	w.must(w.store.Removed(w.t.Context(), list, cascade))
}

// cascade deletes in Port what relates to an identifier, and what relates to that.
func (w *world) cascade(identifier string, seen map[string]bool) {
	if seen[identifier] {
		return
	}
	seen[identifier] = true
	for k, e := range w.entities() {
		if e.refs[identifier] {
			delete(w.port, k)
			w.cascade(k.identifier, seen)
		}
	}
}

func (w *world) claimAgain(p Pending) {
	b := Batch{Number: w.store.NextRead(), Run: w.run, Reading: "issue", Items: []Item{{ID: "99", Claims: []Claim{{
		Entities: []Entity{{Blueprint: p.Blueprint, Identifier: p.Identifier, Body: []byte("x=1")}}}}}}}
	_, err := w.store.Apply(w.t.Context(), b)
	w.must(err)
	w.applied(b)
}

func (w *world) beginRun(rt *rapid.T) {
	run, err := w.store.BeginRun(w.t.Context(), "mapping", "account")
	w.must(err)
	if run.ID != w.run+1 {
		rt.Fatalf("BeginRun after run %d = %d", w.run, run.ID)
	}
	w.run = run.ID
	w.floor = int64(w.store.NextRead())
	clear(w.refused)
	for k, row := range w.dirty {
		if row.Priority == Scan {
			delete(w.dirty, k)
			continue
		}
		row.Attempts = 0
		w.dirty[k] = row
		delete(w.waits, k)
	}
}

func (w *world) endRun(rt *rapid.T) {
	state := pick(rt, []State{Completed, Partial, Failed}, "state")
	w.must(w.store.EndRun(w.t.Context(), w.run, state))
	for k, row := range w.items {
		if row.Gone && row.Read < w.floor {
			delete(w.items, k)
		}
	}
}

// reopen is a restart: reads that were under way belong to a lost epoch, what was on the wire
// is forgotten.
func (w *world) reopen(*rapid.T) {
	w.close()
	w.open()
	w.sends = nil
	w.floor = w.store.epoch << epochShift
	for i := range w.reads {
		w.reads[i].taken = nil
	}
}

// check compares the store with the model, and with what Port has.
func (w *world) check(rt *rapid.T) {
	got := dumpOf(w.t, w.store)
	want := dump{w.items, w.dirty, map[entityKey]entityState{}}
	entities := w.entities()
	for k, e := range entities {
		state := entityState{Bodies: e.bodies(), Refs: slices.Sorted(maps.Keys(e.refs))}
		for _, c := range e.claims {
			state.Searching = state.Searching || c.Entity.Searching
		}
		want.Entities[k] = state
	}
	for k := range got.Entities { // those that are no longer wanted wait to be deleted
		if _, wanted := want.Entities[k]; !wanted {
			want.Entities[k] = entityState{}
		}
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), gocmp.AllowUnexported(itemKey{}, entityKey{})); diff != "" {
		rt.Fatalf("the store is not its model: -want +got\n%s", diff)
	}
	w.checkPending(rt, entities, got)
}

// checkPending: whatever Port does not have as it should be is pending, as it should be.
func (w *world) checkPending(rt *rapid.T, entities map[entityKey]modelEntity, d dump) {
	undelivered := map[entityKey]string{}
	list, err := w.store.Undelivered(w.t.Context(), 0, 1000)
	w.must(err)
	for _, p := range list {
		undelivered[entityKey{p.Blueprint, p.Identifier}] = p.fold()
	}
	unwanted := map[entityKey]bool{}
	list, err = w.store.Unwanted(w.t.Context(), 0, 1000)
	w.must(err)
	for _, p := range list {
		unwanted[entityKey{p.Blueprint, p.Identifier}] = true
	}
	for k, e := range entities {
		body := fold(e.bodies())
		if listed, pending := undelivered[k]; pending && listed != body {
			rt.Fatalf("%v is to be sent as %s, want %s", k, listed, body)
		} else if !pending && w.port[k] != body && w.refused[k] != body {
			rt.Fatalf("Port has %v as %q, want %q, and it is not undelivered", k, w.port[k], body)
		}
	}
	for k := range w.port {
		if _, wanted := entities[k]; !wanted && !unwanted[k] {
			rt.Fatalf("Port has %v, which is not wanted, and it is not unwanted", k)
		}
	}
	for k := range d.Entities {
		if _, wanted := entities[k]; wanted == unwanted[k] {
			rt.Fatalf("%v is wanted: %v, and unwanted: %v", k, wanted, unwanted[k])
		}
	}
}
