package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
	"ferry/internal/ingest"
)

// Change is what became of one entity of the catalogue.
type Change struct {
	Verb       catalog.Verb // made, changed or went
	Blueprint  string
	Identifier string
	Title      string // empty for one that went
}

// Follow catches up with Jira at a steady beat until ctx ends, and tells what changed. It begins
// where the newest complete run began. A catch-up that fails is told by its log line and made
// good by the next.
func (s *Sync) Follow(ctx context.Context, every time.Duration, changed func(Change)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.catchUp(ctx, changed)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && s.Logger != nil {
			s.Logger.Warn("the catch-up failed; the next one makes it good", "err", err)
		}
	}
}

func (s *Sync) catchUp(ctx context.Context, changed func(Change)) error {
	since, err := s.Store.ReadSince(ctx)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = time.UnixMilli(0)
	}
	r := s.begin()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if r.catalog, err = r.Store.BeginCatchUp(ctx, r.mapping.Hash, r.account); err != nil {
		return err
	}
	if err := r.checkAccount(ctx); err != nil {
		return err
	}
	state := catalog.Failed
	if err = r.readChanges(ctx, since, changed); err == nil && len(r.read.Failed) == 0 {
		state = catalog.Completed
	}
	return errors.Join(err, r.Store.EndCatchUp(context.WithoutCancel(ctx), r.catalog.ID, state))
}

func (r *run) readChanges(ctx context.Context, since time.Time, changed func(Change)) (err error) {
	config := r.ingestConfig()
	config.Since = since
	config.Progress, config.Changed = nil, r.teller(ctx, changed)
	r.ingest = ingest.New(config)
	if r.read, err = r.ingest.Run(ctx); err != nil {
		return err
	}
	if r.Port == nil {
		return r.forget(ctx)
	}
	d := deliver.New(r.Store, r.Port, r.deliverConfig())
	done := make(chan struct{})
	close(done)
	if _, err := d.Upserts(ctx, done); err != nil || !r.trusted {
		return err
	}
	_, err = d.Deletes(ctx)
	return err
}

// teller tells changes one after another, whoever comes upon them.
func (r *run) teller(ctx context.Context, changed func(Change)) func([]catalog.Change) {
	var mu sync.Mutex
	return func(list []catalog.Change) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range list {
			changed(r.titled(ctx, c))
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
