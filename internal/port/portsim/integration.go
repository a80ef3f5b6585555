package portsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A record is an integration as Port keeps it: what was posted, and Port's own keys.
type record map[string]json.RawMessage

func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // unreachable: called with plain values
	}
	return text
}

func (r record) text(key string) string {
	var text string
	_ = json.Unmarshal(r[key], &text)
	return text
}

// provisionAfter is how many readings it takes until Port has installed what it provides itself: it is not at once.
const provisionAfter = 2

func (s *Server) provisionEnabled(*http.Request, []byte) answer {
	types := slices.Sorted(maps.Keys(s.config.Provisioned))
	if types == nil {
		types = []string{}
	}
	return ok("integrations", types)
}

func (s *Server) createIntegration(r *http.Request, body []byte) answer {
	var posted record
	if json.Unmarshal(body, &posted) != nil {
		return invalid("body must be an object")
	}
	id, kind := posted.text("installationId"), posted.text("installationAppType")
	if id == "" || kind == "" {
		return invalid("body must have required properties installationId and installationAppType")
	}
	if refused := posted.checkDestination(); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.integrations[id]; taken {
		return refuse(http.StatusConflict, "integration_exists", "Integration %q already exists", id)
	}
	kept := record{"identifier": encoded(id), "installationType": encoded("OnPrem"), "arePortResourcesInitialized": encoded(false), "config": encoded(nil)}
	maps.Copy(kept, posted)
	if r.URL.Query().Get("integration_modes") == "create_resources" {
		kept["_provision"] = encoded(provisionAfter)
	}
	s.touch(kept)
	s.integrations[id] = kept
	return ok("integration", kept.shown())
}

// checkDestination refuses a changelogDestination that is neither {}, nor Kafka, nor a webhook with its URL.
func (r record) checkDestination() *answer {
	if r["changelogDestination"] == nil {
		return nil
	}
	var sent map[string]any
	err := json.Unmarshal(r["changelogDestination"], &sent)
	address, _ := sent["url"].(string)
	target, wrong := url.Parse(address)
	switch {
	case err != nil || sent == nil:
	case len(sent) == 0, len(sent) == 1 && sent["type"] == "KAFKA":
		return nil
	case len(sent) == 2 && sent["type"] == "WEBHOOK" && wrong == nil && target.Host != "":
		return nil
	}
	refused := invalid("body/changelogDestination must match exactly one schema in oneOf")
	return &refused
}

func (s *Server) touch(r record) {
	r["updatedAt"] = encoded(s.config.Clock().UTC().Format(time.RFC3339Nano))
}

// shown is a copy without the simulation's own keys.
func (r record) shown() record {
	shown := maps.Clone(r)
	maps.DeleteFunc(shown, func(key string, _ json.RawMessage) bool { return strings.HasPrefix(key, "_") })
	return shown
}

// onIntegration runs change on the integration of the path and answers with what it then is.
func (s *Server) onIntegration(r *http.Request, change func(record)) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, found := s.integrations[r.PathValue("id")]
	if !found {
		return refuse(http.StatusNotFound, "not_found", "Integration with identifier %q was not found", r.PathValue("id"))
	}
	change(kept)
	return ok("integration", kept.shown())
}

func (s *Server) getIntegration(r *http.Request, _ []byte) answer {
	return s.onIntegration(r, func(kept record) {
		var left int
		if json.Unmarshal(kept["_provision"], &left) != nil {
			return
		}
		if left--; left > 0 {
			kept["_provision"] = encoded(left)
			return
		}
		delete(kept, "_provision")
		kept["config"] = s.config.Provisioned[kept.text("installationAppType")]
	})
}

func (s *Server) patchIntegration(r *http.Request, body []byte) answer {
	var patch record
	if json.Unmarshal(body, &patch) != nil {
		return invalid("body must be an object")
	}
	if refused := patch.checkDestination(); refused != nil {
		return *refused
	}
	return s.onIntegration(r, func(kept record) {
		maps.Copy(kept, patch)
		s.touch(kept)
	})
}

func (s *Server) patchConfig(r *http.Request, body []byte) answer {
	var patch record
	if json.Unmarshal(body, &patch) != nil || patch["config"] == nil {
		return invalid("body must have required property config")
	}
	return s.onIntegration(r, func(kept record) {
		kept["config"] = patch["config"]
		s.touch(kept)
	})
}

func (s *Server) patchResyncState(r *http.Request, body []byte) answer {
	var patch, state record
	if json.Unmarshal(body, &patch) != nil || !slices.Contains([]string{"running", "completed", "failed", "aborted"}, patch.text("status")) {
		return invalid("body/status must be equal to one of the allowed values")
	}
	return s.onIntegration(r, func(kept record) {
		if json.Unmarshal(kept["resyncState"], &state) != nil || state == nil {
			state = record{}
		}
		maps.Copy(state, patch)
		s.touch(state)
		kept["resyncState"] = encoded(state)
	})
}

func (s *Server) getResyncRequest(r *http.Request, _ []byte) answer {
	var request json.RawMessage
	found := s.onIntegration(r, func(kept record) { request = kept["_request"] })
	if found.status != http.StatusOK {
		return found
	}
	return ok("request", request)
}

func (s *Server) postExamples(r *http.Request, body []byte) answer {
	var posted struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if json.Unmarshal(body, &posted) != nil || posted.Examples == nil {
		return invalid("body must have required property examples")
	}
	found := s.onIntegration(r, func(record) {})
	if found.status != http.StatusOK {
		return found
	}
	return answer{http.StatusOK, fields{"ok": true}}
}

func (s *Server) deleteIntegration(r *http.Request, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.integrations[r.PathValue("id")]; !found {
		return refuse(http.StatusNotFound, "not_found", "Integration with identifier %q was not found", r.PathValue("id"))
	}
	delete(s.integrations, r.PathValue("id"))
	return answer{http.StatusOK, fields{"ok": true}}
}

// RequestResync is somebody who presses the button in Port.
func (s *Server) RequestResync(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, found := s.integrations[id]; found {
		now := s.config.Clock().UTC()
		kept["_request"] = encoded(fields{"id": now.Format("request-150405.000000000"), "updatedAt": now.Format(time.RFC3339Nano)})
	}
}

// Integration is what Port keeps of an integration, as JSON, or nil.
func (s *Server) Integration(id string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, found := s.integrations[id]; found {
		return encoded(kept.shown())
	}
	return nil
}

// SetIntegration makes or changes an integration, as if somebody had in Port: each key replaces what was there.
func (s *Server) SetIntegration(id string, values map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, found := s.integrations[id]
	if !found {
		kept = record{"identifier": encoded(id), "installationId": encoded(id), "installationType": encoded("OnPrem")}
		s.integrations[id] = kept
	}
	for key, value := range values {
		kept[key] = encoded(value)
	}
	s.touch(kept)
}
