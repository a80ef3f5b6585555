package port_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const clientSecret = "s3cr3t-of-the-client"

// newClient is a client of a simulated or scripted Port, without a socket.
func newClient(t testing.TB, transport http.RoundTripper, change ...func(*port.Config)) *port.Client {
	t.Helper()
	config := port.Config{
		ClientID: "id", ClientSecret: clientSecret, Type: "jira", Identifier: "my-jira", Version: "0.7.99", Transport: transport,
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

const projectBlueprint = `{"identifier":"project","schema":{"properties":{"url":{"type":"string"},"total":{"type":"number"},"labels":{"type":"array","items":{"type":"string"}}}},
	"relations":{"parent":{"target":"project","many":false},"friends":{"target":"project","many":true}}}`

func newPort(config portsim.Config) *portsim.Server {
	sim := portsim.New(config)
	sim.AddBlueprint([]byte(projectBlueprint))
	return sim
}

func entity(id string) json.RawMessage {
	return json.RawMessage(`{"identifier":"` + id + `","title":"` + id + `","properties":{"total":1}}`)
}

var merging = port.Upsert{Merge: true, CreateMissing: true, Event: "resync", ResyncID: "run-1"}

func TestWriteReadBackDelete(t *testing.T) {
	sim := newPort(portsim.Config{ClientID: "id", ClientSecret: clientSecret})
	client := newClient(t, sim.Transport())
	ctx := t.Context()

	outcomes, err := client.Upsert(ctx, "project", []json.RawMessage{entity("A"), entity("B"), entity("not valid")}, merging)
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes) != 3 || !outcomes[0].Created || outcomes[1].Identifier != "B" || outcomes[2].Err == nil || outcomes[2].Err.Status != 422 {
		t.Errorf("Upsert = %+v, want A and B created and the third refused", outcomes)
	}
	sim.Put(portsim.Entity{Blueprint: "project", Identifier: "THEIRS"}, "port-ocean/jira/0.7.99/other/exporter")
	owned, err := client.Owned(ctx, "project", []string{"B", "THEIRS", "NONE", "A"})
	if diff := cmp.Diff([]string{"B", "A"}, owned); diff != "" || err != nil {
		t.Errorf("Owned: %v (-want +got)\n%s", err, diff)
	}
	existing, err := client.Existing(ctx, "project", []string{"B", strings.Repeat("x", 1<<20), "THEIRS", "NONE", "A"})
	if diff := cmp.Diff([]string{"B", "THEIRS", "A"}, existing); diff != "" || err != nil {
		t.Errorf("Existing: %v (-want +got)\n%s", err, diff)
	}
	if n, err := client.Count(ctx, "project"); n != 3 || err != nil {
		t.Errorf("Count = %d, %v, want 3", n, err)
	}
	var held []port.Key
	for page, err := range client.Held(ctx, time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, page...)
	}
	if diff := cmp.Diff([]port.Key{{Blueprint: "project", Identifier: "A"}, {Blueprint: "project", Identifier: "B"}}, held); diff != "" {
		t.Errorf("Held (-want +got)\n%s", diff)
	}
	deleted, err := client.Delete(ctx, "project", []string{"A", "NONE"}, true, "resync", "run-1")
	if diff := cmp.Diff([]string{"A"}, deleted); diff != "" || err != nil {
		t.Errorf("Delete: %v (-want +got)\n%s", err, diff)
	}
	if got := sim.Len("project"); got != 2 {
		t.Errorf("entities left = %d, want 2", got)
	}
}

