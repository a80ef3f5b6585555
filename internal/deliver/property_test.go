package deliver_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// Whatever is claimed and dropped, and whatever Port does meanwhile, in the end Port has what the
// catalogue says, but for what it refused; what others made is as they made it; and there is
// nothing left to send.
func TestPortBecomesTheCatalogue(t *testing.T) {
	few(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.config.CreateMissing = rapid.Bool().Draw(rt, "createMissing")
		w.config.DeleteDependents = rapid.Bool().Draw(rt, "deleteDependents")
		w.config.First = rapid.Bool().Draw(rt, "first")
		w.client = newClient(t, w.sim.Transport(), func(c *port.Config) { c.Retries = rapid.SampledFrom([]int{-1, 0}).Draw(rt, "retries") })
		m := &model{w: w, wanted: map[string]thing{}, last: map[string]bool{}, asked: map[string]bool{}, theirs: map[string]bool{}}
		for range rapid.IntRange(1, 4).Draw(rt, "runs") {
			w.beginRun()
			m.others(rt)
			m.change(rt)
			m.faults(rt)
			m.sync(rt)
			m.check(rt)
		}
	})
}

// few makes rapid check fewer cases than its default unless the command line says how many: each
// opens a store.
func few(t *testing.T) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if given {
		return
	}
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", "12"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", before) })
}

// model is what should be in Port.
type model struct {
	w      *world
	wanted map[string]thing // by identifier
	last   map[string]bool  // what was wanted when Port was last looked at
	asked  map[string]bool  // what anything ever related to: Port may hold it for that
	theirs map[string]bool  // what others made before anything of ours asked for it
	dump   string           // what others have
}

const (
	nowhere = "nowhere" // is related to and never claimed
	alien   = "alien"   // is nobody's business
)

// others make entities, some of which we claim, or relate to, or both.
func (m *model) others(rt *rapid.T) {
	put := func(id string) {
		m.w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: id, Title: "theirs", Properties: map[string]any{"note": "theirs"}}, foreign)
	}
	if m.dump == "" {
		put(alien)
		m.dump = m.line(alien)
	}
	for _, id := range enriched {
		if _, wanted := m.wanted[id]; wanted || m.theirs[id] || m.asked[id] || m.last[id] || !rapid.Bool().Draw(rt, "others make "+id) {
			continue
		}
		if _, there := m.w.sim.Entity("issue", id); !there {
			put(id)
			m.theirs[id] = true
		}
	}
}

func (m *model) line(id string) string {
	for line := range strings.Lines(m.w.sim.Dump()) {
		if strings.HasPrefix(line, "issue/"+id+" ") {
			return line
		}
	}
	return ""
}

var (
	names    = []string{"A", "B", "C", "D", "E", "F", "G", "H"}
	enriched = []string{"X", "Y", "Z"} // those that others may make before us
)

func (m *model) change(rt *rapid.T) {
	for _, id := range slices.Concat(names, enriched, []string{"bad id!"}) {
		switch rapid.SampledFrom([]string{"claim", "claim", "keep", "drop"}).Draw(rt, id) {
		case "claim":
			x := m.draw(rt, id)
			m.wanted[id] = x
			for _, target := range append(x.links, x.parent) {
				m.asked[target] = true
			}
			m.w.claim(x)
		case "drop":
			if _, there := m.wanted[id]; there {
				delete(m.wanted, id)
				m.w.drop("issue", id)
			}
		}
	}
}

func (m *model) draw(rt *rapid.T, id string) thing {
	x := thing{id: id, title: rapid.SampledFrom([]string{"one", "two"}).Draw(rt, "title"), props: map[string]any{}}
	if rapid.Bool().Draw(rt, "note") {
		x.props["note"] = "ours"
	}
	if rapid.IntRange(0, 9).Draw(rt, "refused") == 0 {
		x.props["rank"] = "not a number"
	} else if rapid.Bool().Draw(rt, "rank") {
		x.props["rank"] = float64(rapid.IntRange(0, 3).Draw(rt, "value"))
	}
	if slices.Contains(enriched, id) {
		return x // a cascade would take it along, and that is Port's doing
	}
	targets := slices.Concat([]string{"", "", "", nowhere}, names, enriched)
	x.parent = rapid.SampledFrom(targets).Draw(rt, "parent")
	if rapid.Bool().Draw(rt, "links") {
		x.links = slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(rapid.SampledFrom(append(enriched, names...)), 0, 3).Draw(rt, "linked"))))
	}
	return x
}

