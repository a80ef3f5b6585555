package catalog

import (
	"context"
	"encoding/json"
)

// Pending is an entity of which Port does not have what it should, as it is now.
type Pending struct {
	Entity     int64 // the row; in the order of rows, what was claimed first comes first
	Version    int64 // hand it back: a change that comes meanwhile stays pending
	Blueprint  string
	Identifier string
	Search     bool
	Known      bool      // Port has had it from this store before
	Theirs     bool      // somebody else made it in Port: it is enriched, never deleted
	Reading    string    // of the item that first claimed it
	Claims     []Claimed // in the order in which they are folded; empty if it is not wanted
	Sent       string    // the keys Port was last sent, "" if none
}

// Claimed is one claim of a pending entity.
type Claimed struct {
	Body json.RawMessage
	Keys string
}

// Undelivered are wanted entities whose body Port does not have and has not refused, with row
// numbers after the one given, in that order.
func (s *Store) Undelivered(ctx context.Context, after int64, limit int) ([]Pending, error) {
	list, err := s.pendingRows(ctx, `claims > 0 AND delivered <> version AND refused <> version`, after, limit)
	if err == nil {
		err = s.addClaims(ctx, list)
	}
	return list, wrap("list what is undelivered", err)
}

// Unwanted are entities that should not be in Port any more, with row numbers after the one
// given, in that order.
func (s *Store) Unwanted(ctx context.Context, after int64, limit int) ([]Pending, error) {
	list, err := s.pendingRows(ctx, `claims = 0`, after, limit)
	return list, wrap("list what is no longer wanted", err)
}

func (s *Store) pendingRows(ctx context.Context, where string, after int64, limit int) ([]Pending, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT e.id, e.version, e.blueprint, e.identifier, e.search, e.delivered > 0, e.origin = 'theirs', r.name, COALESCE(k.keys, '')
		FROM entity AS e JOIN reading AS r ON r.integration = e.integration AND r.id = e.reading
		LEFT JOIN keyset AS k ON k.integration = e.integration AND k.id = e.keyset
		WHERE e.integration = ? AND e.id > ? AND `+where+` ORDER BY e.id LIMIT ?`, s.integration, after, limit)
	if err != nil {
		return nil, err
	}
	var list []Pending
	err = each(rows, func(scan func(...any) error) error {
		var p Pending
		err := scan(&p.Entity, &p.Version, &p.Blueprint, &p.Identifier, &p.Search, &p.Known, &p.Theirs, &p.Reading, &p.Sent)
		list = append(list, p)
		return err
	})
	return list, err
}

// addClaims reads the claims of the listed entities. The entity rows were read before: if a
// claim changes between the two reads, the newer body is sent under the older version, and the
// change is sent once more. The other order could lose it.
func (s *Store) addClaims(ctx context.Context, list []Pending) error {
	place := make(map[int64]*Pending, len(list))
	ids := make([]any, len(list))
	for i := range list {
		ids[i] = list[i].Entity
		place[list[i].Entity] = &list[i]
	}
	return inChunks(len(ids), func(from, n int) error {
		rows, err := s.readers.QueryContext(ctx, `
			SELECT c.entity, c.body, k.keys FROM claim AS c
			JOIN keyset AS k ON k.integration = c.integration AND k.id = c.keyset
			WHERE c.entity IN (`+placeholders(n)+`)
			ORDER BY c.entity, c.resource, c.reading, c.parent, c.item, c.n`, ids[from:from+n]...)
		if err != nil {
			return err
		}
		return each(rows, func(scan func(...any) error) error {
			var id int64
			var body []byte
			var keys string
			err := scan(&id, &body, &keys)
			place[id].Claims = append(place[id].Claims, Claimed{body, keys})
			return err
		})
	})
}

// Delivery is what Port answered to one entity.
type Delivery struct {
	Pending
	Keys    string // the keys that were sent
	Created bool   // Port did not have it
	Refused string // why Port will not take this version; empty if it did
	Kind    string // the kind it counts for
}

// Delivered records what Port has now, and what it refused.
func (s *Store) Delivered(ctx context.Context, run int64, deliveries []Delivery) error {
	return wrap("record what was delivered", s.write(ctx, func(t *tx) error {
		for _, d := range deliveries {
			if err := t.delivered(run, d); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (t *tx) delivered(run int64, d Delivery) error {
	subject := entitySubject(d.Blueprint, d.Identifier)
	if d.Refused != "" {
		if err := t.exec(`UPDATE entity SET refused = ? WHERE id = ? AND version >= ?`, d.Version, d.Entity, d.Version); err != nil {
			return err
		}
		return t.setAside(Aside{AsideEntity, subject, d.Kind, d.Refused, run, 0})
	}
	keyset, err := t.s.keysets.id(t, d.Keys)
	if err != nil {
		return err
	}
	made := int64(0)
	if d.Created {
		made = run
	}
	if err := t.exec(`UPDATE entity SET delivered = ?, keyset = ?, sent = ?, made = CASE WHEN ? > 0 THEN ? ELSE made END WHERE id = ? AND delivered <= ?`,
		d.Version, keyset, run, made, made, d.Entity, d.Version); err != nil {
		return err
	}
	if d.Known {
		return nil
	}
	return t.origin(d)
}

// origin records, at an entity's first delivery, who had made it in Port: we, just now or in a
// store that was lost, or somebody else, whose entity we only enrich and never delete.
func (t *tx) origin(d Delivery) error {
	origin := "theirs"
	if d.Created {
		origin = "ours"
	}
	return t.exec(`UPDATE entity SET origin = CASE WHEN EXISTS (
			SELECT 1 FROM held WHERE integration = ? AND blueprint = ? AND identifier = ?) THEN 'ours' ELSE ? END
		WHERE id = ? AND origin = ''`, t.s.integration, d.Blueprint, d.Identifier, origin, d.Entity)
}

// Removed forgets entities that Port no longer has, or that are not ours to delete. One that
// was claimed again meanwhile stays, undelivered. With cascade, Port took along what related to
// them: those of it that are wanted count as undelivered, and what related to those in turn.
func (s *Store) Removed(ctx context.Context, list []Pending, cascade bool) error {
	err := s.write(ctx, func(t *tx) error {
		for _, p := range list {
			if err := t.removed(p, cascade); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.changed.set()
	}
	return wrap("record what was deleted", err)
}

func (t *tx) removed(p Pending, cascade bool) error {
	if cascade {
		if err := t.cascaded(p.Identifier); err != nil {
			return err
		}
	}
	if err := t.exec(`DELETE FROM entity WHERE id = ? AND claims = 0 AND version = ?`, p.Entity, p.Version); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM aside WHERE integration = ? AND about = ? AND subject = ?`,
		t.s.integration, string(AsideEntity), entitySubject(p.Blueprint, p.Identifier)); err != nil {
		return err
	}
	return t.exec(`UPDATE entity SET delivered = 0, origin = '' WHERE id = ?`, p.Entity)
}

