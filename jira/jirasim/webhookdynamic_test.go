package jirasim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

const dynamicPath = "/rest/api/3/webhook"

// asApp asks with the token of an app.
func asApp(t *testing.T, s *jirasim.Server, what, body string) reply {
	t.Helper()
	return ask(t, s, what, body, "Authorization", "Bearer b")
}

// dynamicPage is a page of dynamic webhooks.
type dynamicPage struct {
	StartAt, MaxResults, Total int
	IsLast                     bool
	NextPage                   string
	Values                     []struct {
		ID             int64
		URL, JQLFilter string
		Events         []string
		ExpirationDate any
	}
}

func (p dynamicPage) ids() string {
	var ids []string
	for _, w := range p.Values {
		ids = append(ids, fmt.Sprint(w.ID))
	}
	return strings.Join(ids, " ")
}

func listDynamic(t *testing.T, s *jirasim.Server, query string) dynamicPage {
	t.Helper()
	r := asApp(t, s, "GET "+dynamicPath+query, "")
	if r.status != 200 {
		t.Fatalf("GET = %d %s", r.status, r.body)
	}
	var p dynamicPage
	r.decode(t, &p)
	return p
}

// registration is the answer for one webhook.
type registration struct {
	CreatedWebhookID int64
	Errors           []string
}

func register(t *testing.T, s *jirasim.Server, webhooks string) []registration {
	t.Helper()
	r := asApp(t, s, "POST "+dynamicPath, `{"url":"https://ferry.test/hook","webhooks":[`+webhooks+`]}`)
	if r.status != 200 {
		t.Fatalf("POST = %d %s", r.status, r.body)
	}
	var body struct{ WebhookRegistrationResult []registration }
	r.decode(t, &body)
	return body.WebhookRegistrationResult
}

func TestAnAppIsToldOfEachWebhookWhetherItWasRegistered(t *testing.T) {
	s := newSite(jirasim.Config{Bearer: "b"})
	const good = `{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}`
	got := register(t, s, strings.Join([]string{
		good,
		`{"events":["board_created","jira:issue_created","worklog_deleted"],"jqlFilter":"project = PAY"}`,
		`{"events":[],"jqlFilter":"project = PAY"}`,
		`{"events":["jira:issue_created"],"jqlFilter":"labels = x AND key > PAY-1"}`,
		`{"events":["jira:issue_created"],"jqlFilter":"project = PAY ORDER BY key"}`,
		`{"events":["jira:issue_created"],"jqlFilter":""}`,
		`{"events":["jira:issue_created"],"jqlFilter":"assignee = currentUser()"}`,
		`{"events":["jira:issue_created"],"jqlFilter":"assignee is EMPTY"}`,
		`{"events":["jira:issue_created"],"jqlFilter":"project not in (d9dfc3df-95c9-489a-bc5d-d0771c5c83de)"}`,
	}, ","))
	for i, want := range []string{
		"10000", "The event board_created is unsupported; The event worklog_deleted is unsupported", "At least one event must be given.",
		"The clause labels is unsupported; The operator > is unsupported", "ORDER BY is unsupported", "The jqlFilter must not be empty.",
		"The function currentuser is unsupported", "The operator IS is unsupported", "10001",
	} {
		said := strings.Join(got[i].Errors, "; ")
		if got[i].CreatedWebhookID != 0 {
			said = fmt.Sprint(got[i].CreatedWebhookID)
		}
		if !strings.Contains(said, want) {
			t.Errorf("webhook %d: %q, want %q", i, said, want)
		}
	}
	if list := listDynamic(t, s, ""); list.ids() != "10000 10001" || !list.IsLast || list.Total != 2 || list.MaxResults != 100 {
		t.Errorf("the list is %+v", list)
	}
	for i, r := range register(t, s, strings.Join([]string{good, good, good, good}, ",")) {
		if (i < 3) != (r.CreatedWebhookID > 0) {
			t.Errorf("number %d of the app: %+v; it may have 5", i+3, r)
		}
	}
	if p := listDynamic(t, s, "?startAt=1&maxResults=2"); p.ids() != "10001 10002" || p.IsLast || p.NextPage == "" {
		t.Errorf("a page in the middle is %+v", p)
	}
}

