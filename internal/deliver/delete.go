package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// rounds bounds how often Deletes starts again because ingest left more to delete meanwhile.
const rounds = 5

// Deletes removes from Port what is no longer wanted; call it at the end of a run, when its
// upserts are through. What it may not delete it leaves, with its reason set aside. What a
// cascade took along and is still wanted is delivered again.
//
// The error is one that ends the run, as of [Deliverer.Upserts]. What was not deleted is listed
// again by the next run.
func (d *Deliverer) Deletes(ctx context.Context) (Result, error) {
	before := d.counted()
	d.makers.over = true
	err := d.deletes(ctx)
	if err != nil {
		err = fmt.Errorf("delete from Port: %w", err)
	}
	return d.counted().since(before), err
}

func (d *Deliverer) deletes(ctx context.Context) error {
	d.held = 0
	d.releaseKept()
	for range rounds {
		d.count(func(r *Result) { r.Waiting = 0 })
		n, err := d.deleteRound(ctx)
		if err != nil {
			return err
		}
		if d.took || !d.config.Live {
			if err := d.checkBehind(ctx); err != nil {
				return err
			}
			d.took = false
		}
		// Even a round that deleted nothing may have found that an earlier one took something along.
		if err := d.upserts(ctx, nil); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// deleteRound deletes what may be deleted now, and says how many that were.
func (d *Deliverer) deleteRound(ctx context.Context) (int, error) {
	unwanted, err := d.unwanted(ctx)
	if err != nil || d.goesOn() && d.braked > 0 && len(unwanted) >= d.braked {
		return 0, err // no fewer than a person was told of
	}
	d.braked = 0
	ours, err := d.owned(ctx, unwanted)
	if err != nil {
		return 0, err
	}
	if stop, err := d.brake(ctx, "deletions", len(ours), 0); stop || err != nil {
		d.braked = len(unwanted)
		return 0, err
	}
	return d.remove(ctx, ours)
}

// checkBehind looks for entities that a cascade took although the catalogue does not relate
// them to what was deleted: those of which Port has an earlier version and refuses this one. What
// relates to them went along. It looks whether this run deleted anything or not: the answer to a
// deletion may be lost, or the process killed after it.
func (d *Deliverer) checkBehind(ctx context.Context) error {
	if !d.config.DeleteDependents {
		return nil
	}
	for after := int64(0); ; {
		list, err := d.store.Behind(ctx, after, pageSize)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].Entity
		_, gone, err := d.tellApart(ctx, list)
		if err != nil {
			return err
		}
		if err := d.store.Taken(context.WithoutCancel(ctx), gone); err != nil {
			return err
		}
	}
}

// unwanted are the entities that may be ours to delete. What was only enriched is let go, and
// what is protected is left.
func (d *Deliverer) unwanted(ctx context.Context) ([]catalog.Pending, error) {
	var list, enriched []catalog.Pending
	protected := map[string]int{}
	for after := int64(0); ; {
		page, err := d.departed(ctx, after)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			after = p.Entity
			switch {
			case d.goesOn() && d.kept[p.Entity] == p.Version:
			case p.Theirs || p.Search:
				enriched = append(enriched, p)
			case d.config.Protected(p.Blueprint) != "":
				protected[p.Blueprint]++
			default:
				list = append(list, p)
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	if err := d.setProtected(ctx, protected); err != nil {
		return nil, err
	}
	if err := d.forget(ctx, enriched, false); err != nil {
		return nil, err
	}
	return d.holdBack(ctx, list)
}

// departed is a page of what is not wanted any more. While a run reads, that is only what somebody
// waits to see gone: the rest goes at the run's end, when all that relates to it was read.
func (d *Deliverer) departed(ctx context.Context, after int64) ([]catalog.Pending, error) {
	if d.reading {
		return d.store.UnwantedLive(ctx, after, pageSize)
	}
	return d.store.Unwanted(ctx, after, pageSize)
}

// holdBack leaves out deletions that must wait for what relates to them to be read again.
func (d *Deliverer) holdBack(ctx context.Context, list []catalog.Pending) ([]catalog.Pending, error) {
	if !d.config.Live && !d.beside || len(list) == 0 {
		return list, nil
	}
	referred, err := d.store.Referred(ctx, list)
	if err != nil {
		return nil, err
	}
	d.held = len(referred)
	return slices.DeleteFunc(list, func(p catalog.Pending) bool { return referred[p.Entity] }), nil
}

// forget drops rows of entities that Port does not have, or that are not ours.
func (d *Deliverer) forget(ctx context.Context, list []catalog.Pending, cascade bool) error {
	if len(list) == 0 {
		return nil
	}
	if cascade {
		d.mu.Lock()
		d.took = true
		d.mu.Unlock()
	}
	return d.store.Removed(context.WithoutCancel(ctx), list, cascade)
}

// ownedPerCall is how many identifiers one ownership search takes.
const ownedPerCall = 50

// owned asks Port which of the list it has under our name, delivered or not: a process may have
// been killed after Port took an entity and before that was recorded. (What others made and we
// then wrote Port may have under our name too; it is noted, and not in the list.) The others are
// forgotten;
// since one of them may be gone by a delete of ours whose answer was lost, what relates to it
// counts as taken along.
func (d *Deliverer) owned(ctx context.Context, list []catalog.Pending) ([]catalog.Pending, error) {
	ours, others, err := d.tellApart(ctx, list)
	if err != nil {
		return nil, err
	}
	return ours, d.forget(ctx, others, d.config.DeleteDependents)
}

// tellApart asks Port which of the list it has under our name. Of a blueprint that Port does not
// have it has none.
func (d *Deliverer) tellApart(ctx context.Context, list []catalog.Pending) (ours, others []catalog.Pending, err error) {
	var mu sync.Mutex
	err = d.perChunk(ctx, list, ownedPerCall, func(ctx context.Context, blueprint string, chunk []catalog.Pending) error {
		mine, err := d.client.Owned(ctx, blueprint, identifiers(chunk))
		if err != nil && !absent(err) {
			return err
		}
		found := make(map[string]bool, len(mine))
		for _, id := range mine {
			found[id] = true
		}
		mu.Lock()
		defer mu.Unlock()
		for _, p := range chunk {
			if found[p.Identifier] {
				ours = append(ours, p)
			} else {
				others = append(others, p)
			}
		}
		return nil
	})
	return ours, others, err
}

// absent reports that Port itself says that it has no such thing: with its name for the error,
// which the page of a proxy or of another server does not have.
func absent(err error) bool {
	e, ok := errors.AsType[*port.Error](err)
	return ok && e.Status == http.StatusNotFound && e.Code == "not_found"
}

func identifiers(list []catalog.Pending) []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.Identifier
	}
	return ids
}

// perChunk calls do for chunks of one blueprint each, in the order of the list, several at once.
// When ctx ends no more is begun, and the calls under way are finished.
func (d *Deliverer) perChunk(ctx context.Context, list []catalog.Pending, size int, do func(context.Context, string, []catalog.Pending) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(d.config.Workers)
	work, cancel := d.lasting(ctx)
	defer cancel()
	start := func(blueprint string, chunk []catalog.Pending) {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return do(work, blueprint, chunk)
		})
	}
	open := map[string][]catalog.Pending{}
	for _, p := range list {
		open[p.Blueprint] = append(open[p.Blueprint], p)
		if len(open[p.Blueprint]) == size {
			start(p.Blueprint, open[p.Blueprint])
			delete(open, p.Blueprint)
		}
	}
	for blueprint, chunk := range open {
		start(blueprint, chunk)
	}
	return group.Wait()
}