// cascaded marks what Port deleted along with identifier. The walk follows refs by identifier
// alone, whatever the blueprint: it may mark too many, which costs a write, never too few.
func (t *tx) cascaded(identifier string) error {
	return t.exec(`
		WITH RECURSIVE taken (entity) AS (
			SELECT entity FROM ref WHERE integration = ? AND target = ?
			UNION
			SELECT r.entity FROM taken AS t
			JOIN entity AS e ON e.id = t.entity
			JOIN ref AS r ON r.integration = e.integration AND r.target = e.identifier
		)
		UPDATE entity SET delivered = 0 WHERE claims > 0 AND id IN (SELECT entity FROM taken)`, t.s.integration, identifier)
}

// Hold records what Port holds under our name, before anything was delivered from this store.
func (s *Store) Hold(ctx context.Context, blueprint string, identifiers []string) error {
	return wrap("record what Port holds", s.write(ctx, func(t *tx) error {
		values := make([]any, 0, len(identifiers)*3)
		for _, id := range identifiers {
			values = append(values, s.integration, blueprint, id)
		}
		return t.insert(`INSERT INTO held (integration, blueprint, identifier)`, 3,
			`ON CONFLICT (integration, blueprint, identifier) DO NOTHING`, values)
	}))
}

// Unclaimed are those of the identifiers that no wanted entity of the blueprint has.
func (s *Store) Unclaimed(ctx context.Context, blueprint string, identifiers []string) ([]string, error) {
	known := map[string]bool{}
	args := make([]any, len(identifiers))
	for i, id := range identifiers {
		args[i] = id
	}
	err := inChunks(len(args), func(from, n int) error {
		rows, err := s.readers.QueryContext(ctx, `SELECT identifier FROM entity WHERE integration = ? AND blueprint = ? AND identifier IN (`+placeholders(n)+`)`,
			append([]any{s.integration, blueprint}, args[from:from+n]...)...)
		if err != nil {
			return err
		}
		return each(rows, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			known[id] = true
			return err
		})
	})
	var unclaimed []string
	for _, id := range identifiers {
		if !known[id] {
			unclaimed = append(unclaimed, id)
		}
	}
	return unclaimed, wrap("compare with what Port holds", err)
}