func TestRegistrationsRefusedAsAWhole(t *testing.T) {
	s := newSite(jirasim.Config{Email: "me@example.com", Token: "t", Bearer: "b"})
	register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}`)
	for body, want := range map[string]string{
		`{"url":"https://other.test","webhooks":[{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}]}`: "single URL",
		`{"url":"","webhooks":[]}`: "url",
		`{"url":"http://ferry.test","webhooks":[{"events":[],"jqlFilter":""}]}`: "HTTPS",
		`{"url":"https://ferry.test/hook","webhooks":[]}`:                       "At least one",
		`{"url":"https://ferry.test/hook","webhooks":[{"events":[]}]}`:          "jqlFilter",
		`{"url":"https://ferry.test/hook","secret":"x","webhooks":[]}`:          "Invalid request payload",
	} {
		if r := asApp(t, s, "POST "+dynamicPath, body); r.status != 400 || !strings.Contains(refusal(r), want) {
			t.Errorf("POST %s = %d %s, want 400 and %q", body, r.status, r.body, want)
		}
	}
	for _, what := range []string{"GET " + dynamicPath, "POST " + dynamicPath, "DELETE " + dynamicPath, "PUT " + dynamicPath + "/refresh"} {
		if r := ask(t, s, what, "{}", "Authorization", "Basic bWVAZXhhbXBsZS5jb206dA=="); r.status != 403 {
			t.Errorf("%s by a person = %d, want 403", what, r.status)
		}
		if r := ask(t, s, what, "{}", "Authorization", "Bearer wrong"); r.status != 401 {
			t.Errorf("%s with a wrong token = %d, want 401", what, r.status)
		}
	}
	for what, want := range map[string]int{"GET " + dynamicPath + "/failed": 403, "PUT " + dynamicPath: 405, "GET " + dynamicPath + "/refresh": 405, "GET " + dynamicPath + "/x": 404} {
		if r := asApp(t, s, what, ""); r.status != want {
			t.Errorf("%s = %d, want %d", what, r.status, want)
		}
	}
	server := newSite(jirasim.Config{Deployment: jirasim.DataCenter, Bearer: "b"})
	if r := asApp(t, server, "GET "+dynamicPath, ""); r.status != 404 {
		t.Errorf("Data Center answers %d, want 404", r.status)
	}
}

func TestStrictFiltersKnowTheProjects(t *testing.T) {
	s := newSite(jirasim.Config{Bearer: "b", Webhooks: jirasim.WebhookConfig{StrictFilters: true}})
	got := register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project not in (NONE)"},{"events":["jira:issue_created"],"jqlFilter":"project in (PAY, APP)"}`)
	if len(got[0].Errors) != 1 || !strings.Contains(got[0].Errors[0], "'NONE' does not exist") || got[1].CreatedWebhookID == 0 {
		t.Errorf("the registrations are %+v", got)
	}
}

// Webhooks belong to the app, and to the person it acts for.
func TestAppsDoNotShareWebhooks(t *testing.T) {
	s := newAppSite(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "other", ClientSecret: "o"})
	bearer := func(app string) []string { return []string{"Authorization", "Bearer " + s.Consent(app).Access} }
	path := gateway + "/ex/jira/c1" + dynamicPath
	created := at(t, s, "POST", path, `{"url":"https://ferry.test","webhooks":[{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}]}`, bearer("ferry")...)
	if created.status != 200 || !strings.Contains(string(created.body), "10000") {
		t.Fatalf("POST = %d %s", created.status, created.body)
	}
	var p dynamicPage
	if at(t, s, "GET", path, "", bearer("other")...).decode(t, &p); p.Total != 0 {
		t.Errorf("another app sees %+v", p)
	}
	if r := at(t, s, "DELETE", path, `{"webhookIds":[10000]}`, bearer("other")...); r.status != 202 || len(s.Webhooks()) != 1 {
		t.Errorf("another app deletes with %d, and leaves %v", r.status, s.Webhooks())
	}
	s.SignInAs("someone", "Someone else")
	if at(t, s, "GET", path, "", bearer("ferry")...).decode(t, &p); p.Total != 0 {
		t.Errorf("the app sees for another person %+v", p)
	}
	if got := s.Webhooks()[0]; got.App != "ferry" || !got.Signed {
		t.Errorf("the webhook is %+v", got)
	}
}

func TestDynamicWebhooksLiveThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Bearer: "b"})
		s.AddProject(jirasim.Project{Key: "PAY"})
		start := time.Now()
		register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project = PAY"},{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}`)
		if got := listDynamic(t, s, "").Values[0].ExpirationDate; got != float64(start.AddDate(0, 0, 30).UnixMilli()) {
			t.Errorf("expirationDate = %v, want the milliseconds of 30 days after %v", got, start)
		}
		time.Sleep(29 * 24 * time.Hour)
		r := asApp(t, s, "PUT "+dynamicPath+"/refresh", `{"webhookIds":[10001,4711]}`)
		var refreshed struct{ ExpirationDate int64 }
		if r.decode(t, &refreshed); r.status != 200 || refreshed.ExpirationDate != start.AddDate(0, 0, 59).UnixMilli() {
			t.Errorf("refresh = %d %s", r.status, r.body)
		}
		time.Sleep(24 * time.Hour)
		if got := listDynamic(t, s, "").ids(); got != "10001" {
			t.Errorf("after 30 days there are %s, want the refreshed 10001", got)
		}
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		if got := s.Deliveries(); len(got) != 1 || got[0].Webhook != 10001 {
			t.Errorf("queued are %+v, want one for 10001", got)
		}
		asApp(t, s, "PUT "+dynamicPath+"/refresh", `{"webhookIds":[10000]}`)
		if got := listDynamic(t, s, "").ids(); got != "10001" {
			t.Errorf("refreshing what has expired leaves %s, want 10001", got)
		}
		if r := asApp(t, s, "DELETE "+dynamicPath, `{"webhookIds":[10001,10000,1]}`); r.status != 202 || len(r.body) != 0 || len(s.Webhooks()) != 0 {
			t.Errorf("DELETE = %d %s, leaves %v", r.status, r.body, s.Webhooks())
		}
		for _, what := range []string{"DELETE " + dynamicPath, "PUT " + dynamicPath + "/refresh"} {
			if r := asApp(t, s, what, `{}`); r.status != 400 {
				t.Errorf("%s without ids = %d, want 400", what, r.status)
			}
		}
	})
}

func TestTheExpirationAsText(t *testing.T) {
	s := newSite(jirasim.Config{Bearer: "b", Webhooks: jirasim.WebhookConfig{ExpirationText: true}})
	register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project = PAY","fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]}`)
	var page struct{ Values []map[string]json.RawMessage }
	asApp(t, s, "GET "+dynamicPath, "").decode(t, &page)
	want := map[string]string{"id": "10000", "url": `"https://ferry.test/hook"`, "events": `["jira:issue_created"]`, "jqlFilter": `"project = PAY"`,
		"fieldIdsFilter": `["summary"]`, "issuePropertyKeysFilter": `["k"]`, "expirationDate": `"2026-04-03T12:00:00.000+0000"`}
	got := map[string]string{}
	for name, value := range page.Values[0] {
		got[name] = string(value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the webhook (-want +got):\n%s", diff)
	}
}

func TestWhatExpiresMeanwhileIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Bearer: "b"})
		register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}`)
		v := &receiver{answer: func(int, received) (int, error) { return 503, nil }}
		delivering(t, s, jirasim.Delivery{Transport: v})
		time.Sleep(30*24*time.Hour - time.Minute)
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		settle(t, s)
		if got := s.Deliveries()[0]; len(v.all()) != 1 || got.Status != jirasim.Dropped {
			t.Errorf("%d attempts, %+v; want one, and then dropped", len(v.all()), got)
		}
	})
}
