package jirasim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	dynamicPath = "/rest/api/3/webhook"
	// dynamicLife is how long a dynamic webhook lives unless it is refreshed.
	dynamicLife = 30 * 24 * time.Hour
	// maxDynamicWebhooks is how many an OAuth app may have per user and site.
	maxDynamicWebhooks = 5
)

// dynamicRoutes are the resources of dynamic webhooks:
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/
var dynamicRoutes = map[string]func(*Server, *call, client) *answer{
	"GET " + dynamicPath:              (*Server).listDynamic,
	"POST " + dynamicPath:             (*Server).createDynamic,
	"DELETE " + dynamicPath:           (*Server).deleteDynamic,
	"PUT " + dynamicPath + "/refresh": (*Server).refreshDynamic,
	"GET " + dynamicPath + "/failed":  (*Server).failedDynamic,
}

func (s *Server) serveDynamic(c *call) *answer {
	h, ok := dynamicRoutes[c.Method+" "+c.route]
	switch {
	case !ok && slices.Contains([]string{"", "/refresh", "/failed"}, c.route[len(dynamicPath):]):
		return methodNotAllowed()
	case !ok:
		return nil
	case c.identity.failed:
		return unauthorized()
	}
	app, ok := s.client(c)
	if !ok {
		return notAnApp()
	}
	return h(s, c, app)
}

func notAnApp() *answer {
	return refuse(http.StatusForbidden, "Access to this resource must be authorized by an OAuth 2.0 or Connect app.")
}

// client is an OAuth app that acts for a person.
type client struct{ id, account string }

// client tells which app asks. Nobody else may have dynamic webhooks, whatever their
// permissions: a request with Basic credentials, or with a person's scoped token, is
// refused.
func (s *Server) client(c *call) (client, bool) {
	who := c.identity
	switch {
	case who.app != "":
		return client{who.app, who.accountID}, true
	case who.anonymous() || !c.bearer() || who.scopes != nil:
		return client{}, false
	}
	return client{cmp.Or(s.config.Webhooks.ClientID, "app"), who.accountID}, true
}

// appSecret is what deliveries to an app are signed with: the secret it has now.
func (s *Server) appSecret(id string) string {
	if app, ok := s.App(id); ok {
		return app.ClientSecret
	}
	return s.config.Webhooks.ClientSecret
}

// owns tells of which webhooks the app is told, and which it may change: its own,
// registered by the person it acts for.
func (a client) owns(h *hook) bool { return h.App == a.id && h.account == a.account }

func (a client) among(ids []int64) func(*hook) bool {
	return func(h *hook) bool { return a.owns(h) && slices.Contains(ids, h.ID) }
}

func (s *Server) owned(a client) []*hook {
	return slices.DeleteFunc(s.hooks.live(s.now()), func(h *hook) bool { return !a.owns(h) })
}

type dynamicJSON struct {
	ID             int64    `json:"id"`
	URL            string   `json:"url"`
	Events         []string `json:"events"`
	JQLFilter      string   `json:"jqlFilter"`
	FieldIDs       []string `json:"fieldIdsFilter,omitempty"`
	PropertyKeys   []string `json:"issuePropertyKeysFilter,omitempty"`
	ExpirationDate any      `json:"expirationDate"`
}

// listDynamic answers GET /rest/api/3/webhook.
func (s *Server) listDynamic(c *call, app client) *answer {
	start, refused := c.number("startAt", 0)
	if refused != nil {
		return refused
	}
	limit, refused := c.number("maxResults", 100)
	if refused != nil {
		return refused
	}
	hooks := s.owned(app)
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	start = min(max(start, 0), len(hooks))
	end := min(start+limit, len(hooks))
	values := []dynamicJSON{}
	for _, h := range hooks[start:end] {
		values = append(values, dynamicJSON{h.ID, h.URL, h.Events, h.JQL, h.FieldIDs, h.PropertyKeys, s.expirationDate(h.Expires)})
	}
	page := map[string]any{"self": c.base + dynamicPath, "startAt": start, "maxResults": limit, "total": len(hooks),
		"isLast": end == len(hooks), "values": values}
	if end < len(hooks) {
		page["nextPage"] = fmt.Sprintf("%s%s?startAt=%d&maxResults=%d", c.base, dynamicPath, end, limit)
	}
	return jsonValue(http.StatusOK, page)
}

func (s *Server) expirationDate(at time.Time) any {
	if s.config.Webhooks.ExpirationText {
		return at.UTC().Format("2006-01-02T15:04:05.000-0700")
	}
	return at.UnixMilli()
}

type dynamicDetails struct {
	Events       []string `json:"events"`
	JQLFilter    *string  `json:"jqlFilter"`
	FieldIDs     []string `json:"fieldIdsFilter"`
	PropertyKeys []string `json:"issuePropertyKeysFilter"`
}

