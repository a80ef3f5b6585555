package main

import (
	"context"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/console"
	"ferry/internal/daemon"
	"ferry/internal/hooks"
)

// What the parts tell each other of what they did, for the metrics.

func (s *service) metricsConfig(sync *daemon.Sync) console.MetricsConfig {
	config := console.MetricsConfig{
		Version: release, Database: "sqlite", Jira: sync.Jira.Stats, Refusals: hooks.Refusals(), Status: s.status, Logger: s.log,
	}
	if s.set.Live.DatabaseURL.text != "" {
		config.Database = "postgresql"
	}
	if sync.Port != nil {
		config.Port = sync.Port.Stats
	}
	return config
}

func (s *service) status(ctx context.Context) (console.Status, error) {
	standing, err := s.daemon.Standing(ctx)
	status := console.Status{
		Catalogue: standing.Catalogue, Lease: console.Lease{Held: standing.Leads, Epoch: standing.Epoch},
	}
	if s.registrar != nil && standing.Leads {
		state := s.registrar.State()
		status.Webhook = &console.Webhook{Live: state.Live, Checked: state.CheckedAt, Expires: state.Expires, Verified: s.receiver.Stats().Verified}
	}
	return status, err
}

func (s *service) observe(a hooks.Answered) {
	s.metrics.ObserveDelivery(string(a.Refusal), a.Touched, a.Took)
}

// ran is told of each resync that came to an end of its own.
func (s *service) ran(r *daemon.Report) {
	s.logReport(r)
	told := console.Resync{State: r.State, Ended: r.Started.Add(r.Took), Took: r.Took}
	for i, k := range r.Kinds {
		told.Kinds = append(told.Kinds, console.ResyncKind{
			Kind: k.Kind, Index: i, Failed: r.State == catalog.Failed, Read: k.Read, Mapped: k.Mapped,
			SetAside: max(0, k.SetAside-k.Refused), Sent: k.Created + k.Updated, Unchanged: k.Unchanged,
			Refused: k.Refused + k.Unsent, Deleted: k.Deleted,
		})
	}
	s.metrics.ObserveResync(told)
}

// caughtUp is told of each catch-up that listed all ids.
func (s *service) caughtUp(state catalog.State) {
	s.metrics.ObserveResync(console.Resync{CatchUp: true, State: state})
}

// reasonsLogged is how many reasons for which something was set aside a resync logs; metrics count the rest.
const reasonsLogged = 20

// logReport says in the log what the table of ferry sync says.
func (s *service) logReport(r *daemon.Report) {
	total := sum(r.Kinds)
	s.log.Info("the resync has ended", "state", r.State, "took", r.Took.Round(time.Millisecond),
		"read", total.Read, "created", total.Created, "updated", total.Updated, "deleted", total.Deleted,
		"unchanged", total.Unchanged, "set_aside", r.AsideTotal, "unclaimed", r.Unclaimed)
	reasons := byReason(r.Asides)
	for _, alike := range reasons[:min(reasonsLogged, len(reasons))] {
		s.log.Warn("set aside", "what", namesOf(alike), "reason", alike[0].Reason)
	}
}
