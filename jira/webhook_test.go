package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"ferry/jira"
)

// hookText shows a webhook without what is empty.
func hookText(w jira.Webhook) string {
	text := fmt.Sprintf("%s %q %s %v", w.ID, w.Name, w.URL, w.Events)
	for _, part := range []struct {
		name string
		has  bool
	}{
		{"filter: " + w.JQL, w.JQL != ""}, {"disabled", !w.Enabled}, {"no body", w.ExcludeBody}, {"signed", w.Signed},
		{fmt.Sprint("fields", w.Fields), w.Fields != nil}, {fmt.Sprint("properties", w.PropertyKeys), w.PropertyKeys != nil},
		{"ends " + w.Expires.Format("2006-01-02T15:04:05.000Z07:00"), !w.Expires.IsZero()},
	} {
		if part.has {
			text += "; " + part.name
		}
	}
	return text
}

func hookTexts(hooks []jira.Webhook) []string {
	var all []string
	for _, w := range hooks {
		all = append(all, hookText(w))
	}
	return all
}

func TestSectionWebhooksFromTranscript(t *testing.T) {
	auth, err := jira.Basic("sam@acme.example", "sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(site, auth, jira.Config{Transport: newTranscript(t, "webhooks/section.txtar"), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Webhooks(t.Context()); !errors.Is(err, jira.ErrNotJira) {
		t.Errorf("a list with a link that is a number gives %v, want an ErrNotJira", err)
	}
	hooks, err := c.Webhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one, err := c.Webhook(t.Context(), "7")
	if err != nil {
		t.Fatal(err)
	}
	spec := jira.WebhookSpec{Name: "ours", URL: "https://ferry.example/hook", Events: []string{"jira:issue_created", "project_created"},
		JQL: "project = A", Secret: "open sesame"}
	made, err := c.CreateWebhook(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, hookTexts(append(hooks, one, made)), []string{
		`7 "theirs" https://ci.example/hook [jira:issue_created]; filter: project = A; disabled; no body`,
		`8 "text" https://a.example []; filter: project = B`,
		`9 "bare" https://b.example []; filter: project = C; signed`,
		`7 "theirs" https://ci.example/hook [jira:issue_created]`,
		`10 "ours" https://ferry.example/hook [jira:issue_created]; filter: project = A; signed`,
	})
	spec = jira.WebhookSpec{Name: "ours", URL: "https://ferry.example/hook", Events: spec.Events[:1], Disabled: true, ExcludeBody: true}
	if err := c.UpdateWebhook(t.Context(), "10", spec); err != nil {
		t.Errorf("UpdateWebhook = %v", err)
	}
	if err := c.DeleteWebhook(t.Context(), "10"); err != nil {
		t.Errorf("DeleteWebhook = %v", err)
	}
	if err := c.DeleteWebhook(t.Context(), "11"); !errors.Is(err, jira.ErrNotFound) {
		t.Errorf("DeleteWebhook of nothing = %v, want ErrNotFound", err)
	}
}

func TestServerWebhooksFromTranscript(t *testing.T) {
	c := tokenClientAt(t, "https://jira.acme.example", "sesame-token", newTranscript(t, "webhooks/server.txtar"))
	hooks, err := c.Webhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec := jira.WebhookSpec{Name: "ours", URL: "https://ferry.example/hook", Events: []string{"jira:issue_created"}, JQL: "project = A", Secret: "open sesame"}
	made, err := c.CreateWebhook(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, hookTexts(append(hooks, made)), []string{
		`7 "theirs" https://ci.example/hook [jira:issue_created]; filter: project = A; disabled; no body; signed`,
		`8 "bare" https://a.example []; filter: project = B`,
		`9 "older" https://b.example []; filter: project = C`,
		`10 "ours" https://ferry.example/hook [jira:issue_created]`,
	})
	spec.JQL, spec.Secret = "", ""
	if err := c.UpdateWebhook(t.Context(), "10", spec); err != nil {
		t.Errorf("UpdateWebhook = %v", err)
	}
	if err := c.DeleteWebhook(t.Context(), "10"); err != nil {
		t.Errorf("DeleteWebhook = %v", err)
	}
}

