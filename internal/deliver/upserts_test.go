package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/catalog"
	"ferry/internal/deliver"
	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

func TestWhatIsDeliveredIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	w.claim(numbered(45)...)
	if got := w.upserts(); got.Created != 45 || got.Updated != 0 || got.Refused != 0 {
		t.Errorf("first: %+v, want 45 created", got)
	}
	if n := w.sim.Count("POST", "/entities/bulk"); n != 3 {
		t.Errorf("bulks = %d, want 3", n)
	}
	e, _ := w.sim.Entity("issue", "I-007")
	if e.Title != "title 7" || e.Properties["rank"] != 7.0 || e.Datasource != agent {
		t.Errorf("I-007 = %+v", e)
	}
	w.sim.Forget()
	w.claim(numbered(45)...)
	if got := w.upserts(); got.Created+got.Updated != 0 || w.sim.Count("POST", "") != 0 {
		t.Errorf("second: %+v with %d requests, want nothing", got, w.sim.Count("POST", ""))
	}
	w.claim(thing{id: "I-007", title: "other"})
	if got := w.upserts(); got.Updated != 1 || got.Created != 0 {
		t.Errorf("third: %+v, want 1 updated", got)
	}
}

func TestKeysNoLongerMadeAreSentOnceAsNull(t *testing.T) {
	w := newWorld(t, func(c *portsim.Config) { c.Log = true })
	w.claim(thing{id: "A", title: "a", props: map[string]any{"note": "n", "rank": 1}})
	w.upserts()
	w.sim.Forget()
	w.claim(thing{id: "A", title: "b", props: map[string]any{"rank": 1}})
	w.upserts()
	w.claim(thing{id: "A", title: "c", props: map[string]any{"rank": 1}})
	w.upserts()
	var bodies []string
	for _, r := range w.sim.Requests() {
		bodies = append(bodies, string(r.Body))
	}
	want := []string{
		`{"entities":[{"identifier":"A","blueprint":"issue","title":"b","properties":{"note":null,"rank":1}}]}`,
		`{"entities":[{"blueprint":"issue","identifier":"A","properties":{"rank":1},"title":"c"}]}`, // as it was claimed, untouched
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestClaimsAreFolded(t *testing.T) {
	for _, merge := range []bool{true, false} {
		w := newWorld(t)
		w.config.Merge = merge
		two := []catalog.Entity{
			thing{id: "A", title: "one", props: map[string]any{"note": "n"}}.entity(),
			thing{id: "A", title: "two", props: map[string]any{"rank": 2}}.entity(),
		}
		w.apply([]catalog.Item{{ID: "1", Claims: []catalog.Claim{{Resource: 0, Entities: two[:1]}, {Resource: 1, Entities: two[1:]}}}})
		w.upserts()
		want := map[string]any{"rank": 2.0}
		if merge {
			want["note"] = "n"
		}
		e, _ := w.sim.Entity("issue", "A")
		if diff := cmp.Diff(want, e.Properties); diff != "" || e.Title != "two" {
			t.Errorf("merge %v: title %v, properties (-want +got):\n%s", merge, e.Title, diff)
		}
		// When the second claim goes, what only it made is forgotten.
		w.apply([]catalog.Item{{ID: "1", Claims: []catalog.Claim{{Resource: 0, Entities: two[:1]}, {Resource: 1}}}})
		w.upserts()
		e, _ = w.sim.Entity("issue", "A")
		if e.Title != "one" || e.Properties["rank"] != nil || e.Properties["note"] != "n" {
			t.Errorf("merge %v: after the second claim went: %+v", merge, e)
		}
	}
}

func TestBulksStayBelowPortsLimits(t *testing.T) {
	w := newWorld(t, func(c *portsim.Config) { c.Log = true })
	note := strings.Repeat("x", 150_000)
	var things []thing
	for i := range 50 {
		things = append(things, thing{id: fmt.Sprint("I-", i), props: map[string]any{"note": note[:i*3000]}})
	}
	w.claim(things...)
	if got := w.upserts(); got.Created != 50 {
		t.Errorf("%+v, want 50 created", got)
	}
	sent := 0
	for _, r := range w.sim.Requests() {
		if strings.HasSuffix(r.Path, "/bulk") {
			sent++
			if len(r.Body) > port.MaxBody {
				t.Errorf("a body of %d bytes, want at most %d", len(r.Body), port.MaxBody)
			}
		}
	}
	if sent > 7 {
		t.Errorf("%d bulks for 50 entities in 3.6 MB, want them full", sent)
	}
}

// sizes answers 413 to every bulk that weighs more than most.
func sizes(next http.RoundTripper, most int) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if len(body) <= most {
			return next.RoundTrip(r)
		}
		return &http.Response{
			StatusCode: http.StatusRequestEntityTooLarge, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<html>413</html>")), Request: r,
		}, nil
	})
}

