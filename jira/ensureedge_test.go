package jira_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// Jira's own word that a webhook is not signed counts more than the caller's.
func TestEnsureWebhookSignsWhatIsNotSigned(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: hookEvents})
	wanted := wish()
	wanted.SecretVerified = true
	outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wanted)
	if want := "admin webhook: repaired 1: secret"; err != nil || outcome.String() != want || s.state() != "1 "+hookName+" "+rightState {
		t.Errorf("EnsureWebhook = %q, %v, want %q; the site has %s", outcome, err, want, s.state())
	}
}

// What is wrong with a webhook is told without a change, and whose it is.
func TestWhatIsWrongWithAWebhook(t *testing.T) {
	right := jira.Webhook{Name: hookName, URL: hookURL, Events: hookEvents, Enabled: true, Signed: true}
	dynamic := jira.Webhook{URL: hookURL, Events: dynamicEvents, JQL: allOfAcme, Enabled: true}
	with := func(w jira.Webhook, change func(*jira.Webhook)) jira.Webhook {
		change(&w)
		return w
	}
	filtered, named, all := dynamicWish(), wish(), dynamicWish()
	filtered.JQL = "project = PAY"
	named.Name = "another"
	all.Events = jira.KnownEvents()
	for _, test := range []struct {
		name   string
		wish   jira.WebhookWish
		family jira.WebhookFamily
		hook   jira.Webhook
		ours   bool
		wrong  string
	}{
		{"right", wish(), jira.FamilyAdmin, right, true, ""},
		{"by another name", named, jira.FamilyAdmin, right, true, ""},
		{"by another name elsewhere", named, jira.FamilyAdmin, with(right, func(w *jira.Webhook) { w.URL = "https://old.example/" }), false, "url"},
		{"all wrong", wish(), jira.FamilyAdmin, jira.Webhook{Name: hookName, JQL: "project = PAY", ExcludeBody: true}, true, "url events filter enabled body"},
		{"dynamic", dynamicWish(), jira.FamilyDynamic, dynamic, true, ""},
		{"dynamic, with all events there are", all, jira.FamilyDynamic, with(dynamic, func(w *jira.Webhook) { w.Events = jira.DynamicEvents() }), true, ""},
		{"dynamic, one of a pair", dynamicWish(), jira.FamilyDynamic, with(dynamic, func(w *jira.Webhook) { w.JQL = `project != "PAY"` }), true, ""},
		{"dynamic, filtered as wished", filtered, jira.FamilyDynamic, with(dynamic, func(w *jira.Webhook) { w.JQL = `project = "PAY"` }), true, ""},
		{"dynamic, filtered otherwise", filtered, jira.FamilyDynamic, dynamic, true, "filter"},
		{"dynamic, by its mark", dynamicWish(), jira.FamilyDynamic, with(dynamic, func(w *jira.Webhook) { w.URL = "https://old.example/" }), true, "url"},
		{"dynamic, somebody's", dynamicWish(), jira.FamilyDynamic,
			jira.Webhook{URL: "https://old.example/", JQL: "status = Done", Fields: []string{"summary"}, Expires: time.Now().Add(-day)}, false,
			"url events filter fields ended"},
	} {
		wrong := strings.Join(test.wish.Wrong(test.family, test.hook), " ")
		if ours := test.wish.Ours(test.family, test.hook); ours != test.ours || wrong != test.wrong {
			t.Errorf("%s: ours %t, wrong %q, want %t, %q", test.name, ours, wrong, test.ours, test.wrong)
		}
	}
}

// A webhook that somebody removes while it is repaired is made anew.
func TestEnsureWebhookThatIsRemovedMeanwhile(t *testing.T) {
	for _, at := range hookSites {
		s := newHookSite(at.config)
		s.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Disabled: true})
		s.meddle = func(r *http.Request, _ string) *http.Response {
			if r.Method == http.MethodPut {
				s.RemoveWebhook(1)
			}
			return nil
		}
		outcome, err := s.admin(t, at.base).EnsureWebhook(t.Context(), wish())
		if want := "admin webhook: created 2"; err != nil || outcome.String() != want {
			t.Errorf("EnsureWebhook = %q, %v, want %q", outcome, err, want)
		}
	}
}

// A list that never shows the webhook does not make them pile up.
func TestEnsureWebhookThatIsNotListed(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.meddle = func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/webhook") {
			return answer(200, `[]`)
		}
		return nil
	}
	outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wish())
	if err == nil || !strings.Contains(err.Error(), "not in Jira's list") || len(s.Webhooks()) != 1 {
		t.Errorf("EnsureWebhook = %q, %v with %d webhooks, want an error and 1", outcome, err, len(s.Webhooks()))
	}
}

