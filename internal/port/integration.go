package port

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// coreVersion is the version of Port's own integration core whose requests ours are like. Port wants one with each
// reading of the integration.
const coreVersion = "0.48.12"

// An Integration is Port's record of us: the mapping people edit in Port, and how it was made.
type Integration struct {
	Identifier, Type, Version string
	Origin                    string          // createPortResourcesOrigin: Default, Empty, Port, or nothing
	Initialized               bool            // arePortResourcesInitialized: the defaults were installed once
	InstallationType          string          // OnPrem, Saas…; empty: OnPrem
	Config                    json.RawMessage // the mapping, nil when null or {}
	ResyncState               json.RawMessage // what the last run left, nil when there is none
	Raw                       json.RawMessage // the whole record
}

// readIntegration picks out what we use; an answer without the record gives an Integration without Raw.
func readIntegration(whole json.RawMessage) (Integration, error) {
	var fields struct {
		Identifier       string          `json:"identifier"`
		InstallationID   string          `json:"installationId"`
		Type             string          `json:"installationAppType"`
		Version          string          `json:"version"`
		Origin           string          `json:"createPortResourcesOrigin"`
		Initialized      bool            `json:"arePortResourcesInitialized"`
		InstallationType string          `json:"installationType"`
		Config           json.RawMessage `json:"config"`
		ResyncState      json.RawMessage `json:"resyncState"`
	}
	if len(whole) == 0 {
		return Integration{}, nil
	}
	if err := json.Unmarshal(whole, &fields); err != nil {
		return Integration{}, err
	}
	return Integration{
		Identifier: cmp.Or(fields.InstallationID, fields.Identifier), Type: fields.Type, Version: fields.Version,
		Origin: fields.Origin, Initialized: fields.Initialized, InstallationType: fields.InstallationType,
		Config: filled(fields.Config), ResyncState: filled(fields.ResyncState), Raw: whole,
	}, nil
}

// filled is nil for null and for {}, however written.
func filled(raw json.RawMessage) json.RawMessage {
	var compact bytes.Buffer
	if len(raw) == 0 || json.Compact(&compact, raw) != nil {
		return nil
	}
	switch compact.String() {
	case "null", "{}":
		return nil
	}
	return raw
}

// Integration reads our integration. ErrNotFound when Port has none of that identifier.
func (c *Client) Integration(ctx context.Context) (Integration, error) {
	return c.integration(ctx, call{method: http.MethodGet, path: c.ours(),
		query: url.Values{"oceanCoreVersion": {coreVersion}, "isPolling": {"false"}}})
}

func (c *Client) integration(ctx context.Context, call call) (Integration, error) {
	var answer struct {
		Integration json.RawMessage `json:"integration"`
	}
	if err := c.do(ctx, call, &answer); err != nil {
		return Integration{}, err
	}
	read, err := readIntegration(answer.Integration)
	if err != nil {
		return read, &Error{Method: call.method, Path: "/v1/integration", Status: http.StatusOK, Code: codeNotJSON, Err: err}
	}
	return read, nil
}

func (c *Client) ours(below ...string) []string {
	return append([]string{"integration", c.config.Identifier}, below...)
}

// A Destination is where Port sends word of changes to the integration. The zero value is nowhere: then Port is asked.
type Destination struct {
	Type string `json:"type,omitempty"` // "KAFKA", "WEBHOOK" or nothing
	URL  string `json:"url,omitempty"`  // of a WEBHOOK, whole
}

// CreateIntegration makes our integration with config as its mapping, origin Default.
func (c *Client) CreateIntegration(ctx context.Context, config json.RawMessage) (Integration, error) {
	return c.CreateIntegrationFrom(ctx, "Default", Destination{}, config)
}

// CreateIntegrationFrom makes our integration with the origin of its blueprints and mapping: Default, Empty, or Port,
// which provides them itself and takes no config. It is sent once: after an error for which ErrUnavailable or
// ErrConflict holds, it may be there nevertheless.
func (c *Client) CreateIntegrationFrom(ctx context.Context, origin string, changes Destination, config json.RawMessage) (Integration, error) {
	body := map[string]any{
		"installationId": c.config.Identifier, "installationAppType": c.config.Type, "version": c.config.Version,
		"changelogDestination": changes, "actionsProcessingEnabled": false, "incrementalSyncEnabled": false,
		"createPortResourcesOrigin": origin,
	}
	query := url.Values{}
	if origin == "Port" {
		query.Set("integration_modes", "create_resources")
	} else {
		body["config"] = config
	}
	return c.integration(ctx, call{method: http.MethodPost, path: []string{"integration"}, query: query, body: body, once: true})
}

