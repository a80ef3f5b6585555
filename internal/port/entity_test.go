package port_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

func TestOutcomesOfABulk(t *testing.T) {
	none := port.EntityError{Code: "no_outcome", Message: "Port's answer does not say what became of this entity"}
	tests := []struct {
		name, answer string
		want         []port.Outcome
	}{
		{"all taken", `{"ok":true,"entities":[{"index":0,"identifier":"A","created":true},{"index":1,"identifier":"B","created":false}],"errors":[]}`,
			[]port.Outcome{{Identifier: "A", Created: true}, {Identifier: "B"}}},
		{"out of order, no errors key", `{"entities":[{"index":1,"identifier":"B"},{"index":0,"identifier":"A"}]}`,
			[]port.Outcome{{Identifier: "A"}, {Identifier: "B"}}},
		{"one refused", `{"entities":[{"index":0,"identifier":"A"}],"errors":[{"index":1,"identifier":"B","statusCode":404,"error":"not_found","message":"no X"}]}`,
			[]port.Outcome{{Identifier: "A"}, {Identifier: "B", Err: &port.EntityError{Status: 404, Code: "not_found", Message: "no X", Identifier: "B"}}}},
		{"a search without match", `{"errors":[{"index":0,"identifier":"unknown","statusCode":404,"error":"not_found","message":"m"}],"entities":[{"index":1,"identifier":"B"}]}`,
			[]port.Outcome{{Identifier: "unknown", Err: &port.EntityError{Status: 404, Code: "not_found", Message: "m", Identifier: "unknown"}}, {Identifier: "B"}}},
		{"one not mentioned", `{"entities":[{"index":0,"identifier":"A"}]}`, []port.Outcome{{Identifier: "A"}, {Err: &none}}},
		{"indexes from elsewhere", `{"entities":[{"index":-1},{"index":2,"identifier":"C"}],"errors":[{"index":7}]}`, []port.Outcome{{Err: &none}, {Err: &none}}},
		{"taken and refused", `{"entities":[{"index":0,"identifier":"A"},{"index":1,"identifier":"B"}],"errors":[{"index":0,"identifier":"A","statusCode":422,"error":"x","message":{"deep":1}}]}`,
			[]port.Outcome{{Identifier: "A", Err: &port.EntityError{Status: 422, Code: "x", Message: `{"deep":1}`, Identifier: "A"}}, {Identifier: "B"}}},
		{"identifier that is an object", `{"entities":[{"index":0,"identifier":{"a":1}},{"index":1,"identifier":null}]}`, []port.Outcome{{Identifier: `{"a":1}`}, {}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := newPort(portsim.Config{})
			sim.Inject(portsim.Fault{Match: portsim.On("POST", "bulk"), Status: 207, Body: tt.answer})
			got, err := newClient(t, sim.Transport()).Upsert(t.Context(), "project", []json.RawMessage{entity("A"), entity("B")}, merging)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcomes (-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhatAnEntityErrorMeans(t *testing.T) {
	for _, tt := range []struct {
		err                       port.EntityError
		missing, noMatch, passing bool
	}{
		{port.EntityError{Status: 404, Code: "not_found", Identifier: "A"}, true, false, false},
		{port.EntityError{Status: 404, Code: "not_found", Identifier: "unknown"}, false, true, false},
		{port.EntityError{Status: 422, Code: "invalid_request", Identifier: "A"}, false, false, false},
		{port.EntityError{Status: 500, Code: "internal", Identifier: "A"}, false, false, true},
		{port.EntityError{Code: "no_outcome"}, false, false, true},
	} {
		if a, b, c := tt.err.MissingRelation(), tt.err.NoMatch(), tt.err.Passing(); a != tt.missing || b != tt.noMatch || c != tt.passing {
			t.Errorf("%+v: MissingRelation, NoMatch, Passing = %t %t %t, want %t %t %t", tt.err, a, b, c, tt.missing, tt.noMatch, tt.passing)
		}
	}
}

func TestErrorsReadAsSentences(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&port.Error{Method: "POST", Path: "/v1/x", Status: 422, Code: "invalid_request", Message: "no"}, "POST /v1/x: Port answered 422 Unprocessable Entity (invalid_request): no"},
		{&port.Error{Method: "GET", Path: "/v1/x", Err: errors.New("connection refused")}, "GET /v1/x: connection refused"},
		{&port.EntityError{Status: 404, Code: "not_found", Message: "no P"}, "Port refused the entity with 404 (not_found): no P"},
		{&port.EntityError{Code: "no_outcome", Message: "not said"}, "not said"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %q, want %q", got, tt.want)
		}
	}
}

// An unknown blueprint is the request's error, not each entity's.
func TestUnknownBlueprintIsNotFound(t *testing.T) {
	_, err := newClient(t, newPort(portsim.Config{}).Transport()).Upsert(t.Context(), "nowhere", []json.RawMessage{entity("A")}, merging)
	e, ok := errors.AsType[*port.Error](err)
	if !ok || !errors.Is(err, port.ErrNotFound) || e.Code != "not_found" {
		t.Errorf("Upsert = %v, want not_found", err)
	}
}

// A write whose answer is lost is repeated, and Port is the same as if it had not been.
func TestALostAnswerDoesNoHarm(t *testing.T) {
	sim := newPort(portsim.Config{})
	client := newClient(t, sim.Transport(), func(c *port.Config) { c.RetryBase, c.RetryCap = time.Microsecond, time.Microsecond })
	sim.Inject(portsim.Fault{Match: portsim.On("POST", "/project/"), Late: true, Times: 2})
	if _, err := client.Upsert(t.Context(), "project", []json.RawMessage{entity("A")}, merging); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Delete(t.Context(), "project", []string{"A"}, true, "resync", ""); err != nil || sim.Len("project") != 0 {
		t.Errorf("Delete = %v, %d left", err, sim.Len("project"))
	}
}

// Whatever a Port or something between answers, the client neither panics nor takes it for success of what is not named.
func TestAnyAnswerIsSurvived(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sim := newPort(portsim.Config{})
		pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"{", "}", "[", "]", `"entities":`, `"errors":`, `"index":0`, `"identifier":`, "null", "1e9", ",", `"a"`, "<html>", "\xff", `"next":`}), 0, 12).Draw(r, "pieces")
		body := ""
		for _, piece := range pieces {
			body += piece
		}
		status := rapid.SampledFrom([]int{200, 207, 404, 418, 500}).Draw(r, "status")
		sim.Inject(portsim.Fault{Match: portsim.On("POST", "entities"), Status: status, Body: " " + body})
		client := newClient(t, sim.Transport(), func(c *port.Config) { c.Retries = -1 })
		outcomes, err := client.Upsert(t.Context(), "project", []json.RawMessage{entity("A"), entity("B")}, merging)
		if err == nil && (len(outcomes) != 2 || status > 299) {
			r.Fatalf("Upsert of %d %q = %+v, nil", status, body, outcomes)
		}
		_, _ = client.Delete(t.Context(), "project", []string{"A"}, true, "", "")
		_, _ = client.Owned(t.Context(), "project", []string{"A"})
		_, _ = client.Existing(t.Context(), "project", []string{"A"})
		_, _ = client.Count(t.Context(), "project")
		for _, err := range client.Held(t.Context(), time.Time{}) {
			if err != nil {
				_ = err.Error()
			}
		}
	})
}

func TestOwnedAsksFiftyAtATime(t *testing.T) {
	sim := newPort(portsim.Config{})
	var ids []string
	for i := range 101 {
		id := fmt.Sprint("P-", i)
		sim.Put(portsim.Entity{Blueprint: "project", Identifier: id}, "port-ocean/jira/0.0.1/my-jira/exporter")
		ids = append(ids, id)
	}
	got, err := newClient(t, sim.Transport()).Owned(t.Context(), "project", ids)
	if diff := cmp.Diff(ids, got); diff != "" || err != nil {
		t.Errorf("Owned: %v (-want +got)\n%s", err, diff)
	}
	if n := sim.Count("POST", "/entities/search"); n != 3 {
		t.Errorf("searches = %d, want 3", n)
	}
}