// Two installations under one name and at two URLs are told, and do not go on
// for ever.
func TestEnsureWebhookAgainstAnotherOfTheSameName(t *testing.T) {
	s := newHookSite(jirasim.Config{})
	s.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: hookEvents})
	s.meddle = func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/webhook") {
			last := s.Webhooks()
			s.RemoveWebhook(last[len(last)-1].ID)
			s.AddWebhook(jirasim.Webhook{Name: hookName, URL: "https://old.example/hook"})
		}
		return nil
	}
	outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wish())
	if err == nil || !strings.Contains(err.Error(), "another installation with the same name or URL") {
		t.Errorf("EnsureWebhook = %q, %v, want an error that says why", outcome, err)
	}
}

// An administrator's question that cannot be answered is not a no.
func TestEnsureWebhookAsksForThePermission(t *testing.T) {
	for body, says := range map[string]string{
		`{"permissions":{}}`: "lacks the global permission", `{"permissions":{"ADMINISTER":{"havePermission":false}}}`: "lacks the global permission",
		`{}`: "without permissions", `[]`: "another shape",
	} {
		s := newHookSite(jirasim.Config{})
		s.meddle = func(r *http.Request, _ string) *http.Response {
			if strings.HasSuffix(r.URL.Path, "/mypermissions") {
				return answer(200, body)
			}
			return nil
		}
		_, err := s.admin(t, site).EnsureWebhook(t.Context(), wish())
		if err == nil || !strings.Contains(err.Error(), says) || s.writes() != "" {
			t.Errorf("with the permissions %s EnsureWebhook = %v, want %q", body, err, says)
		}
	}
}

// The pages of Data Center are walked to their end, by a server that gives them as
// they were asked for, by one that gives shorter ones, and by one that knows none.
func TestServerWebhooksInPages(t *testing.T) {
	for _, size := range []int{100, 25, 0} {
		c := rewrittenServer(t, func(w http.ResponseWriter, r *http.Request) {
			from, to := 0, 250
			if size > 0 {
				_, _ = fmt.Sscan(r.FormValue("start"), &from)
				to = min(from+size, 250)
			}
			var items []string
			for id := from; id < to; id++ {
				items = append(items, fmt.Sprintf(`{"id":%d}`, id+1))
			}
			reply(w, 200, "["+strings.Join(items, ",")+"]")
		})
		hooks, err := c.Webhooks(t.Context())
		if err != nil || len(hooks) != 250 || hooks[249].ID != "250" {
			t.Errorf("in pages of %d: %d webhooks, %v, want 250", size, len(hooks), err)
		}
	}
}

