package jirasim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// maxAdminWebhooks is how many webhooks a site may have.
const maxAdminWebhooks = 100

// issueFilter is the only key of filters that means something.
const issueFilter = "issue-related-events-section"

// adminForm is how one of Jira's two resources for administrators' webhooks reads and
// shows them.
type adminForm struct {
	read func(*Server, *call, *hook) *answer // into the webhook, which is empty or the former
	show func(*Server, *call, *hook) any
}

// adminHandlers serve /rest/webhooks/1.0/webhook of Cloud and of Data Center before
// version 10. It is in no OpenAPI file; see
// https://developer.atlassian.com/cloud/jira/platform/webhooks/#registering-a-webhook-using-the-rest-api
var adminHandlers = adminForm{read: (*Server).readAdmin, show: (*Server).showAdmin}

// serveAdmin answers for all webhooks where id is "", and else for the one.
func (s *Server) serveAdmin(c *call, form adminForm, id string) *answer {
	if refused := s.adminOnly(c); refused != nil {
		return refused
	}
	if id == "" {
		return s.serveAdminList(c, form)
	}
	number, _ := strconv.ParseInt(id, 10, 64) // 0 is no id of a webhook
	hooks := s.adminHooks()
	at := slices.IndexFunc(hooks, isAdmin(number))
	if at < 0 {
		return refuse(http.StatusNotFound, "No webhook with id "+strconv.Quote(id)+" was found.")
	}
	switch c.Method {
	case http.MethodGet:
		return jsonValue(http.StatusOK, form.show(s, c, hooks[at]))
	case http.MethodPut:
		return s.updateAdmin(c, form, hooks[at])
	case http.MethodDelete:
		s.hooks.remove(isAdmin(number))
		return textAnswer(http.StatusNoContent, jsonType, "")
	}
	return methodNotAllowed()
}

func (s *Server) serveAdminList(c *call, form adminForm) *answer {
	switch c.Method {
	case http.MethodGet:
		shown := []any{}
		for _, h := range s.adminHooks() {
			shown = append(shown, form.show(s, c, h))
		}
		return jsonValue(http.StatusOK, shown)
	case http.MethodPost:
		return s.createAdmin(c, form)
	}
	return methodNotAllowed()
}

// adminOnly refuses who may not administer. The resource is outside what OAuth and
// scoped tokens can reach.
func (s *Server) adminOnly(c *call) *answer {
	_, atDataCenter := s.dataCenter()
	switch {
	case c.gateway:
		return gatewayRefusal("Unauthorized; scope does not match")
	case c.identity.anonymous():
		return unauthorized()
	case c.bearer() && !atDataCenter:
		return refuse(http.StatusForbidden, "Apps cannot administer webhooks here.")
	case slices.Contains(s.config.Denied, "ADMINISTER"):
		return refuse(http.StatusForbidden, "You must have the Administer Jira permission to manage webhooks.")
	}
	return nil
}

func (s *Server) adminHooks() []*hook {
	return slices.DeleteFunc(s.hooks.live(s.now()), (*hook).dynamic)
}

// createAdmin adds a webhook. A second one with the same name and URL is a second
// one, as at Jira.
func (s *Server) createAdmin(c *call, form adminForm) *answer {
	if len(s.adminHooks()) >= maxAdminWebhooks {
		return refuse(http.StatusBadRequest, "The site has reached its limit of "+strconv.Itoa(maxAdminWebhooks)+" webhooks.")
	}
	h := &hook{}
	if refused := s.fill(c, form, h); refused != nil {
		return refused
	}
	s.hooks.registeredBy(c)
	return jsonValue(http.StatusCreated, form.show(s, c, s.hooks.add(h)))
}

func (s *Server) updateAdmin(c *call, form adminForm, former *hook) *answer {
	next := *former
	if refused := s.fill(c, form, &next); refused != nil {
		return refused
	}
	s.hooks.replace(isAdmin(next.ID), func(h *hook) { *h = next })
	return jsonValue(http.StatusOK, form.show(s, c, &next))
}

// fill reads the request into the webhook and checks it.
func (s *Server) fill(c *call, form adminForm, h *hook) *answer {
	if refused := form.read(s, c, h); refused != nil {
		return refused
	}
	if h.Name == "" {
		return refuse(http.StatusBadRequest, "The name of the webhook must not be empty.")
	}
	if wrong := s.checkURL(h.URL); wrong != "" {
		return refuse(http.StatusBadRequest, wrong)
	}
	for _, event := range h.Events {
		if !knownEvent(event) {
			return refuse(http.StatusBadRequest, "Unknown webhook event: "+event)
		}
	}
	query, err := parseFilter(h.JQL)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	h.query, h.account, h.updated = query, c.identity.accountID, s.now()
	if h.created.IsZero() {
		h.created = h.updated
	}
	return nil
}

// readAdmin takes name, url, events, filters and excludeBody from the body alone:
// what it does not name becomes empty. What it says nothing of keeps the former
// secret, and whether the webhook is enabled. Unknown members are ignored.
func (s *Server) readAdmin(c *call, h *hook) *answer {
	var body struct {
		Name        string            `json:"name"`
		URL         string            `json:"url"`
		Events      []string          `json:"events"`
		Filters     map[string]string `json:"filters"`
		ExcludeBody bool              `json:"excludeBody"`
		Enabled     *bool             `json:"enabled"`
		Secret      *string           `json:"secret"`
	}
	if json.Unmarshal(c.body, &body) != nil {
		return refuse(http.StatusBadRequest, "The body cannot be read as a webhook.")
	}
	h.Name, h.URL, h.Events, h.JQL, h.ExcludeBody = body.Name, body.URL, body.Events, body.Filters[issueFilter], body.ExcludeBody
	if body.Enabled != nil {
		h.Disabled = !*body.Enabled
	}
	if body.Secret != nil {
		h.Secret = *body.Secret
	}
	return nil
}

func (s *Server) showAdmin(c *call, h *hook) any {
	return struct {
		Name                   string            `json:"name"`
		URL                    string            `json:"url"`
		ExcludeBody            bool              `json:"excludeBody"`
		Filters                map[string]string `json:"filters"`
		Events                 []string          `json:"events"`
		Enabled                bool              `json:"enabled"`
		IsSigned               bool              `json:"isSigned"`
		Self                   string            `json:"self"`
		LastUpdatedUser        string            `json:"lastUpdatedUser"`
		LastUpdatedDisplayName string            `json:"lastUpdatedDisplayName"`
		LastUpdated            int64             `json:"lastUpdated"`
	}{
		h.Name, h.URL, h.ExcludeBody, map[string]string{issueFilter: h.JQL}, notNil(h.Events), !h.Disabled, h.Secret != "",
		c.base + "/rest/webhooks/1.0/webhook/" + strconv.FormatInt(h.ID, 10),
		h.account, s.displayName(h.account), h.updated.UnixMilli(),
	}
}

func (s *Server) displayName(account string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if u := s.users[account]; u != nil {
		return u.DisplayName
	}
	return account
}

// notNil makes the JSON of an empty list [], not null.
func notNil(list []string) []string { return append([]string{}, list...) }

// jsonValue answers with a value that is too seldom asked for to be written by hand.
func jsonValue(status int, value any) *answer {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as Jira
	if err := e.Encode(value); err != nil {
		panic(err) // all of them are plain structs
	}
	return textAnswer(status, jsonType, b.String())
}
