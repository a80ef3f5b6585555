package catalog

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestStoreIsItsModel drives a store and a plain model of it with the same random operations,
// and compares the two after each.
func TestStoreIsItsModel(t *testing.T) { onEach(t, testModel) }

func testModel(t *testing.T, place func(testing.TB) Config) {
	switch {
	case watched:
		set(t, "rapid.checks", "3")
	case place(t).URL != "":
		set(t, "rapid.checks", "15") // a server is asked over the network
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, place(t))
		defer w.close()
		rt.Repeat(map[string]func(*rapid.T){
			"":          w.check,
			"list":      w.list,
			"touch":     w.touch,
			"read":      w.startRead,
			"read now":  w.startRead,
			"apply":     w.apply,
			"apply it":  w.apply,
			"give back": w.giveBack,
			"send":      w.send,
			"send more": w.send,
			"sent":      w.sent,
			"sent too":  w.sent,
			"remove":    w.remove,
			"begin run": w.beginRun,
			"end run":   w.endRun,
			"reopen":    w.reopen,
		})
	})
}

func set(t *testing.T, name, value string) {
	old := flag.Lookup(name).Value.String()
	t.Cleanup(func() { _ = flag.Set(name, old) })
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// world is a store, its model, and what is under way around it.
type world struct {
	t     *testing.T
	store *Store
	place Config
	run   int64
	floor int64 // the number at which the run began

	items    map[itemKey]itemState
	claims   map[itemKey]map[int][]Entity
	dirty    map[itemKey]dirtyState
	waits    map[itemKey]bool // postponed, not due in this test
	readings map[string]int   // in the order in which the store met them

	reads   []readUnderWay
	sends   []Pending
	port    map[entityKey]string // the folded body that Port has
	refused map[entityKey]string // the folded body that Port would not take in this run
}

type readUnderWay struct {
	number  ReadNumber
	reading string
	taken   []Dirty
}

var (
	someReadings = []string{"issue", "project"}
	someIDs      = []string{"1", "2", "10", "11"}
	someNames    = []string{"a", "b", "c", "d"}
)

func newWorld(t *testing.T, rt *rapid.T, place Config) *world {
	w := &world{t: t, place: place,
		items: map[itemKey]itemState{}, claims: map[itemKey]map[int][]Entity{},
		dirty: map[itemKey]dirtyState{}, waits: map[itemKey]bool{}, readings: map[string]int{},
		port: map[entityKey]string{}, refused: map[entityKey]string{}}
	w.open()
	w.beginRun(rt)
	return w
}

func (w *world) open() {
	var err error
	w.store, err = Open(w.t.Context(), w.place)
	w.must(err)
	forgetful(w.t, w.store)
}

func (w *world) close() { w.must(w.store.Close()) }

func (w *world) must(err error) {
	if err != nil {
		panic(err) // rapid reports it with the operations that led here
	}
}

func (w *world) meet(reading string) {
	if _, known := w.readings[reading]; !known {
		w.readings[reading] = len(w.readings)
	}
}

func pick[T any](rt *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(rt, label)
}

func (w *world) list(rt *rapid.T) {
	l := Listing{Run: w.run, Reading: pick(rt, someReadings, "reading"), Bit: rapid.IntRange(0, 2).Draw(rt, "bit")}
	ids := rapid.SliceOfN(rapid.SampledFrom(someIDs), 1, 5).Draw(rt, "ids")
	w.must(w.store.Listed(w.t.Context(), l, ids))
	w.meet(l.Reading)
	for _, id := range distinct(ids) {
		k := itemKey{reading: l.Reading, id: id}
		d, known := w.dirty[k]
		if !known {
			d.Priority = Scan
		}
		d.Hints++
		d.Attempts = 0
		if d.Run != l.Run {
			d.Run, d.Listed = l.Run, 0
		}
		d.Listed |= l.Mask()
		w.dirty[k] = d
		delete(w.waits, k)
	}
}

func (w *world) touch(rt *rapid.T) {
	reading := pick(rt, someReadings, "reading")
	ids := rapid.SliceOfN(rapid.SampledFrom(someIDs), 1, 3).Draw(rt, "ids")
	w.must(w.store.Touch(w.t.Context(), reading, "", ids))
	w.meet(reading)
	for _, id := range distinct(ids) {
		w.touched(itemKey{reading: reading, id: id})
	}
}

func (w *world) touched(k itemKey) {
	d, known := w.dirty[k]
	d.Hints++
	d.Attempts = 0
	if !known || d.Priority > Later {
		d.Priority = Later
	}
	w.dirty[k] = d
	delete(w.waits, k)
}

// free are the rows that Take may give out.
func (w *world) free(reading string, p Priority) map[itemKey]bool {
	free := map[itemKey]bool{}
	for k, d := range w.dirty {
		if k.reading == reading && d.Priority == p && !w.waits[k] {
			free[k] = true
		}
	}
	for _, r := range w.reads {
		for _, d := range r.taken {
			delete(free, d.key())
		}
	}
	return free
}

func (w *world) startRead(rt *rapid.T) {
	reading, limit := pick(rt, someReadings, "reading"), rapid.IntRange(1, 4).Draw(rt, "limit")
	want := w.free(reading, Later)
	if len(want) == 0 {
		want = w.free(reading, Scan)
	}
	rows, err := w.store.Take(w.t.Context(), reading, "", limit)
	w.must(err)
	// A walk over listed rows may end before the limit; it must not end before it began.
	if len(rows) > limit || len(rows) == 0 && len(want) > 0 {
		rt.Fatalf("Take(%s, %d) = %v, want some of %v", reading, limit, rows, want)
	}
	for _, d := range rows {
		k := d.key()
		if got := (dirtyState{d.Hints, d.Priority, d.Attempts, d.Run, d.Listed}); !want[k] || got != w.dirty[k] {
			rt.Fatalf("Take(%s, %d) gave out %+v, want one of %v, as %+v", reading, limit, d, want, w.dirty[k])
		}
		delete(want, k)
	}
	w.reads = append(w.reads, readUnderWay{w.store.NextRead(), reading, rows})
}

func takeOut[T any](rt *rapid.T, list *[]T, label string) T {
	if len(*list) == 0 {
		rt.Skip("nothing is under way")
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(rt, label)
	x := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return x
}

func (w *world) apply(rt *rapid.T) {
	r := takeOut(rt, &w.reads, "which read")
	b := Batch{Number: r.number, Run: w.run, Reading: r.reading, Kind: "issue", Taken: r.taken, Index: rapid.Bool().Draw(rt, "index")}
	for _, d := range r.taken {
		item := w.answer(rt, d.ID)
		item.Run, item.Listed = d.Run, d.Listed
		b.Items = append(b.Items, item)
	}
	for range rapid.IntRange(0, 2).Draw(rt, "more items") {
		item := w.answer(rt, pick(rt, someIDs, "id"))
		item.Run, item.Listed = w.run, int64(rapid.IntRange(0, 7).Draw(rt, "listed"))
		b.Items = append(b.Items, item)
	}
	done, err := w.store.Apply(w.t.Context(), b)
	if int64(r.number)>>epochShift != w.store.epoch {
		if !errors.Is(err, ErrEpoch) {
			rt.Fatalf("Apply of a read of a lost epoch = %v, want ErrEpoch", err)
		}
		return
	}
	w.must(err)
	want := w.applied(b)
	if diff := gocmp.Diff(want, done, cmpopts.SortSlices(func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Blueprint, b.Blueprint), strings.Compare(a.Identifier, b.Identifier))
	}), cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("Apply(%+v): -want +got\n%s", b, diff)
	}
}

