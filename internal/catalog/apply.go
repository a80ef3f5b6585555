package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Batch is what one read of Jira says.
type Batch struct {
	Number  ReadNumber // from NextRead, when the read's request started
	Run     int64      // the run it belongs to; 0: none, it counts for the newest
	Reading string
	Parent  string
	Kind    string
	// Index: the answer is a page of a search index, which lags. What is older than the row,
	// by Jira's own `updated`, or would take an entity away, is not applied: its item becomes dirty,
	// or stays so, for a direct read.
	Index bool
	// Fresh: Jira was asked afresh which queries select the items. For a while that outdoes what a
	// listing says of them.
	Fresh bool
	Live  bool // somebody waits to see in Port what it changes
	Items []Item
	Taken []Dirty // the rows that asked for this read; they are cleared or given back
}

// Item is what a read says of one item.
type Item struct {
	ID        string
	Updated   int64  // Jira's `updated`, milliseconds since 1970; 0 if the kind has none
	Container string // the id of the Jira project it lies in, if the kind has one
	Gone      bool   // proved gone: it makes nothing any more
	Run       int64  // the run that listed it; 0: not this read's business
	Listed    int64  // which listings of that run held it
	Whole     bool   // Claims are of every resource of the reading: what strays claim goes
	Claims    []Claim
	Faults    []Fault
}

// Claim is what one resource makes of an item. A resource that is not named keeps what it had.
type Claim struct {
	Resource int // at most one claim an item and resource
	Entities []Entity
}

// Entity is one entity as one resource makes it.
type Entity struct {
	Blueprint  string
	Identifier string   // a string, or a search object in canonical form
	Search     bool     // Identifier is a search object
	Searching  bool     // the body holds a search object somewhere
	Body       []byte   // what is sent, in canonical form: equal bodies are equal bytes
	Refs       []string // identifiers it relates to
	Keys       string   // the keys the body sets
}

// Fault is an expression that failed for this item: the item keeps what the resource made of it.
type Fault struct {
	Resource int
	Reason   string
}

// Applied counts what a batch changed.
type Applied struct {
	Items   int // items whose answer was taken
	Refused int // items of which a later read had spoken, or whose page was behind
	Gone    int
	Behind  []string // of those refused, the ids of which the page was behind
	Changes []Change // entities made, changed or no longer wanted
}

// Change is what became of one entity.
type Change struct {
	Verb       Verb
	Blueprint  string
	Identifier string
}

// Verb says what became of an entity.
type Verb string

// What can become of an entity.
const (
	Made    Verb = "made"
	Changed Verb = "changed"
	Went    Verb = "went"
)

// ErrEpoch: the read was numbered under another lease.
var ErrEpoch = errors.New("the read belongs to a lease that was lost")

// Apply makes the catalogue what the batch says, in one transaction: items, claims, entities,
// refs, and the dirty rows that asked for it. If an entity goes, the items of those that relate
// to it become dirty.
func (s *Store) Apply(ctx context.Context, b Batch) (Applied, error) {
	defer s.Release(b.Taken)
	if int64(b.Number)>>epochShift != s.epoch {
		return Applied{}, wrap("apply", ErrEpoch)
	}
	b.Run = s.orNewest(b.Run)
	var done Applied
	err := s.write(ctx, func(t *tx) error {
		a := &applying{tx: t, batch: b}
		err := a.run()
		done = a.done
		return err
	})
	if err == nil && len(done.Changes) > 0 {
		s.changed.set()
	}
	if err == nil && slices.ContainsFunc(done.Changes, func(c Change) bool { return c.Verb == Went }) {
		s.departed.set()
	}
	return done, wrap("apply", err)
}

// applying is one Apply under way.
type applying struct {
	*tx
	batch    Batch
	reading  int64
	items    []Item                // those that are taken, not refused
	before   map[claimKey]claimRow // the claims of those items as they were
	after    map[claimKey]claimRow // and as they become
	entities map[entityKey]*entityRow
	byID     map[int64]*entityRow
	order    []*entityRow // of entities, so that what is written is in a fixed order
	done     Applied
}

type claimKey struct {
	item        string
	resource, n int
}

type claimRow struct {
	entity    int64
	keyset    int64
	searching bool
	refs      string // one a line
	body      string
}

func (a *applying) run() (err error) {
	if a.batch.Items, err = once(a.batch.Items); err != nil {
		return err
	}
	if a.reading, err = a.s.readings.id(a.tx, a.batch.Reading); err != nil {
		return err
	}
	if err := a.refuseStale(); err != nil {
		return err
	}
	if err := a.writeItems(); err != nil {
		return err
	}
	if err := a.apply(); err != nil {
		return err
	}
	if err := a.clearDirty(); err != nil {
		return err
	}
	return a.recordFaults()
}

