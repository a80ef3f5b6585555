package deliver_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret  = "s3cr3t-of-the-client"
	agent   = "port-ocean/jira/0.7.99/my-jira/exporter"
	foreign = "port-ocean/github/1.0.0/gh/exporter"
	reading = "issue"
)

const issueBlueprint = `{"identifier":"issue","schema":{"properties":{"note":{"type":"string"},"rank":{"type":"number"},"tags":{"type":"array"}}},
	"relations":{"parent":{"target":"issue","many":false},"links":{"target":"issue","many":true},"project":{"target":"project","many":false}}}`

const projectBlueprint = `{"identifier":"project","schema":{"properties":{"note":{"type":"string"}}},"relations":{}}`

// world is a store, a Port, and a client between them.
type world struct {
	t      testing.TB
	store  *catalog.Store
	sim    *portsim.Server
	client *port.Client
	run    int64
	config deliver.Config
	stop   func() // of follow
}

func newWorld(t testing.TB, change ...func(*portsim.Config)) *world {
	t.Helper()
	var config portsim.Config
	for _, c := range change {
		c(&config)
	}
	sim := portsim.New(config)
	sim.AddBlueprint([]byte(projectBlueprint))
	sim.AddBlueprint([]byte(issueBlueprint))
	w := &world{t: t, sim: sim, store: openStore(t, t.TempDir()), client: newClient(t, sim.Transport())}
	w.config = deliver.Config{Merge: true, CreateMissing: true, DeleteDependents: true, Threshold: 1, Event: "resync", ResyncID: "r-1", Workers: 4}
	w.beginRun()
	return w
}

func openStore(t testing.TB, dir string) *catalog.Store {
	t.Helper()
	store, err := catalog.Open(t.Context(), catalog.Config{Dir: dir, Integration: "my-jira"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

func newClient(t testing.TB, transport http.RoundTripper, change ...func(*port.Config)) *port.Client {
	t.Helper()
	config := port.Config{
		ClientID: "id", ClientSecret: secret, Identifier: "my-jira", Version: "0.7.99", Transport: transport,
		RetryBase: time.Millisecond, RetryCap: 2 * time.Millisecond,
	}
	for _, c := range change {
		c(&config)
	}
	client, err := port.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (w *world) beginRun() {
	w.t.Helper()
	run, err := w.store.BeginRun(w.t.Context(), "mapping", "account")
	w.must(err)
	w.run = run.ID
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deliverer() *deliver.Deliverer {
	config := w.config
	config.Run = w.run
	return deliver.New(w.store, w.client, config)
}

// closed is a done that says: there is nothing more to come.
var closed = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

func (w *world) upserts() deliver.Result {
	w.t.Helper()
	result, err := w.deliverer().Upserts(w.t.Context(), closed)
	w.must(err)
	return result
}

func (w *world) deletes() deliver.Result {
	w.t.Helper()
	result, err := w.deliverer().Deletes(w.t.Context())
	w.must(err)
	return result
}

// thing is one entity as a test names it.
type thing struct {
	blueprint, id string
	search        bool
	title         string
	props         map[string]any
	parent        string
	links         []string
	project       string
}

func (x thing) entity() catalog.Entity {
	body := map[string]any{"identifier": x.id, "blueprint": x.bp()}
	if x.search {
		body["identifier"] = json.RawMessage(x.id)
	}
	var keys []string
	if x.title != "" {
		body["title"] = x.title
		keys = append(keys, "title")
	}
	if x.props != nil {
		body["properties"] = x.props
		for name := range x.props {
			keys = append(keys, "properties."+name)
		}
	}
	relations, refs := x.relations()
	if len(relations) > 0 {
		body["relations"] = relations
		for name := range relations {
			keys = append(keys, "relations."+name)
		}
	}
	slices.Sort(keys)
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return catalog.Entity{
		Blueprint: x.bp(), Identifier: x.id, Search: x.search, Searching: x.search,
		Body: text, Refs: refs, Keys: strings.Join(keys, ","),
	}
}

func (x thing) bp() string {
	if x.blueprint == "" {
		return "issue"
	}
	return x.blueprint
}

func (x thing) relations() (map[string]any, []string) {
	relations, refs := map[string]any{}, map[string]bool{}
	if x.parent != "" {
		relations["parent"] = x.parent
		refs[x.parent] = true
	}
	if x.project != "" {
		relations["project"] = x.project
		refs[x.project] = true
	}
	if x.links != nil {
		relations["links"] = x.links
		for _, id := range x.links {
			refs[id] = true
		}
	}
	return relations, slices.Sorted(maps.Keys(refs))
}

// claim makes the items say what the things are, one item for each: the item's id is the
// thing's, so that claiming it again changes it.
func (w *world) claim(things ...thing) {
	w.t.Helper()
	var items []catalog.Item
	for _, x := range things {
		items = append(items, catalog.Item{ID: x.bp() + "/" + x.id, Claims: []catalog.Claim{{Resource: 0, Entities: []catalog.Entity{x.entity()}}}})
	}
	w.apply(items)
}

// drop says that the items are gone.
func (w *world) drop(blueprint string, ids ...string) {
	w.t.Helper()
	var items []catalog.Item
	for _, id := range ids {
		items = append(items, catalog.Item{ID: blueprint + "/" + id, Gone: true})
	}
	w.apply(items)
}

func (w *world) apply(items []catalog.Item) {
	w.t.Helper()
	_, err := w.store.Apply(w.t.Context(), catalog.Batch{Number: w.store.NextRead(), Run: w.run, Reading: reading, Kind: "issue", Items: items})
	w.must(err)
}

func (w *world) reasons() map[string]string {
	w.t.Helper()
	list, _, err := w.store.Asides(w.t.Context(), 1000)
	w.must(err)
	reasons := map[string]string{}
	for _, a := range list {
		reasons[a.Subject] = a.Reason
	}
	return reasons
}

func (w *world) undelivered() int {
	w.t.Helper()
	list, err := w.store.Undelivered(w.t.Context(), 0, 100000)
	w.must(err)
	return len(list)
}

// issues are the identifiers Port has of the blueprint.
func (w *world) issues() string {
	var ids []string
	for _, e := range w.sim.Entities("issue") {
		ids = append(ids, e.Identifier)
	}
	return strings.Join(ids, " ")
}

func numbered(n int) []thing {
	list := make([]thing, n)
	for i := range list {
		list[i] = thing{id: fmt.Sprintf("I-%03d", i), title: fmt.Sprint("title ", i), props: map[string]any{"rank": i}}
	}
	return list
}

// roundTrip is a transport in front of another.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
