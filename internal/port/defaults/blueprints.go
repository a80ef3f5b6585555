package defaults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"ferry/internal/port"
)

// rollbackTime is what is left for removing half of the blueprints, even when the process is told to stop.
const rollbackTime = 30 * time.Second

// passes are what of a blueprint is written when. A relation needs its target to exist, and a calculation the properties
// and relations it reads, so everything exists before anything refers to it. A nil pass is the whole blueprint.
var passes = [][]string{
	{"identifier", "title", "icon", "description", "schema"},
	{"identifier", "title", "icon", "description", "schema", "relations", "ownership", "teamInheritance"},
	nil,
}

// createBlueprints makes all of them or none. Where one of them exists somebody has a model of their own, and ours are
// not mixed into it.
func (in installer) createBlueprints(ctx context.Context, all []json.RawMessage) (err error) {
	for _, blueprint := range all {
		id := identifier(blueprint)
		_, err := in.client.Blueprint(ctx, id)
		if err == nil {
			in.log.LogAttrs(ctx, slog.LevelInfo, "port: blueprint exists, none is created", slog.String("blueprint", id))
			return nil
		}
		if !errors.Is(err, port.ErrNotFound) {
			return err
		}
	}
	var created []string
	defer func() {
		if err != nil {
			err = errors.Join(err, in.rollBack(ctx, created))
		}
	}()
	for _, blueprint := range all {
		id := identifier(blueprint)
		if _, err := in.client.CreateBlueprint(ctx, part(blueprint, passes[0])); err != nil {
			if uncertain(err) {
				created = append(created, id)
			}
			return fmt.Errorf("create blueprint %s: %w", id, err)
		}
		created = append(created, id)
	}
	return in.completeBlueprints(ctx, all)
}

func (in installer) completeBlueprints(ctx context.Context, all []json.RawMessage) error {
	for _, keys := range passes[1:] {
		for _, blueprint := range all {
			id := identifier(blueprint)
			if _, err := in.client.PatchBlueprint(ctx, id, part(blueprint, keys)); err != nil {
				return fmt.Errorf("complete blueprint %s: %w", id, err)
			}
		}
	}
	in.log.LogAttrs(ctx, slog.LevelInfo, "port: blueprints created", slog.Int("n", len(all)))
	return nil
}

// uncertain reports that a creation may have been carried out, although no answer says so: then it is rolled back too.
// It was not there a moment ago, so it is ours.
func uncertain(err error) bool {
	_, answered := errors.AsType[*port.Error](err)
	return !answered || errors.Is(err, port.ErrUnavailable)
}

// rollBack removes what was created, last first, because the later relate to the earlier. The integration is not marked
// as initialized, so that the next start tries again.
func (in installer) rollBack(ctx context.Context, created []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	var left []error
	for _, id := range slices.Backward(created) {
		if err := in.client.DeleteBlueprint(ctx, id); err != nil && !errors.Is(err, port.ErrNotFound) {
			left = append(left, fmt.Errorf("blueprint %s stays half made; delete it in Port: %w", id, err))
		}
	}
	return errors.Join(left...)
}

func identifier(blueprint json.RawMessage) string {
	var named struct {
		Identifier string `json:"identifier"`
	}
	if err := json.Unmarshal(blueprint, &named); err != nil {
		panic(err) // unreachable: embedded and tested
	}
	return named.Identifier
}

// part keeps the given keys of a blueprint, or all for nil.
func part(blueprint json.RawMessage, keys []string) json.RawMessage {
	if keys == nil {
		return blueprint
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(blueprint, &whole); err != nil {
		panic(err) // unreachable: embedded and tested
	}
	maps.DeleteFunc(whole, func(key string, _ json.RawMessage) bool { return !slices.Contains(keys, key) })
	text, err := json.Marshal(whole)
	if err != nil {
		panic(err) // unreachable: it was JSON before
	}
	return text
}
