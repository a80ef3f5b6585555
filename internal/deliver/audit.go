package deliver

import (
	"context"
	"fmt"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// Unclaimed is what Port holds under our name and nothing in the catalogue asks for.
type Unclaimed struct {
	Count       int
	ByBlueprint map[string]int
	Names       []string // the first few, "blueprint identifier"
}

// names is how many of the unclaimed are named.
const names = 10

// Audit compares what Port holds under our name, and last saw before the given moment of its
// clock, with the catalogue. It deletes nothing.
func Audit(ctx context.Context, store *catalog.Store, client *port.Client, before time.Time) (Unclaimed, error) {
	u := Unclaimed{ByBlueprint: map[string]int{}}
	err := eachHeld(ctx, client, before, func(blueprint string, ids []string) error {
		unclaimed, err := store.Unclaimed(ctx, blueprint, ids)
		if err != nil || len(unclaimed) == 0 {
			return err
		}
		u.add(blueprint, unclaimed)
		return nil
	})
	if err != nil {
		return Unclaimed{}, fmt.Errorf("compare with what Port holds: %w", err)
	}
	return u, nil
}

// eachHeld calls do with the identifiers of each blueprint, page by page.
func eachHeld(ctx context.Context, client *port.Client, before time.Time, do func(blueprint string, ids []string) error) error {
	for page, err := range client.Held(ctx, before) {
		if err != nil {
			return err
		}
		blueprints, ids := []string{}, map[string][]string{}
		for _, key := range page {
			if ids[key.Blueprint] == nil {
				blueprints = append(blueprints, key.Blueprint)
			}
			ids[key.Blueprint] = append(ids[key.Blueprint], key.Identifier)
		}
		for _, blueprint := range blueprints {
			if err := do(blueprint, ids[blueprint]); err != nil {
				return err
			}
		}
	}
	return nil
}