// answer is what Jira might say of an item.
func (w *world) answer(rt *rapid.T, id string) Item {
	item := Item{ID: id, Updated: int64(rapid.IntRange(0, 3).Draw(rt, "updated")), Gone: rapid.IntRange(0, 3).Draw(rt, "gone") == 0}
	for resource := range 2 {
		switch rapid.IntRange(0, 5).Draw(rt, "resource") {
		case 0:
			item.Faults = append(item.Faults, Fault{resource, "no such field"})
		case 1: // not selected: it claims nothing
			item.Claims = append(item.Claims, Claim{Resource: resource})
		default:
			claim := Claim{Resource: resource}
			for range rapid.IntRange(1, 2).Draw(rt, "entities") {
				claim.Entities = append(claim.Entities, someEntity(rt))
			}
			item.Claims = append(item.Claims, claim)
		}
	}
	return item
}

func someEntity(rt *rapid.T) Entity {
	name := rapid.SampledFrom(someNames)
	key := pick(rt, []string{"x", "y"}, "key")
	return Entity{
		Blueprint: pick(rt, []string{"service", "team"}, "blueprint"), Identifier: name.Draw(rt, "name"),
		Searching: rapid.IntRange(0, 4).Draw(rt, "searching") == 0,
		Body:      fmt.Appendf(nil, "%s=%d", key, rapid.IntRange(0, 2).Draw(rt, "value")),
		Refs:      rapid.SliceOfN(name, 0, 2).Draw(rt, "refs"),
		Keys:      key,
	}
}

