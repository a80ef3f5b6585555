package port_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

func TestResyncRequestIsAskedAsRecorded(t *testing.T) {
	sim := portsim.New(portsim.Config{Log: true})
	sim.SetIntegration("my-jira", nil)
	if _, err := newClient(t, sim.Transport()).ResyncRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, sim, find(t, recorded(t, "12-polling-no-resync-request.jsonl"), "GET", "/resync-request", nil))
}

func TestResyncRequestIsSeenOnceMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := portsim.New(portsim.Config{})
		client := newClient(t, sim.Transport())
		if _, err := client.ResyncRequest(t.Context()); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("ResyncRequest of no integration = %v, want ErrNotFound", err)
		}
		sim.SetIntegration("my-jira", nil)
		if got, err := client.ResyncRequest(t.Context()); err != nil || got != (port.ResyncRequest{}) {
			t.Errorf("ResyncRequest before there is one = %+v, %v; want none", got, err)
		}
		var last port.ResyncRequest
		for range 2 {
			time.Sleep(1500 * time.Millisecond)
			sim.RequestResync("my-jira")
			got, err := client.ResyncRequest(t.Context())
			if err != nil || !got.UpdatedAt.Equal(time.Now()) || got.ID == "" || got.ID == last.ID {
				t.Errorf("ResyncRequest = %+v, %v; want a new one, of now", got, err)
			}
			last = got
		}
	})
}

func TestResyncRequestsThatPortMayAnswer(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 52, 47, 806_000_000, time.UTC)
	for answer, want := range map[string]port.ResyncRequest{
		`{"ok":true}`:                {},
		`{"ok":true,"request":null}`: {},
		`{"request":{"id":"r1","updatedAt":"2026-11-23T10:52:47.806Z"}}`:      {ID: "r1", UpdatedAt: at},
		`{"request":{"id":"r1","updatedAt":"2026-11-23T11:52:47.806+01:00"}}`: {ID: "r1", UpdatedAt: at},
		`{"request":{"id":7,"updatedAt":"2026-11-23T10:52:47.806Z"}}`:         {ID: "7", UpdatedAt: at},
		`{"request":{"id":"r1","updatedAt":"yesterday"}}`:                     {ID: "r1"},
		`{"request":{"id":"r1","updatedAt":1764000000}}`:                      {ID: "r1"},
		`{"request":{"id":"r1"}}`:                                             {ID: "r1"},
	} {
		sim := portsim.New(portsim.Config{})
		sim.Inject(portsim.Fault{Match: portsim.On("GET", "resync-request"), Status: 200, Body: answer})
		got, err := newClient(t, sim.Transport()).ResyncRequest(t.Context())
		if err != nil || got.ID != want.ID || !got.UpdatedAt.Equal(want.UpdatedAt) {
			t.Errorf("%s: ResyncRequest = %+v, %v; want %+v", answer, got, err, want)
		}
	}
}

func TestKafkaCredentials(t *testing.T) {
	const password = "s3cr3t-of-the-client-of-kafka"
	sim := portsim.New(portsim.Config{KafkaUsername: "user", KafkaPassword: password})
	got, err := newClient(t, sim.Transport()).KafkaCredentials(t.Context())
	if err != nil || got.Username != "user" || got.Password.Reveal() != password {
		t.Errorf("KafkaCredentials = %+v, %v; want those of the organisation", got, err)
	}
	noSecret(t, fmt.Sprintf("%v %+v %#v", got, got, got))
	for body, status := range map[string]int{
		`{"ok":false,"error":"not_found"}`: 404, `{"ok":true}`: 200, `{"credentials":{"username":"user"}}`: 200, `{"credentials":null}`: 200,
	} {
		sim.Heal()
		sim.Inject(portsim.Fault{Match: portsim.On("GET", "kafka-credentials"), Status: status, Body: body})
		_, err := newClient(t, sim.Transport()).KafkaCredentials(t.Context())
		if err == nil || !strings.Contains(err.Error(), "OCEAN__EVENT_LISTENER__TYPE=POLLING") || errors.Is(err, port.ErrUnavailable) {
			t.Errorf("KafkaCredentials of %d %s = %v, want a sentence that says what to do, and no later try", status, body, err)
		}
	}
}
