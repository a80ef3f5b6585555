package console

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ferry/internal/catalog"
)

// Resync is what a run did.
type Resync struct {
	CatchUp bool
	State   catalog.State // how it ended
	Ended   time.Time
	Took    time.Duration
	Kinds   []ResyncKind
}

// ResyncKind is what a run did with one kind. Kinds that the mapping has several times are counted
// once, by the first.
type ResyncKind struct {
	Kind      string
	Index     int // of its first resource in the mapping, from 0
	Failed    bool
	Read      int  // items read from Jira
	Mapped    int  // entities that they make
	Filtered  *int // items that a selector leaves out; nil: not counted
	SetAside  int  // items whose mapping or reads fail
	Sent      int  // entities that Port took: created and updated
	Unchanged int  // entities that Port had already
	Refused   int  // entities that Port would not take, or that were not sent before the end
	Deleted   int
}

// The incumbent's label values.
const (
	kindRuntime        = "__runtime__"
	kindReconciliation = "__reconciliation__"

	phaseExtract   = "extract"
	phaseTransform = "transform"
	phaseLoad      = "load"
	phaseResync    = "resync"
	phaseDelete    = "delete"
)

// incumbent collects the gauges that dashboards for Ocean read, under its names. They tell of the
// last resync, and are not there before the first.
type incumbent struct {
	described
	last                       atomic.Pointer[Resync]
	duration, success, objects *prometheus.Desc
}

func newIncumbent() *incumbent {
	i := new(incumbent)
	i.duration = i.add("duration_seconds", "How long the last resync took.", "kind", "phase")
	i.success = i.add("success", "1 if the last resync did what it set out to do, else 0.", "kind", "phase")
	i.objects = i.add("object_count", "Objects of the last resync.", "kind", "phase", "object_count_type")
	return i
}

func (i *incumbent) Collect(ch chan<- prometheus.Metric) {
	r := i.last.Load()
	if r == nil {
		return
	}
	s := samples(ch)
	s.gauge(i.duration, r.Took.Seconds(), kindRuntime, phaseResync)
	s.gauge(i.success, truth(r.State != catalog.Failed), kindRuntime, phaseResync)
	deleted := 0
	for _, k := range r.Kinds {
		i.collectKind(s, k)
		deleted += k.Deleted
	}
	s.gauge(i.objects, float64(deleted), kindReconciliation, phaseDelete, "deleted")
}

func (i *incumbent) collectKind(s samples, k ResyncKind) {
	kind := k.Kind + "-" + strconv.Itoa(k.Index)
	s.gauge(i.success, truth(!k.Failed), kind, phaseResync)
	count := func(phase, sort string, n int) { s.gauge(i.objects, float64(n), kind, phase, sort) }
	count(phaseExtract, "raw_extracted", k.Read)
	count(phaseTransform, "transformed", k.Mapped)
	count(phaseTransform, "failed", k.SetAside)
	if k.Filtered != nil {
		count(phaseTransform, "filtered_out", *k.Filtered)
	}
	count(phaseLoad, "loaded", k.Sent)
	count(phaseLoad, "skipped", k.Unchanged)
	count(phaseLoad, "failed", k.Refused)
}

func runStates() []string {
	return []string{string(catalog.Completed), string(catalog.Partial), string(catalog.Failed)}
}

// ObserveResync is told of each run that ended.
func (m *Metrics) ObserveResync(r Resync) {
	if r.CatchUp {
		m.catchUps.WithLabelValues(string(r.State)).Inc()
		return
	}
	m.runs.WithLabelValues(string(r.State)).Inc()
	m.lastTook.Set(r.Took.Seconds())
	m.lastEnd.Set(seconds(r.Ended))
	m.incumbent.last.Store(&r)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