// applied is Apply, as its comment has it.
func (w *world) applied(b Batch) Applied {
	w.meet(b.Reading)
	before := w.entities()
	items, _ := once(b.Items)
	var done Applied
	spoke := map[string]bool{}
	var behind []itemKey
	for _, item := range items {
		k := itemKey{reading: b.Reading, id: item.ID}
		row, known := w.items[k]
		late := known && row.Read > int64(b.Number)
		lags := b.Index && (known && item.Updated < row.Updated || w.takesAway(k, item))
		row = row.listedBy(item)
		if late || lags {
			done.Refused++
			w.items[k] = row
			if !late {
				done.Behind = append(done.Behind, item.ID)
				if !slices.ContainsFunc(b.Taken, func(d Dirty) bool { return d.ID == item.ID }) {
					behind = append(behind, k)
				}
			}
			continue
		}
		done.Items++
		if item.Gone {
			done.Gone++
		}
		spoke[item.ID] = true
		row.Read, row.Gone = int64(b.Number), item.Gone
		row.Updated = cmp.Or(item.Updated, row.Updated)
		w.items[k] = row
		w.claim(k, item)
	}
	for _, k := range behind {
		w.touched(k)
	}
	done.Changes = w.changes(before)
	w.relatedTouched(b, items, before, spoke)
	for _, d := range b.Taken {
		if spoke[d.ID] && w.dirty[d.key()].Hints == d.Hints {
			delete(w.dirty, d.key())
		}
	}
	return done
}

func (x itemState) listedBy(item Item) itemState {
	if item.Run > x.Run {
		x.Run, x.Listed = item.Run, 0
	}
	if item.Run == x.Run {
		x.Listed |= item.Listed
	}
	return x
}

func (w *world) giveBack(rt *rapid.T) {
	r := takeOut(rt, &w.reads, "which read")
	if len(r.taken) == 0 || int64(r.number)>>epochShift != w.store.epoch {
		return
	}
	switch pick(rt, []string{"release", "postpone", "postpone long", "give up"}, "how") {
	case "release":
		w.store.Release(r.taken)
	case "postpone":
		w.must(w.store.Postpone(w.t.Context(), r.taken, 0))
		w.postponed(r.taken, false)
	case "postpone long":
		w.must(w.store.Postpone(w.t.Context(), r.taken, time.Hour))
		w.postponed(r.taken, true)
	case "give up":
		w.must(w.store.GiveUp(w.t.Context(), w.run, "issue", r.taken, "it does not answer"))
		for _, d := range r.taken {
			if row, known := w.items[d.key()]; known {
				w.items[d.key()] = row.listedBy(Item{Run: d.Run, Listed: d.Listed})
			}
			if w.dirty[d.key()].Hints == d.Hints {
				delete(w.dirty, d.key())
			}
		}
	}
}

func (w *world) postponed(rows []Dirty, long bool) {
	for _, d := range rows {
		if row, known := w.dirty[d.key()]; known && row.Hints == d.Hints {
			row.Attempts++
			w.dirty[d.key()] = row
			w.waits[d.key()] = long
		}
	}
}