func TestTooLargeIsHalvedDownToTheGuilty(t *testing.T) {
	w := newWorld(t)
	w.client = newClient(t, sizes(w.sim.Transport(), 300))
	things := numbered(20)
	things[13].props["note"] = strings.Repeat("x", 400)
	w.claim(things...)
	if got := w.upserts(); got.Created != 19 || got.Refused != 1 {
		t.Errorf("%+v, want 19 created and 1 refused", got)
	}
	want := map[string]string{"issue I-013": "larger than Port takes (1 MiB): map fewer or shorter properties"}
	if diff := cmp.Diff(want, w.reasons()); diff != "" {
		t.Errorf("set aside (-want +got):\n%s", diff)
	}
}

func TestRefusedAreSetAsideAndTheOthersDelivered(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprint("whole=", whole), func(t *testing.T) {
			w := newWorld(t, func(c *portsim.Config) { c.RefuseWhole = whole })
			things := numbered(20)
			things[3].id = "not valid!"
			things[9].props["note"] = 12 // should be a string
			w.claim(things...)
			if got := w.upserts(); got.Created != 18 || got.Refused != 2 {
				t.Errorf("%+v, want 18 created and 2 refused", got)
			}
			reasons := w.reasons()
			for _, subject := range []string{"issue not valid!", "issue I-009"} {
				if r := reasons[subject]; !strings.HasPrefix(r, "Port refused it (") || !strings.Contains(r, "change the mapping or the blueprint") {
					t.Errorf("%s: reason %q", subject, r)
				}
			}
			w.sim.Forget()
			if w.upserts(); w.sim.Count("POST", "") != 0 {
				t.Errorf("what Port refused was sent again in the same run")
			}
			w.beginRun()
			if got := w.upserts(); got.Refused != 2 {
				t.Errorf("next run: %+v, want the 2 refused again", got)
			}
			// Mended in Jira.
			w.claim(thing{id: "I-009", title: "good"})
			if got := w.upserts(); got.Created != 1 {
				t.Errorf("mended: %+v, want 1 created", got)
			}
		})
	}
}

func TestUnknownBlueprintIsAskedForOnce(t *testing.T) {
	w := newWorld(t)
	w.config.Workers = 1
	things := numbered(60)
	for i := range things {
		things[i].blueprint = "nowhere"
	}
	w.claim(append(things, thing{id: "A"})...)
	if got := w.upserts(); got.Created != 1 || got.Refused != 60 {
		t.Errorf("%+v, want 1 created and 60 refused", got)
	}
	if n := w.sim.Count("POST", "/nowhere/"); n != 1 {
		t.Errorf("%d requests for a blueprint that does not exist, want 1", n)
	}
	if r := w.reasons()["nowhere I-059"]; r != `Port has no blueprint "nowhere": create it, or change the mapping's blueprint` {
		t.Errorf("reason %q", r)
	}
}

func TestSearchThatMatchesNothingIsSetAside(t *testing.T) {
	w := newWorld(t)
	w.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "X", Properties: map[string]any{"note": "mine"}}, foreign)
	find := func(note string) string {
		return `{"combinator":"and","rules":[{"operator":"=","property":"note","value":"` + note + `"}]}`
	}
	w.claim(thing{id: find("mine"), search: true, title: "found"}, thing{id: find("other"), search: true, title: "lost"})
	if got := w.upserts(); got.Updated != 1 || got.Refused != 1 {
		t.Errorf("%+v, want 1 updated and 1 refused", got)
	}
	if r := w.reasons()["issue "+find("other")]; !strings.HasPrefix(r, "no entity in Port matches its search") {
		t.Errorf("reason %q", r)
	}
	if e, _ := w.sim.Entity("issue", "X"); e.Title != "found" {
		t.Errorf("X has the title %v, want found", e.Title)
	}
}

