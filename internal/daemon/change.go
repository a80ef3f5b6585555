package daemon

import (
	"context"
	"encoding/json"
	"sync"

	"ferry/internal/catalog"
)

// Change is what became of one entity of the catalogue.
type Change struct {
	Verb       catalog.Verb // made, changed or went
	Blueprint  string
	Identifier string
	Title      string // empty for one that went
}

// teller tells changes one after another, whoever comes upon them.
func (r *run) teller(changed func(Change)) func([]catalog.Change) {
	var mu sync.Mutex
	return func(list []catalog.Change) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range list {
			changed(r.titled(context.Background(), c))
		}
	}
}

// titled adds the entity's title, if it still has one.
func (r *run) titled(ctx context.Context, c catalog.Change) Change {
	change := Change{Verb: c.Verb, Blueprint: c.Blueprint, Identifier: c.Identifier}
	body, err := r.Store.Body(ctx, c.Blueprint, c.Identifier)
	if err != nil || body == nil {
		return change
	}
	var titled struct{ Title string }
	if json.Unmarshal(body, &titled) == nil {
		change.Title = titled.Title
	}
	return change
}
