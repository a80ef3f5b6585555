package deliver

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/port"
)

// deliver sends a bulk and records what Port answered. The error is one that ends the run.
func (d *Deliverer) deliver(ctx context.Context, b bulk) (report, error) {
	s := &sending{d: d, blueprint: b.blueprint}
	var r report
	for _, p := range b.parcels {
		r.rows = append(r.rows, p.pending.Entity)
	}
	if err := s.findMakers(ctx, b); err != nil {
		return r, err
	}
	err := s.send(ctx, b.parcels)
	// What was answered before a failure is recorded too.
	err = errors.Join(err, s.record(ctx))
	r.postponed = s.postponed
	return r, err
}

// sending is one bulk with a worker.
type sending struct {
	d         *Deliverer
	blueprint string
	settled   []catalog.Delivery
	begun     []catalog.Delivery // sent bare: in Port, and still undelivered
	lost      []catalog.Delivery // sent, and Port may have it
	postponed []postponed
}

// send divides what Port refuses as a whole until it is clear whose fault it is.
func (s *sending) send(ctx context.Context, parcels []parcel) error {
	if s.d.isAbsent(s.blueprint) {
		s.refuseAll(parcels, noBlueprint(s.blueprint))
		return nil
	}
	outcomes, err := s.d.client.Upsert(ctx, s.blueprint, bodies(parcels), s.d.upsert())
	switch {
	case err == nil:
		for i, p := range parcels {
			s.settle(p, outcomes[i])
		}
		return nil
	case errors.Is(err, port.ErrTooLarge): // also in a proxy's words
		return s.halve(ctx, parcels)
	case absent(err):
		return s.notThere(ctx, parcels, err)
	case errors.Is(err, port.ErrInvalid), errors.Is(err, port.ErrConflict):
		return s.eachAlone(ctx, parcels, err)
	}
	for _, p := range parcels {
		s.lose(p)
	}
	return err
}

// lose notes that Port may have taken p: the answer was lost, or an earlier one, and what came in
// the end speaks of the last attempt alone.
func (s *sending) lose(p parcel) {
	s.lost = append(s.lost, catalog.Delivery{Pending: p.pending, Keys: p.keys})
}

func (s *sending) halve(ctx context.Context, parcels []parcel) error {
	if len(parcels) == 1 {
		s.refuse(parcels[0], tooLarge)
		return nil
	}
	half := len(parcels) / 2
	if err := s.send(ctx, parcels[:half]); err != nil {
		return err
	}
	return s.send(ctx, parcels[half:])
}

// notThere deals with a 404 for the whole request. It speaks of the blueprint, or of what the
// only entity relates to.
func (s *sending) notThere(ctx context.Context, parcels []parcel, why error) error {
	_, err := s.d.client.Blueprint(ctx, s.blueprint)
	switch {
	case absent(err):
		s.d.setAbsent(s.blueprint)
		s.refuseAll(parcels, noBlueprint(s.blueprint))
		return nil
	case err != nil:
		return err
	case len(parcels) > 1:
		return s.eachAlone(ctx, parcels, why)
	}
	s.settle(parcels[0], port.Outcome{Err: &port.EntityError{Status: http.StatusNotFound, Code: "not_found", Message: message(why)}})
	return nil
}

func (s *sending) eachAlone(ctx context.Context, parcels []parcel, why error) error {
	if len(parcels) == 1 {
		s.refuse(parcels[0], refusedWhole(why))
		return nil
	}
	for i := range parcels {
		if err := s.send(ctx, parcels[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sending) settle(p parcel, o port.Outcome) {
	switch {
	case o.Err == nil && p.stage == bare:
		s.begun = append(s.begun, catalog.Delivery{Pending: p.pending, Keys: p.keys, Created: s.created(p, o)})
		s.postpone(p, false)
	case o.Err == nil:
		s.settled = append(s.settled, catalog.Delivery{
			Pending: p.pending, Keys: p.keys, Created: s.created(p, o),
		})
		s.d.noteMissing(p.pending.Entity, false)
	case o.Err.NoMatch():
		s.refuse(p, noMatch)
	case o.Err.Passing() && (s.d.config.Live || p.stage != last):
		s.lose(p)
		s.postpone(p, s.d.config.Live)
	case o.Err.MissingRelation() && p.stage != last:
		s.postpone(p, false)
	default:
		s.refuse(p, refusedEntity(o.Err))
	}
}

func (s *sending) refuseAll(parcels []parcel, reason string) {
	for _, p := range parcels {
		s.refuse(p, reason)
	}
}

// refuse sets the entity aside. One that was sent bare gets its judgement when it is sent whole.
func (s *sending) refuse(p parcel, reason string) {
	if p.stage == bare {
		s.lose(p)
		s.postpone(p, false)
		return
	}
	s.notYet(p)
	s.settled = append(s.settled, catalog.Delivery{
		Pending: p.pending, Refused: reason, Kind: s.d.config.Kind(p.pending.Reading),
	})
}

// postpone lets the entity wait, for what it relates to or for a fault to pass.
func (s *sending) postpone(p parcel, fault bool) {
	s.notYet(p)
	s.postponed = append(s.postponed, postponed{
		row: p.pending.Entity, version: p.pending.Version,
		identifier: p.pending.Identifier, targets: relatesTo(p.body),
		fault: fault, bared: p.stage == bare && !fault,
	})
}

// record writes what was answered. It is written even when ctx has ended: Port has it by now.
func (s *sending) record(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if len(s.begun) > 0 {
		if err := s.d.store.DeliveredInPart(ctx, s.d.config.Run, s.begun); err != nil {
			return err
		}
		s.d.mayFree()
	}
	if len(s.lost) > 0 {
		if err := s.d.store.Unanswered(ctx, s.lost); err != nil {
			return err
		}
	}
	if len(s.settled) == 0 {
		return nil
	}
	if err := s.d.store.Delivered(ctx, s.d.config.Run, s.settled); err != nil {
		return err
	}
	s.d.count(func(r *Result) {
		for _, x := range s.settled {
			switch {
			case x.Refused != "":
				r.Refused++
			case x.Created:
				r.Created++
			default:
				r.Updated++
			}
		}
	})
	if slices.ContainsFunc(s.settled, func(x catalog.Delivery) bool { return x.Refused == "" }) {
		s.d.mayFree()
	}
	s.d.config.Progress(s.d.delivered())
	s.tellLag()
	return nil
}

// tellLag tells how long each entity took that somebody waited for and Port has now.
func (s *sending) tellLag() {
	at := time.Now()
	for _, x := range s.settled {
		if x.Refused == "" && x.Live && x.Since > 0 {
			s.d.config.Lag(at.Sub(time.UnixMilli(x.Since)))
		}
	}
}

// delivered is how many entities Port took so far.
func (d *Deliverer) delivered() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.result.Created + d.result.Updated
}

// absentFor is for how long a blueprint is not asked for again that Port did not have, where changes are
// delivered for as long as the process lives. A run asks once.
const absentFor = 5 * time.Second

func (d *Deliverer) isAbsent(blueprint string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, absent := d.absent[blueprint]
	return absent && (!d.config.Live || time.Since(since) < absentFor)
}

func (d *Deliverer) setAbsent(blueprint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.absent[blueprint] = time.Now()
}