// Port took a version of which the answer was lost; the next one lacks a property of that.
func TestAPropertyThatWentAfterALostAnswerIsEmptied(t *testing.T) {
	w := newWorld(t)
	w.client = newClient(t, w.sim.Transport(), func(c *port.Config) { c.Retries = -1 })
	w.claim(thing{id: "A", props: map[string]any{"note": "ours", "rank": 1.0}})
	w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Status: http.StatusBadGateway, Late: true, Times: 1})
	if _, err := w.deliverer().Upserts(t.Context(), closed); !errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("Upserts: %v, want %v", err, port.ErrUnavailable)
	}
	w.claim(thing{id: "A", props: map[string]any{"rank": 1.0}})
	w.upserts()
	if e, _ := w.sim.Entity("issue", "A"); e.Properties["note"] != nil {
		t.Errorf("note in Port: %v, want none", e.Properties["note"])
	}
}

func TestPassingFaultsOfSingleEntities(t *testing.T) {
	w := newWorld(t)
	w.claim(thing{id: "A"}, thing{id: "B"})
	w.sim.Inject(portsim.Fault{
		Match: portsim.On("POST", "/bulk"), Times: 1, Status: http.StatusMultiStatus,
		Body: `{"ok":false,"entities":[{"index":0,"identifier":"A","created":true}],"errors":[{"index":1,"identifier":"B","statusCode":503,"error":"busy","message":"busy"}]}`,
	})
	if got := w.upserts(); got.Created != 2 || got.Refused != 0 {
		t.Errorf("%+v, want both created", got)
	}
	// Without end it is set aside, not tried for ever.
	w.claim(thing{id: "C"})
	w.sim.Inject(portsim.Fault{Match: portsim.On("POST", "/bulk"), Status: http.StatusOK, Body: `{"ok":true,"entities":[],"errors":[]}`})
	if got := w.upserts(); got.Refused != 1 || !strings.Contains(w.reasons()["issue C"], "did not take it this time") {
		t.Errorf("%+v, reasons %v, want C refused", got, w.reasons())
	}
}

func TestWhatEndsTheRun(t *testing.T) {
	tests := []struct {
		name  string
		fault portsim.Fault
		want  error
	}{
		{"Port down", portsim.Fault{Status: 503}, port.ErrUnavailable},
		{"forbidden", portsim.Fault{Match: portsim.On("POST", "/bulk"), Status: 403}, port.ErrForbidden},
		{"credentials", portsim.Fault{Match: portsim.On("POST", "access_token"), Status: 401}, port.ErrUnauthorized},
		{"a proxy's 404", portsim.Fault{Match: portsim.On("POST", "/bulk"), Status: 404, Body: "<html>no such page</html>"}, port.ErrNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.claim(numbered(50)...)
			w.sim.Inject(test.fault)
			if _, err := w.deliverer().Upserts(t.Context(), closed); !errors.Is(err, test.want) {
				t.Fatalf("Upserts: %v, want %v", err, test.want)
			} else if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
			if n := w.undelivered(); n != 50 || len(w.reasons()) != 0 {
				t.Errorf("%d undelivered and %v set aside, want all 50 to wait", n, w.reasons())
			}
			w.sim.Heal()
			if got := w.upserts(); got.Created != 50 {
				t.Errorf("after it healed: %+v, want 50 created", got)
			}
		})
	}
}

func TestAnswersAreRecordedWhenTheContextEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	next := w.sim.Transport()
	w.client = newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if strings.HasSuffix(r.URL.Path, "/bulk") {
			cancel() // Port has it; the answer is on its way
		}
		return answer, err
	}))
	w.config.Workers = 1
	w.claim(numbered(200)...)
	got, err := w.deliverer().Upserts(ctx, closed)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Upserts: %v, want it cancelled", err)
	}
	if n := w.sim.Len("issue"); n == 0 || n == 200 || got.Created != n || w.undelivered() != 200-n {
		t.Errorf("Port has %d, %+v, %d undelivered: want what Port has recorded, and not all", n, got, w.undelivered())
	}
}

