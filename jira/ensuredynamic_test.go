package jira_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// allOfAcme is the filter for all projects that the name of acme's webhook marks.
const allOfAcme = "project not in (82cb22a3-089e-8b8b-9a91-205e5e8d6ae7)"

var dynamicEvents = []string{"jira:issue_created", "jira:issue_deleted"}

func dynamicWish() jira.WebhookWish {
	return jira.WebhookWish{Identifier: "acme", URL: hookURL, Events: dynamicEvents}
}

// day is the length of most things here.
const day = 24 * time.Hour

func TestEnsureDynamicWebhook(t *testing.T) {
	right := func(id, filter string) string {
		return id + "  ferry.example/integration/webhook [jira:issue_created jira:issue_deleted] of " + filter
	}
	at := func(url, filter string, events ...string) []jira.DynamicSpec {
		return []jira.DynamicSpec{{Events: events, JQL: filter}}
	}
	const random = "project not in (d9dfc3df-95c9-489a-bc5d-d0771c5c83de)"
	created, deleted := dynamicEvents[0], dynamicEvents[1]
	tests := []struct {
		name    string
		url     string
		before  []jira.DynamicSpec
		config  jirasim.WebhookConfig
		change  func(*jira.WebhookWish)
		after   string
		outcome string
	}{
		{name: "nothing", after: right("10000", allOfAcme), outcome: "created 10000; ends 2000-01-31"},
		{name: "that of Port's own integration", before: at(hookURL, random, deleted, created),
			after: right("10000", random), outcome: "unchanged 10000; ends 2000-01-31"},
		{name: "other events", before: at(hookURL, random, created),
			after: right("10001", allOfAcme), outcome: "created 10001; removed 10000; ends 2000-01-31"},
		{name: "another filter", before: at(hookURL, "project = PAY", deleted, created),
			after: right("10001", allOfAcme), outcome: "created 10001; removed 10000; ends 2000-01-31"},
		{name: "some fields only", before: []jira.DynamicSpec{{Events: dynamicEvents, JQL: random, Fields: []string{"summary"}}},
			after: right("10001", allOfAcme), outcome: "created 10001; removed 10000; ends 2000-01-31"},
		{name: "duplicates", before: append(at(hookURL, random, deleted, created), at(hookURL, random, deleted, created)...),
			after: right("10000", random), outcome: "removed 10001; ends 2000-01-31"},
		{name: "five wrong ones", before: []jira.DynamicSpec{
			{Events: dynamicEvents, JQL: "project = A"}, {Events: dynamicEvents, JQL: "project = B"}, {Events: dynamicEvents, JQL: "project = C"},
			{Events: dynamicEvents, JQL: "project = D"}, {Events: dynamicEvents, JQL: "project = E"},
		}, after: right("10005", allOfAcme), outcome: "created 10005; removed 10000, 10001, 10002, 10003, 10004; ends 2000-01-31"},
		{name: "ours at another URL", url: "https://old.example/hook", before: at("", allOfAcme, deleted, created),
			after: right("10001", allOfAcme), outcome: "created 10001; removed 10000; ends 2000-01-31"},
		{name: "somebody's at another URL, to be replaced", url: "https://old.example/hook", before: at("", random, deleted, created),
			change: func(w *jira.WebhookWish) { w.Replace = true },
			after:  right("10001", allOfAcme), outcome: "created 10001; removed 10000; ends 2000-01-31"},
		{name: "a filter of the wish", change: func(w *jira.WebhookWish) { w.JQL = "project = PAY" },
			after: right("10000", "project = PAY"), outcome: "created 10000; ends 2000-01-31"},
		{name: "events that are not dynamic", change: func(w *jira.WebhookWish) {
			w.Events = append([]string{"board_created", "project_created"}, w.Events...)
		},
			after: right("10000", allOfAcme), outcome: "created 10000; ends 2000-01-31; Jira does not offer board_created, project_created"},
		{name: "unknown projects refused", config: jirasim.WebhookConfig{StrictFilters: true},
			after:   right("10000", `project = "APP"`) + "\n" + right("10001", `project != "APP"`),
			outcome: "created 10000, 10001; ends 2000-01-31"},
		{name: "half of a pair", config: jirasim.WebhookConfig{StrictFilters: true}, before: at("", `project != "APP"`, deleted, created),
			after:   right("10000", `project != "APP"`) + "\n" + right("10001", `project = "APP"`),
			outcome: "created 10001, 10002; removed 10002; ends 2000-01-31"},
		{name: "time as text", config: jirasim.WebhookConfig{ExpirationText: true},
			after: right("10000", allOfAcme), outcome: "created 10000; ends 2000-01-31"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // for its clock, which begins with the year 2000
				s := newHookSite(jirasim.Config{Webhooks: test.config})
				s.AddProject(jirasim.Project{Key: "PAY"})
				s.AddProject(jirasim.Project{Key: "APP"})
				c := s.app(t)
				s.register(t, c, test.url, test.before)
				wanted := dynamicWish()
				if test.change != nil {
					test.change(&wanted)
				}
				outcome, err := c.EnsureWebhook(t.Context(), wanted)
				if want := "dynamic webhook: " + test.outcome; err != nil || outcome.String() != want {
					t.Errorf("EnsureWebhook = %q, %v, want %q", outcome, err, want)
				}
				if got := s.state(); got != test.after {
					t.Errorf("the site has\n%s\nwant\n%s", got, test.after)
				}
				writes := s.writes()
				again, err := c.EnsureWebhook(t.Context(), wanted)
				if err != nil || again.Changed() || s.writes() != writes {
					t.Errorf("the second EnsureWebhook = %q, %v with the writes %s, before it were %s", again, err, s.writes(), writes)
				}
			})
		})
	}
}

