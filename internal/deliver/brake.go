package deliver

import (
	"context"
	"fmt"
	"log/slog"

	"ferry/internal/catalog"
)

// fewDeletions is the number below which deletions are never a landslide, whatever their part.
const fewDeletions = 10

// brake stops a run that would delete more than a person has allowed in advance. It sets all of
// it aside as one decision, named as the subject. beside is how many of the n are no entities of the
// catalogue.
func (d *Deliverer) brake(ctx context.Context, subject string, n, beside int) (stop bool, err error) {
	if n == 0 || d.config.AcceptDeletions || n < fewDeletions && d.config.Threshold > 0 {
		return false, nil
	}
	all, _, err := d.store.Totals(ctx)
	if err != nil {
		return false, err
	}
	all += beside
	const look = "look at them, then run `ferry sync --accept-deletions`, or raise the threshold"
	var reason string
	switch threshold := d.config.Threshold; {
	case threshold <= 0:
		reason = fmt.Sprintf("%d of %d entities would be deleted, and entityDeletionThreshold (0) forbids every deletion: %s", n, all, look)
	case float64(n) > threshold*float64(all):
		reason = fmt.Sprintf("%d of %d entities would be deleted, more than entityDeletionThreshold (%g) allows: %s", n, all, threshold, look)
	default:
		return false, nil
	}
	d.count(func(r *Result) { r.Waiting = n })
	d.log.LogAttrs(ctx, slog.LevelWarn, "deliver: deletions wait for a person", slog.Int("n", n), slog.Int("of", all))
	return true, d.decide(ctx, subject, reason)
}

// setProtected sets aside, for each blueprint of which something is left in Port, why.
func (d *Deliverer) setProtected(ctx context.Context, left map[string]int) error {
	for blueprint, n := range left {
		reason := fmt.Sprintf("%d entities that are no longer wanted stay in Port: %s", n, d.config.Protected(blueprint))
		if n == 1 {
			reason = "1 entity that is no longer wanted stays in Port: " + d.config.Protected(blueprint)
		}
		if err := d.decide(ctx, "deletions of "+blueprint, reason); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deliverer) decide(ctx context.Context, subject, reason string) error {
	return d.store.SetAside(ctx, catalog.Aside{
		About: catalog.AsideDecision, Subject: subject, Reason: reason, Run: d.config.Run,
	})
}
