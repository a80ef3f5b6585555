package daemon

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// Report says what a run did.
type Report struct {
	Started        time.Time
	Took           time.Duration
	Kinds          []KindReport // in the mapping's order
	Asides         []catalog.Aside
	AsideTotal     int // Asides are at most 50 of them
	JiraRequests   int64
	PortRequests   int64
	Unclaimed      int // entities that Port holds for us and this catalogue knows nothing of
	UnclaimedNames []string
	Nulled         []Nulled
	Store          string // the catalogue's file
	WithPort       bool
	State          catalog.State // completed, partial (something is set aside) or failed
	Whole          bool          // the run came to its end, though lists may have failed
}

// Nulled is a mapped key that was sent as null for some items, because its expression failed.
type Nulled struct {
	Resource string // "resource 2 (issue)"
	Path     string // "properties.status"
	Items    int
}

// KindReport says what became of one kind. Created, Updated, Unchanged, Refused and Unsent are
// the parts of Mapped: with Port, what Port was sent; without, what changed in the catalogue.
type KindReport struct {
	Kind      string
	Read      int // items read from Jira
	Mapped    int // entities that they make
	Created   int
	Updated   int
	Unchanged int
	Refused   int // set aside, because Port would not take them
	Unsent    int // not sent, because the run ended before
	Deleted   int
	SetAside  int // items, entities and resources, the refused among them
}

// asidesShown is how many of the things set aside a report names.
const asidesShown = 50

// report ends the run in the catalogue and says what it did.
func (r *run) report(ctx context.Context, failure error) (*Report, error) {
	ctx = context.WithoutCancel(ctx)
	report := &Report{Started: r.started, Store: r.Store.Path(), WithPort: r.Port != nil, State: catalog.Failed, Whole: failure == nil}
	if failure == nil && len(r.read.Failed) == 0 {
		report.State = catalog.Completed
	}
	if err := r.end(ctx, report); err != nil {
		return nil, err
	}
	list, byKind, err := r.Store.Asides(ctx, asidesShown)
	if err != nil {
		return nil, err
	}
	counts, err := r.Store.Counts(ctx, r.catalog.ID)
	if err != nil {
		return nil, err
	}
	report.Asides = list
	report.Kinds = r.kinds(counts, byKind)
	report.Nulled = r.nulled()
	report.Unclaimed, report.UnclaimedNames = r.audit.Count, r.audit.Names
	report.JiraRequests = r.Jira.Stats().Requests - r.requests
	if r.Port != nil {
		report.PortRequests = r.Port.Stats().Requests - r.sent
	}
	for _, n := range byKind {
		report.AsideTotal += n
	}
	report.Took = time.Since(r.started)
	return report, nil
}

// nulled are the keys that became null most often first.
func (r *run) nulled() []Nulled {
	var list []Nulled
	for field, n := range r.read.Nulled {
		list = append(list, Nulled{field.Resource, field.Path, n})
	}
	slices.SortFunc(list, func(a, b Nulled) int {
		return cmp.Or(b.Items-a.Items, strings.Compare(a.Resource+a.Path, b.Resource+b.Path))
	})
	return list
}

// end settles the run's state: a run that did everything and set something aside is partial.
func (r *run) end(ctx context.Context, report *Report) error {
	if report.State == catalog.Completed {
		n, err := r.Store.AsideCount(ctx, r.catalog.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			report.State = catalog.Partial
		}
	}
	return r.Store.EndRun(ctx, r.catalog.ID, report.State)
}

func (r *run) kinds(counts map[string]catalog.KindCount, asides map[string]int) []KindReport {
	var kinds []KindReport
	for _, name := range r.kindNames() {
		k := KindReport{Kind: name, SetAside: asides[name]}
		for reading, c := range counts {
			if source.KindOf(reading) == name {
				k.add(c, r.Port != nil)
			}
		}
		for reading, n := range r.read.Read {
			if source.KindOf(reading) == name {
				k.Read += n
			}
		}
		for reading, n := range r.deleted {
			if source.KindOf(reading) == name {
				k.Deleted += n
			}
		}
		kinds = append(kinds, k)
	}
	return kinds
}

// kindNames are the kinds of the mapping in its order, those set aside among them, and then those
// that it has no more but of which something was deleted.
func (r *run) kindNames() []string {
	byIndex := map[int]string{}
	for _, m := range r.mapping.Resources {
		byIndex[m.Index] = m.Kind
	}
	for _, a := range r.mapping.SetAside {
		byIndex[a.Index] = a.Kind
	}
	var names []string
	for i := range len(byIndex) {
		if name, ok := byIndex[i]; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, reading := range slices.Sorted(maps.Keys(r.deleted)) {
		if name := source.KindOf(reading); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (k *KindReport) add(c catalog.KindCount, withPort bool) {
	k.Mapped += c.Wanted
	if !withPort {
		k.Created += c.Born
		k.Updated += c.Changed
		k.Unchanged += c.Wanted - c.Born - c.Changed
		return
	}
	k.Created += c.Made
	k.Updated += c.Sent
	k.Refused += c.Refused
	k.Unsent += c.Unsent
	k.Unchanged += c.Wanted - c.Made - c.Sent - c.Refused - c.Unsent
}