// register makes the webhooks that are there before.
func (s *hookSite) register(t *testing.T, c *jira.Client, url string, specs []jira.DynamicSpec) {
	t.Helper()
	if url == "" {
		url = hookURL
	}
	results, err := c.CreateDynamicWebhooks(t.Context(), url, specs)
	if len(specs) > 0 && err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// A webhook is refreshed in the second half of its life, and made anew where it
// has ended; called once a week, it lives for ever.
func TestEnsureWebhookKeepsADynamicWebhookAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newHookSite(jirasim.Config{})
		c := s.app(t)
		ensure := func(want string) {
			t.Helper()
			outcome, err := c.EnsureWebhook(t.Context(), dynamicWish())
			if got := strings.TrimPrefix(outcome.String(), "dynamic webhook: "); err != nil || got != want {
				t.Errorf("%s: EnsureWebhook = %q, %v, want %q", time.Now().Format(time.DateOnly), got, err, want)
			}
		}
		ensure("created 10000; ends 2000-01-31")
		time.Sleep(14 * day)
		ensure("unchanged 10000; ends 2000-01-31")
		time.Sleep(2 * day)
		ensure("refreshed 10000; ends 2000-02-16")
		for range 20 {
			time.Sleep(7 * day)
			if outcome, err := c.EnsureWebhook(t.Context(), dynamicWish()); err != nil || len(outcome.Created) > 0 {
				t.Fatalf("EnsureWebhook = %q, %v", outcome, err)
			}
		}
		time.Sleep(40 * day)
		ensure("created 10001; ends 2000-08-14")
	})
}

// Two installations that share an app do not throw each other out.
func TestEnsureWebhookLeavesAnotherURLOfTheAppAlone(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	c := s.app(t)
	other := dynamicWish()
	other.Identifier, other.URL = "other", "https://other.example/hook"
	if _, err := c.EnsureWebhook(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	before := s.state()
	outcome, err := c.EnsureWebhook(t.Context(), dynamicWish())
	if err == nil || !strings.Contains(err.Error(), "may have one URL only") || s.state() != before {
		t.Errorf("EnsureWebhook = %q, %v, want an error that says why; the site has %s", outcome, err, s.state())
	}
}

// A token that may not delete keeps its webhook alive all the same.
func TestEnsureWebhookRefreshesThoughItMayNotRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newHookSite(jirasim.Config{})
		c := s.app(t)
		s.register(t, c, hookURL, []jira.DynamicSpec{{Events: dynamicEvents, JQL: allOfAcme}, {Events: dynamicEvents, JQL: allOfAcme}})
		s.meddle = func(r *http.Request, _ string) *http.Response {
			if r.Method == http.MethodDelete {
				return answer(401, `{"code":401,"message":"Unauthorized; scope does not match"}`)
			}
			return nil
		}
		time.Sleep(20 * day)
		outcome, err := c.EnsureWebhook(t.Context(), dynamicWish())
		if want := "dynamic webhook: refreshed 10000; ends 2000-02-20"; !errors.Is(err, jira.ErrUnauthorized) || outcome.String() != want {
			t.Errorf("EnsureWebhook = %q, %v, want %q and the refusal", outcome, err, want)
		}
	})
}

