package jirasim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// version is an issue as it was until it was changed.
type version struct {
	issue     Issue
	project   *project
	spellings []string
	until     time.Time
	moved     bool // changed by Move, not by Update
}

// hindsight is what an index that is behind still shows.
type hindsight struct {
	lag  time.Duration
	now  func() time.Time
	gone []grave // by time
}

// grave is an issue that was deleted.
type grave struct {
	*record
	at time.Time
}

const (
	keptVersions = 64     // of one issue
	keptGraves   = 10_000 // of a site
)

// horizon is the moment up to which the index has seen everything.
func (h *hindsight) horizon() time.Time { return h.now().Add(-h.lag) }

// remember keeps the issue as it is before a change: all that the index may still
// show, and without a lag the latest alone, for [StaleIndex].
func (h *hindsight) remember(r *record, moved bool) {
	v := version{issue: r.Issue, project: r.project, spellings: r.spellings, until: h.now(), moved: moved}
	switch {
	case h.lag > 0:
		horizon := h.horizon()
		r.past = slices.DeleteFunc(r.past, func(v version) bool { return !v.until.After(horizon) })
		if len(r.past) >= keptVersions {
			r.past = slices.Delete(r.past, 0, 1)
		}
		r.past = append(r.past, v)
	case moved:
		r.past = nil
	default:
		r.past = []version{v}
	}
}

// bury keeps a deleted issue for as long as the index may show it.
func (h *hindsight) bury(r *record) {
	if h.lag <= 0 {
		return
	}
	kept, horizon := *r, h.horizon()
	still := slices.IndexFunc(h.gone, func(g grave) bool { return g.at.After(horizon) })
	if still < 0 {
		still = len(h.gone)
	}
	if len(h.gone)-still >= keptGraves {
		still++
	}
	h.gone = append(slices.Delete(h.gone, 0, still), grave{&kept, h.now()})
}

// buried are the issues that are deleted and still in the index, as it has them.
func (s *site) buried(reconcile []int64) []*record {
	var found []*record
	for _, g := range s.hindsight.gone {
		if slices.Contains(reconcile, g.ID) {
			continue
		}
		if r := s.ghost(g); r != nil {
			found = append(found, r)
		}
	}
	return found
}

// grave finds a deleted issue that is still in the index.
func (s *site) grave(id int64) *record {
	for _, g := range s.hindsight.gone {
		if g.ID == id {
			return s.ghost(g)
		}
	}
	return nil
}

// ghost is how the index has a deleted issue; nil where it does not any more.
func (s *site) ghost(g grave) *record {
	horizon := s.hindsight.horizon()
	if !g.at.After(horizon) {
		return nil
	}
	return s.lagging(g.record, horizon)
}

// was is the issue in a former version.
func (r *record) was(v version) *record {
	former := *r
	former.Issue, former.project, former.spellings, former.past = v.issue, v.project, v.spellings, nil
	_, former.number, _ = cutKey(v.issue.Key)
	return &former
}

// lagging is how an index that is behind has the issue: as it was at the horizon, or
// nil where it was not there yet.
func (s *site) lagging(r *record, horizon time.Time) *record {
	if r.Created.After(horizon) {
		return nil
	}
	for _, v := range r.past {
		if v.until.After(horizon) && s.projects[v.issue.ProjectKey] == v.project {
			return r.was(v)
		}
	}
	return r
}

// indexOf returns how the search index has an issue at the moment: as it is, as it
// was, or nil where it does not have it. What is reconciled is as it is.
func (s *Server) indexOf(c *call, reconcile []int64) func(*record) *record {
	trouble, lag := c.trouble, s.hindsight.lag
	if lag <= 0 && !trouble.has(LoseFromIndex) && !trouble.has(StaleIndex) {
		return func(r *record) *record { return r }
	}
	horizon := s.hindsight.horizon()
	return func(r *record) *record {
		if slices.Contains(reconcile, r.ID) {
			return r
		}
		if lag > 0 {
			if r = s.lagging(r, horizon); r == nil {
				return nil
			}
		}
		return trouble.index(r)
	}
}

// index is what the injected faults make of an issue in the index.
func (t trouble) index(r *record) *record {
	for _, f := range t {
		switch {
		case f.Do == LoseFromIndex && slices.Contains(f.IDs, r.ID):
			return nil
		case f.Do == StaleIndex && (len(f.IDs) == 0 || slices.Contains(f.IDs, r.ID)):
			if last := len(r.past) - 1; last >= 0 && !r.past[last].moved {
				r = r.was(r.past[last])
			}
		}
	}
	return r
}

// losing wraps how one search sees the index with [Config.IndexLoss]. Each search
// loses other issues, and the same seed the same ones.
func (s *Server) losing(index func(*record) *record, reconcile []int64) func(*record) *record {
	if s.config.IndexLoss <= 0 {
		return index
	}
	random := rand.New(rand.NewPCG(s.config.Seed, s.searches.Add(1)))
	return func(r *record) *record {
		if random.Float64() < s.config.IndexLoss && !slices.Contains(reconcile, r.ID) {
			return nil
		}
		return index(r)
	}
}
