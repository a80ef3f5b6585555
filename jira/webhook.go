package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Webhook is a registration: Jira posts events to its URL. There are two
// families. Admin webhooks belong to the site and need an administrator; dynamic
// webhooks belong to an OAuth 2.0 app and end after 30 days.
type Webhook struct {
	ID     string // digits
	Name   string // of admin webhooks only
	URL    string
	Events []string // as Jira names them, see [KnownEvents]

	// JQL narrows the events of issues, comments, worklogs, attachments and
	// issue properties to the issues it selects; "" means all. Other events
	// come regardless.
	JQL string

	Enabled     bool // dynamic webhooks always are
	ExcludeBody bool // deliveries come without a body

	// Signed reports that Jira holds a secret for it. Which one, Jira never
	// shows. Data Center may sign and not say so.
	Signed bool

	// Fields and PropertyKeys narrow the events of a dynamic webhook; none
	// means all.
	Fields, PropertyKeys []string

	// Expires is when a dynamic webhook ends; zero if it does not, or if Jira
	// did not say.
	Expires time.Time

	unsigned bool // Jira says that it holds no secret
}

// WebhookSpec is what an admin webhook is to be.
type WebhookSpec struct {
	Name        string
	URL         string // Jira Cloud wants https
	Events      []string
	JQL         string // "" means all issues
	Disabled    bool
	ExcludeBody bool

	// Secret signs the deliveries, see [VerifySignature]. Empty means none for
	// a webhook that is created. One that is updated keeps the secret it has;
	// from Data Center 10 on that is not documented, so give it again there.
	Secret WebhookSecret
}

// WebhookSecret is a secret shared with Jira. However it is printed or encoded,
// it does not show.
type WebhookSecret string

// Format serves all of package fmt's verbs.
func (WebhookSecret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (WebhookSecret) String() string               { return redacted }
func (WebhookSecret) GoString() string             { return redacted }
func (WebhookSecret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (WebhookSecret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (WebhookSecret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s WebhookSecret) in(text string) bool        { return len(s) >= 6 && strings.Contains(text, string(s)) }
func (s WebhookSecret) hide(text string) string    { return strings.ReplaceAll(text, string(s), redacted) }

// ErrNoWebhooks: these credentials reach no webhooks of the family asked for.
// The text says what to do instead.
var ErrNoWebhooks = errors.New("webhooks cannot be managed with these credentials")

var (
	errNotAtGateway = &kindError{
		"admin webhooks are out of reach of scoped API tokens and of OAuth: use an API token without scopes of an administrator, " +
			"at the site's own address; or dynamic webhooks, if this is an OAuth 2.0 app; " +
			"or let an administrator register the webhook by hand (Settings, System, WebHooks)",
		[]error{ErrNoWebhooks},
	}
	errNotAnApp = &kindError{
		"dynamic webhooks are for OAuth 2.0 apps with the scopes read:jira-work and manage:jira-webhook: " +
			"use such an app, or admin webhooks with an administrator's API token without scopes",
		[]error{ErrNoWebhooks, ErrForbidden},
	}
	errNotDynamicHere = &kindError{
		"Jira Data Center has no dynamic webhooks: use admin webhooks",
		[]error{ErrNoWebhooks},
	}
)

// adminWebhooks is one of the two REST resources for admin webhooks.
type adminWebhooks interface {
	list(ctx context.Context) ([]Webhook, error)
	get(ctx context.Context, id string) (Webhook, error)
	create(ctx context.Context, spec WebhookSpec) (Webhook, error)
	update(ctx context.Context, id string, spec WebhookSpec) error
	remove(ctx context.Context, id string) error
}

// maxWebhooks bounds a list that does not end. Jira Cloud has at most 100.
const maxWebhooks = 10_000

var errManyWebhooks = notJira("lists more than %d webhooks", maxWebhooks)

// firstWebhookRewrite is the major version of Data Center that moved admin
// webhooks to another resource
// (https://developer.atlassian.com/server/jira/platform/webhooks/).
const firstWebhookRewrite = 10

// adminWebhooks chooses the resource. Data Center is asked for its version each
// time: it may be upgraded under a running client.
func (c *Client) adminWebhooks(ctx context.Context) (adminWebhooks, error) {
	via, err := c.routed.do(ctx, c.findRoute)
	switch {
	case err != nil:
		return nil, err
	case c.atGateway(via.base):
		return nil, errNotAtGateway
	case via.deployment == Cloud:
		return sectionWebhooks{c}, nil
	}
	info, err := c.ServerInfo(ctx)
	if err != nil {
		return nil, err
	}
	if info.Major() >= firstWebhookRewrite {
		return serverWebhooks{c}, nil
	}
	return sectionWebhooks{c}, nil
}

// Webhooks lists the admin webhooks of the site, whoever registered them.
// Managing admin webhooks needs the permission Administer Jira. The error is
// [ErrNoWebhooks] where the credentials are of a sort that cannot have it.
//
//jira:operation GET /rest/webhooks/1.0/webhook https://developer.atlassian.com/cloud/jira/platform/webhooks/
//jira:operation GET /rest/jira-webhook/1.0/webhooks https://developer.atlassian.com/server/jira/platform/webhooks/
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return api.list(ctx)
}

// Webhook reads one admin webhook.
//
//jira:operation GET /rest/webhooks/1.0/webhook/{id} https://developer.atlassian.com/cloud/jira/platform/webhooks/
//jira:operation GET /rest/jira-webhook/1.0/webhooks/{id} https://developer.atlassian.com/server/jira/platform/webhooks/
func (c *Client) Webhook(ctx context.Context, id string) (Webhook, error) {
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook %q: %w", id, err)
	}
	return api.get(ctx, id)
}

// CreateWebhook registers an admin webhook and returns it as Jira took it: Jira
// may leave out events that it does not know. Where the answer is lost the call
// is not repeated, and the webhook may exist; [Client.EnsureWebhook] finds out.
//
//jira:operation POST /rest/webhooks/1.0/webhook https://developer.atlassian.com/cloud/jira/platform/webhooks/
//jira:operation POST /rest/jira-webhook/1.0/webhooks https://developer.atlassian.com/server/jira/platform/webhooks/
func (c *Client) CreateWebhook(ctx context.Context, spec WebhookSpec) (Webhook, error) {
	if err := spec.check(); err != nil {
		return Webhook{}, err
	}
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return Webhook{}, fmt.Errorf("create webhook %q: %w", spec.Name, err)
	}
	return api.create(ctx, spec)
}