// The pair of filters is made anew when its project goes.
func TestEnsureWebhookWhenTheProjectOfItsFilterGoes(t *testing.T) {
	s := newHookSite(jirasim.Config{Webhooks: jirasim.WebhookConfig{StrictFilters: true}})
	c := s.app(t)
	if outcome, err := c.EnsureWebhook(t.Context(), dynamicWish()); err == nil || !strings.Contains(err.Error(), "let it see one") {
		t.Errorf("without a project EnsureWebhook = %q, %v, want an error that asks for one", outcome, err)
	}
	s.AddProject(jirasim.Project{Key: "AAA"})
	s.AddProject(jirasim.Project{Key: "BBB"})
	for _, want := range []string{"AAA", "BBB"} {
		outcome, err := c.EnsureWebhook(t.Context(), dynamicWish())
		if err != nil || len(outcome.Created) != 2 || outcome.Webhooks[0].JQL != `project = "`+want+`"` {
			t.Errorf("EnsureWebhook = %q, %v with %v, want a pair of %s", outcome, err, outcome.Webhooks, want)
		}
		if got := len(s.Webhooks()); got != 2 {
			t.Errorf("the site has %d webhooks, want 2", got)
		}
		if !s.DeleteProject(want) {
			t.Fatalf("there is no project %s", want)
		}
	}
}

// Refusals of other sorts: of an event, of the wish's own filter, of everything.
func TestEnsureDynamicWebhookRefused(t *testing.T) {
	refuseEvent := func(_ *http.Request, body string) *http.Response {
		if strings.Contains(body, `"sprint_closed"`) {
			return answer(200, `{"webhookRegistrationResult":[{"errors":["The event sprint_closed is unsupported"]}]}`)
		}
		return nil
	}
	refuseWhole := func(_ *http.Request, body string) *http.Response {
		if strings.Contains(body, `"sprint_closed"`) {
			return answer(400, `{"errorMessages":["Unexpected value 'sprint_closed' for enum."],"errors":{}}`)
		}
		return nil
	}
	refuseAndTeach := func(_ *http.Request, body string) *http.Response {
		if strings.Contains(body, `"sprint_closed"`) {
			return answer(400, `{"errorMessages":["Unexpected value 'sprint_closed' for enum. Expected one of: [jira:issue_created, jira:issue_updated, jira:issue_deleted]"],"errors":{}}`)
		}
		return nil
	}
	refuseAll := func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodPost {
			return answer(400, `{"errorMessages":["No."],"errors":{}}`)
		}
		return nil
	}
	dropQuietly := func(r *http.Request, body string) *http.Response {
		if r.Method == http.MethodGet {
			return nil
		}
		body = strings.Replace(body, `,"sprint_closed"`, "", 1)
		r.Body, r.ContentLength = readCloser(body), int64(len(body))
		return nil
	}
	for _, test := range []struct {
		name    string
		meddle  edge
		jql     string
		outcome string
		err     string
	}{
		{"an event", refuseEvent, "", "dynamic webhook: created 10000; ends 2000-01-31; Jira does not offer sprint_closed", ""},
		{"an event, of the whole", refuseWhole, "", "dynamic webhook: created 10000; ends 2000-01-31; Jira does not offer sprint_closed", ""},
		{"an event, with those that there are", refuseAndTeach, "", "dynamic webhook: created 10000; ends 2000-01-31; Jira does not offer sprint_closed", ""},
		{"an event, without a word", dropQuietly, "", "dynamic webhook: created 10000; ends 2000-01-31; Jira does not offer sprint_closed", ""},
		{"the filter", nil, "project = A ORDER BY key", "", "ORDER BY is unsupported"},
		{"everything", refuseAll, "", "", "400 Bad Request: No"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newHookSite(jirasim.Config{})
			s.meddle = test.meddle
			wanted := dynamicWish()
			wanted.Events, wanted.JQL = append([]string{"sprint_closed"}, wanted.Events...), test.jql
			outcome, err := s.app(t).EnsureWebhook(t.Context(), wanted)
			if test.err == "" && (err != nil || outcome.String() != test.outcome) {
				t.Errorf("%s: EnsureWebhook = %q, %v, want %q", test.name, outcome, err, test.outcome)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("%s: EnsureWebhook = %q, %v, want an error that says %q", test.name, outcome, err, test.err)
			}
			refused := new(jira.WebhookRegistrationError)
			if got := errors.As(err, &refused); got != (test.jql != "") {
				t.Errorf("%s: the error is a WebhookRegistrationError: %v", test.name, got)
			}
		})
	}
}

