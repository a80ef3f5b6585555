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

// createBlueprints makes what is missing of them, or none. Where what exists is ours as far as it goes, an earlier start
// was interrupted, and is taken up again; what is complete is not touched.
func (in installer) createBlueprints(ctx context.Context, all []json.RawMessage) (err error) {
	missing, unfinished, taken, err := in.survey(ctx, all)
	if err != nil {
		return err
	}
	if taken != "" {
		in.log.LogAttrs(ctx, slog.LevelWarn, "port: a blueprint of this name is of another make, none is created", slog.String("blueprint", taken))
		return nil
	}
	var created []string
	defer func() {
		if err != nil {
			err = errors.Join(err, in.rollBack(ctx, created))
		}
	}()
	for _, blueprint := range missing {
		id := identifier(blueprint)
		_, err := in.client.CreateBlueprint(ctx, part(blueprint, passes[0]))
		if err == nil || uncertain(err) {
			created = append(created, id)
		}
		if err != nil {
			return fmt.Errorf("create blueprint %s: %w", id, err)
		}
	}
	return in.finishBlueprints(ctx, unfinished)
}

// survey sorts blueprints by how far they are there: those that are missing, those of which anything is missing, and the
// name of one that is taken by another model, into which ours are not to be mixed.
func (in installer) survey(ctx context.Context, all []json.RawMessage) (missing, unfinished []json.RawMessage, taken string, err error) {
	for _, blueprint := range all {
		there, err := in.client.Blueprint(ctx, identifier(blueprint))
		switch stage := compare(blueprint, there); {
		case errors.Is(err, port.ErrNotFound):
			missing, unfinished = append(missing, blueprint), append(unfinished, blueprint)
		case err != nil:
			return nil, nil, "", err
		case stage == foreign:
			return nil, nil, identifier(blueprint), nil
		case stage == begun:
			unfinished = append(unfinished, blueprint)
		}
	}
	return missing, unfinished, "", nil
}

func (in installer) finishBlueprints(ctx context.Context, unfinished []json.RawMessage) error {
	for _, keys := range passes[1:] {
		for _, blueprint := range unfinished {
			id := identifier(blueprint)
			if _, err := in.client.PatchBlueprint(ctx, id, part(blueprint, keys)); err != nil {
				return fmt.Errorf("complete blueprint %s: %w", id, err)
			}
		}
	}
	in.log.LogAttrs(ctx, slog.LevelInfo, "port: blueprints created", slog.Int("n", len(unfinished)))
	return nil
}

// How far an existing blueprint is ours.
type stage int

const (
	foreign  stage = iota // other properties, or relations that ours does not have
	begun                 // our properties, but not yet all relations and calculations
	complete              // all of ours
)

// shape is what of a blueprint tells whose it is.
type shape struct {
	Schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	} `json:"schema"`
	Relations    map[string]json.RawMessage `json:"relations"`
	Calculations map[string]json.RawMessage `json:"calculationProperties"`
}

func compare(blueprint json.RawMessage, there port.Blueprint) stage {
	var ours, theirs shape
	if json.Unmarshal(blueprint, &ours) != nil || json.Unmarshal(there.Raw, &theirs) != nil {
		return foreign
	}
	properties, has := ours.Schema.Properties, theirs.Schema.Properties
	switch {
	case !within(properties, has), !within(has, properties), !within(theirs.Relations, ours.Relations):
		return foreign
	case !within(ours.Relations, theirs.Relations), !within(ours.Calculations, theirs.Calculations):
		return begun
	}
	return complete
}

// within reports whether every key of some is one of all.
func within(some, all map[string]json.RawMessage) bool {
	for key := range some {
		if _, there := all[key]; !there {
			return false
		}
	}
	return true
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