func (m *model) faults(rt *rapid.T) {
	seed := rapid.Uint64().Draw(rt, "seed")
	bulk := portsim.On("POST", "/entities/bulk")
	for i, fault := range []portsim.Fault{
		{Match: bulk, Status: 429, Probability: 0.1},
		{Status: 503, Probability: 0.1},
		{Match: bulk, Status: 413, Probability: 0.05, Times: 1},
		{Match: bulk, Status: 200, Body: `{"ok":true,"entities":[{"index"`, Cut: true, Probability: 0.1},
		{Match: bulk, Late: true, Probability: 0.2},
		{Match: portsim.On("POST", "/delete"), Status: 502, Late: true, Probability: 0.4},
		{Match: portsim.On("GET", "/entities-count"), Status: 404, Probability: 0.2},
		{Match: bulk, Status: 207, Body: `{"ok":false,"entities":[],"errors":[{"index":0,"identifier":"x","statusCode":500,"error":"internal","message":"busy"}]}`, Probability: 0.1, Times: 1},
	} {
		fault.Seed = seed + uint64(i)
		m.w.sim.Inject(fault)
	}
}

// sync runs until a run ends without an error, as a person would start it again. A run that ends
// because an answer was lost leaves what a process leaves that was killed then.
func (m *model) sync(rt *rapid.T) {
	for try := 0; ; try++ {
		if try == 3 {
			m.w.sim.Heal()
		}
		_, err := m.w.deliverer().Upserts(m.w.t.Context(), closed)
		if err == nil {
			_, err = m.w.deliverer().Deletes(m.w.t.Context())
		}
		if err == nil {
			m.w.sim.Heal()
			return
		}
		if !errors.Is(err, port.ErrUnavailable) {
			rt.Fatal(err)
		}
	}
}

func (m *model) check(rt *rapid.T) {
	aside := m.w.reasons()
	for _, id := range slices.Concat(names, enriched, []string{nowhere, "bad id!"}) {
		x, wanted := m.wanted[id]
		e, there := m.w.sim.Entity("issue", id)
		reason := aside["issue "+id]
		switch {
		case reason != "":
			m.checkReason(rt, id, reason)
		case wanted:
			if m.theirs[id] && x.props["note"] == nil && e.Properties["note"] == "theirs" {
				delete(e.Properties, "note") // a key of others that ours never set
			}
			checkSame(rt, x, e, there)
		case there && !m.theirs[id] && (m.last[id] && !m.related(id) || !m.asked[id]):
			rt.Errorf("%s is in Port, and nothing asks for it", id)
		}
		if m.theirs[id] && !there {
			rt.Errorf("%s was deleted, which others made", id)
		}
		m.last[id] = wanted
	}
	if got := m.line(alien); got != m.dump {
		rt.Errorf("what others made is %s, want %s", got, m.dump)
	}
	m.w.sim.Forget()
	m.w.upserts()
	if n := m.w.sim.Count("POST", "/entities/bulk"); n != 0 || m.w.undelivered() != 0 {
		rt.Errorf("a second pass sent %d bulks and left %d undelivered, want none", n, m.w.undelivered())
	}
}

// checkReason: only what Port cannot take is set aside.
func (m *model) checkReason(rt *rapid.T, id, reason string) {
	x, wanted := m.wanted[id]
	switch {
	case id == "bad id!" || x.props["rank"] == "not a number":
	case !wanted && !m.w.config.DeleteDependents: // Port keeps it for what relates to it
	case !m.w.config.CreateMissing && strings.Contains(reason, "createMissingRelatedEntities"):
	case m.w.config.CreateMissing && slices.Contains(append(x.links, x.parent), "bad id!"):
	case strings.Contains(reason, "larger than Port takes"), strings.Contains(reason, "did not take it this time"): // injected
	default:
		rt.Errorf("%s is set aside: %s", id, reason)
	}
}

// related reports that something that is wanted relates to id, so that Port may hold it for that.
func (m *model) related(id string) bool {
	for _, x := range m.wanted {
		if x.parent == id || slices.Contains(x.links, id) {
			return true
		}
	}
	return false
}

func checkSame(rt *rapid.T, x thing, e portsim.Entity, there bool) {
	if !there {
		rt.Errorf("%s is not in Port", x.id)
		return
	}
	want := fmt.Sprint(x.title, x.parent, x.links)
	got := fmt.Sprint(e.Title, text(e.Relations["parent"]), e.Relations["links"])
	if len(x.links) == 0 {
		want, got = fmt.Sprint(x.title, x.parent), fmt.Sprint(e.Title, text(e.Relations["parent"]))
	}
	if want != got {
		rt.Errorf("%s in Port says %s, want %s", x.id, got, want)
	}
	props := maps.Clone(e.Properties)
	maps.DeleteFunc(props, func(_ string, v any) bool { return v == nil })
	if diff := cmp.Diff(x.props, props); diff != "" {
		rt.Errorf("properties of %s (-want +got):\n%s", x.id, diff)
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
