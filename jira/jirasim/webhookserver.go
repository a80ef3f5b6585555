package jirasim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// serverHandlers serve /rest/jira-webhook/1.0/webhooks, where Data Center has kept
// webhooks since version 10: https://developer.atlassian.com/server/jira/platform/webhooks/
var serverHandlers = adminForm{read: (*Server).readServer, show: (*Server).showServer}

// flag is a boolean, or the text of one: clients send both.
type flag bool

func (f *flag) UnmarshalJSON(text []byte) error {
	*f = flag(strings.Trim(string(text), `"`) == "true")
	return nil
}

// readServer takes excludeBody and filters of the older resource as well as the
// configuration. A secret counts only in the configuration: beside it, it is
// ignored without a word, and what is delivered is not signed.
func (s *Server) readServer(c *call, h *hook) *answer {
	var body struct {
		Name          string                     `json:"name"`
		URL           string                     `json:"url"`
		Events        []string                   `json:"events"`
		Active        *flag                      `json:"active"`
		Filters       map[string]string          `json:"filters"`
		ExcludeBody   flag                       `json:"excludeBody"`
		Configuration map[string]json.RawMessage `json:"configuration"`
	}
	if json.Unmarshal(c.body, &body) != nil {
		return refuse(http.StatusBadRequest, "The body cannot be read as a webhook.")
	}
	h.Name, h.URL, h.Events, h.JQL = body.Name, body.URL, body.Events, body.Filters[issueFilter]
	h.ExcludeBody = bool(body.ExcludeBody) || configured(body.Configuration, "EXCLUDE_BODY") == "true"
	if filters := configured(body.Configuration, "FILTERS"); filters != "" {
		h.JQL = filterText(filters)
	}
	if body.Active != nil {
		h.Disabled = !bool(*body.Active)
	}
	if secret := configured(body.Configuration, "SECRET"); secret != "" {
		h.Secret = secret
	}
	return nil
}

// configured reads one text of the configuration; what is no text stays JSON.
func configured(configuration map[string]json.RawMessage, name string) string {
	var text string
	if raw := configuration[name]; json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

// filterText reads FILTERS: the filters of the older resource as JSON, or JQL alone.
func filterText(text string) string {
	var filters map[string]string
	if json.Unmarshal([]byte(text), &filters) == nil {
		return filters[issueFilter]
	}
	return text
}

func (s *Server) showServer(_ *call, h *hook) any {
	filters, _ := json.Marshal(map[string]string{issueFilter: h.JQL}) // of texts alone: never fails
	configuration := map[string]string{"EXCLUDE_BODY": map[bool]string{true: "true", false: "false"}[h.ExcludeBody], "FILTERS": string(filters)}
	count := s.queue.counts(h)
	return map[string]any{
		"id": h.ID, "name": h.Name, "url": h.URL, "events": notNil(h.Events), "active": !h.Disabled,
		"configuration": configuration, "scopeType": "global", "sslVerificationRequired": true,
		"createdDate": h.created.UnixMilli(), "updatedDate": h.updated.UnixMilli(),
		"statistics": map[string]any{"counts": map[string]int{"errors": 0, "failures": count.GivenUp, "successes": count.Delivered}},
	}
}
