package daemon

import (
	"context"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
)

// auditPort looks at what Port holds under our name without a claim in this store, and deletes what
// this run proves to be nobody's.
func (r *run) auditPort(ctx context.Context, d *deliver.Deliverer) (err error) {
	if !r.trusted || r.atPort.IsZero() {
		r.audit, err = deliver.Audit(ctx, r.Store, r.Port, r.started)
		return err
	}
	troubled, err := r.troubledKinds(ctx)
	if err != nil {
		return err
	}
	sure := func(blueprint string) bool { return r.readAllOf(blueprint, troubled) }
	var found *deliver.Found
	err = r.held.lend(ctx, func() (err error) { // what is live need not wait while Port lists all that it holds
		found, err = d.FindUnclaimed(ctx, r.atPort, sure)
		return err
	})
	if err != nil {
		return err
	}
	var deleted map[string]int
	r.audit, deleted, err = found.Delete(ctx)
	for blueprint, n := range deleted {
		r.deleted[r.kindOf(blueprint)] += n
	}
	return err
}

// troubledKinds are those of which this run could not read or decide something.
func (r *run) troubledKinds(ctx context.Context) (map[string]bool, error) {
	troubled := map[string]bool{}
	groups, err := r.Store.AsideGroups(ctx, r.catalog.ID)
	for _, g := range groups {
		if g.About != catalog.AsideEntity {
			troubled[g.Kind] = true
		}
	}
	return troubled, err
}

// readAllOf tells whether this run has read, with nothing set aside, all that can make entities of a
// blueprint, and none of it names them by search objects.
func (r *run) readAllOf(blueprint string, troubled map[string]bool) bool {
	if troubled[""] || r.protected(blueprint) != "" {
		return false
	}
	for _, m := range r.mapping.Resources {
		if (m.Blueprint == "" || m.Blueprint == blueprint) && (troubled[m.Kind] || m.Searches()) {
			return false
		}
	}
	return true
}

// kindOf is the kind of the first resource that makes entities of a blueprint; "" if none does.
func (r *run) kindOf(blueprint string) string {
	for _, m := range r.mapping.Resources {
		if m.Blueprint == blueprint {
			return m.Kind
		}
	}
	return ""
}
