package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// serverWebhooks is the resource /rest/jira-webhook/1.0/webhooks of Data Center
// from version 10 on (https://developer.atlassian.com/server/jira/platform/webhooks/).
// What the older resource has members for, this has settings for, all of them
// text: EXCLUDE_BODY, FILTERS with a query, SECRET. A secret beside the settings
// is ignored without a word. Its pages do not spell all of this out; it is as
// others use it: OpenHands (integrations/jira_dc), jira.js (server/api/webhooks).
// That FILTERS holds the query itself rests on one of them alone, so that the
// older form is understood too.
type serverWebhooks struct{ c *Client }

// The settings that this package writes.
const (
	settingExcludeBody = "EXCLUDE_BODY"
	settingFilters     = "FILTERS"
	settingSecret      = "SECRET"
)

// serverBody is what POST and PUT take.
type serverBody struct {
	ID            json.Number       `json:"id,omitempty"`
	Name          string            `json:"name"`
	URL           string            `json:"url"`
	Events        []string          `json:"events"`
	Configuration map[string]string `json:"configuration"`
	Active        bool              `json:"active"`
	VerifyTLS     *bool             `json:"sslVerificationRequired,omitempty"`
	Scope         string            `json:"scopeType,omitempty"`
}

func serverBodyOf(s WebhookSpec) serverBody {
	settings := map[string]string{settingExcludeBody: strconv.FormatBool(s.ExcludeBody)}
	if s.JQL != "" {
		settings[settingFilters] = s.JQL
	}
	if s.Secret != "" {
		settings[settingSecret] = string(s.Secret)
	}
	return serverBody{Name: s.Name, URL: s.URL, Events: s.Events, Configuration: settings, Active: !s.Disabled}
}

// list goes on while anything comes that was not seen yet: a server may give
// fewer at once than it was asked for, and one that knows no pages answers with
// the whole list each time.
func (w serverWebhooks) list(ctx context.Context) ([]Webhook, error) {
	found := []Webhook{}
	seen := map[string]bool{}
	for {
		q := &call{method: http.MethodGet, path: "/rest/jira-webhook/1.0/webhooks", query: url.Values{
			"start": {strconv.Itoa(len(found))}, "limit": {"100"},
		}}
		page, err := w.c.webhookList(ctx, q, parseServerWebhook)
		if err != nil {
			return nil, err
		}
		before := len(found)
		for _, hook := range page {
			if !seen[hook.ID] {
				seen[hook.ID] = true
				found = append(found, hook)
			}
		}
		switch {
		case len(found) == before:
			return found, nil
		case len(found) > maxWebhooks:
			return nil, q.fail(errManyWebhooks)
		}
	}
}

func (w serverWebhooks) get(ctx context.Context, id string) (Webhook, error) {
	q := &call{method: http.MethodGet, path: "/rest/jira-webhook/1.0/webhooks/%s", args: []string{id}}
	return w.c.oneWebhook(ctx, q, id, parseServerWebhook)
}

func (w serverWebhooks) create(ctx context.Context, spec WebhookSpec) (Webhook, error) {
	q := &call{method: http.MethodPost, path: "/rest/jira-webhook/1.0/webhooks", body: serverBodyOf(spec), once: true}
	made, err := w.c.askWebhook(ctx, q, parseServerWebhook)
	return made, spec.hideIn(err)
}

// update reads the webhook first: a PUT replaces it whole, and what people have
// set besides, such as not to verify the receiver's certificate, has to stay.
func (w serverWebhooks) update(ctx context.Context, id string, spec WebhookSpec) error {
	var now serverWebhook
	read := &call{method: http.MethodGet, path: "/rest/jira-webhook/1.0/webhooks/%s", args: []string{id}}
	if err := read.checkWebhookID(id); err != nil {
		return err
	}
	read.decode = func(body []byte) error {
		now = serverWebhook{}
		return decodeObject(body, &now)
	}
	if err := w.c.do(ctx, read); err != nil {
		return err
	}
	body := serverBodyOf(spec)
	body.keep(id, now)
	q := &call{method: http.MethodPut, path: "/rest/jira-webhook/1.0/webhooks/%s", args: []string{id}, body: body}
	return spec.hideIn(w.c.do(ctx, q))
}

// keep takes over what a [WebhookSpec] does not say. A secret is not among it:
// what Jira shows in its place may be stars. A filter is written in the form that
// is there, and cleared where none is wanted.
func (b *serverBody) keep(id string, now serverWebhook) {
	b.ID, b.Scope = json.Number(id), now.Scope
	if verify, known := writtenBool(now.VerifyTLS); known {
		b.VerifyTLS = &verify
	}
	for name, raw := range now.Configuration {
		switch name {
		case settingExcludeBody, settingSecret:
		case settingFilters:
			b.Configuration[name] = filterLike(writtenText(raw), b.Configuration[name])
		default:
			if text, ok := settingText(raw); ok {
				b.Configuration[name] = text
			}
		}
	}
}

// settingText is a setting as text, which it is in any case but one that is null.
func settingText(raw json.RawMessage) (text string, ok bool) {
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return text, string(raw) != "null"
}

// filterLike writes the query in the form of former.
func filterLike(former, jql string) string {
	if !strings.HasPrefix(strings.TrimSpace(former), "{") {
		return jql
	}
	text, _ := json.Marshal(map[string]string{issueSection: jql}) // of texts alone: never fails
	return string(text)
}

func (w serverWebhooks) remove(ctx context.Context, id string) error {
	q := &call{method: http.MethodDelete, path: "/rest/jira-webhook/1.0/webhooks/%s", args: []string{id}}
	return w.c.removeWebhook(ctx, q, id)
}

// serverWebhook is what the resource answers.
type serverWebhook struct {
	ID            json.RawMessage            `json:"id"`
	Name          string                     `json:"name"`
	URL           string                     `json:"url"`
	Events        []string                   `json:"events"`
	Configuration map[string]json.RawMessage `json:"configuration"`
	Filters       json.RawMessage            `json:"filters"`
	Active        json.RawMessage            `json:"active"`
	VerifyTLS     json.RawMessage            `json:"sslVerificationRequired"`
	Scope         string                     `json:"scopeType"`
}

func parseServerWebhook(raw json.RawMessage) (Webhook, error) {
	var a serverWebhook
	if err := decodeObject(raw, &a); err != nil {
		return Webhook{}, err
	}
	w := Webhook{
		ID: webhookID(a.ID, ""), Name: a.Name, URL: a.URL, Events: a.Events,
		JQL:     cmp.Or(sectionFilter(a.Configuration[settingFilters]), sectionFilter(a.Filters)),
		Enabled: enabledUnlessSaid(a.Active),
		Signed:  strings.TrimSpace(writtenText(a.Configuration[settingSecret])) != "",
	}
	if w.ID == "" {
		return Webhook{}, notJira("answered a webhook without an id")
	}
	w.ExcludeBody, _ = writtenBool(a.Configuration[settingExcludeBody])
	return w, nil
}
