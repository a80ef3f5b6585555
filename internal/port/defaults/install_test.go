package defaults_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ferry/internal/port"
	"ferry/internal/port/defaults"
	"ferry/internal/port/portsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, sim *portsim.Server) *port.Client {
	t.Helper()
	client, err := port.New(port.Config{
		ClientID: "id", ClientSecret: "secret", Identifier: "my-jira", Version: "0.7.99", Transport: sim.Transport(),
		RetryBase: time.Microsecond, RetryCap: time.Microsecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

var all = []string{"jiraIssue", "jiraProject", "jiraUser"}

// sent lists the requests that change something.
func sent(sim *portsim.Server) []string {
	var changes []string
	for _, r := range sim.Requests() {
		if r.Method != http.MethodGet && !strings.Contains(r.Path, "access_token") {
			changes = append(changes, r.Method+" "+strings.TrimPrefix(r.Path, "/v1/"))
		}
	}
	return changes
}

func blueprint(id string) json.RawMessage {
	for _, b := range defaults.Blueprints() {
		if strings.Contains(string(b), `"identifier": "`+id+`"`) {
			return b
		}
	}
	panic(id)
}

// bare is a blueprint as a start that was interrupted leaves it.
func bare(id string) []byte {
	var whole map[string]any
	if err := json.Unmarshal(blueprint(id), &whole); err != nil {
		panic(err)
	}
	delete(whole, "relations")
	delete(whole, "calculationProperties")
	text, _ := json.Marshal(whole)
	return text
}

func TestInstallFresh(t *testing.T) {
	sim := portsim.New(portsim.Config{Log: true})
	client := connect(t, sim)
	got, err := defaults.Install(t.Context(), client, defaults.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Initialized || got.Config == nil || got.Origin != "Default" || got.Version != "0.7.99" || got.Type != "jira" {
		t.Errorf("Install = %+v, want it initialized, with a mapping, origin Default", got)
	}
	if diff := cmp.Diff(all, sim.Blueprints()); diff != "" {
		t.Errorf("blueprints (-want +got)\n%s", diff)
	}
	for _, id := range all {
		there, err := client.Blueprint(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var want, have any
		_ = json.Unmarshal(blueprint(id), &want)
		_ = json.Unmarshal(there.Raw, &have)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got)\n%s", id, diff)
		}
	}
	sim.Forget()
	again, err := defaults.Install(t.Context(), client, defaults.Options{})
	if changes := sent(sim); err != nil || len(changes) > 0 || again.Config == nil {
		t.Errorf("the second Install = %v and sent %q, want nothing sent and the mapping", err, changes)
	}
}

func TestInstallMatrix(t *testing.T) {
	mapping := map[string]any{"resources": []any{}, "people": "edited"}
	settled := map[string]any{
		"installationAppType": "jira", "version": "0.7.99", "changelogDestination": map[string]any{}, "processingMode": "ocean-core",
		"createPortResourcesOrigin": "Default", "config": mapping,
	}
	with := func(key string, value any) map[string]any {
		changed := map[string]any{key: value}
		for k, v := range settled {
			if k != key {
				changed[k] = v
			}
		}
		return changed
	}
	patch, creation := "PATCH integration/my-jira", []string{"POST blueprints", "POST blueprints", "POST blueprints",
		"PATCH blueprints/jiraProject", "PATCH blueprints/jiraUser", "PATCH blueprints/jiraIssue",
		"PATCH blueprints/jiraProject", "PATCH blueprints/jiraUser", "PATCH blueprints/jiraIssue"}
	tests := []struct {
		name       string
		stored     map[string]any // the integration, nil: none
		blueprints []string       // that exist, whole
		bare       []string       // that exist, half made
		options    defaults.Options
		want       []string
	}{
		{name: "initialized", stored: with("arePortResourcesInitialized", true)},
		{name: "another version", stored: with("version", "0.1.0"), options: defaults.Options{SkipResources: true}, want: []string{patch}},
		{name: "Port maps", stored: with("processingMode", "dsp"), options: defaults.Options{SkipResources: true}, want: []string{patch}},
		{name: "another destination", stored: with("changelogDestination", map[string]any{"type": "KAFKA"}), options: defaults.Options{SkipResources: true}, want: []string{patch}},
		{name: "not initialized", stored: settled, want: append(slices.Clone(creation), patch)},
		{name: "null config", stored: with("config", nil), want: slices.Concat([]string{patch + "/config"}, creation, []string{patch})},
		{name: "empty config", stored: with("config", map[string]any{}), want: slices.Concat([]string{patch + "/config"}, creation, []string{patch})},
		{name: "all blueprints exist", stored: settled, blueprints: all, want: []string{patch}},
		{name: "interrupted", stored: settled, blueprints: []string{"jiraProject"}, bare: []string{"jiraIssue"},
			want: []string{"POST blueprints", "PATCH blueprints/jiraUser", "PATCH blueprints/jiraIssue", "PATCH blueprints/jiraUser", "PATCH blueprints/jiraIssue", patch}},
		{name: "skip with none", options: defaults.Options{SkipResources: true}, want: []string{"POST integration", patch}},
		{name: "empty with none", options: defaults.Options{Origin: "Empty"}, want: []string{"POST integration", patch, patch}},
		{name: "stored origin wins", stored: with("createPortResourcesOrigin", "Empty"), options: defaults.Options{Origin: "Default"}, want: []string{patch}},
		{name: "Ocean is Default", stored: with("createPortResourcesOrigin", "Ocean"), blueprints: all, want: []string{patch}},
		{name: "Port does not provide", options: defaults.Options{Origin: "Port"}, want: slices.Concat([]string{"POST integration", patch}, creation, []string{patch})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := portsim.New(portsim.Config{Log: true})
			if tt.stored != nil {
				sim.SetIntegration("my-jira", tt.stored)
			}
			for _, id := range tt.blueprints {
				sim.AddBlueprint(blueprint(id))
			}
			for _, id := range tt.bare {
				sim.AddBlueprint(bare(id))
			}
			got, err := defaults.Install(t.Context(), connect(t, sim), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, sent(sim)); diff != "" {
				t.Errorf("changes sent (-want +got)\n%s", diff)
			}
			if got.Initialized == tt.options.SkipResources {
				t.Errorf("Initialized = %t, want %t", got.Initialized, !tt.options.SkipResources)
			}
			if tt.stored["config"] != nil && len(tt.stored["config"].(map[string]any)) > 0 && !strings.Contains(string(got.Config), "edited") {
				t.Errorf("Config = %s, want the edited one untouched", got.Config)
			}
		})
	}
}

func TestInstallKeepsOutOfAnotherModel(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.AddBlueprint([]byte(`{"identifier":"jiraIssue","schema":{"properties":{"ours":{"type":"string"}}}}`))
	got, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if err != nil || !got.Initialized {
		t.Errorf("Install = %+v, %v; want it initialized", got, err)
	}
	if diff := cmp.Diff([]string{"jiraIssue"}, sim.Blueprints()); diff != "" {
		t.Errorf("blueprints (-want +got)\n%s", diff)
	}
}

func TestInstallRollsBack(t *testing.T) {
	for name, fault := range map[string]portsim.Fault{
		"refused creation":    {Match: portsim.On("POST", "/v1/blueprints"), After: 2, Times: 1, Status: 422},
		"lost creation":       {Match: portsim.On("POST", "/v1/blueprints"), After: 1, Times: 1, Status: 502, Late: true},
		"refused relations":   {Match: portsim.On("PATCH", "/v1/blueprints/jiraIssue"), Times: 1, Status: 403},
		"refused calculation": {Match: portsim.On("PATCH", "/v1/blueprints/jiraIssue"), After: 1, Times: 1, Status: 422},
	} {
		t.Run(name, func(t *testing.T) {
			sim := portsim.New(portsim.Config{})
			sim.Inject(fault)
			client := connect(t, sim)
			if _, err := defaults.Install(t.Context(), client, defaults.Options{}); err == nil {
				t.Fatal("Install = nil error, want the fault")
			}
			if left := sim.Blueprints(); len(left) > 0 {
				t.Errorf("blueprints after the rollback = %q, want none", left)
			}
			got, err := defaults.Install(t.Context(), client, defaults.Options{})
			if diff := cmp.Diff(all, sim.Blueprints()); err != nil || !got.Initialized || diff != "" {
				t.Errorf("the next Install = %+v, %v (-want +got)\n%s", got, err, diff)
			}
		})
	}
}

func TestInstallSaysWhatBlueprintStays(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("POST", "/v1/blueprints"), After: 1, Times: 1, Status: 422})
	sim.Inject(portsim.Fault{Match: portsim.On("DELETE", "/v1/blueprints/jiraProject"), Status: 403})
	_, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if err == nil || !strings.Contains(err.Error(), "jiraProject stays half made") {
		t.Errorf("Install = %v, want it to name what stays", err)
	}
}