func TestDeliveryWhileIngestGoesOn(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	seen := 0
	w.config.Progress = func(delivered int) {
		mu.Lock()
		defer mu.Unlock()
		seen = max(seen, delivered)
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	var result deliver.Result
	var err error
	wait.Go(func() { result, err = w.deliverer().Upserts(t.Context(), done) })
	for round := range 12 {
		for i := range 10 {
			w.claim(thing{id: fmt.Sprint("R", round, "-", i)}, thing{id: "same", title: fmt.Sprintf("round %d-%d", round, i), parent: fmt.Sprint("R", round, "-", i)})
		}
	}
	close(done)
	wait.Wait()
	w.must(err)
	if n := w.sim.Len("issue"); n != 121 || w.undelivered() != 0 {
		t.Errorf("Port has %d entities and %d are undelivered, want 121 and 0", n, w.undelivered())
	}
	if e, _ := w.sim.Entity("issue", "same"); e.Title != "round 11-9" || e.Relations["parent"] != "R11-9" {
		t.Errorf("same = %v, want its last state", e)
	}
	if seen != result.Created+result.Updated {
		t.Errorf("progress ended at %d, result %+v", seen, result)
	}
}

// A row that changes is found by a sweep while ingest goes on, not only at its end.
func TestChangedRowsAreFoundBeforeTheEnd(t *testing.T) {
	w := newWorld(t)
	things := numbered(3)
	w.claim(things...)
	done, arrived := make(chan struct{}), make(chan struct{}, 100)
	w.config.Progress = func(int) { arrived <- struct{}{} }
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := w.deliverer().Upserts(t.Context(), done)
		if err != nil {
			t.Error(err)
		}
	})
	await(t, arrived)
	w.claim(thing{id: "I-000", title: "changed"})
	await(t, arrived)
	if e, _ := w.sim.Entity("issue", "I-000"); e.Title != "changed" {
		t.Errorf("I-000 has the title %v, want changed", e.Title)
	}
	close(done)
	wait.Wait()
}

func await(t *testing.T, arrived <-chan struct{}) {
	t.Helper()
	select {
	case <-arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was delivered")
	}
}

// A change that comes while its predecessor is on the wire is delivered too.
func TestChangeWhileOnTheWire(t *testing.T) {
	w := newWorld(t)
	next := w.sim.Transport()
	var once sync.Once
	w.client = newClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/bulk") {
			once.Do(func() { w.claim(thing{id: "A", title: "second"}) })
		}
		return next.RoundTrip(r)
	}))
	w.claim(thing{id: "A", title: "first"})
	w.upserts()
	if e, _ := w.sim.Entity("issue", "A"); e.Title != "second" {
		t.Errorf("A has the title %v, want second", e.Title)
	}
}

// bulkBodies are the entities of every bulk that was sent.
func bulkBodies(sim *portsim.Server) [][]json.RawMessage {
	var all [][]json.RawMessage
	for _, r := range sim.Requests() {
		var body struct{ Entities []json.RawMessage }
		if strings.HasSuffix(r.Path, "/entities/bulk") && json.Unmarshal(r.Body, &body) == nil {
			all = append(all, body.Entities)
		}
	}
	return all
}

func TestBulksOfOneBlueprintAreFullWhateverTheOrder(t *testing.T) {
	w := newWorld(t, func(c *portsim.Config) { c.Log = true })
	var things []thing
	for i := range 40 {
		things = append(things, thing{id: fmt.Sprint("I", i)}, thing{blueprint: "project", id: fmt.Sprint("P", i)})
	}
	w.claim(things...)
	w.upserts()
	for _, bodies := range bulkBodies(w.sim) {
		if len(bodies) != port.MaxUpsert {
			t.Errorf("a bulk of %d, want %d", len(bodies), port.MaxUpsert)
		}
	}
}
