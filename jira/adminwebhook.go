package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// sectionWebhooks is the resource /rest/webhooks/1.0/webhook of Cloud and of
// Data Center up to version 9. It keeps a filter for each section of its form;
// the one for issues is the only one there is. Atlassian's OpenAPI files lack it;
// see https://developer.atlassian.com/cloud/jira/platform/webhooks/ and, for the
// shape of its answers, https://github.com/n8n-io/n8n (Jira trigger).
type sectionWebhooks struct{ c *Client }

// issueSection is the key of the filter.
const issueSection = "issue-related-events-section"

// sectionBody is what POST and PUT take. A PUT without a secret keeps the one
// there is.
type sectionBody struct {
	Name        string            `json:"name"`
	URL         string            `json:"url"`
	Events      []string          `json:"events"`
	Filters     map[string]string `json:"filters"`
	ExcludeBody bool              `json:"excludeBody"`
	Enabled     bool              `json:"enabled"`
	Secret      string            `json:"secret,omitempty"`
}

func sectionBodyOf(s WebhookSpec) sectionBody {
	return sectionBody{
		Name: s.Name, URL: s.URL, Events: s.Events,
		Filters:     map[string]string{issueSection: s.JQL}, // given although empty: it clears what was
		ExcludeBody: s.ExcludeBody,
		Enabled:     !s.Disabled,
		Secret:      string(s.Secret),
	}
}

func (w sectionWebhooks) list(ctx context.Context) ([]Webhook, error) {
	return w.c.webhookList(ctx, &call{method: http.MethodGet, path: "/rest/webhooks/1.0/webhook"}, parseSectionWebhook)
}

func (w sectionWebhooks) get(ctx context.Context, id string) (Webhook, error) {
	q := &call{method: http.MethodGet, path: "/rest/webhooks/1.0/webhook/%s", args: []string{id}}
	return w.c.oneWebhook(ctx, q, id, parseSectionWebhook)
}

func (w sectionWebhooks) create(ctx context.Context, spec WebhookSpec) (Webhook, error) {
	q := &call{method: http.MethodPost, path: "/rest/webhooks/1.0/webhook", body: sectionBodyOf(spec), once: true}
	made, err := w.c.askWebhook(ctx, q, parseSectionWebhook)
	return made, spec.hideIn(err)
}

func (w sectionWebhooks) update(ctx context.Context, id string, spec WebhookSpec) error {
	q := &call{method: http.MethodPut, path: "/rest/webhooks/1.0/webhook/%s", args: []string{id}, body: sectionBodyOf(spec)}
	if err := q.checkWebhookID(id); err != nil {
		return err
	}
	return spec.hideIn(w.c.do(ctx, q))
}

func (w sectionWebhooks) remove(ctx context.Context, id string) error {
	q := &call{method: http.MethodDelete, path: "/rest/webhooks/1.0/webhook/%s", args: []string{id}}
	return w.c.removeWebhook(ctx, q, id)
}

// sectionWebhook is what the resource answers; the members that Jira has at
// times written in more than one way are raw.
type sectionWebhook struct {
	ID          json.RawMessage `json:"id"` // only in some versions; the end of self is it too
	Self        string          `json:"self"`
	Name        string          `json:"name"`
	URL         string          `json:"url"`
	Events      []string        `json:"events"`
	Filters     json.RawMessage `json:"filters"`
	ExcludeBody json.RawMessage `json:"excludeBody"`
	Enabled     json.RawMessage `json:"enabled"`
	IsSigned    json.RawMessage `json:"isSigned"`
}

func parseSectionWebhook(raw json.RawMessage) (Webhook, error) {
	var a sectionWebhook
	if err := decodeObject(raw, &a); err != nil {
		return Webhook{}, err
	}
	w := Webhook{ID: webhookID(a.ID, a.Self), Name: a.Name, URL: a.URL, Events: a.Events, JQL: sectionFilter(a.Filters)}
	if w.ID == "" {
		return Webhook{}, notJira("answered a webhook without an id")
	}
	w.ExcludeBody, _ = writtenBool(a.ExcludeBody)
	w.Enabled = enabledUnlessSaid(a.Enabled)
	signed, known := writtenBool(a.IsSigned)
	w.Signed, w.unsigned = signed, known && !signed
	return w, nil
}

// enabledUnlessSaid reads a flag that is true where Jira leaves it out.
func enabledUnlessSaid(raw json.RawMessage) bool {
	enabled, known := writtenBool(raw)
	return enabled || !known
}

// sectionFilter is the query in a webhook's filters, which are an object, the
// same written as text, or the query itself.
func sectionFilter(raw json.RawMessage) string {
	var filters map[string]json.RawMessage
	if json.Unmarshal(raw, &filters) == nil {
		return strings.TrimSpace(writtenText(filters[issueSection]))
	}
	text := strings.TrimSpace(writtenText(raw))
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return sectionFilter(json.RawMessage(text))
	}
	return text
}

// webhookList reads a whole list of admin webhooks.
func (c *Client) webhookList(ctx context.Context, q *call, parse func(json.RawMessage) (Webhook, error)) ([]Webhook, error) {
	var found []Webhook
	q.decode = func(body []byte) error {
		var items []json.RawMessage
		if err := decodeObject(body, &items); err != nil {
			return err
		}
		if items == nil {
			return notJira("answered null for the list of webhooks")
		}
		found = make([]Webhook, 0, len(items))
		for _, raw := range items {
			w, err := parse(raw)
			if err != nil {
				return err
			}
			found = append(found, w)
		}
		return nil
	}
	err := c.do(ctx, q)
	return found, err
}

// oneWebhook reads the webhook of an id.
func (c *Client) oneWebhook(ctx context.Context, q *call, id string, parse func(json.RawMessage) (Webhook, error)) (Webhook, error) {
	if err := q.checkWebhookID(id); err != nil {
		return Webhook{}, err
	}
	return c.askWebhook(ctx, q, parse)
}

// askWebhook sends a call whose answer is a webhook.
func (c *Client) askWebhook(ctx context.Context, q *call, parse func(json.RawMessage) (Webhook, error)) (Webhook, error) {
	var w Webhook
	q.decode = func(body []byte) (err error) {
		w, err = parse(bytes.TrimSpace(body))
		return err
	}
	err := c.do(ctx, q)
	return w, err
}

func (c *Client) removeWebhook(ctx context.Context, q *call, id string) error {
	if err := q.checkWebhookID(id); err != nil {
		return err
	}
	return c.do(ctx, q)
}
