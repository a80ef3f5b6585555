package deliver

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"slices"
	"time"

	"ferry/internal/port"
)

// What others made is enriched and never deleted, so it must be known who made an entity. Port
// tells only as long as we have not written it: it may name the last writer as the source. So
// whoever else made an entity is noted in the catalogue before the entity is first sent, and what
// is not noted so is ours, whatever Port answers: an entity that it had already may be a stub for
// one of our relations, or what we sent when the answer, or the whole store, was lost.
//
// An entity that others make in the moment between the question and the sending is taken for ours.
//
// There are two ways to ask: for each bulk which of its entities are in Port under another name
// (two calls, often one), or once for a blueprint whether others have anything in it at all (the
// survey). The survey comes first where nothing was ever delivered, else when a blueprint has
// taken more than a few look-ups.
//
// # Why the survey misses nothing
//
// It lists what Port holds under our name, then counts what Port holds. Let L be the number
// listed, each entity once, and C the number counted later. Of what was listed nothing went in
// between: the only one to delete our entities is [Deliverer.Deletes], with whose beginning
// surveys end. So all L are among the C, and C = L leaves no room for an entity that others made.
// What we make meanwhile (a request that was given up and is carried out late, a stub) is in C and
// not in L: it can make the numbers differ, which costs look-ups, and never make them equal. The
// other order would not do: C first, then L grown by as many as others have.
//
// For the numbers to be equal where they can be, nothing is on its way during the survey that may
// make entities of the blueprint: a blueprint is surveyed together with those it relates to,
// before anything is sent that relates to them, or else when everything that was sent is settled.

// lookUps is how many bulks of a blueprint are looked up before it is surveyed.
const lookUps = 5

// makers is what a run knows of who made what is in Port. Only the feeder changes it.
type makers struct {
	d        *Deliverer
	lookedUp map[string]int  // bulks, by blueprint
	alone    map[string]bool // of the blueprints surveyed: others have nothing in it
	held     *held           // nil until the first survey
	over     bool            // no more surveys
}

// held is what Port held under our name when it was listed.
type held struct {
	counts map[string]int // by blueprint
	seed   maphash.Seed
	sums   map[uint64]struct{} // of the keys. Two keys with one sum count as one, which costs look-ups
}

func (h *held) has(key port.Key) bool {
	_, there := h.sums[maphash.Comparable(h.seed, key)]
	return there
}

// ask says whether the makers of a bulk's entities are to be looked up, surveying the blueprint
// if it is time for that. quiet waits until everything that was sent is settled.
func (m *makers) ask(ctx context.Context, b *bulk, quiet func(context.Context) error) error {
	if !slices.ContainsFunc(b.parcels, parcel.unsettled) {
		return nil
	}
	_, surveyed := m.alone[b.blueprint]
	if !surveyed && !m.over && (m.d.config.First || m.lookedUp[b.blueprint] == lookUps) {
		if !m.d.config.First {
			if err := quiet(ctx); err != nil {
				return err
			}
		}
		if err := m.survey(ctx, b.blueprint); err != nil {
			return err
		}
	}
	if m.held != nil && m.held.sums != nil {
		b.before = m.held
	}
	if !m.alone[b.blueprint] {
		b.lookUp = true
		m.lookedUp[b.blueprint]++
	}
	return nil
}

// survey finds out whether others have anything in the blueprint, and in those it relates to.
func (m *makers) survey(ctx context.Context, blueprint string) error {
	if m.held == nil {
		list, err := m.list(ctx)
		if err != nil {
			return err
		}
		m.held = list
	}
	blueprints, err := m.related(ctx, blueprint)
	if err != nil {
		return err
	}
	for _, id := range append(blueprints, blueprint) {
		if _, surveyed := m.alone[id]; surveyed {
			continue
		}
		m.alone[id] = false
		if m.held.sums == nil {
			continue
		}
		n, err := m.d.client.Count(ctx, id)
		if err := m.unanswered(ctx, err); err != nil {
			return err
		}
		m.alone[id] = err == nil && n == m.held.counts[id]
	}
	return nil
}

