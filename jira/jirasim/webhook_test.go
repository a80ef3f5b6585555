package jirasim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

// adminPath is where Cloud and Data Center before version 10 keep webhooks.
const adminPath = "/rest/webhooks/1.0/webhook"

// adminWebhook is a webhook as that resource shows it.
type adminWebhook struct {
	Name, URL, Self, LastUpdatedUser, LastUpdatedDisplayName string
	Events                                                   []string
	Filters                                                  map[string]string
	ExcludeBody, Enabled, IsSigned                           bool
	LastUpdated                                              int64
}

func readAdmin(t *testing.T, r reply, status int) adminWebhook {
	t.Helper()
	if r.status != status {
		t.Fatalf("the webhook is answered %d %s, want %d", r.status, r.body, status)
	}
	var w adminWebhook
	r.decode(t, &w)
	return w
}

func TestAnAdministratorKeepsWebhooks(t *testing.T) {
	s := newSite(jirasim.Config{Email: "me@example.com", Token: "t", AccountID: "me", AccountName: "Me"})
	basic := []string{"Authorization", "Basic bWVAZXhhbXBsZS5jb206dA=="}
	body := `{"name":"Ferry","url":"https://ferry.test/hook?a=1&b=2","events":["jira:issue_created","user_deleted"],` +
		`"filters":{"issue-related-events-section":"project = PAY"},"excludeBody":true,"secret":"hush"}`
	created := ask(t, s, "POST "+adminPath, body, basic...)
	want := adminWebhook{Name: "Ferry", URL: "https://ferry.test/hook?a=1&b=2", Self: "https://jira.test" + adminPath + "/1",
		Events: []string{"jira:issue_created", "user_deleted"}, Filters: map[string]string{"issue-related-events-section": "project = PAY"},
		ExcludeBody: true, Enabled: true, IsSigned: true, LastUpdatedUser: "me", LastUpdatedDisplayName: "Me", LastUpdated: noon.UnixMilli()}
	if diff := cmp.Diff(want, readAdmin(t, created, 201)); diff != "" {
		t.Errorf("the created webhook (-want +got):\n%s", diff)
	}
	updated := ask(t, s, "PUT "+adminPath+"/1", `{"name":"Renamed","url":"https://ferry.test/","events":["board_created"],"enabled":false}`, basic...)
	want.Name, want.URL, want.Events, want.Filters = "Renamed", "https://ferry.test/", []string{"board_created"}, map[string]string{"issue-related-events-section": ""}
	want.ExcludeBody, want.Enabled = false, false
	if diff := cmp.Diff(want, readAdmin(t, updated, 200)); diff != "" {
		t.Errorf("the updated webhook, whose secret was not named again (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, readAdmin(t, ask(t, s, "GET "+adminPath+"/1", "", basic...), 200)); diff != "" {
		t.Errorf("the webhook by its id (-want +got):\n%s", diff)
	}
	list := ask(t, s, "GET "+adminPath, "", basic...)
	var all []adminWebhook
	list.decode(t, &all)
	if diff := cmp.Diff([]adminWebhook{want}, all); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	if strings.Contains(string(created.body)+string(updated.body)+string(list.body), "hush") {
		t.Error("an answer shows the secret")
	}
	if got := ask(t, s, "DELETE "+adminPath+"/1", "", basic...); got.status != 204 || len(s.Webhooks()) != 0 {
		t.Errorf("DELETE = %d, leaves %v", got.status, s.Webhooks())
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if got := ask(t, s, method+" "+adminPath+"/1", body, basic...).status; got != 404 {
			t.Errorf("%s of a deleted webhook = %d, want 404", method, got)
		}
	}
	for range 2 {
		readAdmin(t, ask(t, s, "POST "+adminPath, body, basic...), 201)
	}
	if ids := webhookIDs(s); ids != "2 3" {
		t.Errorf("two of the same name and URL have the ids %s, want 2 3", ids)
	}
}

func webhookIDs(s *jirasim.Server) string {
	var ids []string
	for _, w := range s.Webhooks() {
		ids = append(ids, fmt.Sprint(w.ID))
	}
	return strings.Join(ids, " ")
}

func TestWebhooksThatJiraRefuses(t *testing.T) {
	s := newSite(jirasim.Config{})
	for _, c := range []struct{ body, want string }{
		{`{"url":"https://a.test","events":[]}`, "name"},
		{`{"name":"a","url":"http://a.test"}`, "HTTPS"},
		{`{"name":"a","url":"ftp://a.test"}`, "not valid"},
		{`{"name":"a","url":"a.test"}`, "not valid"},
		{`{"name":"a","url":"https://a.test","events":["issue_created"]}`, "issue_created"},
		{`{"name":"a","url":"https://a.test","filters":{"issue-related-events-section":"project ="}}`, "JQL"},
		{`[1]`, "cannot be read"},
	} {
		got := ask(t, s, "POST "+adminPath, c.body)
		if got.status != 400 || !strings.Contains(refusal(got), c.want) {
			t.Errorf("POST %s = %d %s, want 400 and %q", c.body, got.status, got.body, c.want)
		}
	}
	for _, url := range []string{"http://localhost:8000/x", "http://127.0.0.1/x", "http://[::1]:1/x", "https://a.test/{issue.key}"} {
		readAdmin(t, ask(t, s, "POST "+adminPath, `{"name":"a","url":"`+url+`"}`), 201)
	}
	plain := newSite(jirasim.Config{Webhooks: jirasim.WebhookConfig{AllowHTTP: true}})
	readAdmin(t, ask(t, plain, "POST "+adminPath, `{"name":"a","url":"http://a.test"}`), 201)
	for range 99 {
		plain.AddWebhook(jirasim.Webhook{Name: "b", URL: "https://b.test"})
	}
	if got := ask(t, plain, "POST "+adminPath, `{"name":"a","url":"https://a.test"}`); got.status != 400 || !strings.Contains(refusal(got), "100") {
		t.Errorf("the 101st webhook = %d %s, want 400", got.status, got.body)
	}
	for what, want := range map[string]int{"PATCH " + adminPath: 405, "PATCH " + adminPath + "/1": 405, "GET " + adminPath + "/x": 404} {
		if got := ask(t, plain, what, "").status; got != want {
			t.Errorf("%s = %d, want %d", what, got, want)
		}
	}
}

func TestWhoMayAdministerWebhooks(t *testing.T) {
	cloud := jirasim.Config{Email: "me@example.com", Token: "t", Bearer: "b", CloudID: "c1"}
	denied := cloud
	denied.Denied = []string{"ADMINISTER"}
	server := jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4", Bearer: "b"}
	const basic, bearer = "Basic bWVAZXhhbXBsZS5jb206dA==", "Bearer b"
	for _, c := range []struct {
		name, path, authorization string
		config                    jirasim.Config
		want                      int
	}{
		{"an administrator", adminPath, basic, cloud, 200},
		{"nobody", adminPath, "", cloud, 401},
		{"a wrong token", adminPath, "Basic eDp5", cloud, 401},
		{"no administrator", adminPath, basic, denied, 403},
		{"OAuth", adminPath, bearer, cloud, 403},
		{"the gateway", "/ex/jira/c1" + adminPath, basic, cloud, 401},
		{"a personal access token of Data Center", adminPath, bearer, server, 200},
	} {
		var headers []string
		if c.authorization != "" {
			headers = []string{"Authorization", c.authorization}
		}
		if got := ask(t, newSite(c.config), "GET "+c.path, "", headers...); got.status != c.want {
			t.Errorf("%s gets %d %s, want %d", c.name, got.status, got.body, c.want)
		}
	}
}

func TestDataCenter10KeepsWebhooksElsewhere(t *testing.T) {
	s := newSite(jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.3.1"})
	const path = "/rest/jira-webhook/1.0/webhooks"
	if got := ask(t, s, "GET "+adminPath, "").status; got != 404 {
		t.Errorf("the resource of earlier versions = %d, want 404", got)
	}
	if got := ask(t, newSite(jirasim.Config{}), "GET "+path, "").status; got != 404 {
		t.Errorf("that of Data Center 10 at Cloud = %d, want 404", got)
	}
	r := ask(t, s, "POST "+path, `{"name":"Ferry","url":"http://ferry.test","events":["jira:issue_created"],"active":"true","secret":"ignored",`+
		`"configuration":{"EXCLUDE_BODY":"true","FILTERS":"{\"issue-related-events-section\":\"project = PAY\"}"}}`)
	var created struct {
		ID            int
		Name, URL     string
		Events        []string
		Active        bool
		Configuration map[string]string
		ScopeType     string
	}
	if r.decode(t, &created); r.status != 201 || created.ID != 1 || !created.Active || created.ScopeType != "global" ||
		created.Configuration["EXCLUDE_BODY"] != "true" || !strings.Contains(created.Configuration["FILTERS"], "project = PAY") {
		t.Errorf("POST = %d %s", r.status, r.body)
	}
	if w := s.Webhooks()[0]; w.JQL != "project = PAY" || !w.ExcludeBody || w.Signed {
		t.Errorf("the webhook is %+v: a secret outside of the configuration must not count", w)
	}
	r = ask(t, s, "PUT "+path+"/1", `{"name":"Ferry","url":"http://ferry.test","active":false,"filters":{"issue-related-events-section":"key = PAY-1"},"configuration":{"SECRET":"hush","EXCLUDE_BODY":"false"}}`)
	if w := s.Webhooks()[0]; r.status != 200 || !w.Signed || !w.Disabled || w.ExcludeBody || w.JQL != "key = PAY-1" {
		t.Errorf("PUT = %d, makes it %+v", r.status, w)
	}
	if list := ask(t, s, "GET "+path, ""); strings.Contains(string(r.body)+string(list.body), "hush") {
		t.Errorf("an answer shows the secret: %s", list.body)
	}
	if got := ask(t, s, "DELETE "+path+"/1", "").status; got != http.StatusNoContent || len(s.Webhooks()) != 0 {
		t.Errorf("DELETE = %d, leaves %v", got, s.Webhooks())
	}
}

func TestAWebhookChangedByHand(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.AddWebhook(jirasim.Webhook{Name: "Ferry", URL: "https://ferry.test", Events: []string{"jira:issue_created"}, Secret: "hush"})
	disable := func(w *jirasim.Webhook) { w.ID, w.Disabled, w.JQL = 5, true, "project = PAY" }
	if !s.UpdateWebhook(1, disable) || s.UpdateWebhook(2, disable) {
		t.Error("UpdateWebhook changes what is there")
	}
	want := []jirasim.Webhook{{ID: 1, Name: "Ferry", URL: "https://ferry.test", Events: []string{"jira:issue_created"}, JQL: "project = PAY", Disabled: true, Signed: true}}
	if diff := cmp.Diff(want, s.Webhooks()); diff != "" {
		t.Errorf("the webhooks (-want +got):\n%s", diff)
	}
}
