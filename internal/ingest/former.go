package ingest

import (
	"context"

	"ferry/internal/source"
)

// dropFormer drops claims that the mapping's edits have left where no reading judges them: all of
// a reading that is not asked any more, and, where a kind has several readings, what a resource
// claimed of one that is not its own now. They go only when everything else of their kind was
// decided in this run, and each of their items was either read in it or is proved gone.
func (in *Ingest) dropFormer(ctx context.Context) error {
	known, err := in.Store.Readings(ctx)
	if err != nil {
		return err
	}
	for _, name := range known {
		if err := in.dropFormerOf(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (in *Ingest) dropFormerOf(ctx context.Context, name string) error {
	kind := source.KindOf(name)
	var current []*reading
	var own *reading
	for _, t := range in.finished {
		if t.Kind == kind {
			current = append(current, t)
		}
		if t.Name == name {
			own = t
		}
	}
	if own != nil && len(current) == 1 {
		return nil // it has judged its own strays
	}
	var resources []int
	if own != nil {
		resources = own.Resources
	}
	for _, t := range current {
		if !in.settled(kind) {
			return nil
		}
		if err := t.inherit(ctx, name, resources); err != nil {
			return err
		}
	}
	switch {
	case !in.settled(kind):
		return nil
	case own != nil:
		return in.Store.DropOthers(ctx, in.RunID, name, resources)
	}
	return in.Store.DropReading(ctx, in.RunID, name)
}

// inherit asks about the items on which other resources than those given hold claims in the
// reading of that name, and which this reading has not read in this run: its listings may not
// hold them because the index lags, or because a permission was lost.
func (t *reading) inherit(ctx context.Context, name string, resources []int) error {
	missing := absent{}
	err := t.askEach(ctx, missing, func(after string) ([]string, error) {
		return t.Store.NotInherited(ctx, name, resources, t.Name, t.RunID, after, source.MaxGet)
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := t.sameAccount(ctx); err != nil {
		return err
	}
	return t.removeAbsent(ctx, name, missing, nil)
}