// A request that is refused whole, for whatever it asks, costs nobody the webhooks that are there,
// and is tried with the next filter; that the app has another URL is said in so many words.
func TestEnsureDynamicWebhookRefusedWholeRemovesNothing(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.AddProject(jirasim.Project{Key: "APP"})
	c := s.app(t)
	s.register(t, c, "https://old.example/hook", []jira.DynamicSpec{{Events: dynamicEvents, JQL: allOfAcme}})
	before := s.state()
	s.meddle = func(r *http.Request, body string) *http.Response {
		if r.Method == http.MethodPost {
			return answer(400, `{"errorMessages":["The service is under maintenance."],"errors":{}}`)
		}
		return nil
	}
	wanted := dynamicWish()
	wanted.Replace = true
	outcome, err := c.EnsureWebhook(t.Context(), wanted)
	if err == nil || !strings.Contains(err.Error(), "under maintenance") || s.state() != before {
		t.Errorf("EnsureWebhook = %q, %v; the site has %s, want %s", outcome, err, s.state(), before)
	}
}

func TestEnsureDynamicWebhookWhoseFilterIsRefusedWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newHookSite(jirasim.Config{})
		s.meddle = func(r *http.Request, body string) *http.Response {
			if r.Method == http.MethodPost && strings.Contains(body, "not in") {
				return answer(400, `{"errorMessages":["The value '82cb22a3' does not exist for the field 'project'."],"errors":{}}`)
			}
			return nil
		}
		outcome, err := s.app(t).EnsureWebhook(t.Context(), dynamicWish())
		if err == nil || !strings.Contains(err.Error(), "does not exist for the field") || !strings.Contains(err.Error(), "let it see one") {
			t.Errorf("without a project EnsureWebhook = %q, %v, want what Jira said and what to do", outcome, err)
		}
		s.AddProject(jirasim.Project{Key: "APP"})
		outcome, err = s.app(t).EnsureWebhook(t.Context(), dynamicWish())
		if want := "dynamic webhook: created 10000, 10001; ends 2000-01-31"; err != nil || outcome.String() != want {
			t.Errorf("EnsureWebhook = %q, %v, want %q", outcome, err, want)
		}
	})
}

// A registration whose answer is lost is found, and not made twice.
func TestEnsureDynamicWebhookAfterALostAnswer(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.meddle = func(r *http.Request, _ string) *http.Response {
		if r.Method != http.MethodPost {
			return nil
		}
		if _, err := s.Hosts().RoundTrip(r); err != nil {
			t.Error(err)
		}
		return answer(503, `{}`)
	}
	outcome, err := s.app(t).EnsureWebhook(t.Context(), dynamicWish())
	if err != nil || len(outcome.Created) != 1 || len(s.Webhooks()) != 1 {
		t.Errorf("EnsureWebhook = %q, %v; the site has %s", outcome, err, s.state())
	}
}

// Where Jira lists something else than it took, webhooks do not pile up.
func TestEnsureDynamicWebhookThatIsListedOtherwise(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.meddle = func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/webhook") {
			return answer(200, `{"isLast":true,"values":[]}`)
		}
		return nil
	}
	outcome, err := s.app(t).EnsureWebhook(t.Context(), dynamicWish())
	if err == nil || len(s.Webhooks()) != 1 {
		t.Errorf("EnsureWebhook = %q, %v with %d webhooks, want an error and 1", outcome, err, len(s.Webhooks()))
	}
}
