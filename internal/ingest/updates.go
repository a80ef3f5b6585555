package ingest

import (
	"context"
	"fmt"
	"slices"

	"ferry/internal/source"
)

// Kinds are those that the mapping reads, in its order.
func (in *Ingest) Kinds() []string {
	var kinds []string
	for _, r := range in.readings {
		if !slices.Contains(kinds, r.Kind) {
			kinds = append(kinds, r.Kind)
		}
	}
	return kinds
}

// Updates makes dirty, for Live to read, what has changed of a kind since [Config.Since]. Kinds whose
// lists hold whole items are listed and applied. It belongs to no run, and may go on beside one;
// what it does not meet may have gone or not: it does not ask.
func (in *Ingest) Updates(ctx context.Context, kind string) error {
	for _, r := range in.readings {
		if r.Kind != kind {
			continue
		}
		if err := in.updates(ctx, in.reading(r, in.Source)); err != nil {
			return fmt.Errorf("read what has changed of the %ss of Jira: %w", kind, err)
		}
	}
	return nil
}

func (in *Ingest) updates(ctx context.Context, t *reading) error {
	if t.Kind == source.Issue {
		return t.touchUpdated(ctx)
	}
	_, _, err := t.listProjects(ctx)
	return err
}
