package portsim_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/port/portsim"
)

func TestIntegrations(t *testing.T) {
	d := open(t, portsim.Config{})
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/x", "", 404}, {"PATCH", "/x", "{}", 404}, {"PATCH", "/x/resync-state", `{"status":"running"}`, 404},
		{"GET", "/x/resync-request", "", 404}, {"POST", "", `{"installationId":"x","installationAppType":"jira","changelogDestination":"KAFKA"}`, 422},
		{"POST", "", `{"installationId":"x"}`, 422}, {"POST", "", `{"installationId":"x","installationAppType":"jira"}`, 200},
		{"POST", "", `{"installationId":"x","installationAppType":"jira"}`, 409},
		{"PATCH", "/x/config", `{"config":{"a":1}}`, 200}, {"PATCH", "/x/config", `{}`, 422},
		{"PATCH", "/x/resync-state", `{"status":"running","intervalInMinuets":null}`, 200}, {"PATCH", "/x/resync-state", `{"status":"done"}`, 422},
		{"GET", "/x/resync-request", "", 200}, {"POST", "/x/kinds/issue/examples", `{"examples":[]}`, 200}, {"GET", "/provision-enabled", "", 200},
	} {
		if status, _ := d.send(tt.method, "/v1/integration"+tt.path, tt.body); status != tt.want {
			t.Errorf("%s integration%s %s = %d, want %d", tt.method, tt.path, tt.body, status, tt.want)
		}
	}
	var kept struct {
		Config      map[string]any `json:"config"`
		ResyncState map[string]any `json:"resyncState"`
		Type        string         `json:"installationType"`
	}
	if err := json.Unmarshal(d.sim.Integration("x"), &kept); err != nil || kept.Config["a"] != 1.0 || kept.ResyncState["status"] != "running" || kept.Type != "OnPrem" {
		t.Errorf("Integration = %+v, %v", kept, err)
	}
	requested := func() any {
		_, answer := d.send("GET", "/v1/integration/x/resync-request", "")
		return answer["request"]
	}
	if requested() != nil {
		t.Errorf("resync-request = %v before RequestResync, want null", requested())
	}
	d.sim.RequestResync("x")
	if requested() == nil || !cmp.Equal(requested(), requested()) {
		t.Errorf("resync-request = %v and then %v after RequestResync, want the same", requested(), requested())
	}
	if d.send("DELETE", "/v1/integration/x", ""); d.sim.Integration("x") != nil {
		t.Error("Integration is there after its deletion")
	}
}

func TestWhereChangesGo(t *testing.T) {
	d := open(t, portsim.Config{})
	d.sim.SetIntegration("x", nil)
	last := "none"
	for _, tt := range []struct {
		destination string
		want        int
	}{
		{`{}`, 200}, {`{"type":"KAFKA"}`, 200}, {`{"type":"WEBHOOK","url":"https://ferry.example/resync"}`, 200},
		{`{"type":"WEBHOOK"}`, 422}, {`{"type":"WEBHOOK","url":"/resync"}`, 422}, {`{"type":"KAFKA","url":"https://ferry.example"}`, 422},
		{`{"type":"SQS"}`, 422}, {`{"url":"https://ferry.example"}`, 422}, {`null`, 422}, {`"KAFKA"`, 422}, {`[]`, 422},
	} {
		status, _ := d.send("PATCH", "/v1/integration/x", `{"changelogDestination":`+tt.destination+`}`)
		if status != tt.want {
			t.Errorf("%s: status = %d, want %d", tt.destination, status, tt.want)
		}
		if status == 200 {
			last = tt.destination
		}
		var kept struct {
			Changes json.RawMessage `json:"changelogDestination"`
		}
		if err := json.Unmarshal(d.sim.Integration("x"), &kept); err != nil || string(kept.Changes) != last {
			t.Errorf("after %s: kept = %s, %v; want %s", tt.destination, kept.Changes, err, last)
		}
	}
}

func TestWhoseKafkaItIs(t *testing.T) {
	without := open(t, portsim.Config{})
	if status, _ := without.send("GET", "/v1/kafka-credentials", ""); status != 404 {
		t.Errorf("credentials without a Kafka: status = %d, want 404", status)
	}
	d := open(t, portsim.Config{Organization: "org_1", Flags: []string{"A"}, KafkaUsername: "user", KafkaPassword: "pass"})
	_, credentials := d.send("GET", "/v1/kafka-credentials", "")
	_, organization := d.send("GET", "/v1/organization", "")
	got := []any{credentials["credentials"], organization["organization"]}
	want := []any{map[string]any{"username": "user", "password": "pass"}, map[string]any{"id": "org_1", "name": "Simulated", "featureFlags": []any{"A"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("credentials and organization (-want +got)\n%s", diff)
	}
	d.token = ""
	if status, _ := d.send("GET", "/v1/kafka-credentials", ""); status != 401 {
		t.Errorf("credentials without a token: status = %d, want 401", status)
	}
}
