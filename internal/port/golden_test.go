package port_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// A wire is a request as it goes over the wire, comparable.
type wire struct {
	Method, Path string
	Query        url.Values
	UserAgent    string
	Body         any
}

// recorded reads the requests to Port that its own integration was seen to send, from a file outside the module.
func recorded(t *testing.T, name string) []wire {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	file, err := os.Open(filepath.Join(dir, "..", "shared", "golden", name))
	if err != nil {
		t.Skip("the recorded requests are not here: ", err)
	}
	defer file.Close()
	var all []wire
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r struct {
			Server string            `json:"srv"`
			Method string            `json:"m"`
			Path   string            `json:"p"`
			Header map[string]string `json:"h"`
			Body   any               `json:"b"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Server == "port" {
			path, query, _ := strings.Cut(r.Path, "?")
			values, _ := url.ParseQuery(query)
			all = append(all, wire{r.Method, path, values, r.Header["user-agent"], r.Body})
		}
	}
	return all
}

// find returns the first recorded request that fits, which must be there.
func find(t *testing.T, all []wire, method, path string, fits func(wire) bool) wire {
	t.Helper()
	for _, w := range all {
		if w.Method == method && strings.Contains(w.Path, path) && (fits == nil || fits(w)) {
			return w
		}
	}
	t.Fatalf("no recorded %s %s", method, path)
	return wire{}
}

// same compares what the client sent last with what was recorded.
func same(t *testing.T, sim *portsim.Server, want wire) {
	t.Helper()
	requests := sim.Requests()
	last := requests[len(requests)-1]
	var body any
	_ = json.Unmarshal(last.Body, &body)
	got := wire{last.Method, last.Path, last.Query, last.UserAgent, body}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %s (-recorded +sent)\n%s", want.Method, want.Path, diff)
	}
}

func inBody(t *testing.T, w wire, key string) any {
	t.Helper()
	body, _ := w.Body.(map[string]any)
	if body[key] == nil {
		t.Fatalf("recorded %s %s has no %s", w.Method, w.Path, key)
	}
	return body[key]
}

func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func TestBootRequestsAreAsRecorded(t *testing.T) {
	all := recorded(t, "01-once-fresh-install.jsonl")
	sim := portsim.New(portsim.Config{Log: true})
	client := newClient(t, sim.Transport())
	ctx := t.Context()

	_, _ = client.Integration(ctx) // 404, as recorded
	same(t, sim, find(t, all, "GET", "/v1/integration/my-jira", nil))
	token := sim.Requests()[0]
	if want := find(t, all, "POST", "/v1/auth/access_token", nil); token.UserAgent != want.UserAgent || token.Header.Get("Authorization") != "" {
		t.Errorf("token request = %+v, want User-Agent %s and no Authorization", token, want.UserAgent)
	}
	creation := find(t, all, "POST", "/v1/integration", nil)
	if _, err := client.CreateIntegration(ctx, raw(inBody(t, creation, "config"))); err != nil {
		t.Fatal(err)
	}
	same(t, sim, creation)
	_, _ = client.Organization(ctx)
	same(t, sim, find(t, all, "GET", "/v1/organization", nil))
	_, _ = client.ProvisionEnabled(ctx)
	same(t, sim, find(t, all, "GET", "/v1/integration/provision-enabled", nil))

	for _, w := range all {
		body, _ := w.Body.(map[string]any)
		switch {
		case w.Method == http.MethodPatch && w.Path == "/v1/integration/my-jira":
			delete(body, "version") // the client adds it
			_, _ = client.PatchIntegration(ctx, body)
			body["version"] = "0.7.99"
		case w.Path == "/v1/blueprints":
			_, _ = client.CreateBlueprint(ctx, raw(w.Body))
		case w.Method == http.MethodPatch && strings.HasPrefix(w.Path, "/v1/blueprints/"):
			_, _ = client.PatchBlueprint(ctx, strings.TrimPrefix(w.Path, "/v1/blueprints/"), raw(w.Body))
		case w.Method == http.MethodGet && strings.HasPrefix(w.Path, "/v1/blueprints/"):
			_, _ = client.Blueprint(ctx, strings.TrimPrefix(w.Path, "/v1/blueprints/"))
		default:
			continue
		}
		same(t, sim, w)
	}
}

func TestResyncStateIsAsRecorded(t *testing.T) {
	all := recorded(t, "01-once-fresh-install.jsonl")
	sim := portsim.New(portsim.Config{Log: true})
	sim.SetIntegration("my-jira", nil)
	client := newClient(t, sim.Transport())
	for _, status := range []string{port.Running, port.Completed} {
		want := find(t, all, "PATCH", "/resync-state", func(w wire) bool { return inBody(t, w, "status") == status })
		state := port.ResyncState{Status: status}
		key, at := "lastResyncEnd", &state.End
		if status == port.Running {
			key, at = "lastResyncStart", &state.Start
		}
		moment, err := time.Parse(time.RFC3339Nano, inBody(t, want, key).(string))
		if err != nil {
			t.Fatal(err)
		}
		*at = moment.In(time.FixedZone("elsewhere", 7200)) // whatever the zone, UTC is sent
		if _, err := client.ResyncState(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		same(t, sim, want)
	}
}

func TestResyncStateWithASchedule(t *testing.T) {
	sim := portsim.New(portsim.Config{Log: true})
	sim.SetIntegration("my-jira", nil)
	next := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	_, err := newClient(t, sim.Transport()).ResyncState(t.Context(), port.ResyncState{Status: port.Failed, End: next, Next: &next, IntervalMinutes: new(60)})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"intervalInMinuets":60,"lastResyncEnd":"2026-11-23T12:00:00.000000+00:00","nextResync":"2026-11-23T12:00:00.000000+00:00","status":"failed"}`
	if got := string(sim.Requests()[1].Body); got != want {
		t.Errorf("body = %s, want %s", got, want)
	}
}

func TestEntityRequestsAreAsRecorded(t *testing.T) {
	for _, name := range []string{"02-resync-120-issues-diff-delete.jsonl", "04-search-identifier-relation-team.jsonl",
		"05-failed-upsert-toposort-retry.jsonl", "14-upsert-422-still-completed.jsonl", "15-fallback-upsert-failure-deletes-live-entities.jsonl"} {
		t.Run(name, func(t *testing.T) {
			all := recorded(t, name)
			sim := portsim.New(portsim.Config{Log: true})
			client := newClient(t, sim.Transport())
			for _, w := range all {
				segments := strings.Split(w.Path, "/")
				event, run := w.Query.Get("ocean_info_event_type"), w.Query.Get("ocean_info_resync_id")
				switch {
				case strings.HasSuffix(w.Path, "/entities/bulk"):
					var bodies []json.RawMessage
					for _, body := range inBody(t, w, "entities").([]any) {
						bodies = append(bodies, raw(body))
					}
					_, _ = client.Upsert(t.Context(), segments[3], bodies, port.Upsert{
						Merge: w.Query.Get("merge") == "true", CreateMissing: w.Query.Get("create_missing_related_entities") == "true",
						Event: event, ResyncID: run})
				case strings.HasSuffix(w.Path, "/entities/delete"):
					var ids []string
					for _, id := range inBody(t, w, "entities").([]any) {
						ids = append(ids, id.(string))
					}
					_, _ = client.Delete(t.Context(), segments[3], ids, true, event, run)
				case strings.HasSuffix(w.Path, "/datasource-entities"):
					before, err := time.Parse(time.RFC3339Nano, inBody(t, w, "before").(string))
					if err != nil {
						t.Fatal(err)
					}
					for range client.Held(t.Context(), before) {
					}
				default:
					continue
				}
				same(t, sim, w)
			}
		})
	}
}

// The recorded search reads bodies too; what it asks for ids and ownership is what ours asks.
func TestOwnershipSearchHasTheRecordedRules(t *testing.T) {
	want := find(t, recorded(t, "02-resync-120-issues-diff-delete.jsonl"), "POST", "/v1/entities/search", nil)
	want.Query = url.Values{"exclude_calculated_properties": {"true"}, "include": {"blueprint", "identifier"}}
	var ids []string
	for _, id := range inBody(t, want, "rules").([]any)[0].(map[string]any)["value"].([]any) {
		ids = append(ids, id.(string))
	}
	sim := portsim.New(portsim.Config{Log: true})
	if _, err := newClient(t, sim.Transport()).Owned(t.Context(), "jiraIssue", ids); err != nil {
		t.Fatal(err)
	}
	same(t, sim, want)
}

// Whether an entity is there is asked as who owns it is, without the rules for the owner.
func TestExistenceSearchHasTheRecordedRulesButTheOwner(t *testing.T) {
	recorded := find(t, recorded(t, "02-resync-120-issues-diff-delete.jsonl"), "POST", "/v1/entities/search", nil)
	rules := inBody(t, recorded, "rules").([]any)
	var ids []string
	for _, id := range rules[0].(map[string]any)["value"].([]any) {
		ids = append(ids, id.(string))
	}
	sim := portsim.New(portsim.Config{Log: true})
	if _, err := newClient(t, sim.Transport()).Existing(t.Context(), "jiraIssue", ids); err != nil {
		t.Fatal(err)
	}
	requests := sim.Requests()
	var sent struct {
		Combinator string
		Rules      []any
	}
	last := requests[len(requests)-1]
	if err := json.Unmarshal(last.Body, &sent); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rules[:2], sent.Rules); diff != "" || sent.Combinator != "and" || last.Path != "/v1/entities/search" {
		t.Errorf("%s %q, rules (-recorded +sent):\n%s", last.Path, sent.Combinator, diff)
	}
}
