package defaults_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/port"
	"ferry/internal/port/defaults"
	"ferry/internal/port/portsim"
)

// Whatever there is in Port, what Foresee says is what Install then does; and Foresee itself changes nothing.
func TestForeseeIsWhatInstallDoes(t *testing.T) {
	mapping := map[string]any{"resources": []any{}, "enableMergeEntity": true}
	for name, world := range map[string]struct {
		options     defaults.Options
		integration map[string]any
		blueprint   []byte
	}{
		"nothing there":             {},
		"nothing wanted":            {options: defaults.Options{Origin: "Empty"}},
		"without resources":         {options: defaults.Options{SkipResources: true}},
		"a name taken":              {blueprint: []byte(`{"identifier":"jiraIssue","schema":{"properties":{"own":{"type":"string"}}}}`)},
		"some there":                {blueprint: blueprint("jiraUser")},
		"interrupted":               {integration: map[string]any{}},
		"interrupted, and empty":    {integration: map[string]any{}, options: defaults.Options{Origin: "Empty"}},
		"initialized":               {integration: map[string]any{"config": mapping, "arePortResourcesInitialized": true}},
		"initialized, mapping gone": {integration: map[string]any{"arePortResourcesInitialized": true}},
		"a mapping of one's own":    {integration: map[string]any{"config": mapping}},
		"skipped, mapping gone":     {integration: map[string]any{}, options: defaults.Options{SkipResources: true}},
	} {
		t.Run(name, func(t *testing.T) {
			sim := portsim.New(portsim.Config{Log: true})
			if world.integration != nil {
				sim.SetIntegration("my-jira", world.integration)
			}
			if world.blueprint != nil {
				sim.AddBlueprint(world.blueprint)
			}
			before := sim.Blueprints()
			client := connect(t, sim)
			foreseen, err := defaults.Foresee(t.Context(), client, world.options)
			if err != nil {
				t.Fatal(err)
			}
			if changes := sent(sim); len(changes) > 0 {
				t.Fatalf("Foresee changed something: %v", changes)
			}
			installed, err := defaults.Install(t.Context(), client, world.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(object(t, installed.Config), object(t, foreseen.Mapping)); diff != "" {
				t.Errorf("the mapping: (-installed +foreseen)\n%s", diff)
			}
			var made, would []string
			for _, id := range sim.Blueprints() {
				if !slices.Contains(before, id) {
					made = append(made, id)
				}
			}
			for _, raw := range foreseen.Blueprints {
				var named struct{ Identifier string }
				if err := json.Unmarshal(raw, &named); err != nil {
					t.Fatal(err)
				}
				would = append(would, named.Identifier)
			}
			slices.Sort(would)
			if diff := cmp.Diff(made, would); diff != "" {
				t.Errorf("the blueprints: (-made +foreseen)\n%s", diff)
			}
		})
	}
}

func object(t *testing.T, raw json.RawMessage) (value any) {
	t.Helper()
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// What Port provides is known only once it is there.
func TestForeseeLeavesToPortWhatIsPorts(t *testing.T) {
	sim := portsim.New(portsim.Config{
		Flags: []string{"USE_PROVISIONED_DEFAULTS"}, Provisioned: map[string]json.RawMessage{"jira": json.RawMessage(`{"resources":[]}`)},
	})
	got, err := defaults.Foresee(t.Context(), connect(t, sim), defaults.Options{})
	if err != nil || got.Origin != "Port" || got.Mapping != nil || got.Blueprints != nil {
		t.Errorf("Foresee = %+v, %v, want the origin Port alone", got, err)
	}
}

func TestForeseeTellsWhoRefuses(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On(http.MethodGet, "/integration/"), Status: http.StatusForbidden})
	if _, err := defaults.Foresee(t.Context(), connect(t, sim), defaults.Options{}); !errors.Is(err, port.ErrForbidden) {
		t.Errorf("Foresee = %v, want %v", err, port.ErrForbidden)
	}
}
