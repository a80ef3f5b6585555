package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// remove deletes the list, and says how many it deleted. What Port keeps because something else
// relates to it is tried again as long as other deletions succeed: that something may be among
// them.
func (d *Deliverer) remove(ctx context.Context, list []catalog.Pending) (int, error) {
	total := 0
	for len(list) > 0 {
		r := &removal{d: d}
		err := d.perChunk(ctx, list, port.MaxDelete, r.chunk)
		total += r.removed
		if err != nil {
			return total, err
		}
		if r.removed == 0 {
			return total, d.setKept(ctx, r.kept)
		}
		list = r.pending()
	}
	return total, nil
}

// removal is one pass over what is to be deleted.
type removal struct {
	d       *Deliverer
	mu      sync.Mutex
	removed int
	kept    []kept
}

// kept is an entity that Port would not delete, with its reason.
type kept struct {
	catalog.Pending
	why string
}

func (r *removal) pending() []catalog.Pending {
	list := make([]catalog.Pending, len(r.kept))
	for i, k := range r.kept {
		list[i] = k.Pending
	}
	return list
}

// chunk deletes entities of one blueprint. They are looked at once more right before: a change
// from Jira may have made one wanted again.
func (r *removal) chunk(ctx context.Context, blueprint string, list []catalog.Pending) error {
	d := r.d
	list, err := d.store.Removing(ctx, list, d.dependents())
	if err != nil || len(list) == 0 {
		return err
	}
	_, err = d.client.Delete(ctx, blueprint, identifiers(list), d.dependents(), d.config.Event, d.config.ResyncID)
	switch {
	case err == nil:
		return r.done(ctx, list)
	case absent(err):
		return r.missing(ctx, blueprint, list)
	case refusal(err):
		return r.divide(ctx, blueprint, list, err)
	}
	return err
}

// refusal reports that Port will not carry out the request, and not merely now or for us.
func refusal(err error) bool {
	e, ok := errors.AsType[*port.Error](err)
	if !ok || errors.Is(err, port.ErrUnavailable) || errors.Is(err, port.ErrUnauthorized) || errors.Is(err, port.ErrForbidden) {
		return false
	}
	return e.Status >= http.StatusBadRequest && e.Status < http.StatusInternalServerError
}

func (r *removal) done(ctx context.Context, list []catalog.Pending) error {
	if err := r.d.forget(ctx, list, r.d.dependents()); err != nil {
		return err
	}
	for _, p := range list {
		if p.Live && p.Since > 0 {
			r.d.config.Lag(time.Since(time.UnixMilli(p.Since)))
		}
	}
	r.mu.Lock()
	r.removed += len(list)
	r.mu.Unlock()
	r.d.count(func(total *Result) {
		if total.Deleted == nil {
			total.Deleted = map[string]int{}
		}
		for _, p := range list {
			total.Deleted[p.Reading]++
		}
		r.d.freedAt = time.Now()
	})
	return nil
}

// missing deals with a 404: it speaks of the blueprint, with which all its entities went, or of
// one of the entities.
func (r *removal) missing(ctx context.Context, blueprint string, list []catalog.Pending) error {
	if len(list) > 1 {
		_, err := r.d.client.Blueprint(ctx, blueprint)
		if err == nil {
			return r.halves(ctx, blueprint, list)
		}
		if !absent(err) {
			return err
		}
	}
	return r.d.forget(ctx, list, r.d.config.DeleteDependents) // by whom, and with what, is not known
}

// divide finds, in a chunk that Port refused whole, those that can go.
func (r *removal) divide(ctx context.Context, blueprint string, list []catalog.Pending, why error) error {
	if len(list) > 1 {
		return r.halves(ctx, blueprint, list)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, kept{list[0], message(why)})
	return nil
}

func (r *removal) halves(ctx context.Context, blueprint string, list []catalog.Pending) error {
	half := len(list) / 2
	if err := r.chunk(ctx, blueprint, list[:half]); err != nil {
		return err
	}
	return r.chunk(ctx, blueprint, list[half:])
}

// setKept sets aside what Port keeps.
func (d *Deliverer) setKept(ctx context.Context, list []kept) error {
	if d.config.DeleteDependents && !d.dependents() {
		d.held += len(list) // what relates to them may go along another time
		return nil
	}
	for _, k := range list {
		remedy := "delete what relates to it, or set deleteDependentEntities"
		if d.config.DeleteDependents {
			remedy = "delete it in Port"
		}
		if err := d.store.SetAside(ctx, catalog.Aside{
			About: catalog.AsideEntity, Subject: k.Blueprint + " " + k.Identifier, Kind: d.config.Kind(k.Reading),
			Reason: fmt.Sprintf("Port does not delete it (%s): %s", cut(k.why), remedy), Run: d.config.Run,
		}); err != nil {
			return err
		}
	}
	d.count(func(r *Result) {
		for _, k := range list {
			if d.keep(k.Pending) {
				r.Refused++
			}
		}
		if len(d.kept) == len(list) { // nothing was deleted since
			d.keptAt = time.Now()
		}
	})
	return nil
}