// rewrittenServer is a client of Data Center 10.
func rewrittenServer(t *testing.T, answer http.HandlerFunc) *jira.Client {
	t.Helper()
	auth, err := jira.Bearer("sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://jira.acme.example", auth, jira.Config{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/serverInfo") {
			reply(w, 200, `{"baseUrl":"https://jira.acme.example","deploymentType":"Server","versionNumbers":[10,3,0]}`)
			return
		}
		answer(w, r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Of a list that Jira should not give, webhooks at other URLs stay, and one that
// has ended does not count.
func TestEnsureDynamicWebhookFromAnOddList(t *testing.T) {
	const one = `{"id":%d,"url":%q,"events":["jira:issue_created","jira:issue_deleted"],"jqlFilter":"project not in (d9dfc3df-95c9-489a-bc5d-d0771c5c83de)","expirationDate":%d}`
	later, earlier := time.Now().Add(20*day).UnixMilli(), time.Now().Add(-day).UnixMilli()
	values := []string{fmt.Sprintf(one, 1, "https://other.example/", later), fmt.Sprintf(one, 2, hookURL, earlier)}
	var deleted []string
	s := newHookSite(jirasim.Config{})
	s.meddle = func(r *http.Request, body string) *http.Response {
		switch r.Method {
		case http.MethodPost:
			values = append(values, fmt.Sprintf(one, 3, hookURL, later))
			return answer(200, `{"webhookRegistrationResult":[{"createdWebhookId":3}]}`)
		case http.MethodDelete:
			deleted = append(deleted, body)
			return answer(202, "")
		}
		return answer(200, `{"isLast":true,"values":[`+strings.Join(values, ",")+`]}`)
	}
	outcome, err := s.app(t).EnsureWebhook(t.Context(), dynamicWish())
	if err != nil || len(outcome.Webhooks) != 1 || outcome.Webhooks[0].ID != "3" || !slices.Equal(deleted, []string{`{"webhookIds":[2]}`}) {
		t.Errorf("EnsureWebhook = %q, %v, deleted %s; want 3 to serve and 2 deleted", outcome, err, deleted)
	}
}

// A Jira that quietly leaves out every event leaves nothing to be told of, which is an error and no
// registration that looks right.
func TestEnsureWebhookOfNoEventAtAll(t *testing.T) {
	dropAll := func(r *http.Request, body string) *http.Response {
		if r.Method == http.MethodGet {
			return nil
		}
		at := strings.Index(body, `"events":[`)
		if at < 0 {
			return nil
		}
		body = body[:at] + `"events":[` + body[at+strings.Index(body[at:], "]"):]
		r.Body, r.ContentLength = readCloser(body), int64(len(body))
		return nil
	}
	s := newHookSite(jirasim.Config{})
	s.meddle = dropAll
	outcome, err := s.admin(t, site).EnsureWebhook(t.Context(), wish())
	if err == nil || !strings.Contains(err.Error(), "none of the events") || !slices.Equal(outcome.Unavailable, hookEvents) {
		t.Errorf("EnsureWebhook = %q, %v, want an error that says why", outcome, err)
	}
	dynamic := newHookSite(jirasim.Config{})
	dynamic.meddle = func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodPost {
			return answer(200, `{"webhookRegistrationResult":[{"createdWebhookId":3}]}`)
		}
		return answer(200, `{"isLast":true,"values":[{"id":3,"url":"`+hookURL+`","events":[],"jqlFilter":"`+allOfAcme+`"}]}`)
	}
	outcome, err = dynamic.app(t).EnsureWebhook(t.Context(), dynamicWish())
	if err == nil || !strings.Contains(err.Error(), "none of the events") {
		t.Errorf("EnsureWebhook of dynamic webhooks = %q, %v, want an error that says why", outcome, err)
	}
}

// A list of webhooks that does not end is given up.
func TestWebhooksWithoutEnd(t *testing.T) {
	asked := 0
	endless := func(w http.ResponseWriter, form string) {
		var items []string
		for range 100 {
			asked++
			items = append(items, fmt.Sprintf(`{"id":%d}`, asked))
		}
		if asked > 1_000_000 {
			t.Fatal("a million webhooks were read")
		}
		reply(w, 200, fmt.Sprintf(form, strings.Join(items, ",")))
	}
	server := rewrittenServer(t, func(w http.ResponseWriter, _ *http.Request) { endless(w, "[%s]") })
	if hooks, err := server.Webhooks(t.Context()); !errors.Is(err, jira.ErrNotJira) {
		t.Errorf("Webhooks = %d, %v, want ErrNotJira", len(hooks), err)
	}
	asked = 0
	app := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) { endless(w, `{"isLast":false,"values":[%s]}`) })
	if hooks, err := app.DynamicWebhooks(t.Context()); !errors.Is(err, jira.ErrNotJira) {
		t.Errorf("DynamicWebhooks = %d, %v, want ErrNotJira", len(hooks), err)
	}
}

// Each of the three resources keeps one webhook through its life.
func TestOneAdminWebhook(t *testing.T) {
	for _, at := range hookSites {
		s := newHookSite(at.config)
		c := s.admin(t, at.base)
		spec := jira.WebhookSpec{Name: "a", URL: hookURL, Events: hookEvents, JQL: "project = PAY", Secret: "open sesame"}
		made, err := c.CreateWebhook(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		spec.Disabled, spec.ExcludeBody, spec.JQL = true, true, ""
		if err := c.UpdateWebhook(t.Context(), made.ID, spec); err != nil {
			t.Error(err)
		}
		got, err := c.Webhook(t.Context(), made.ID)
		if err != nil || got.Enabled || !got.ExcludeBody || got.JQL != "" || got.Name != "a" || !sameSet(got.Events, hookEvents) {
			t.Errorf("%s: Webhook = %+v, %v", at.base, got, err)
		}
		if err := c.DeleteWebhook(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
		if _, err := c.Webhook(t.Context(), made.ID); !errors.Is(err, jira.ErrNotFound) {
			t.Errorf("%s: Webhook of one that was deleted = %v, want ErrNotFound", at.base, err)
		}
	}
}

// What an administrator of Data Center set besides stays, in whatever form it comes.
func TestUpdateKeepsOtherSettings(t *testing.T) {
	var put string
	c := rewrittenServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			put = string(body)
		}
		reply(w, 200, `{"id":5,"configuration":{"EXCLUDE_BODY":true,"FILTERS":null,"PAUSED":true,"TRIES":3,"NOTE":"by hand","NONE":null}}`)
	})
	if err := c.UpdateWebhook(t.Context(), "5", jira.WebhookSpec{Name: "a", URL: hookURL, Events: hookEvents[:1]}); err != nil {
		t.Fatal(err)
	}
	want := `"configuration":{"EXCLUDE_BODY":"false","FILTERS":"","NOTE":"by hand","PAUSED":"true","TRIES":"3"}`
	if !strings.Contains(put, want) {
		t.Errorf("PUT %s, want %s in it", put, want)
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
