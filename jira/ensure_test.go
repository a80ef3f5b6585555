package jira_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// hookURL is where Ferry listens in these tests, and hookName what its webhook
// is called.
const (
	hookURL  = "https://ferry.example/integration/webhook"
	hookName = "acme-Port-Ocean-Events-Webhook"
)

var hookEvents = []string{"jira:issue_created", "jira:issue_deleted", "project_created"}

// wish is for an admin webhook of the integration "acme".
func wish() jira.WebhookWish {
	return jira.WebhookWish{Identifier: "acme", URL: hookURL, Events: hookEvents, Secret: "open sesame"}
}

// edge is a place between client and site, where a test can meddle. It answers
// itself, or returns nil to let the site answer.
type edge func(r *http.Request, body string) *http.Response

// hookSite is a simulated site with clients at its two addresses.
type hookSite struct {
	*jirasim.Server
	meddle edge
}

func newHookSite(config jirasim.Config) *hookSite {
	config.BaseURL, config.CloudID = site, "c1"
	config.Email, config.Token, config.Bearer = "sam@acme.example", "sesame-token", "oauth-token"
	if config.Deployment == jirasim.DataCenter {
		config.BaseURL = "https://jira.acme.example"
	}
	return &hookSite{Server: jirasim.New(config)}
}

func (s *hookSite) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = readCloser(string(body))
	}
	if s.meddle != nil {
		if answer := s.meddle(r, string(body)); answer != nil {
			answer.Request = r
			return answer, nil
		}
	}
	return s.Hosts().RoundTrip(r)
}

// answer is one of a meddling edge.
func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: readCloser(body)}
}

// admin is a client with an administrator's API token at the site.
func (s *hookSite) admin(t *testing.T, base string) *jira.Client {
	t.Helper()
	return s.adminThrough(t, base, s)
}