// Where Port sends word of changes follows the type of event listener, at the creation and whenever that is another.
func TestInstallTellsWhereChangesGo(t *testing.T) {
	sim := portsim.New(portsim.Config{Log: true})
	client := connect(t, sim)
	for _, tt := range []struct {
		changes port.Destination
		want    string // as it goes over the wire
		sent    int
	}{
		{port.Destination{Type: "KAFKA"}, `{"type":"KAFKA"}`, 12}, // all there is to set up
		{port.Destination{Type: "KAFKA"}, `{"type":"KAFKA"}`, 0},
		{port.Destination{Type: "WEBHOOK", URL: "https://ferry.example/resync"}, `{"type":"WEBHOOK","url":"https://ferry.example/resync"}`, 1},
		{port.Destination{Type: "WEBHOOK", URL: "https://ferry.example/b/resync"}, `{"type":"WEBHOOK","url":"https://ferry.example/b/resync"}`, 1},
		{port.Destination{}, `{}`, 1},
		{port.Destination{}, `{}`, 0},
	} {
		sim.Forget()
		if _, err := defaults.Install(t.Context(), client, defaults.Options{Changes: tt.changes}); err != nil {
			t.Fatal(err)
		}
		var kept struct {
			Changes json.RawMessage `json:"changelogDestination"`
		}
		if err := json.Unmarshal(sim.Integration("my-jira"), &kept); err != nil || string(kept.Changes) != tt.want {
			t.Errorf("changelogDestination = %s, %v; want %s", kept.Changes, err, tt.want)
		}
		if changes := sent(sim); len(changes) != tt.sent {
			t.Errorf("%s: sent %q, want %d changes", tt.want, changes, tt.sent)
		}
	}
}