func TestDynamicWebhooksFromTranscript(t *testing.T) {
	c := transcriptClient(t, "webhooks/dynamic.txtar")
	hooks, err := c.DynamicWebhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	results, err := c.CreateDynamicWebhooks(t.Context(), "https://ferry.example/hook", []jira.DynamicSpec{
		{Events: []string{"jira:issue_created"}, JQL: "project = A", Fields: []string{"summary"}},
		{Events: []string{"jira:issue_deleted"}, JQL: "watchCount = 1"},
		{Events: []string{"issue_property_set"}, JQL: "project = B", PropertyKeys: []string{"p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	expires, err := c.RefreshDynamicWebhooks(t.Context(), "1000", "1001")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteDynamicWebhooks(t.Context(), "1000"); err != nil {
		t.Errorf("DeleteDynamicWebhooks = %v", err)
	}
	if err := c.DeleteDynamicWebhooks(t.Context()); err != nil {
		t.Errorf("DeleteDynamicWebhooks of none = %v", err)
	}
	got := hookTexts(hooks)
	for _, r := range results {
		got = append(got, fmt.Sprintf("%q %v", r.ID, r.Err))
	}
	compare(t, append(got, expires.String()), []string{
		`10000 "" https://ferry.example/hook [jira:issue_updated]; filter: project = PRJ; fields[summary]; ends 2019-06-01T12:42:30.000Z`,
		`10001 ""  [issue_property_set]; filter: issuetype = Bug; properties[p]; ends 2022-12-19T00:22:13.418Z`,
		`10002 "" https://ferry.example/hook []; filter: project = PRJ; ends 2019-06-01T12:42:30.000Z`,
		`"1000" <nil>`,
		`"" Jira refused dynamic webhook 2: The clause watchCount is unsupported; And more`,
		`"1001" <nil>`,
		`2019-06-01 12:42:30 +0000 UTC`,
	})
}

// What Jira would not answer is an error, and not an empty list from which
// somebody would conclude that there is no webhook.
func TestAnswersThatAreNoWebhooks(t *testing.T) {
	list := func(c *jira.Client) error { _, err := c.Webhooks(t.Context()); return err }
	dynamic := func(c *jira.Client) error { _, err := c.DynamicWebhooks(t.Context()); return err }
	create := func(c *jira.Client) error {
		_, err := c.CreateDynamicWebhooks(t.Context(), "https://ferry.example/", []jira.DynamicSpec{{JQL: "project = A"}})
		return err
	}
	for _, test := range []struct {
		body string
		ask  func(*jira.Client) error
	}{
		{`null`, list}, {`{}`, list}, {`[1]`, list}, {`[null]`, list}, {`[{"name":"a"}]`, list}, {`[{"self":"https://a/x"}]`, list},
		{`[{"id":-1}]`, list}, {`[{"id":1.5}]`, list}, {`[{"id":"../1"}]`, list},
		{`{}`, dynamic}, {`{"values":null}`, dynamic}, {`{"values":[{}]}`, dynamic}, {`[]`, dynamic},
		{`{}`, create}, {`{"webhookRegistrationResult":[]}`, create}, {`{"webhookRegistrationResult":[{},{}]}`, create},
	} {
		c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, test.body) })
		if err := test.ask(c); !errors.Is(err, jira.ErrNotJira) {
			t.Errorf("%s gives %v, want an ErrNotJira", test.body, err)
		}
	}
}