// UpdateWebhook makes an admin webhook what spec says.
//
//jira:operation PUT /rest/webhooks/1.0/webhook/{id} https://developer.atlassian.com/cloud/jira/platform/webhooks/
//jira:operation GET /rest/jira-webhook/1.0/webhooks/{id} https://developer.atlassian.com/server/jira/platform/webhooks/
//jira:operation PUT /rest/jira-webhook/1.0/webhooks/{id} https://developer.atlassian.com/server/jira/platform/webhooks/
func (c *Client) UpdateWebhook(ctx context.Context, id string, spec WebhookSpec) error {
	if err := spec.check(); err != nil {
		return err
	}
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return fmt.Errorf("update webhook %q: %w", id, err)
	}
	return api.update(ctx, id, spec)
}

// DeleteWebhook removes an admin webhook. The error is [ErrNotFound] where there
// is none.
//
//jira:operation DELETE /rest/webhooks/1.0/webhook/{id} https://developer.atlassian.com/cloud/jira/platform/webhooks/
//jira:operation DELETE /rest/jira-webhook/1.0/webhooks/{id} https://developer.atlassian.com/server/jira/platform/webhooks/
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return fmt.Errorf("delete webhook %q: %w", id, err)
	}
	return api.remove(ctx, id)
}

// check refuses what no Jira takes. The URL, part of which may be a secret,
// stays out of the error.
func (s WebhookSpec) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return errors.New("the webhook has no name")
	case len(s.Events) == 0:
		return errors.New("the webhook asks for no events")
	}
	return checkWebhookURL(s.URL)
}

func checkWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the webhook's URL is not like https://ferry.acme.example/integration/webhook")
	}
	return nil
}

// hideIn keeps the secret out of an error, should Jira's words repeat it.
func (s WebhookSpec) hideIn(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	for i, m := range e.Messages {
		if s.Secret.in(m) {
			e.Messages[i] = s.Secret.hide(m)
		}
	}
	return err
}

// writtenText reads a JSON string or number as text; "" of anything else.
func writtenText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// writtenBool reads a JSON boolean, or one written as text as Data Center does;
// known is false of anything else.
func writtenBool(raw json.RawMessage) (value, known bool) {
	value, err := strconv.ParseBool(writtenText(bytes.TrimSpace(raw)))
	if err == nil {
		return value, true
	}
	err = json.Unmarshal(raw, &value)
	return value, err == nil && string(raw) != "null" && len(raw) > 0
}

// webhookID reads an id, which Jira writes as a number or as text, or as the
// last part of a link. Anything but digits is none.
func webhookID(id json.RawMessage, self string) string {
	text := writtenText(id)
	if text == "" {
		text = self[strings.LastIndexByte(self, '/')+1:]
	}
	if !isDigits(text) {
		return ""
	}
	return text
}

func isDigits(text string) bool {
	return text != "" && len(text) <= 19 && strings.Trim(text, "0123456789") == ""
}

// checkWebhookID refuses what would lead to another path.
func (q *call) checkWebhookID(id string) error {
	if !isDigits(id) {
		return q.fail(fmt.Errorf("%q is no id of a webhook", id))
	}
	return nil
}
