package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// MaxDynamicWebhooks is how many dynamic webhooks an OAuth 2.0 app may have for
// one user on one site.
const MaxDynamicWebhooks = 5

// DynamicSpec is what a dynamic webhook is to be.
type DynamicSpec struct {
	// Events are some of [DynamicEvents].
	Events []string

	// JQL selects issues by a subset of the language: the fields issueKey,
	// project, issuetype, status, assignee, reporter and issue.property, with
	// =, !=, IN and NOT IN. Jira wants one.
	JQL string

	Fields       []string // ids: updates of other fields are not sent; none means all
	PropertyKeys []string // of issue properties; none means all
}

// DynamicResult is what became of one [DynamicSpec].
type DynamicResult struct {
	ID  string                    // "" if it was refused
	Err *WebhookRegistrationError // why it was refused, else nil
}

// WebhookRegistrationError is Jira's refusal of one dynamic webhook among those
// it was asked for at once. The others may be registered.
type WebhookRegistrationError struct {
	Index    int      // of the one refused, from 0
	Messages []string // Jira's words, each of at most 300 characters
}

func (e *WebhookRegistrationError) Error() string {
	return fmt.Sprintf("Jira refused dynamic webhook %d: %s", e.Index+1, strings.Join(e.Messages, "; "))
}

// dynamicBody is what POST takes.
type dynamicBody struct {
	URL      string           `json:"url"`
	Webhooks []dynamicDetails `json:"webhooks"`
}

type dynamicDetails struct {
	Events       []string `json:"events"`
	JQL          string   `json:"jqlFilter"`
	Fields       []string `json:"fieldIdsFilter,omitempty"`
	PropertyKeys []string `json:"issuePropertyKeysFilter,omitempty"`
}

// DynamicWebhooks lists the dynamic webhooks of the app whose token this is. The
// error is [ErrNoWebhooks] where it is not the token of an app.
//
//jira:operation GET /rest/api/3/webhook https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/#api-rest-api-3-webhook-get
func (c *Client) DynamicWebhooks(ctx context.Context) ([]Webhook, error) {
	q := &call{method: http.MethodGet, path: "/rest/api/3/webhook", query: url.Values{"maxResults": {"100"}}}
	found := []Webhook{}
	var guard pageGuard
	for {
		q.query.Set("startAt", strconv.Itoa(len(found)))
		page, last, err := c.dynamicPage(ctx, q)
		if err != nil {
			return nil, err
		}
		if err := guard.check(page); err != nil {
			return nil, q.fail(err)
		}
		for _, raw := range page {
			w, err := parseDynamicWebhook(raw)
			if err != nil {
				return nil, q.fail(err)
			}
			found = append(found, w)
		}
		switch {
		case last || len(page) == 0:
			return found, nil
		case len(found) > maxWebhooks:
			return nil, q.fail(errManyWebhooks)
		}
	}
}

// dynamicPage asks for one page of the list.
func (c *Client) dynamicPage(ctx context.Context, q *call) (items []json.RawMessage, last bool, err error) {
	q.decode = func(body []byte) (err error) {
		var envelope struct {
			IsLast *bool `json:"isLast"`
		}
		items, err = decodeList(body, "values", &envelope)
		last = envelope.IsLast != nil && *envelope.IsLast
		return err
	}
	err = c.doDynamic(ctx, q)
	return items, last, err
}

// CreateDynamicWebhooks registers webhooks for the app, and returns what became
// of each, in their order: Jira refuses some and takes others in one answer. An
// app has one URL on a site; the error has status 400 if there are webhooks with
// another one. Where the answer is lost the call is not repeated, and the
// webhooks may exist.
//
//jira:operation POST /rest/api/3/webhook https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/#api-rest-api-3-webhook-post
func (c *Client) CreateDynamicWebhooks(ctx context.Context, target string, specs []DynamicSpec) ([]DynamicResult, error) {
	body := dynamicBody{URL: target, Webhooks: make([]dynamicDetails, 0, len(specs))}
	for _, s := range specs {
		body.Webhooks = append(body.Webhooks, dynamicDetails(s))
	}
	q := &call{method: http.MethodPost, path: "/rest/api/3/webhook", body: body, once: true}
	if err := checkWebhookURL(target); err != nil {
		return nil, q.fail(err)
	}
	var results []DynamicResult
	q.decode = func(body []byte) (err error) {
		results, err = parseDynamicResults(body, len(specs))
		return err
	}
	if err := c.doDynamic(ctx, q); err != nil {
		return nil, err
	}
	return results, nil
}