func TestHeldFollowsPagesAndRefusesACircle(t *testing.T) {
	sim := newPort(portsim.Config{})
	for i := range 5001 {
		sim.Put(portsim.Entity{Blueprint: "project", Identifier: fmt.Sprint("P-", i)}, "port-ocean/jira/0.1/my-jira/exporter")
	}
	client := newClient(t, sim.Transport())
	seen := map[port.Key]bool{}
	for page, err := range client.Held(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range page {
			seen[key] = true
		}
	}
	if len(seen) != 5001 {
		t.Errorf("Held gave %d keys, want 5001", len(seen))
	}

	sim.Inject(portsim.Fault{Match: portsim.On("POST", "datasource-entities"), Status: 200,
		Body: `{"ok":true,"entities":[{"identifier":"x","blueprint":"project"}],"next":"same"}`})
	pages, last := 0, error(nil)
	for _, err := range client.Held(t.Context(), time.Time{}) {
		pages++
		last = err
	}
	if pages != 2 || last == nil {
		t.Errorf("Held with a repeated token = %d pages, %v; want one page and an error", pages, last)
	}
}

// A number that is not there is not nought.
func TestCountThatIsNone(t *testing.T) {
	sim := newPort(portsim.Config{})
	client := newClient(t, sim.Transport())
	if _, err := client.Count(t.Context(), "nowhere"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("Count of no blueprint: %v, want %v", err, port.ErrNotFound)
	}
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "entities-count"), Status: 200, Body: `{"ok":true}`})
	if n, err := client.Count(t.Context(), "project"); err == nil || errors.Is(err, port.ErrUnavailable) {
		t.Errorf("Count of an answer without one = %d, %v, want an error that no later try mends", n, err)
	}
}

func TestLimitsOfOneRequest(t *testing.T) {
	client := newClient(t, newPort(portsim.Config{}).Transport())
	if _, err := client.Upsert(t.Context(), "project", make([]json.RawMessage, 21), merging); err == nil {
		t.Error("Upsert of 21 = nil error, want one")
	}
	if _, err := client.Delete(t.Context(), "project", make([]string, 101), true, "resync", ""); err == nil {
		t.Error("Delete of 101 = nil error, want one")
	}
	big := json.RawMessage(`{"identifier":"A","title":"` + strings.Repeat("x", port.MaxBody) + `"}`)
	if _, err := client.Upsert(t.Context(), "project", []json.RawMessage{big}, merging); !errors.Is(err, port.ErrTooLarge) {
		t.Errorf("Upsert over 1 MiB = %v, want ErrTooLarge", err)
	}
}

func TestPathSegmentsAreEscapedOrRefused(t *testing.T) {
	sim := newPort(portsim.Config{Log: true})
	client := newClient(t, sim.Transport(), func(c *port.Config) { c.Identifier = "a/b c" })
	if _, err := client.Integration(t.Context()); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("Integration = %v, want ErrNotFound", err)
	}
	if got, want := sim.Requests()[1].Path, "/v1/integration/a%2Fb%20c"; got != want {
		t.Errorf("path = %s, want %s", got, want)
	}
	before := sim.Count("", "")
	for _, id := range []string{"", ".", ".."} {
		if _, err := client.Blueprint(t.Context(), id); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("Blueprint(%q) = %v, want ErrInvalid", id, err)
		}
	}
	if got := sim.Count("", ""); got != before {
		t.Errorf("%d requests were sent for impossible blueprints, want none", got-before)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := port.New(port.Config{BaseURL: "ftp://user:" + clientSecret + "@x"})
	if err == nil {
		t.Fatal("New of nothing = nil error")
	}
	for _, want := range []string{"OCEAN__PORT__CLIENT_ID", "OCEAN__PORT__CLIENT_SECRET", "OCEAN__INTEGRATION__IDENTIFIER", "OCEAN__PORT__BASE_URL"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New = %q, want it to name %s", err, want)
		}
	}
	noSecret(t, err.Error())
}

func TestCancelledCallIsTheCallersError(t *testing.T) {
	sim := newPort(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Hang: true})
	client := newClient(t, sim.Transport())
	reason := errors.New("grace is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(time.Millisecond, func() { cancel(reason) })
	_, err := client.Organization(ctx)
	if !errors.Is(err, reason) || !errors.Is(err, context.Canceled) || errors.Is(err, port.ErrUnavailable) {
		t.Errorf("Organization = %v, want the cause and context.Canceled, and not ErrUnavailable", err)
	}
}
