package catalog

import (
	"context"
	"strings"
)

// DropStrays drops claims that no resource of the mapping stands for any more, because their
// resource is gone or reads something else, and with them the entities nothing else claims.
// readings gives the reading of each resource of the mapping, in order. For a resource that is set
// aside, whose claims stay as they are, it gives every reading of its kind, as "issue *", or "" for
// any: another resource may have stood in its place before, whose claims are not its own.
func (s *Store) DropStrays(ctx context.Context, run int64, readings []string) error {
	changed := 0
	for {
		n := 0
		err := s.write(ctx, func(t *tx) (err error) {
			n, err = t.dropStrays(run, readings)
			return err
		})
		if err != nil || n == 0 {
			if changed > 0 {
				s.changed.set()
			}
			return wrap("drop the claims of resources that are no longer there", err)
		}
		changed += n
	}
}

type stray struct {
	reading  int64
	parent   string
	item     string
	resource int
}

// dropStrays drops some, and says how many.
func (t *tx) dropStrays(run int64, readings []string) (int, error) {
	valid := "0 = 1"
	args := []any{t.s.integration}
	for i, name := range readings {
		kind, any := strings.CutSuffix(name, " *")
		switch {
		case name == "":
			valid += " OR c.resource = ?"
			args = append(args, i)
		case any:
			valid += " OR c.resource = ? AND (r.name = ? OR r.name LIKE ?)"
			args = append(args, i, kind, kind+" %")
		default:
			valid += " OR c.resource = ? AND r.name = ?"
			args = append(args, i, name)
		}
	}
	var strays []stray
	err := t.query(`
		SELECT c.reading, c.parent, c.item, c.resource FROM claim AS c
		JOIN reading AS r ON r.integration = c.integration AND r.id = c.reading
		WHERE c.integration = ? AND c.n = 0 AND NOT (`+valid+`) LIMIT 500`, args,
		func(scan func(...any) error) error {
			var x stray
			err := scan(&x.reading, &x.parent, &x.item, &x.resource)
			strays = append(strays, x)
			return err
		})
	if err != nil {
		return 0, err
	}
	type place struct {
		reading int64
		parent  string
	}
	items := map[place][]Item{}
	for _, x := range strays {
		p := place{x.reading, x.parent}
		items[p] = append(items[p], Item{ID: x.item, Claims: []Claim{{Resource: x.resource}}})
	}
	for p, list := range items {
		a := &applying{tx: t, reading: p.reading, batch: Batch{Run: run, Parent: p.parent}, items: list}
		if err := a.apply(); err != nil {
			return 0, err
		}
	}
	return len(strays), nil
}
