package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// Pending is an entity of which Port does not have what it should, as it is now.
type Pending struct {
	Entity     int64 // the row; in the order of rows, what was claimed first comes first
	Version    int64 // hand it back: a change that comes meanwhile stays pending
	Blueprint  string
	Identifier string
	Search     bool
	Known      bool      // Port has had it from this store before
	Unsettled  bool      // it is not known yet who makes it in Port, we or others
	Theirs     bool      // others made it: it is enriched, never deleted
	Reading    string    // of the item that first claimed it
	Claims     []Claimed // in the order in which they are folded; empty if it is not wanted
	Sent       string    // the keys Port was last sent, "" if none
	Since      int64     // when Jira told of the first change that Port lacks, in milliseconds since 1970; 0: it lacks none
	Live       bool      // somebody waits to see it in Port
}

// UnionKeys is the key set of all keys of the sets. Names in a key set are separated by commas; a
// comma in a name is escaped, so they can be told apart without reading them.
func UnionKeys(sets ...string) string {
	var names []string
	for _, keys := range sets {
		if keys != "" {
			names = append(names, strings.Split(keys, ",")...)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// Claimed is one claim of a pending entity.
type Claimed struct {
	Body json.RawMessage
	Keys string
}

// pendingColumns are what scanPending takes, from entity AS e and nameJoins.
const (
	pendingColumns = `e.id, e.version, e.blueprint, e.identifier, e.search, e.delivered > 0, e.origin = '', e.origin = 'theirs', r.name, COALESCE(k.keys, ''), e.since, e.live = 1`
	nameJoins      = `JOIN reading AS r ON r.integration = e.integration AND r.id = e.reading
		LEFT JOIN keyset AS k ON k.integration = e.integration AND k.id = e.keyset`
)

func (p *Pending) columns() []any {
	return []any{&p.Entity, &p.Version, &p.Blueprint, &p.Identifier, &p.Search, &p.Known, &p.Unsettled, &p.Theirs, &p.Reading, &p.Sent, &p.Since, &p.Live}
}

// undelivered reads entities and their claims in one statement, so that both are of one moment.
// The claims come last first: see [foldable].
const undelivered = `
	SELECT ` + pendingColumns + `, c.body, ck.keys
	FROM (SELECT * FROM entity WHERE integration = ? AND id > ? AND claims > 0 AND delivered <> version AND refused <> version
		` + liveOnly + ` ORDER BY id LIMIT ?) AS e ` + nameJoins + `
	JOIN claim AS c ON c.entity = e.id
	JOIN keyset AS ck ON ck.integration = c.integration AND ck.id = c.keyset
	ORDER BY e.id, c.resource DESC, c.reading DESC, c.parent DESC, c.item DESC, c.n DESC`

// liveOnly stands for a restriction to what somebody waits to see.
const liveOnly = `/* live */`

// UndeliveredLive is Undelivered for what somebody waits to see in Port.
func (s *Store) UndeliveredLive(ctx context.Context, limit int) ([]Pending, error) {
	return s.undelivered(ctx, strings.Replace(undelivered, liveOnly, `AND live = 1`, 1), 0, limit)
}

// Undelivered are wanted entities whose body Port does not have and has not refused, with row
// numbers after the one given, in that order. Of claims that are equal only the last is given.
func (s *Store) Undelivered(ctx context.Context, after int64, limit int) ([]Pending, error) {
	return s.undelivered(ctx, undelivered, after, limit)
}

func (s *Store) undelivered(ctx context.Context, query string, after int64, limit int) ([]Pending, error) {
	var list []Pending
	var claims foldable
	err := s.read(ctx, query, []any{s.integration, after, limit}, func(scan func(...any) error) error {
		var p Pending
		var c Claimed
		if err := scan(append(p.columns(), (*[]byte)(&c.Body), &c.Keys)...); err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].Entity != p.Entity {
			claims.end(list)
			list = append(list, p)
		}
		claims.add(c)
		return nil
	})
	claims.end(list)
	return list, wrap("list what is undelivered", err)
}

// foldable gathers the claims of one entity, the last first. A claim that is equal to a later
// one is left out: whatever it sets, the later one sets again. So an entity that a hundred
// thousand issues claim alike takes no more memory than one that a single issue claims.
type foldable struct {
	claims []Claimed
	seen   map[string]struct{}
}

func (f *foldable) add(c Claimed) {
	if len(f.claims) > 0 && f.seen == nil {
		f.seen = map[string]struct{}{string(f.claims[0].Body): {}}
	}
	if f.seen != nil {
		if _, again := f.seen[string(c.Body)]; again {
			return
		}
		f.seen[string(c.Body)] = struct{}{}
	}
	f.claims = append(f.claims, c)
}

// end gives the claims to the last of list, in the order in which they are folded.
func (f *foldable) end(list []Pending) {
	if len(list) > 0 {
		slices.Reverse(f.claims)
		list[len(list)-1].Claims = f.claims
	}
	*f = foldable{}
}

// UnwantedLive is Unwanted for what somebody waits to see gone.
func (s *Store) UnwantedLive(ctx context.Context, after int64, limit int) ([]Pending, error) {
	list, err := s.pending(ctx, `e.live = 1 AND e.claims = 0 AND (e.origin <> 'theirs' OR e.delivered <> e.version)`, after, limit)
	return list, wrap("list what is no longer wanted", err)
}

// Unwanted are entities that should not be in Port any more, with row numbers after the one
// given, in that order.
func (s *Store) Unwanted(ctx context.Context, after int64, limit int) ([]Pending, error) {
	list, err := s.pending(ctx, `e.claims = 0 AND (e.origin <> 'theirs' OR e.delivered <> e.version)`, after, limit)
	return list, wrap("list what is no longer wanted", err)
}

// pending reads entities without their claims.
func (s *Store) pending(ctx context.Context, where string, after int64, limit int) ([]Pending, error) {
	var list []Pending
	err := s.read(ctx, `SELECT `+pendingColumns+` FROM entity AS e `+nameJoins+`
		WHERE e.integration = ? AND e.id > ? AND `+where+` ORDER BY e.id LIMIT ?`, []any{s.integration, after, limit}, func(scan func(...any) error) error {
		var p Pending
		err := scan(p.columns()...)
		list = append(list, p)
		return err
	})
	return list, err
}

// Delivery is what Port answered to one entity.
type Delivery struct {
	Pending
	Keys    string // the keys that were sent
	Created bool   // Port did not have it before this run; of what others made: Port does not have it any more
	Refused string // why Port will not take this version; empty if it did
	Kind    string // the kind it counts for
}

// Delivered records what Port has now, and what it refused. run 0 is the newest.
func (s *Store) Delivered(ctx context.Context, run int64, deliveries []Delivery) error {
	run = s.orNewest(run)
	var taken []string
	for _, d := range deliveries {
		if d.Refused == "" {
			taken = append(taken, entitySubject(d.Blueprint, d.Identifier))
		}
	}
	err := s.write(ctx, func(t *tx) error {
		for _, d := range deliveries {
			if err := t.delivered(run, d); err != nil {
				return err
			}
		}
		if err := t.unrefuse(deliveries); err != nil {
			return err
		}
		return t.notAside(AsideEntity, taken)
	})
	if err == nil && len(taken) > 0 {
		s.delivered.Store(true)
	}
	return wrap("record what was delivered", err)
}

// unrefuse lets what relates to entities that Port did not have before be sent again, if Port refused it:
// perhaps for want of them.
func (t *tx) unrefuse(deliveries []Delivery) error {
	var came []string
	for _, d := range deliveries {
		if d.Created && d.Refused == "" {
			came = append(came, d.Identifier)
		}
	}
	var some bool
	err := t.query(`SELECT EXISTS (SELECT 1 FROM entity WHERE integration = ? AND refused > 0)`, []any{t.integration()}, into(&some))
	if err != nil || !some {
		return err
	}
	return execIn(t, `UPDATE entity SET refused = -refused WHERE refused > 0 AND id IN (
		SELECT entity FROM ref WHERE integration = ? AND target IN (%s))`, []any{t.integration()}, came)
}

func (t *tx) delivered(run int64, d Delivery) error {
	if d.Refused != "" {
		return t.refused(run, d)
	}
	keyset, err := t.s.keysets.id(t, d.Keys)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE entity SET delivered = ?, keyset = ?, sent = ?, since = CASE WHEN version = ? THEN 0 ELSE CAST(? AS BIGINT) END,
			live = CASE WHEN version = ? THEN 0 ELSE live END, `+settled+`
		WHERE id = ? AND delivered <= ?`,
		d.Version, keyset, run, d.Version, now(), d.Version, d.Created, run, d.Created, d.Entity, d.Version)
}

// settled records who made an entity that Port took. Whoever else had made it was noted by
// [Store.MarkTheirs] before it was sent, so it is ours: also if Port had it, by an answer that was
// lost, by a store that was lost, or as a stub for one of our relations. What others had made and
// Port did not have any more is ours as well. A search object names no entity that could be ours.
const settled = `made = CASE WHEN ? THEN ? ELSE made END,
		origin = CASE WHEN search = 1 OR origin = 'theirs' AND NOT ? THEN origin ELSE 'ours' END`

// DeliveredInPart records that Port took some of what it should have of these entities: that they
// are there, who made them, and that a later delivery must speak of the keys that were sent. They
// stay undelivered.
func (s *Store) DeliveredInPart(ctx context.Context, run int64, deliveries []Delivery) error {
	run = s.orNewest(run)
	return wrap("record what was delivered in part", s.write(ctx, func(t *tx) error {
		for _, d := range deliveries {
			if err := t.deliveredInPart(run, d); err != nil {
				return err
			}
		}
		return t.unrefuse(deliveries)
	}))
}

func (t *tx) deliveredInPart(run int64, d Delivery) error {
	if err := t.owe(d.Entity, UnionKeys(d.Sent, d.Keys)); err != nil {
		return err
	}
	return t.exec(`UPDATE entity SET `+settled+` WHERE id = ?`, d.Created, run, d.Created, d.Entity)
}

// Unanswered records that Port may have taken these entities: the answer was lost. Whatever is
// sent of them next speaks of the keys that were sent.
func (s *Store) Unanswered(ctx context.Context, lost []Delivery) error {
	return wrap("record what was not answered", s.write(ctx, func(t *tx) error {
		for _, d := range lost {
			if err := t.owe(d.Entity, UnionKeys(d.Sent, d.Keys)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// owe says that Port may have an entity, and of which keys the next delivery must speak.
func (t *tx) owe(entity int64, keys string) error {
	keyset, err := t.s.keysets.id(t, keys)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE entity SET keyset = ?, delivered = CASE delivered WHEN 0 THEN -1 ELSE delivered END WHERE id = ?`, keyset, entity)
}

// MarkTheirs records that somebody else made these entities in Port, given by their rows. Call it
// before they are sent: once Port has taken them from us it may name us as their source.
func (s *Store) MarkTheirs(ctx context.Context, rows []int64) error {
	return wrap("record who made entities in Port", s.write(ctx, func(t *tx) error {
		return execIn(t, `UPDATE entity SET origin = 'theirs' WHERE origin = '' AND id IN (%s)`, nil, rows)
	}))
}

func (t *tx) refused(run int64, d Delivery) error {
	if err := t.exec(`UPDATE entity SET refused = ? WHERE id = ? AND version >= ?`, d.Version, d.Entity, d.Version); err != nil {
		return err
	}
	return t.setAside(Aside{AsideEntity, entitySubject(d.Blueprint, d.Identifier), d.Kind, d.Refused, run, 0})
}

// Removing is called right before Port is asked to delete entities. It gives back those that are
// still unwanted, unchanged since they were listed. With cascade, what relates to them counts as
// undelivered from here on: should this process be killed between Port's answer and [Store.Removed],
// nothing that Port took along is left standing as delivered. Nor is what relates to an entity of
// which Port has an earlier version: that may relate to anything.
func (s *Store) Removing(ctx context.Context, list []Pending, cascade bool) ([]Pending, error) {
	var still []Pending
	err := s.write(ctx, func(t *tx) error {
		still = still[:0]
		if cascade && len(list) > 0 {
			if err := t.cascadedBehind(); err != nil {
				return err
			}
		}
		for _, p := range list {
			before := len(still)
			err := t.query(`SELECT 1 FROM entity WHERE id = ? AND claims = 0 AND version = ?`, []any{p.Entity, p.Version},
				func(func(...any) error) error { still = append(still, p); return nil })
			if err == nil && cascade && len(still) > before {
				err = t.cascaded(p.Identifier)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return still, wrap("begin a deletion", err)
}

// Removed forgets entities that Port no longer has under our name. Of those that others made the
// row stays, with nothing left to do: to Port they may look like ours by now, and should they be
// claimed again nothing else would know. One that
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
	if err := t.notAside(AsideEntity, []string{entitySubject(p.Blueprint, p.Identifier)}); err != nil {
		return err
	}
	if p.Theirs {
		return t.exec(`UPDATE entity SET delivered = version WHERE id = ? AND claims = 0 AND version = ?`, p.Entity, p.Version)
	}
	if err := t.exec(`DELETE FROM entity WHERE id = ? AND claims = 0 AND version = ?`, p.Entity, p.Version); err != nil {
		return err
	}
	return t.exec(`UPDATE entity SET delivered = 0, origin = '' WHERE id = ?`, p.Entity)
}

// cascaded marks what Port deleted along with identifier. The walk follows refs by identifier
// alone, whatever the blueprint: it may mark too many, which costs a write, never too few. So Port
// may have them still, which stays on record for [Store.Behind].
func (t *tx) cascaded(identifier string) error {
	return t.exec(`
		WITH RECURSIVE taken (entity) AS (
			SELECT entity FROM ref WHERE integration = ? AND target = ?
			UNION
			SELECT r.entity FROM taken AS t
			JOIN entity AS e ON e.id = t.entity
			JOIN ref AS r ON r.integration = e.integration AND r.target = e.identifier
		)
		UPDATE entity SET delivered = -ABS(delivered) WHERE claims > 0 AND id IN (SELECT entity FROM taken)`, t.integration(), identifier)
}

// cascadedBehind marks what Port may delete along with entities of which it has an earlier version. Of
// what Port refused [Store.Behind] tells, and asks.
func (t *tx) cascadedBehind() error {
	return t.exec(`
		WITH RECURSIVE taken (entity) AS (
			SELECT id FROM entity WHERE integration = ? AND claims > 0 AND delivered <> version AND refused <> version AND delivered <> 0
			UNION
			SELECT r.entity FROM taken AS t
			JOIN entity AS e ON e.id = t.entity
			JOIN ref AS r ON r.integration = e.integration AND r.target = e.identifier
		)
		UPDATE entity SET delivered = -ABS(delivered) WHERE claims > 0 AND id IN (SELECT entity FROM taken)`, t.integration())
}

// Behind are wanted entities of which Port has an earlier version, or may have, and refused the one that is
// wanted, with row numbers after the one given, in that order. What they relate to in Port is not
// what refs says of them.
func (s *Store) Behind(ctx context.Context, after int64, limit int) ([]Pending, error) {
	list, err := s.pending(ctx, `e.refused > 0 AND e.delivered <> 0 AND e.delivered <> e.version AND e.claims > 0`, after, limit)
	return list, wrap("list what Port refused", err)
}

// Taken records that Port's cascade took wanted entities, and whatever related to them.
func (s *Store) Taken(ctx context.Context, list []Pending) error {
	err := s.write(ctx, func(t *tx) error {
		for _, p := range list {
			if err := t.cascaded(p.Identifier); err != nil {
				return err
			}
			if err := t.exec(`UPDATE entity SET delivered = 0 WHERE id = ? AND claims > 0`, p.Entity); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(list) > 0 {
		s.changed.set()
	}
	return wrap("record what a deletion took along", err)
}

// Unclaimed are those of the identifiers that no entity of the blueprint has, wanted or not, and
// that nothing relates to: what is not wanted any more is for Unwanted to say, and what is related
// to Port may have made itself for the sake of the relation.
func (s *Store) Unclaimed(ctx context.Context, blueprint string, identifiers []string) ([]string, error) {
	known := map[string]bool{}
	args := make([]any, len(identifiers))
	for i, id := range identifiers {
		args[i] = id
	}
	note := func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		known[id] = true
		return err
	}
	err := inChunks(len(args), func(from, n int) error {
		err := s.read(ctx, `SELECT identifier FROM entity WHERE integration = ? AND blueprint = ? AND identifier IN (`+placeholders(n)+`)`,
			append([]any{s.integration, blueprint}, args[from:from+n]...), note)
		if err != nil {
			return err
		}
		return s.read(ctx, `SELECT DISTINCT target FROM ref WHERE integration = ? AND target IN (`+placeholders(n)+`)`,
			append([]any{s.integration}, args[from:from+n]...), note)
	})
	unclaimed := slices.DeleteFunc(slices.Clone(identifiers), func(id string) bool { return known[id] })
	return unclaimed, wrap("compare with what Port holds", err)
}