// RefreshDynamicWebhooks lets webhooks live for another 30 days and returns when
// they end, zero if Jira did not say it readably. Ids that are not the app's are
// ignored.
//
//jira:operation PUT /rest/api/3/webhook/refresh https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/#api-rest-api-3-webhook-refresh-put
func (c *Client) RefreshDynamicWebhooks(ctx context.Context, ids ...string) (time.Time, error) {
	q := &call{method: http.MethodPut, path: "/rest/api/3/webhook/refresh"}
	var expires time.Time
	q.decode = func(body []byte) error {
		var a struct {
			Expires json.RawMessage `json:"expirationDate"`
		}
		err := decodeObject(body, &a)
		expires = webhookExpiry(a.Expires)
		return err
	}
	err := c.withWebhookIDs(ctx, q, ids)
	return expires, err
}

// DeleteDynamicWebhooks removes webhooks of the app. Other ids are ignored.
//
//jira:operation DELETE /rest/api/3/webhook https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/#api-rest-api-3-webhook-delete
func (c *Client) DeleteDynamicWebhooks(ctx context.Context, ids ...string) error {
	return c.withWebhookIDs(ctx, &call{method: http.MethodDelete, path: "/rest/api/3/webhook"}, ids)
}

// withWebhookIDs sends a call whose body is ids. None asks nothing.
func (c *Client) withWebhookIDs(ctx context.Context, q *call, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var body struct {
		IDs []json.Number `json:"webhookIds"`
	}
	for _, id := range ids {
		if err := q.checkWebhookID(id); err != nil {
			return err
		}
		body.IDs = append(body.IDs, json.Number(id))
	}
	q.body = body
	return c.doDynamic(ctx, q)
}

// doDynamic sends a call about dynamic webhooks. A 403 says that the caller is
// not an app, and is told as that.
func (c *Client) doDynamic(ctx context.Context, q *call) error {
	via, err := c.via(ctx, q)
	if err != nil {
		return err
	}
	if via.deployment == DataCenter {
		return q.fail(errNotDynamicHere)
	}
	err = c.do(ctx, q)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusForbidden && e.Err == nil && !e.lacksScope() {
		refused := *e
		refused.Err = errNotAnApp
		return &refused
	}
	return err
}

func parseDynamicWebhook(raw json.RawMessage) (Webhook, error) {
	var a struct {
		dynamicDetails
		ID      json.RawMessage `json:"id"`
		URL     string          `json:"url"`
		Expires json.RawMessage `json:"expirationDate"`
	}
	if err := decodeObject(raw, &a); err != nil {
		return Webhook{}, err
	}
	w := Webhook{
		ID: webhookID(a.ID, ""), URL: a.URL, Events: a.Events, JQL: strings.TrimSpace(a.JQL), Enabled: true,
		Fields: a.Fields, PropertyKeys: a.PropertyKeys, Expires: webhookExpiry(a.Expires),
	}
	if w.ID == "" {
		return Webhook{}, notJira("answered a webhook without an id")
	}
	return w, nil
}

// parseDynamicResults reads what became of each of n webhooks.
func parseDynamicResults(body []byte, n int) ([]DynamicResult, error) {
	var a struct {
		Results []struct {
			ID     json.RawMessage `json:"createdWebhookId"`
			Errors []string        `json:"errors"`
		} `json:"webhookRegistrationResult"`
	}
	if err := decodeObject(body, &a); err != nil {
		return nil, err
	}
	if len(a.Results) != n {
		return nil, notJira("answered for %d webhooks where it was asked for %d", len(a.Results), n)
	}
	results := make([]DynamicResult, n)
	for i, r := range a.Results {
		if results[i].ID = webhookID(r.ID, ""); results[i].ID == "" {
			results[i].Err = &WebhookRegistrationError{Index: i, Messages: tidyMessages(append(r.Errors, ""))}
		}
	}
	return results, nil
}

// webhookExpiry reads when a webhook ends: milliseconds since 1970, as the
// OpenAPI file says, or "2019-06-01T12:42:30.000+0000", as its example has it.
func webhookExpiry(raw json.RawMessage) time.Time {
	text := writtenText(raw)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms <= 0 || ms > math.MaxInt64/int64(time.Millisecond) {
			return time.Time{}
		}
		return time.UnixMilli(ms).UTC()
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