// once leaves one entry an item, the last: a page that slides while it is read may hold an
// item twice. All that listed it count.
func once(items []Item) ([]Item, error) {
	place := make(map[string]int, len(items))
	list := make([]Item, 0, len(items))
	for _, item := range items {
		if err := item.check(); err != nil {
			return nil, err
		}
		i, twice := place[item.ID]
		if !twice {
			place[item.ID] = len(list)
			list = append(list, item)
			continue
		}
		if item.Run == list[i].Run {
			item.Listed |= list[i].Listed
		}
		list[i] = item
	}
	return list, nil
}

// apply makes the claims of a.items true, and all that follows from them.
func (a *applying) apply() error {
	for _, step := range []func() error{
		a.loadClaims, a.loadEntities, a.writeClaims, a.writeEntities, a.dirtyReferrers, a.dirtyRelated,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// refuseStale leaves in a.items those of which no later read has spoken.
func (a *applying) refuseStale() error {
	type state struct{ read, updated int64 }
	rows := map[string]state{}
	err := queryIn(a.tx, `SELECT id, read, updated FROM item WHERE integration = ? AND reading = ? AND parent = ? AND id IN (%s)`,
		a.scope(), a.ids(a.batch.Items), func(scan func(...any) error) error {
			var id string
			var st state
			err := scan(&id, &st.read, &st.updated)
			rows[id] = st
			return err
		})
	if err != nil {
		return err
	}
	taking, err := a.takesAway()
	if err != nil {
		return err
	}
	var refused []Item
	for _, item := range a.batch.Items {
		row, known := rows[item.ID]
		switch {
		case known && row.read > int64(a.batch.Number):
			refused = append(refused, item)
		case known && a.batch.Index && item.Updated < row.updated, taking[item.ID]:
			refused = append(refused, item)
			a.done.Behind = append(a.done.Behind, item.ID)
		default:
			a.items = append(a.items, item)
		}
	}
	a.done.Items, a.done.Refused = len(a.items), len(refused)
	if err := a.stillListed(refused); err != nil {
		return err
	}
	dirty := map[string]bool{}
	for _, d := range a.batch.Taken {
		dirty[d.ID] = true
	}
	clean := slices.DeleteFunc(slices.Clone(a.done.Behind), func(id string) bool { return dirty[id] })
	return a.touch(a.reading, a.batch.Parent, clean)
}

// stillListed records which listings held items whose answers were refused: what the page says
// of the item is too old, but that the listing held it is not.
func (a *applying) stillListed(refused []Item) error {
	for _, item := range refused {
		if err := a.markListed(a.reading, a.batch.Parent, item.ID, item.Run, item.Listed); err != nil {
			return err
		}
	}
	return nil
}

// markListed records that listings of a run held an item; listings of one run add up, and an
// earlier run says nothing beside a later one.
func (t *tx) markListed(reading int64, parent, id string, run, listed int64) error {
	if run == 0 {
		return nil
	}
	return t.exec(`UPDATE item SET listed = CASE WHEN run = ? THEN listed | ? ELSE ? END, run = ?
		WHERE integration = ? AND reading = ? AND parent = ? AND id = ? AND run <= ?`,
		run, listed, listed, run, t.integration(), reading, parent, id, run)
}

// scope is what every row of this batch's items begins with.
func (a *applying) scope() []any { return []any{a.integration(), a.reading, a.batch.Parent} }

func (a *applying) ids(items []Item) []string {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}

func (a *applying) loadClaims() error {
	a.before = map[claimKey]claimRow{}
	err := queryIn(a.tx, `
		SELECT item, resource, n, entity, keyset, searching, refs, body FROM claim
		WHERE integration = ? AND reading = ? AND parent = ? AND item IN (%s)`,
		a.scope(), a.ids(a.items), func(scan func(...any) error) error {
			var k claimKey
			var c claimRow
			err := scan(&k.item, &k.resource, &k.n, &c.entity, &c.keyset, &c.searching, &c.refs, &c.body)
			a.before[k] = c
			return err
		})
	a.after = maps.Clone(a.before)
	return err
}

func (a *applying) writeItems() error {
	values := make([]any, 0, len(a.items)*11)
	fresh := int64(0)
	if a.batch.Fresh && len(a.items) > 0 {
		fresh = now()
		a.s.fresh.Store(fresh)
	}
	for _, item := range a.items {
		gone := 0
		if item.Gone {
			gone = 1
			a.done.Gone++
		}
		values = append(values, a.integration(), a.reading, a.batch.Parent, item.ID,
			int64(a.batch.Number), item.Updated, item.Run, item.Listed, gone, item.Container, fresh)
	}
	return a.insert(`INSERT INTO item (integration, reading, parent, id, read, updated, run, listed, gone, container, fresh)`, 11, `
		ON CONFLICT (integration, reading, parent, id) DO UPDATE SET
			read = excluded.read, gone = excluded.gone,
			fresh = CASE WHEN excluded.fresh = 0 THEN item.fresh ELSE excluded.fresh END,
			updated = CASE WHEN excluded.updated = 0 THEN item.updated ELSE excluded.updated END,
			container = CASE WHEN excluded.container = '' THEN item.container ELSE excluded.container END,
			run = CASE WHEN excluded.run > item.run THEN excluded.run ELSE item.run END,
			listed = CASE WHEN excluded.run > item.run THEN excluded.listed
				WHEN excluded.run = item.run THEN item.listed | excluded.listed ELSE item.listed END`, values)
}

// clearDirty clears the rows that asked for this read, unless more was said of their items
// since. Items that were refused stay dirty: the read that was preferred cleared its own.
func (a *applying) clearDirty() error {
	taken := map[string]bool{}
	for _, item := range a.items {
		taken[item.ID] = true
	}
	byHints := map[int64][]string{}
	for _, d := range a.batch.Taken {
		if taken[d.ID] {
			byHints[d.Hints] = append(byHints[d.Hints], d.ID)
		}
	}
	for hints, ids := range byHints {
		fixed := append(a.scope(), hints)
		ids, err := a.notHeld(fixed, ids)
		if err != nil {
			return err
		}
		if err := execIn(a.tx, `DELETE FROM dirty WHERE integration = ? AND reading = ? AND parent = ? AND hints = ? AND id IN (%s)`, fixed, ids); err != nil {
			return err
		}
	}
	return nil
}

// notHeld are those of the dirty rows that nobody else holds. Who puts hints down holds rows, and may
// wait for some that this transaction holds: were they waited for in turn, both would stand still until
// that one gives way, see [receivingSettings]. A row that is held is about to be hinted at once more, and
// so to stay; should that fail, its item is read once more for nothing.
func (a *applying) notHeld(fixed []any, ids []string) ([]string, error) {
	if a.passHeld == "" {
		return ids, nil
	}
	var free []string
	err := queryIn(a.tx, `SELECT id FROM dirty WHERE integration = ? AND reading = ? AND parent = ? AND hints = ? AND id IN (%s)`+a.passHeld,
		fixed, ids, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			free = append(free, id)
			return err
		})
	return free, err
}

// recordFaults keeps the list of what is set aside true for the items of this batch.
func (a *applying) recordFaults() error {
	subjects := make([]string, len(a.items))
	for i, item := range a.items {
		subjects[i] = itemSubject(a.reading, a.batch.Parent, item.ID)
	}
	if err := a.notAside(AsideItem, subjects); err != nil {
		return err
	}
	for i, item := range a.items {
		for _, f := range item.Faults {
			if err := a.setAside(Aside{AsideItem, subjects[i], a.batch.Kind, f.Reason, a.batch.Run, 0}); err != nil {
				return err
			}
		}
	}
	return nil
}

// dirtyReferrers makes dirty the items of entities that relate to one that has just gone, for
// what they say of it may have changed with it.
func (a *applying) dirtyReferrers() error {
	var gone []string
	for _, e := range a.order {
		if e.wasWanted() && e.claims == 0 && !e.search {
			gone = append(gone, e.identifier)
		}
	}
	found := itemsAt{}
	// Claims are found by entity alone: an entity is of one integration, and with the
	// integration in the condition SQLite would rather go through all its claims.
	err := queryIn(a.tx, `
		SELECT DISTINCT c.reading, c.parent, c.item FROM ref AS r
		JOIN claim AS c ON c.entity = r.entity
		WHERE r.integration = ? AND r.target IN (%s)`, []any{a.integration()}, gone, found.scan)
	if err != nil {
		return err
	}
	return a.touchAll(found)
}

// maxN bounds the entities one resource may make of one item.
const maxN = math.MaxInt16

func (i Item) check() error {
	for n, c := range i.Claims {
		if len(c.Entities) > maxN {
			return fmt.Errorf("resource %d makes %d entities of item %s; %d is the most", c.Resource, len(c.Entities), i.ID, maxN)
		}
		for _, d := range i.Claims[:n] {
			if c.Resource == d.Resource {
				return fmt.Errorf("resource %d claims item %s twice", c.Resource, i.ID)
			}
		}
	}
	return nil
}
