package jirasim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ferry/jira/jirasim/jql"
)

// WebhookConfig says how a site treats webhooks.
type WebhookConfig struct {
	// AllowHTTP accepts URLs with plain http. Without it Cloud accepts https, and http
	// to the machine itself; Data Center accepts both in any case.
	AllowHTTP bool
	// ExpirationText gives expirationDate as 2019-06-01T12:42:30.000+0000, which is how
	// the examples of Atlassian's file have it; its schema says milliseconds, which is
	// the default.
	ExpirationText bool
	// StrictFilters refuses a dynamic webhook whose jqlFilter names a project that is
	// not there, also where the filter only excludes it.
	StrictFilters bool
	// ClientID and ClientSecret are those of the OAuth app that [Config.Bearer] belongs
	// to, where it is none of [Server.AddApp]. The secret of an app signs what is
	// delivered to its webhooks.
	ClientID, ClientSecret string
}

// Webhook is where the site delivers events to.
type Webhook struct {
	ID     int64 // 0 is the next free one
	Name   string
	URL    string
	Events []string // names, such as jira:issue_updated
	// JQL restricts the events about issues; "" does not.
	JQL         string
	ExcludeBody bool
	Disabled    bool
	// Secret signs what is delivered; a dynamic webhook has its app's instead.
	// [Server.Webhooks] never tells it, only that it is there.
	Secret string
	Signed bool

	// App is the client id of the OAuth app that registered a dynamic webhook, and
	// empty for one of an administrator's. Only dynamic webhooks have the rest.
	App     string
	Expires time.Time
	// FieldIDs are the fields whose change is told of; none: all.
	FieldIDs []string
	// PropertyKeys are the issue properties whose change is told of; none: all.
	PropertyKeys []string
}

// hook is a registered webhook. It is never changed: a changed one takes its place.
type hook struct {
	Webhook
	query            *jql.Query // of JQL; nil restricts nothing
	account          string     // of who registered it
	created, updated time.Time
}

// hookTable holds the webhooks of the site.
type hookTable struct {
	active atomic.Int64 // how many there are, so that a site without any pays nothing

	mu                     sync.Mutex
	all                    []*hook
	lastAdmin, lastDynamic int64
	base                   string // of the links in payloads, where Config.BaseURL is empty
}

// AddWebhook adds a webhook as an administrator does in the browser, where nothing
// but the JQL is checked, and returns it with its id. A JQL that cannot be read is a
// mistake of the caller and panics.
func (s *Server) AddWebhook(w Webhook) Webhook {
	query, err := parseFilter(w.JQL)
	if err != nil {
		panic("jirasim: the JQL of a webhook: " + err.Error())
	}
	w.App, w.Expires = "", time.Time{}
	return s.hooks.add(&hook{Webhook: w, query: query, created: s.now(), updated: s.now()}).shown()
}

// Webhooks returns what is registered, in the order of registration. Expired ones are
// gone.
func (s *Server) Webhooks() []Webhook {
	var all []Webhook
	for _, h := range s.hooks.live(s.now()) {
		all = append(all, h.shown())
	}
	return all
}

// UpdateWebhook changes an administrator's webhook as they do in the browser; its id
// stays, and so does its secret where change leaves that empty. It reports whether
// there is one. As in [Server.AddWebhook] a JQL that cannot be read panics.
func (s *Server) UpdateWebhook(id int64, change func(*Webhook)) bool {
	now := s.now()
	return s.hooks.replace(isAdmin(id), func(h *hook) {
		next := h.shown()
		change(&next)
		query, err := parseFilter(next.JQL)
		if err != nil {
			panic("jirasim: the JQL of a webhook: " + err.Error())
		}
		next.ID, next.App, next.Secret = id, "", cmp.Or(next.Secret, h.Secret)
		h.Webhook, h.query, h.updated = next, query, now
	}) > 0
}

// RemoveWebhook removes an administrator's webhook as they do in the browser. It
// reports whether there was one.
func (s *Server) RemoveWebhook(id int64) bool { return s.hooks.remove(isAdmin(id)) > 0 }