// createDynamic answers POST /rest/api/3/webhook. A request that can be read is
// answered 200, and says of each webhook in turn whether it was registered.
func (s *Server) createDynamic(c *call, app client) *answer {
	var body struct {
		URL      string           `json:"url"`
		Webhooks []dynamicDetails `json:"webhooks"`
	}
	if refused := c.decode(&body); refused != nil {
		return refused
	}
	if refused := s.checkDynamic(app, body.URL, body.Webhooks); refused != nil {
		return refused
	}
	s.hooks.registeredBy(c)
	type result struct {
		Created int64    `json:"createdWebhookId,omitempty"`
		Errors  []string `json:"errors,omitempty"`
	}
	results := []result{}
	for _, details := range body.Webhooks {
		id, errors := s.registerDynamic(app, body.URL, details)
		results = append(results, result{id, errors})
	}
	return jsonValue(http.StatusOK, map[string]any{"webhookRegistrationResult": results})
}

// checkDynamic refuses what fails as a whole.
func (s *Server) checkDynamic(app client, url string, webhooks []dynamicDetails) *answer {
	switch {
	case url == "":
		return refuse(http.StatusBadRequest, "The url must be given.")
	case len(webhooks) == 0:
		return refuse(http.StatusBadRequest, "At least one webhook must be given.")
	case slices.ContainsFunc(webhooks, func(d dynamicDetails) bool { return d.JQLFilter == nil }):
		return refuse(http.StatusBadRequest, "The jqlFilter of each webhook must be given.")
	}
	if wrong := s.checkURL(url); wrong != "" {
		return refuse(http.StatusBadRequest, wrong)
	}
	for _, h := range s.hooks.live(s.now()) {
		if h.App == app.id && h.URL != url {
			return refuse(http.StatusBadRequest, "Only a single URL per app is allowed to be registered via REST API. Currently used: "+h.URL)
		}
	}
	return nil
}

// registerDynamic adds one webhook, or says why not.
func (s *Server) registerDynamic(app client, url string, d dynamicDetails) (int64, []string) {
	query, errors := s.dynamicFilter(*d.JQLFilter)
	errors = append(eventErrors(d.Events), errors...)
	if len(errors) == 0 && len(s.owned(app)) >= maxDynamicWebhooks {
		errors = []string{"The limit of " + strconv.Itoa(maxDynamicWebhooks) + " webhooks per app and user is reached."}
	}
	if len(errors) > 0 {
		return 0, errors
	}
	now := s.now()
	return s.hooks.add(&hook{
		Webhook: Webhook{URL: url, Events: d.Events, JQL: *d.JQLFilter, App: app.id,
			Expires: now.Add(dynamicLife), FieldIDs: d.FieldIDs, PropertyKeys: d.PropertyKeys},
		query: query, account: app.account, updated: now,
	}).ID, nil
}

func eventErrors(events []string) []string {
	if len(events) == 0 {
		return []string{"At least one event must be given."}
	}
	var errors []string
	for _, event := range events {
		if !slices.Contains(dynamicEvents, event) {
			errors = append(errors, "The event "+event+" is unsupported")
		}
	}
	return errors
}

// webhookIDs reads the body of deletion and refresh.
func webhookIDs(c *call) ([]int64, *answer) {
	var body struct {
		IDs []int64 `json:"webhookIds"`
	}
	if refused := c.decode(&body); refused != nil {
		return nil, refused
	}
	if len(body.IDs) == 0 {
		return nil, refuse(http.StatusBadRequest, "The webhookIds must be given.")
	}
	return body.IDs, nil
}

// deleteDynamic answers DELETE /rest/api/3/webhook, which has a body. Ids that are
// unknown or another's are ignored.
func (s *Server) deleteDynamic(c *call, app client) *answer {
	ids, refused := webhookIDs(c)
	if refused != nil {
		return refused
	}
	s.hooks.remove(app.among(ids))
	return textAnswer(http.StatusAccepted, jsonType, "")
}

// refreshDynamic answers PUT /rest/api/3/webhook/refresh. Ids that are unknown,
// expired or another's are ignored, and the answer does not tell.
func (s *Server) refreshDynamic(c *call, app client) *answer {
	ids, refused := webhookIDs(c)
	if refused != nil {
		return refused
	}
	now := s.now()
	s.hooks.live(now) // what has expired cannot be refreshed
	s.hooks.replace(app.among(ids), func(h *hook) { h.Expires = now.Add(dynamicLife) })
	return jsonValue(http.StatusOK, map[string]any{"expirationDate": s.expirationDate(now.Add(dynamicLife))})
}

// failedDynamic answers GET /rest/api/3/webhook/failed, which only Connect apps may ask.
func (s *Server) failedDynamic(*call, client) *answer { return notAnApp() }