// PatchIntegration changes the given fields of our integration, and always states the version. fields is not changed.
func (c *Client) PatchIntegration(ctx context.Context, fields map[string]any) (Integration, error) {
	body := maps.Clone(fields)
	if body == nil {
		body = map[string]any{}
	}
	body["version"] = c.config.Version
	return c.integration(ctx, call{method: http.MethodPatch, path: c.ours(), body: body})
}

// PutConfig replaces the mapping that Port keeps for us.
func (c *Client) PutConfig(ctx context.Context, config json.RawMessage) (Integration, error) {
	return c.integration(ctx, call{method: http.MethodPatch, path: c.ours("config"), body: map[string]any{"config": config}})
}

// What a run can have come to, in Port's words.
const (
	Running   = "running"
	Completed = "completed"
	Failed    = "failed"
	Aborted   = "aborted"
)

// A ResyncState is what Port's page shows of our runs.
type ResyncState struct {
	Status          string     // Running, Completed, Failed or Aborted
	Start           time.Time  // told when Running
	End             time.Time  // told otherwise
	Next            *time.Time // the next run, nil without a schedule
	IntervalMinutes *int       // nil without a schedule
}

// wireTime is ISO 8601 with microseconds and a numeric zone, as Port's integrations write it.
const wireTime = "2006-01-02T15:04:05.000000-07:00"

func stamp(t time.Time) string { return t.UTC().Format(wireTime) }

// body writes Port's shape, in which "Minuets" is how it is spelled.
func (s ResyncState) body() map[string]any {
	body := map[string]any{"status": s.Status, "nextResync": nil, "intervalInMinuets": s.IntervalMinutes}
	if s.Next != nil {
		body["nextResync"] = stamp(*s.Next)
	}
	if s.Status == Running {
		body["lastResyncStart"], body["lastResyncEnd"] = stamp(s.Start), nil
	} else {
		body["lastResyncEnd"] = stamp(s.End)
	}
	return body
}

// ResyncState tells Port that a run began or how it ended, and gives the time by Port's clock; zero
// where the answer does not tell it.
func (c *Client) ResyncState(ctx context.Context, state ResyncState) (at time.Time, err error) {
	var answer struct {
		Integration struct {
			ResyncState struct {
				UpdatedAt json.RawMessage `json:"updatedAt"`
			} `json:"resyncState"`
		} `json:"integration"`
	}
	err = c.do(ctx, call{method: http.MethodPatch, path: c.ours("resync-state"), body: state.body()}, &answer)
	at, _ = time.Parse(time.RFC3339, text(answer.Integration.ResyncState.UpdatedAt)) // takes fractions of a second too
	return at, err
}

// A ResyncRequest is somebody's wish, in Port, that everything be read again. The zero value is none.
type ResyncRequest struct {
	ID        string
	UpdatedAt time.Time // by Port's clock; zero where Port gives no time that can be read
}

// ResyncRequest reads the last one. It stays after it was answered: a newer one has a later UpdatedAt.
func (c *Client) ResyncRequest(ctx context.Context) (ResyncRequest, error) {
	var answer struct {
		Request struct {
			ID        json.RawMessage `json:"id"`
			UpdatedAt json.RawMessage `json:"updatedAt"`
		} `json:"request"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: c.ours("resync-request")}, &answer)
	request := ResyncRequest{ID: text(answer.Request.ID)}
	request.UpdatedAt, _ = time.Parse(time.RFC3339, text(answer.Request.UpdatedAt)) // takes fractions of a second too
	return request, err
}

// An Organization is whose Port it is, and what Port has switched on for them.
type Organization struct {
	ID           string   `json:"id"`
	FeatureFlags []string `json:"featureFlags"`
}

// Has reports whether Port switched the feature on.
func (o Organization) Has(flag string) bool { return slices.Contains(o.FeatureFlags, flag) }

// Organization reads it.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	var answer struct {
		Organization Organization `json:"organization"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization"}}, &answer)
	return answer.Organization, err
}

// ProvisionEnabled lists the integration types whose blueprints and mapping Port can make itself.
func (c *Client) ProvisionEnabled(ctx context.Context) ([]string, error) {
	var answer struct {
		Integrations []string `json:"integrations"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"integration", "provision-enabled"}}, &answer)
	return answer.Integrations, err
}