func (h *hook) shown() Webhook {
	w := h.Webhook
	w.Signed, w.Secret = w.Secret != "" || h.dynamic(), ""
	w.Events, w.FieldIDs, w.PropertyKeys = slices.Clone(w.Events), slices.Clone(w.FieldIDs), slices.Clone(w.PropertyKeys)
	return w
}

func (h *hook) dynamic() bool { return h.App != "" }

func (h *hook) expired(now time.Time) bool { return h.dynamic() && !now.Before(h.Expires) }

func isAdmin(id int64) func(*hook) bool {
	return func(h *hook) bool { return !h.dynamic() && h.ID == id }
}

// parseFilter reads the JQL of a webhook; nil is the one that restricts nothing.
func parseFilter(text string) (*jql.Query, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	return jql.Parse(text)
}

// firstDynamic is where the ids of dynamic webhooks begin.
const firstDynamic = 10_000

func (t *hookTable) add(h *hook) *hook {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, first := &t.lastAdmin, int64(1)
	if h.dynamic() {
		last, first = &t.lastDynamic, firstDynamic
	}
	if h.ID == 0 {
		h.ID = max(*last+1, first)
	}
	*last = max(*last, h.ID)
	t.all = append(t.all, h)
	t.active.Store(int64(len(t.all)))
	return h
}

// live returns the webhooks that have not expired, and forgets the others.
func (t *hookTable) live(now time.Time) []*hook {
	t.remove(func(h *hook) bool { return h.expired(now) })
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}

func (t *hookTable) remove(which func(*hook) bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.all)
	t.all = slices.DeleteFunc(t.all, which)
	t.active.Store(int64(len(t.all)))
	return before - len(t.all)
}

// replace puts what change makes of a webhook in the place of each of those.
func (t *hookTable) replace(which func(*hook) bool, change func(*hook)) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	replaced := 0
	for i, h := range t.all {
		if which(h) {
			next := *h
			change(&next)
			t.all[i] = &next
			replaced++
		}
	}
	return replaced
}

// registeredBy remembers the address by which who registers a webhook knows the site.
func (t *hookTable) registeredBy(c *call) {
	if c.gateway {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base = c.base
}

// eventBase is what the links in payloads begin with.
func (s *Server) eventBase() string {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return cmp.Or(s.config.BaseURL, s.hooks.base, s.siteURL())
}

// checkURL says what is wrong with the URL of a webhook, or "".
func (s *Server) checkURL(text string) string {
	u, err := url.Parse(urlVariable.ReplaceAllString(text, "x"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "The URL is not valid: " + text
	}
	_, atDataCenter := s.dataCenter()
	if u.Scheme == "https" || atDataCenter || s.config.Webhooks.AllowHTTP || loopback(u.Hostname()) {
		return ""
	}
	return "The URL must use HTTPS."
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func (c *call) bearer() bool {
	scheme, _, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// serveWebhooks answers what is about webhooks, and nil to everything else.
func (s *Server) serveWebhooks(c *call) *answer {
	major, atDataCenter := s.dataCenter()
	admin, handlers := "/rest/webhooks/1.0/webhook", adminHandlers
	if atDataCenter && major >= 10 {
		admin, handlers = "/rest/jira-webhook/1.0/webhooks", serverHandlers
	}
	if rest, ok := strings.CutPrefix(c.path, admin); ok && (rest == "" || rest[0] == '/') {
		return s.serveAdmin(c, handlers, strings.Trim(rest, "/"))
	}
	if atDataCenter || c.route != dynamicPath && !strings.HasPrefix(c.route, dynamicPath+"/") {
		return nil
	}
	return s.serveDynamic(c)
}

func methodNotAllowed() *answer {
	return textAnswer(http.StatusMethodNotAllowed, "text/html;charset=UTF-8", "")
}

// still tells whether a webhook is registered and enabled as it was.
func (t *hookTable) still(h *hook, now time.Time) bool {
	return slices.ContainsFunc(t.live(now), func(o *hook) bool { return o.key() == h.key() && !o.Disabled })
}