// list lists what Port holds under our name; it holds no sums if Port does not say.
func (m *makers) list(ctx context.Context) (*held, error) {
	h := &held{counts: map[string]int{}, seed: maphash.MakeSeed(), sums: map[uint64]struct{}{}}
	for page, err := range m.d.client.Held(ctx, time.Time{}) {
		if err != nil {
			return &held{}, m.unanswered(ctx, err)
		}
		for _, key := range page {
			if !h.has(key) { // a page may repeat what moved while the pages were read
				h.sums[maphash.Comparable(h.seed, key)] = struct{}{}
				h.counts[key.Blueprint]++
			}
		}
	}
	return h, nil
}

// related are the blueprints in which Port may make stubs for entities of this one.
func (m *makers) related(ctx context.Context, blueprint string) ([]string, error) {
	if !m.d.config.CreateMissing {
		return nil, nil
	}
	b, err := m.d.client.Blueprint(ctx, blueprint)
	var targets []string
	for _, relation := range b.Relations {
		targets = append(targets, relation.Target)
	}
	return targets, m.unanswered(ctx, err)
}

// unanswered passes on what ends the run. A question that Port merely does not answer leaves the
// look-ups, which need nothing but the search that deletions need too.
func (m *makers) unanswered(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e, answered := errors.AsType[*port.Error](err)
	if ctx.Err() != nil || !answered || e.Status == 0 || errors.Is(err, port.ErrUnauthorized) {
		return err
	}
	m.d.log.LogAttrs(ctx, slog.LevelInfo, "deliver: no survey, every bulk is looked up", slog.Any("err", err))
	return nil
}

// unsettled reports that it is open who makes the entity. A search enriches what is there, and
// makes nothing.
func (p parcel) unsettled() bool { return p.pending.Unsettled && !p.pending.Search }

// findMakers notes which entities of the bulk others made, and which were there already.
func (s *sending) findMakers(ctx context.Context, b bulk) error {
	switch {
	case s.d.isAbsent(b.blueprint):
		return nil
	case b.lookUp:
		return s.lookUp(ctx, b)
	}
	for i := range b.parcels {
		b.parcels[i].existed = b.had(b.parcels[i])
	}
	return nil
}

// had says whether Port had our entity before this run, or, where nothing was listed, may have.
func (b *bulk) had(p parcel) bool {
	return b.before == nil || b.before.has(port.Key{Blueprint: b.blueprint, Identifier: p.pending.Identifier})
}

// lookUp asks Port for the entities that are unsettled. One that is there under our name and was
// not when Port was listed is a stub of this run.
func (s *sending) lookUp(ctx context.Context, b bulk) error {
	var ids []string
	for _, p := range b.parcels {
		if p.unsettled() {
			ids = append(ids, p.pending.Identifier)
		}
	}
	there, err := s.d.client.Existing(ctx, s.blueprint, ids)
	if absent(err) || err == nil && len(there) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	ours, err := s.d.client.Owned(ctx, s.blueprint, there)
	if err != nil {
		return err
	}
	var theirs []int64
	for i := range b.parcels {
		p := &b.parcels[i]
		switch {
		case !p.unsettled() || !slices.Contains(there, p.pending.Identifier):
		case slices.Contains(ours, p.pending.Identifier):
			p.existed = b.had(*p)
		default:
			p.pending.Unsettled = false
			s.d.noteMissing(p.pending.Entity, false)
			theirs = append(theirs, p.pending.Entity)
		}
	}
	if len(theirs) == 0 {
		return nil
	}
	return s.d.store.MarkTheirs(ctx, theirs)
}

// created says whether Port came to have the entity in this run. Its own word for that is not
// enough: it had made a stub before, or had taken the entity when the answer was lost.
func (s *sending) created(p parcel, answer port.Outcome) bool {
	return answer.Created || p.unsettled() && !p.existed || s.d.wasMissing(p.pending.Entity)
}

// notYet remembers that Port did not have the entity when it was to be sent first: until Port
// takes it, it may make a stub.
func (s *sending) notYet(p parcel) {
	if p.unsettled() && !p.existed {
		s.d.noteMissing(p.pending.Entity, true)
	}
}

func (d *Deliverer) noteMissing(row int64, missing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if missing {
		d.missing[row] = true
	} else {
		delete(d.missing, row)
	}
}

func (d *Deliverer) wasMissing(row int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.missing[row]
}
