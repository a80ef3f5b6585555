package port_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
)

// serve puts a handler on a real socket, and gives a client of it with net/http's own transport.
func serve(t *testing.T, handler http.Handler) *port.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := newClient(t, nil, func(c *port.Config) { c.BaseURL = server.URL + "/" })
	t.Cleanup(client.Close)
	return client
}

func TestRealSocketsUnderLoad(t *testing.T) {
	sim := newPort(portsim.Config{ClientID: "id", ClientSecret: clientSecret})
	client := serve(t, sim)
	var wait sync.WaitGroup
	for worker := range 20 {
		wait.Go(func() {
			for i := range 5 {
				id := fmt.Sprintf("P-%d-%d", worker, i)
				outcomes, err := client.Upsert(t.Context(), "project", []json.RawMessage{entity(id), entity("SHARED")}, merging)
				if err != nil || outcomes[0].Identifier != id || outcomes[1].Err != nil {
					t.Errorf("Upsert of %s = %+v, %v", id, outcomes, err)
				}
			}
		})
	}
	wait.Wait()
	if got := sim.Len("project"); got != 101 {
		t.Errorf("entities = %d, want 101", got)
	}
	if stats := client.Stats(); stats.Requests != 101 || stats.BytesOut == 0 {
		t.Errorf("Stats = %+v, want 100 writes and 1 token", stats)
	}
}

func TestACutConnectionIsRepeated(t *testing.T) {
	sim := newPort(portsim.Config{})
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), Status: 200, Body: `{"ok":true,"organization":{"id":"x"}}`, Cut: true, Times: 1})
	client := serve(t, sim)
	got, err := client.Organization(t.Context())
	if err != nil || got.ID != "org_simulated" {
		t.Errorf("Organization = %+v, %v; want the second answer", got, err)
	}
}

func TestNoCredentialFollowsARedirect(t *testing.T) {
	visits := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer elsewhere.Close()
	sim := newPort(portsim.Config{})
	sim.Inject(portsim.Fault{Status: 307, Header: http.Header{"Location": {elsewhere.URL}}})
	_, err := serve(t, sim).Organization(t.Context())
	if e, ok := errors.AsType[*port.Error](err); !ok || e.Status != 307 || visits != 0 {
		t.Errorf("Organization = %v with %d visits elsewhere, want an error and none", err, visits)
	}
}
