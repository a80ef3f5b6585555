package deliver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"ferry/internal/port"
)

// FindUnclaimed finds what Port holds under our name although nothing asks for it: another version of
// Ferry made it, or this store is new, or it was a stub for a relation that is over. Call it at the end
// of a run, after Deletes; it only reads, and may take a while. [Found.Delete] deletes of it only
//
//   - what Port last saw before the given moment of its own clock, which is to be before the run began;
//   - in blueprints of which sure says that the run has read all that makes entities of them, and
//     where no search object names entities: those that one names are enriched, and may look like ours;
//   - what no entity relates to, here or, as Port sees it, there: nothing is taken along;
//   - as much as the brake lets it.
//
// What it leaves is reported.
func (d *Deliverer) FindUnclaimed(ctx context.Context, before time.Time, sure func(blueprint string) bool) (*Found, error) {
	u := &Found{d: d, left: Unclaimed{ByBlueprint: map[string]int{}}, deleted: map[string]int{}}
	if err := u.find(ctx, before, sure); err != nil {
		return nil, fmt.Errorf("compare with what Port holds: %w", err)
	}
	return u, nil
}

// Delete deletes what may be deleted: deleted says how many by blueprint, left what Port holds still.
// Nobody else may deliver meanwhile.
func (u *Found) Delete(ctx context.Context) (left Unclaimed, deleted map[string]int, err error) {
	if err := u.remove(ctx); err != nil {
		return u.left, u.deleted, fmt.Errorf("delete what nothing asks for: %w", err)
	}
	return u.left, u.deleted, nil
}

// Found is what Port holds and nothing asks for, and what becomes of it.
type Found struct {
	d       *Deliverer
	sure    map[string][]string // identifiers that may be deleted, by blueprint
	left    Unclaimed
	deleted map[string]int // by blueprint
}

func (u *Found) find(ctx context.Context, before time.Time, sure func(string) bool) error {
	u.sure = map[string][]string{}
	return eachHeld(ctx, u.d.client, before, func(blueprint string, ids []string) error {
		ids, err := u.d.store.Unclaimed(ctx, blueprint, ids)
		if err != nil || len(ids) == 0 {
			return err
		}
		may := sure(blueprint)
		if may {
			searched, err := u.d.store.Searched(ctx, blueprint)
			if err != nil {
				return err
			}
			may = !searched
		}
		if may {
			u.sure[blueprint] = append(u.sure[blueprint], ids...)
		} else {
			u.left.add(blueprint, ids)
		}
		return nil
	})
}

func (u *Found) remove(ctx context.Context) error {
	n := 0
	for _, ids := range u.sure {
		n += len(ids)
	}
	stop, err := u.d.brake(ctx, "deletions of what nothing asks for", n, n)
	if err != nil {
		return err
	}
	for _, blueprint := range slices.Sorted(maps.Keys(u.sure)) {
		if stop {
			u.left.add(blueprint, u.sure[blueprint])
			continue
		}
		for chunk := range slices.Chunk(u.sure[blueprint], port.MaxDelete) {
			if err := u.chunk(ctx, blueprint, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk deletes some, looking at them once more right before: an event may have made one wanted.
func (u *Found) chunk(ctx context.Context, blueprint string, ids []string) error {
	ids, err := u.d.store.Unclaimed(ctx, blueprint, ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = u.d.client.Delete(ctx, blueprint, ids, false, u.d.config.Event, u.d.config.ResyncID)
	switch {
	case err == nil:
		u.deleted[blueprint] += len(ids)
		return nil
	case len(ids) == 1 && (absent(err) || refusal(err)):
		u.left.add(blueprint, ids) // gone by now, or something relates to it that is not ours
		return nil
	case absent(err) || refusal(err):
		half := len(ids) / 2
		if err := u.chunk(ctx, blueprint, ids[:half]); err != nil {
			return err
		}
		return u.chunk(ctx, blueprint, ids[half:])
	}
	return err
}

func (u *Unclaimed) add(blueprint string, ids []string) {
	u.Count += len(ids)
	u.ByBlueprint[blueprint] += len(ids)
	for _, id := range ids {
		if len(u.Names) < names {
			u.Names = append(u.Names, blueprint+" "+id)
		}
	}
}
