package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	"ferry/internal/catalog"
	"ferry/internal/mapping"
	"ferry/internal/source"
)

// readsOf is what must be decoded of the items of a reading: what its resources read, and what
// Ferry itself needs to know.
func (in *Ingest) readsOf(r *source.Reading) mapping.Paths {
	leaf := mapping.Paths{Whole: true}
	own := map[string]mapping.Paths{"key": leaf}
	if r.Kind == source.Issue {
		own["fields"] = mapping.Paths{Keys: map[string]mapping.Paths{
			"updated": leaf,
			"project": {Keys: map[string]mapping.Paths{"id": leaf}},
		}}
	}
	reads := mapping.Paths{Keys: own}
	for _, index := range r.Resources {
		reads = mapping.Union(reads, in.resources[index].Reads())
	}
	return reads
}

// membership says which resources decide about an item now: those of the selecting queries map
// it, those of the rejecting ones make nothing of it. Of the others nothing is known, and they
// keep what they have.
type membership struct{ selecting, rejecting int64 }

// item maps one raw item. What cannot even be decoded is a fault of every resource: the item
// keeps what it made.
func (t *reading) item(ctx context.Context, id string, raw json.RawMessage, m membership) catalog.Item {
	item := catalog.Item{ID: id, Container: id}
	decoded, err := mapping.Decode(raw, t.reads)
	if err != nil {
		t.unsettle(t.Kind)
		reason := fmt.Sprintf("Jira's answer cannot be read: %v: what it made before stays", err)
		item.Container = ""
		item.Faults = []catalog.Fault{{Reason: reason}}
		return item
	}
	if t.Kind == source.Issue {
		item.Updated = source.Millis(decoded.Text("fields", "updated"))
		item.Container = decoded.Text("fields", "project", "id")
	}
	for _, index := range t.Selecting(m.selecting) {
		t.claim(ctx, &item, decoded, index)
	}
	for _, index := range t.Selecting(m.rejecting) {
		item.Claims = append(item.Claims, catalog.Claim{Resource: index})
	}
	// With all resources of the kind heard, what is claimed by others was made by a mapping that
	// is no more. With one set aside it may be its own.
	item.Whole = len(item.Faults) == 0 && m.selecting|m.rejecting == t.Mask() && t.complete
	return item
}

// claim adds what one resource makes of the item. A fault adds nothing: what was stays.
func (t *reading) claim(ctx context.Context, item *catalog.Item, decoded mapping.Item, index int) {
	if names := t.Explicit(index); names != nil {
		decoded = decoded.OnlyFields(names)
	}
	out := t.resources[index].Map(ctx, decoded)
	if out.Fault != nil {
		t.unsettle(t.Kind)
		const advice = "%s: %v: what it made before stays; mend the mapping for items like this one"
		item.Faults = append(item.Faults, catalog.Fault{Resource: index, Reason: fmt.Sprintf(advice, decoded.Text("key"), out.Fault)})
		return
	}
	t.countFailed(t.resources[index], out.Failed)
	c := catalog.Claim{Resource: index}
	for _, e := range out.Entities {
		c.Entities = append(c.Entities, catalog.Entity{
			Blueprint: e.Blueprint, Identifier: e.Identifier, Search: e.Search, Searching: e.Searching,
			Body: e.Body, Refs: e.Refs, Keys: e.Keys,
		})
	}
	item.Claims = append(item.Claims, c)
}

// apply writes a batch and passes on what it changed.
func (t *reading) apply(ctx context.Context, b catalog.Batch) error {
	_, err := t.applied(ctx, b)
	return err
}

func (t *reading) applied(ctx context.Context, b catalog.Batch) (catalog.Applied, error) {
	b.Run, b.Reading, b.Kind = t.RunID, t.Name, t.Kind
	done, err := t.Store.Apply(ctx, b)
	if err == nil && t.Changed != nil && len(done.Changes) > 0 {
		t.Changed(done.Changes)
	}
	return done, err
}