func (s *hookSite) adminThrough(t *testing.T, base string, transport http.RoundTripper) *jira.Client {
	t.Helper()
	auth, err := jira.Basic("sam@acme.example", "sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(base, auth, jira.Config{Transport: transport, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// gatewayURL is where apps find the site.
const gatewayURL = "https://api.atlassian.com/ex/jira/c1"

// app is a client with the token of an OAuth app at the gateway.
func (s *hookSite) app(t *testing.T) *jira.Client {
	t.Helper()
	return tokenClientAt(t, gatewayURL, "oauth-token", s)
}

// state shows what is registered: dynamic webhooks with their filter, admin
// ones with their name.
func (s *hookSite) state() string {
	var all []string
	for _, w := range s.Webhooks() {
		events := slices.Sorted(slices.Values(w.Events))
		text := fmt.Sprintf("%d %s %s %v", w.ID, w.Name, strings.TrimPrefix(w.URL, "https://"), events)
		if w.JQL != "" {
			text += " of " + w.JQL
		}
		if w.Disabled {
			text += " disabled"
		}
		if w.ExcludeBody {
			text += " bodiless"
		}
		if w.Signed && w.App == "" {
			text += " signed"
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

// writes are the requests that change something, with their answers' status.
func (s *hookSite) writes() string {
	var all []string
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet {
			all = append(all, fmt.Sprintf("%s %s %d", r.Method, r.Path[strings.LastIndex(r.Path, "ebhook"):], r.Status))
		}
	}
	return strings.Join(all, ", ")
}

const rightState = "ferry.example/integration/webhook [jira:issue_created jira:issue_deleted project_created] signed"

// oceans are the events that Port's own integration registers.
var oceans = strings.Fields("jira:issue_created jira:issue_updated jira:issue_deleted jira:version_created jira:version_updated " +
	"jira:version_deleted jira:version_released jira:version_unreleased jira:version_moved project_created project_updated " +
	"project_deleted project_soft_deleted project_restored_deleted project_archived project_restored_archived user_created " +
	"user_updated user_deleted board_created board_updated board_deleted worklog_created worklog_updated worklog_deleted " +
	"sprint_created sprint_updated sprint_deleted sprint_closed")

// From each state, EnsureWebhook makes the right one with the fewest writes,
// tells what it did, and does nothing the second time. The sites that know
// admin webhooks do not differ in it.
func TestEnsureAdminWebhook(t *testing.T) {
	ours := func(change func(*jirasim.Webhook)) jirasim.Webhook {
		w := jirasim.Webhook{Name: hookName, URL: hookURL, Events: hookEvents, Secret: "open sesame"}
		if change != nil {
			change(&w)
		}
		return w
	}
	tests := []struct {
		name    string
		before  []jirasim.Webhook
		change  func(*jira.WebhookWish)
		after   string
		outcome string
	}{
		{"nothing", nil, nil, "1 " + hookName + " " + rightState, "admin webhook: created 1"},
		{"already right, the secret unknown", []jirasim.Webhook{ours(nil)}, nil,
			"1 " + hookName + " " + rightState, "admin webhook: repaired 1: secret"},
		{"already right", []jirasim.Webhook{ours(nil)}, func(w *jira.WebhookWish) { w.SecretVerified = true },
			"1 " + hookName + " " + rightState, "admin webhook: unchanged 1"},
		{"the events in another order, one twice", []jirasim.Webhook{ours(func(w *jirasim.Webhook) {
			w.Events = []string{"project_created", "jira:issue_deleted", "jira:issue_created", "project_created"}
		})}, func(w *jira.WebhookWish) { w.SecretVerified = true },
			"1 " + hookName + " ferry.example/integration/webhook [jira:issue_created jira:issue_deleted project_created project_created] signed",
			"admin webhook: unchanged 1"},
		{"that of Port's own integration", []jirasim.Webhook{ours(func(w *jirasim.Webhook) { w.Events, w.Secret = oceans, "" })}, nil,
			"1 " + hookName + " " + rightState, "admin webhook: repaired 1: events, secret"},
		{"everything wrong", []jirasim.Webhook{ours(func(w *jirasim.Webhook) {
			w.URL, w.Events, w.JQL, w.Disabled, w.ExcludeBody = "https://old.example/hook", nil, "project = PAY", true, true
		})}, nil,
			"1 " + hookName + " " + rightState, "admin webhook: adopted 1; repaired 1: url, events, filter, enabled, body, secret"},
		{"no secret wanted", []jirasim.Webhook{ours(func(w *jirasim.Webhook) { w.Disabled = true })}, func(w *jira.WebhookWish) { w.Secret = "" },
			"1 " + hookName + " " + rightState, "admin webhook: repaired 1: enabled"},
		{"a filter wanted", []jirasim.Webhook{ours(nil)}, func(w *jira.WebhookWish) { w.JQL = " project = PAY " },
			"1 " + hookName + " ferry.example/integration/webhook [jira:issue_created jira:issue_deleted project_created] of project = PAY signed",
			"admin webhook: repaired 1: filter, secret"},
		{"at the URL under another name", []jirasim.Webhook{ours(func(w *jirasim.Webhook) { w.Name, w.Secret = "by hand", "" })}, nil,
			"1 by hand " + rightState, "admin webhook: adopted 1; repaired 1: secret"},
		{"the URL spelt otherwise", []jirasim.Webhook{ours(func(w *jirasim.Webhook) { w.URL = "HTTPS://Ferry.Example:443/integration/webhook" })},
			func(w *jira.WebhookWish) { w.SecretVerified = true },
			"1 " + hookName + " HTTPS://Ferry.Example:443/integration/webhook [jira:issue_created jira:issue_deleted project_created] signed",
			"admin webhook: unchanged 1"},
		{"duplicates and strays", []jirasim.Webhook{
			ours(func(w *jirasim.Webhook) { w.URL = "https://old.example/hook" }),
			ours(func(w *jirasim.Webhook) { w.Name = "by hand" }),
			ours(nil), ours(nil), ours(func(w *jirasim.Webhook) { w.Name, w.URL = "theirs", "https://ci.example/hook" }),
		}, nil,
			"2 by hand " + rightState + "\n3 " + hookName + " " + rightState +
				"\n5 theirs ci.example/hook [jira:issue_created jira:issue_deleted project_created] signed",
			"admin webhook: repaired 3: secret; removed 1, 4"},
		{"another integration's", []jirasim.Webhook{
			ours(func(w *jirasim.Webhook) {
				w.Name, w.URL = jira.DefaultWebhookName("other"), "https://other.example/hook"
			}),
		}, nil,
			"1 other-Port-Ocean-Events-Webhook other.example/hook [jira:issue_created jira:issue_deleted project_created] signed\n2 " + hookName + " " + rightState,
			"admin webhook: created 2"},
	}
	for _, at := range []struct {
		name, base string
		config     jirasim.Config
	}{
		{"Cloud", site, jirasim.Config{}},
		{"Data Center 9", "https://jira.acme.example", jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4"}},
		{"Data Center 10", "https://jira.acme.example", jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.3.0"}},
	} {
		for _, test := range tests {
			t.Run(at.name+"/"+test.name, func(t *testing.T) {
				s := newHookSite(at.config)
				for _, w := range test.before {
					s.AddWebhook(w)
				}
				wanted := wish()
				if test.change != nil {
					test.change(&wanted)
				}
				c := s.admin(t, at.base)
				outcome, err := c.EnsureWebhook(t.Context(), wanted)
				if err != nil || outcome.String() != test.outcome {
					t.Errorf("EnsureWebhook = %q, %v, want %q", outcome, err, test.outcome)
				}
				if got := s.state(); got != test.after {
					t.Errorf("the site has\n%s\nwant\n%s", got, test.after)
				}
				wanted.SecretVerified = true
				writes := s.writes()
				again, err := c.EnsureWebhook(t.Context(), wanted)
				if err != nil || again.Changed() || s.writes() != writes {
					t.Errorf("the second EnsureWebhook = %q, %v with the writes %s, before it were %s", again, err, s.writes(), writes)
				}
			})
		}
	}
}

// Without the permission nothing is tried.
func TestEnsureWebhookNeedsAnAdministrator(t *testing.T) {
	s := newHookSite(jirasim.Config{Denied: []string{"ADMINISTER"}})
	_, err := s.admin(t, site).EnsureWebhook(t.Context(), wish())
	if !errors.Is(err, jira.ErrForbidden) || !strings.Contains(err.Error(), "Administer Jira (ADMINISTER)") {
		t.Errorf("EnsureWebhook = %v, want an ErrForbidden that names the permission", err)
	}
	for _, r := range s.Requests() {
		if !strings.HasSuffix(r.Path, "/mypermissions") {
			t.Errorf("asked %s %s", r.Method, r.Path)
		}
	}
}

// A server is asked for its version in each call: an upgrade moves the webhooks.
func TestEnsureWebhookFollowsAnUpgrade(t *testing.T) {
	const base = "https://jira.acme.example"
	s := newHookSite(jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.17.0"})
	c := s.admin(t, base)
	for _, want := range []string{"/rest/webhooks/1.0/webhook", "/rest/jira-webhook/1.0/webhooks"} {
		if _, err := c.EnsureWebhook(t.Context(), wish()); err != nil {
			t.Fatal(err)
		}
		requests := s.Requests()
		if got := requests[len(requests)-1].Path; got != want {
			t.Errorf("the latest request went to %s, want %s", got, want)
		}
		s.Server = newHookSite(jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.0.0"}).Server
	}
}

// Events that Jira does not know are left out, whether it says so or not, and
// are told.
func TestEnsureWebhookLeavesOutUnknownEvents(t *testing.T) {
	wanted := wish()
	wanted.Events = append([]string{"team_created", "role_deleted"}, hookEvents...)
	want := "admin webhook: created 1; Jira does not offer role_deleted, team_created"
	t.Run("refused", func(t *testing.T) {
		s := newHookSite(jirasim.Config{})
		outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted)
		if err != nil || outcome.String() != want || s.state() != "1 "+hookName+" "+rightState {
			t.Errorf("EnsureWebhook = %q, %v, want %q; the site has %s", outcome, err, want, s.state())
		}
	})
	t.Run("dropped", func(t *testing.T) {
		s := newHookSite(jirasim.Config{})
		s.meddle = func(r *http.Request, body string) *http.Response {
			for _, unknown := range []string{`"team_created"`, `"role_deleted"`} {
				body = strings.NewReplacer(unknown+",", "", ","+unknown, "").Replace(body)
			}
			r.Body, r.ContentLength = readCloser(body), int64(len(body))
			return nil
		}
		outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted)
		if err != nil || outcome.String() != want || s.state() != "1 "+hookName+" "+rightState {
			t.Errorf("EnsureWebhook = %q, %v, want %q; the site has %s", outcome, err, want, s.state())
		}
	})
	t.Run("all unknown", func(t *testing.T) {
		wanted.Events = []string{"team_created"}
		s := newHookSite(jirasim.Config{})
		if outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted); err == nil || !strings.Contains(err.Error(), "team_created") {
			t.Errorf("EnsureWebhook = %q, %v, want an error with Jira's words", outcome, err)
		}
	})
}

// A creation whose answer is lost is found, and not made twice.
func TestEnsureWebhookAfterALostAnswer(t *testing.T) {
	for _, done := range []bool{true, false} {
		s := newHookSite(jirasim.Config{})
		lost := false
		s.meddle = func(r *http.Request, _ string) *http.Response {
			if r.Method != http.MethodPost || lost {
				return nil
			}
			if lost = true; done {
				if _, err := s.Hosts().RoundTrip(r); err != nil {
					t.Error(err)
				}
			}
			return answer(503, `{}`)
		}
		wanted := wish()
		wanted.SecretVerified = true
		outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted)
		if want := "admin webhook: created 1"; err != nil || outcome.String() != want || s.state() != "1 "+hookName+" "+rightState {
			t.Errorf("created %v: EnsureWebhook = %q, %v, want %q; the site has %s", done, outcome, err, want, s.state())
		}
	}
}

// What Jira does not take is put once and told.
func TestEnsureWebhookTellsWhatStaysWrong(t *testing.T) {
	s := newHookSite(jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4"})
	s.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: hookEvents, Disabled: true})
	s.meddle = func(r *http.Request, body string) *http.Response {
		if strings.Contains(body, `"secret"`) {
			return answer(400, `{"errorMessages":["Unrecognized field \"secret\" (Class WebhookRegistrationRequest)"]}`)
		}
		body = strings.Replace(body, `"enabled":true`, `"enabled":false`, 1)
		r.Body, r.ContentLength = readCloser(body), int64(len(body))
		return nil
	}
	outcome, err := s.admin(t, "https://jira.acme.example").EnsureWebhook(t.Context(), wish())
	want := "admin webhook: repaired 1: enabled, secret; Jira keeps otherwise enabled, secret"
	if err != nil || outcome.String() != want {
		t.Errorf("EnsureWebhook = %q, %v, want %q", outcome, err, want)
	}
	if got := s.writes(); got != "PUT ebhook/1 200" {
		t.Errorf("the writes that reached the site are %s, want one PUT", got)
	}
}

// Two integrations that listen at one URL use one webhook, under the name it
// has; two that listen at two have two.
func TestIntegrationsDoNotFight(t *testing.T) {
	for _, test := range []struct{ otherURL, want string }{
		{hookURL, "1 " + hookName + " " + rightState},
		{"https://other.example/hook", "1 " + hookName + " " + rightState +
			"\n2 other-Port-Ocean-Events-Webhook other.example/hook [jira:issue_created jira:issue_deleted project_created] signed"},
	} {
		s := newHookSite(jirasim.Config{})
		one, other := wish(), wish()
		other.Identifier, other.URL = "other", test.otherURL
		for range 2 {
			for _, wanted := range []jira.WebhookWish{one, other} {
				if outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted); err != nil || len(outcome.Removed) > 0 {
					t.Errorf("EnsureWebhook = %q, %v", outcome, err)
				}
				if got := s.state(); !strings.HasPrefix(test.want, got) {
					t.Errorf("the site has\n%s\nwant\n%s", got, test.want)
				}
			}
		}
	}
}

// Wishes that cannot be granted anywhere are refused before anything is asked.
func TestWishesThatAreRefused(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	for _, spoil := range []func(*jira.WebhookWish){
		func(w *jira.WebhookWish) { w.Identifier = "" }, func(w *jira.WebhookWish) { w.URL = "ferry.example" },
		func(w *jira.WebhookWish) { w.URL = "" }, func(w *jira.WebhookWish) { w.Events = nil },
	} {
		wanted := wish()
		spoil(&wanted)
		if _, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted); err == nil || len(s.Requests()) > 0 {
			t.Errorf("EnsureWebhook(%+v) = %v, want an error and no request", wanted, err)
		}
	}
}

func readCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