// Times are read in both forms; what cannot be read is no time.
func TestRefreshReadsTheExpiry(t *testing.T) {
	for text, want := range map[string]string{
		`1559392950000`: "2019-06-01T12:42:30Z", `"1559392950000"`: "2019-06-01T12:42:30Z",
		`"2019-06-01T12:42:30.000+0000"`: "2019-06-01T12:42:30Z", `"2019-06-01T14:42:30+02:00"`: "2019-06-01T12:42:30Z",
		`null`: "", `"soon"`: "", `0`: "", `-5`: "", `9223372036854775807`: "", `[]`: "",
	} {
		c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"expirationDate":`+text+`}`) })
		at, err := c.RefreshDynamicWebhooks(t.Context(), "1")
		got := ""
		if !at.IsZero() {
			got = at.Format("2006-01-02T15:04:05Z07:00")
		}
		if err != nil || got != want {
			t.Errorf("expirationDate %s = %q, %v, want %q", text, got, err, want)
		}
	}
}

// A webhook that could be there twice is not asked for twice.
func TestCreationIsNotRepeated(t *testing.T) {
	spec := jira.WebhookSpec{Name: "a", URL: "https://a.example", Events: []string{"jira:issue_created"}}
	for what, create := range map[string]func(context.Context, *jira.Client) error{
		"CreateWebhook": func(ctx context.Context, c *jira.Client) error {
			_, err := c.CreateWebhook(ctx, spec)
			return err
		},
		"CreateDynamicWebhooks": func(ctx context.Context, c *jira.Client) error {
			_, err := c.CreateDynamicWebhooks(ctx, spec.URL, nil)
			return err
		},
	} {
		for _, status := range []int{500, 502, 503, 504, 200} {
			synctest.Test(t, func(t *testing.T) {
				posts := 0
				count := func(w http.ResponseWriter, r *http.Request) {
					posts++
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(status)
				}
				err := create(t.Context(), newClient(t, jira.Config{}, count))
				if err == nil || posts != 1 {
					t.Errorf("%s after %d = %v with %d requests, want an error after 1", what, status, err, posts)
				}
				posts = 0
				if err := create(t.Context(), rewrittenServer(t, count)); what == "CreateWebhook" && (err == nil || posts != 1) {
					t.Errorf("%s at Data Center 10 after %d = %v with %d requests, want an error after 1", what, status, err, posts)
				}
			})
		}
	}
}

// Each refusal says what to do instead.
func TestWebhooksOutOfReach(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 403, `{"errorMessages":["The caller is not an app."],"errors":{}}`)
	}
	basic, _ := jira.Basic("sam@acme.example", "sesame-token")
	bearer, _ := jira.Bearer("sesame-token")
	const gateway = "https://api.atlassian.com/ex/jira/c1"
	for _, test := range []struct {
		name, site string
		auth       jira.Auth
		ask        func(*jira.Client) error
		says       string
		forbidden  bool
	}{
		{"admin webhooks at the gateway", gateway, bearer,
			func(c *jira.Client) error { _, err := c.Webhooks(t.Context()); return err }, "an API token without scopes", false},
		{"creating one", gateway, bearer, func(c *jira.Client) error {
			_, err := c.CreateWebhook(t.Context(), jira.WebhookSpec{Name: "a", URL: "https://a.example", Events: []string{"e"}})
			return err
		}, "Settings, System, WebHooks", false},
		{"dynamic webhooks with an API token", site, basic,
			func(c *jira.Client) error { _, err := c.DynamicWebhooks(t.Context()); return err }, "manage:jira-webhook", true},
		{"ensuring with a scoped token", gateway, basic,
			func(c *jira.Client) error { _, err := c.EnsureWebhook(t.Context(), wish()); return err }, "out of reach of scoped API tokens", false},
		{"ensuring with a token of no app", gateway, bearer,
			func(c *jira.Client) error { _, err := c.EnsureWebhook(t.Context(), wish()); return err }, "for OAuth 2.0 apps", true},
	} {
		err := test.ask(newClientAt(t, test.site, test.auth, jira.Config{}, refuse))
		if !errors.Is(err, jira.ErrNoWebhooks) || errors.Is(err, jira.ErrForbidden) != test.forbidden || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: %v, want an ErrNoWebhooks that says %q", test.name, err, test.says)
		}
	}
}

// Neither values nor errors show a secret, though Jira's words repeat it.
func TestWebhookSecretsDoNotPrint(t *testing.T) {
	const secret = "open sesame"
	spec := jira.WebhookSpec{Name: "a", URL: "https://a.example", Events: []string{"jira:issue_created"}, Secret: secret}
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		words, _ := json.Marshal("cannot read " + string(body))
		reply(w, 400, `{"errorMessages":[`+string(words)+`]}`)
	})
	_, err := c.CreateWebhook(t.Context(), spec)
	wanted := jira.WebhookWish{Identifier: "i", Secret: secret}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "spec", spec, "secret", spec.Secret)
	encoded, _ := json.Marshal(spec)
	for _, text := range []string{
		fmt.Sprint(err), fmt.Sprintf("%v %+v %#v %s %q %d %x", spec, spec, spec, spec.Secret, spec.Secret, spec.Secret, spec.Secret),
		fmt.Sprintf("%+v %#v", wanted, wanted), log.String(), string(encoded), fmt.Sprint(c.UpdateWebhook(t.Context(), "1", spec)),
	} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s does not redact the secret", text)
		}
	}
}

func TestWebhooksThatAreNotAskedFor(t *testing.T) {
	c := newClient(t, jira.Config{}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	good := jira.WebhookSpec{Name: "a", URL: "https://a.example", Events: []string{"jira:issue_created"}}
	for _, spoil := range []func(*jira.WebhookSpec){
		func(s *jira.WebhookSpec) { s.Name = " " }, func(s *jira.WebhookSpec) { s.Events = nil },
		func(s *jira.WebhookSpec) { s.URL = "" }, func(s *jira.WebhookSpec) { s.URL = "a.example/hook" },
		func(s *jira.WebhookSpec) { s.URL = "ftp://a.example" }, func(s *jira.WebhookSpec) { s.URL = "https://%zz" },
	} {
		spec := good
		spoil(&spec)
		if _, err := c.CreateWebhook(t.Context(), spec); err == nil {
			t.Errorf("CreateWebhook(%+v) succeeds", spec)
		}
	}
	for _, id := range []string{"", "a", "1/2", "..", "-1", "12345678901234567890"} {
		errs := []error{c.DeleteWebhook(t.Context(), id), c.UpdateWebhook(t.Context(), id, good), c.DeleteDynamicWebhooks(t.Context(), "1", id)}
		_, err := c.Webhook(t.Context(), id)
		for _, err := range append(errs, err) {
			if err == nil {
				t.Errorf("a call for the id %q succeeds", id)
			}
		}
	}
}