func TestInstallAfterALostCreation(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("POST", "/v1/integration"), Status: 504, Late: true, Times: 1})
	got, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if err != nil || !got.Initialized {
		t.Errorf("Install after a lost answer = %+v, %v; want it initialized", got, err)
	}
	if n := sim.Count("POST", "/v1/integration"); n != 1 {
		t.Errorf("creations sent = %d, want 1", n)
	}
}

// An answer to a change that does not hold the integration is not taken for an empty integration.
func TestInstallReadsAgainWhatAnAnswerLeavesOut(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("PATCH", "/v1/integration/my-jira"), Late: true, Status: 200, Body: `{"ok":true}`})
	got, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if err != nil || !got.Initialized || got.Config == nil {
		t.Errorf("Install = %s, %v; want it whole", got.Raw, err)
	}
}

func TestInstallWhenAnotherProcessIsFaster(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.SetIntegration("my-jira", map[string]any{"config": map[string]any{"by": "the other"}})
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "/v1/integration/my-jira"), Status: 404, Times: 1})
	got, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if err != nil || !got.Initialized || !strings.Contains(string(got.Config), "the other") {
		t.Errorf("Install = %s, %v; want the other's integration", got.Raw, err)
	}
}

func TestInstallChecksWhoHostsIt(t *testing.T) {
	for _, tt := range []struct {
		installed string
		saas, ok  bool
	}{
		{"OnPrem", false, true}, {"", false, true}, {"Saas", false, false}, {"SaasOauth2", false, false},
		{"OnPrem", true, false}, {"Saas", true, true}, {"SaasOauth2", true, true},
	} {
		sim := portsim.New(portsim.Config{})
		sim.SetIntegration("my-jira", map[string]any{"installationType": tt.installed})
		_, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{Saas: tt.saas})
		if (err == nil) != tt.ok {
			t.Errorf("Install of %q with Saas %t = %v, want ok %t", tt.installed, tt.saas, err, tt.ok)
		}
	}
}

func TestInstallRefusesAnUnknownOrigin(t *testing.T) {
	sim := portsim.New(portsim.Config{Log: true})
	_, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{Origin: "Elsewhere"})
	if err == nil || len(sent(sim)) > 0 {
		t.Errorf("Install = %v and sent %q, want an error and nothing", err, sent(sim))
	}
}

func TestInstallWaitsForPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := portsim.New(portsim.Config{
			Log: true, Flags: []string{"USE_PROVISIONED_DEFAULTS"},
			Provisioned: map[string]json.RawMessage{"jira": json.RawMessage(`{"resources":[],"by":"port"}`)},
		})
		start := time.Now()
		got, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
		if err != nil || !strings.Contains(string(got.Config), "port") || got.Origin != "Port" {
			t.Errorf("Install = %+v, %v; want Port's mapping", got, err)
		}
		if waited := time.Since(start).Round(time.Second); waited != 3*time.Second {
			t.Errorf("waited %s, want 3s: Port's second answer has the mapping", waited)
		}
		if n := sim.Count("POST", "/v1/blueprints"); n != 0 {
			t.Errorf("blueprints created = %d, want none", n)
		}
	})
}

func TestInstallGivesUpOnPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := portsim.New(portsim.Config{
			Flags: []string{"USE_PROVISIONED_DEFAULTS"}, Provisioned: map[string]json.RawMessage{"jira": json.RawMessage(`{}`)},
		})
		_, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
		if err == nil || !strings.Contains(err.Error(), "CREATE_PORT_RESOURCES_ORIGIN=Default") {
			t.Errorf("Install = %v, want a sentence that says what to do", err)
		}
	})
}

func TestInstallFailsAtOnceOnWrongCredentials(t *testing.T) {
	sim := portsim.New(portsim.Config{ClientSecret: "another"})
	_, err := defaults.Install(t.Context(), connect(t, sim), defaults.Options{})
	if !errors.Is(err, port.ErrUnauthorized) || sim.Count("", "") != 1 {
		t.Errorf("Install = %v after %d requests, want ErrUnauthorized after 1", err, sim.Count("", ""))
	}
}
