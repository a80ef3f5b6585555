package catalog

import (
	"context"
	"slices"
)

// Resource is an entry of the mapping, as far as it tells whether two mappings have it both.
type Resource struct {
	Kind     string
	Identity string // empty: it is set aside, and claims nothing
}

// SetResources makes claims name the resources of the mapping as it is now, by their places in
// it. A resource that has moved takes its claims along; the claims of one that was edited or is
// gone become strays, which stand until their items have been read for the resources that there
// are. An edited resource is not known by its place: after an insertion another stands there, and
// what that one does not select would take the claims away.
func (s *Store) SetResources(ctx context.Context, resources []Resource) error {
	return wrap("note the mapping's resources", s.write(ctx, func(t *tx) error {
		former, err := t.resources()
		if err != nil || slices.Equal(former, resources) {
			return err
		}
		if err := t.moveClaims(places(former, resources)); err != nil {
			return err
		}
		return t.writeResources(resources)
	}))
}

func (t *tx) resources() ([]Resource, error) {
	var list []Resource
	err := t.query(`SELECT kind, identity FROM resource WHERE integration = ? ORDER BY position`, []any{t.integration()},
		func(scan func(...any) error) error {
			var r Resource
			err := scan(&r.Kind, &r.Identity)
			list = append(list, r)
			return err
		})
	return list, err
}

// places says for each former resource where it stands now, or that it is gone: -1.
func places(former, now []Resource) []int {
	to := make([]int, len(former))
	taken := make([]bool, len(now))
	for i, r := range former {
		to[i] = -1
		for j, other := range now {
			if !taken[j] && r == other && r.Identity != "" {
				to[i], taken[j] = j, true
				break
			}
		}
	}
	return to
}

// shift keeps the numbers of claims on the way apart from those in place.
const shift = 1 << 20

// moveClaims renumbers claims: those of resource i become those of to[i], or strays.
func (t *tx) moveClaims(to []int) error {
	lowest := 0
	err := t.query(`SELECT COALESCE(MIN(resource), 0) FROM claim WHERE integration = ?`, []any{t.integration()},
		func(scan func(...any) error) error { return scan(&lowest) })
	if err != nil {
		return err
	}
	lowest = min(lowest, 0)
	moved := false
	for i, j := range to {
		if j == i {
			continue
		}
		moved = true
		if j < 0 {
			lowest--
			j = lowest - shift
		}
		if err := t.exec(`UPDATE claim SET resource = ? WHERE integration = ? AND resource = ?`, j+shift, t.integration(), i); err != nil {
			return err
		}
	}
	if !moved {
		return nil
	}
	if err := t.exec(`UPDATE claim SET resource = resource - ? WHERE integration = ? AND resource >= ?`, shift, t.integration(), shift); err != nil {
		return err
	}
	// Claims are folded in the order of their resources, so shared entities may be others now.
	return t.exec(`UPDATE entity SET version = version + 1 WHERE integration = ? AND claims > 1`, t.integration())
}

func (t *tx) writeResources(resources []Resource) error {
	if err := t.exec(`DELETE FROM resource WHERE integration = ?`, t.integration()); err != nil {
		return err
	}
	values := make([]any, 0, len(resources)*4)
	for i, r := range resources {
		values = append(values, t.integration(), i, r.Kind, r.Identity)
	}
	return t.insert(`INSERT INTO resource (integration, position, kind, identity)`, 4, ``, values)
}
