package jira_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// hookSites are the sites that know admin webhooks.
var hookSites = []struct {
	base   string
	config jirasim.Config
}{
	{site, jirasim.Config{}},
	{"https://jira.acme.example", jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4"}},
	{"https://jira.acme.example", jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.3.0"}},
}

// drawAdminHook is anybody's webhook.
func drawAdminHook(t *rapid.T) jirasim.Webhook {
	return jirasim.Webhook{
		Name:        rapid.SampledFrom([]string{hookName, hookName, "by hand", jira.DefaultWebhookName("other")}).Draw(t, "name"),
		URL:         rapid.SampledFrom([]string{hookURL, hookURL, "https://old.example/hook", "https://other.example/hook"}).Draw(t, "url"),
		Events:      rapid.SliceOfN(rapid.SampledFrom(append([]string{"user_deleted", "board_created"}, hookEvents...)), 0, 4).Draw(t, "events"),
		JQL:         rapid.SampledFrom([]string{"", "project = PAY"}).Draw(t, "filter"),
		Disabled:    rapid.Bool().Draw(t, "disabled"),
		ExcludeBody: rapid.Bool().Draw(t, "bodiless"),
		Secret:      rapid.SampledFrom([]string{"", "open sesame", "another secret"}).Draw(t, "secret"),
	}
}

// foreign are the webhooks that nobody may touch, with all they hold.
func (s *hookSite) foreign() string {
	return fmt.Sprint(slices.DeleteFunc(s.Webhooks(), func(w jirasim.Webhook) bool { return w.Name == hookName || w.URL == hookURL }))
}

// isRight judges a webhook by the wish, but for its secret, which does not show.
func isRight(w jirasim.Webhook) bool {
	events := slices.Compact(slices.Sorted(slices.Values(w.Events)))
	return w.URL == hookURL && slices.Equal(events, hookEvents) && w.JQL == "" && !w.Disabled && !w.ExcludeBody && w.Signed
}

// checkAdmin holds the site against what EnsureWebhook promises: no webhook of
// our name is left but the one that serves the wish, which is right.
func (s *hookSite) checkAdmin(t interface{ Fatalf(string, ...any) }, serves []jira.Webhook) {
	if len(serves) != 1 {
		t.Fatalf("%d webhooks serve the wish, want 1", len(serves))
	}
	for _, w := range s.Webhooks() {
		id := fmt.Sprint(w.ID)
		if w.Name == hookName && id != serves[0].ID {
			t.Fatalf("webhook %s is left beside %s in\n%s", id, serves[0].ID, s.state())
		}
		if id == serves[0].ID && !isRight(w) {
			t.Fatalf("webhook %s is wrong in\n%s", id, s.state())
		}
	}
}

// From any set of registrations there is one of ours in the end, which is right;
// strangers' are as they were; and the second time nothing changes.
func TestEnsureAdminWebhookFromAnyState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := hookSites[rapid.IntRange(0, len(hookSites)-1).Draw(rt, "site")]
		s := newHookSite(at.config)
		for _, w := range rapid.SliceOfN(rapid.Custom(drawAdminHook), 0, 6).Draw(rt, "before") {
			s.AddWebhook(w)
		}
		foreign, c, wanted := s.foreign(), s.admin(t, at.base), wish()
		outcome, err := c.EnsureWebhook(t.Context(), wanted)
		if err != nil {
			rt.Fatalf("EnsureWebhook = %v", err)
		}
		s.checkAdmin(rt, outcome.Webhooks)
		if got := s.foreign(); got != foreign {
			rt.Fatalf("strangers' webhooks are %s, they were %s", got, foreign)
		}
		wanted.SecretVerified = true
		state := s.state()
		again, err := c.EnsureWebhook(t.Context(), wanted)
		if err != nil || again.Changed() || s.state() != state {
			rt.Fatalf("the second EnsureWebhook = %q, %v", again, err)
		}
	})
}

// The same of the app's dynamic webhooks; at most five are there at any time.
func TestEnsureDynamicWebhookFromAnyState(t *testing.T) {
	filters := []string{allOfAcme, "project not in (d9dfc3df-95c9-489a-bc5d-d0771c5c83de)", "project = PAY", `project = "PAY"`, `project != "PAY"`, "status = Done"}
	rapid.Check(t, func(rt *rapid.T) {
		s := newHookSite(jirasim.Config{Webhooks: jirasim.WebhookConfig{ExpirationText: rapid.Bool().Draw(rt, "time as text")}})
		s.AddProject(jirasim.Project{Key: "PAY"})
		c := s.app(t)
		var before []jira.DynamicSpec
		for range rapid.IntRange(0, jira.MaxDynamicWebhooks).Draw(rt, "webhooks") {
			before = append(before, jira.DynamicSpec{
				Events: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"jira:issue_created", "jira:issue_deleted", "sprint_closed"}), 1, 3, rapid.ID[string]).Draw(rt, "events"),
				JQL:    rapid.SampledFrom(filters).Draw(rt, "filter"),
				Fields: rapid.SampledFrom([][]string{nil, nil, {"summary"}}).Draw(rt, "fields"),
			})
		}
		s.register(t, c, "", before)
		outcome, err := c.EnsureWebhook(t.Context(), dynamicWish())
		if err != nil {
			rt.Fatalf("EnsureWebhook = %v", err)
		}
		if got, want := len(s.Webhooks()), len(outcome.Webhooks); got != want || want > 2 {
			rt.Fatalf("%d webhooks are left and %d serve the wish:\n%s", got, want, s.state())
		}
		for _, w := range s.Webhooks() {
			if w.URL != hookURL || !slices.Equal(slices.Sorted(slices.Values(w.Events)), dynamicEvents) || w.FieldIDs != nil {
				rt.Fatalf("a webhook is wrong:\n%s", s.state())
			}
		}
		writes := s.writes()
		again, err := c.EnsureWebhook(t.Context(), dynamicWish())
		if err != nil || again.Changed() || s.writes() != writes {
			rt.Fatalf("the second EnsureWebhook = %q, %v", again, err)
		}
	})
}

// turns lets requests pass one at a time.
type turns struct{ waiting [2]chan struct{} }

// take lets the requests of one process wait for its turn.
func (q *turns) take(process int, s *hookSite) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		q.waiting[process] <- struct{}{}
		return s.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Two processes may ensure at once, their requests in any order: exactly one
// webhook of ours remains, and it is right.
func TestEnsureWebhookTwiceAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := hookSites[rapid.IntRange(0, len(hookSites)-1).Draw(rt, "site")]
		before := rapid.SliceOfN(rapid.Custom(drawAdminHook), 0, 3).Draw(rt, "before")
		order := rapid.SliceOfN(rapid.IntRange(0, 1), 60, 60).Draw(rt, "order")
		failed := ""
		synctest.Test(t, func(t *testing.T) {
			s := newHookSite(at.config)
			for _, w := range before {
				s.AddWebhook(w)
			}
			foreign := s.foreign()
			if errs := s.ensureTwice(t, at.base, order); errs != "" {
				failed = errs
				return
			}
			if got := s.foreign(); got != foreign {
				failed = "strangers' webhooks are " + got + ", they were " + foreign
			}
			outcome, err := s.admin(t, at.base).EnsureWebhook(t.Context(), verified(wish()))
			if err != nil || outcome.Changed() {
				failed = fmt.Sprintf("afterwards EnsureWebhook = %q, %v in\n%s", outcome, err, s.state())
			}
		})
		if failed != "" {
			rt.Fatalf("%s", failed)
		}
	})
}

func verified(w jira.WebhookWish) jira.WebhookWish {
	w.SecretVerified = true
	return w
}

// ensureTwice runs two processes, whose requests pass in the order given while
// both have any, and returns their errors.
func (s *hookSite) ensureTwice(t *testing.T, base string, order []int) string {
	q := turns{[2]chan struct{}{make(chan struct{}), make(chan struct{})}}
	done := make(chan error, 2)
	for process := range q.waiting {
		auth, err := jira.Basic("sam@acme.example", "sesame-token")
		if err != nil {
			t.Fatal(err)
		}
		c, err := jira.New(base, auth, jira.Config{Transport: q.take(process, s), Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := c.EnsureWebhook(t.Context(), wish())
			done <- err
		}()
	}
	var errs []string
	for ended := 0; ended < 2; {
		synctest.Wait()
		first := 0
		if len(order) > 0 {
			first, order = order[0], order[1:]
		}
		select {
		case err := <-done:
			ended++
			if err != nil {
				errs = append(errs, err.Error())
			}
			continue
		default:
		}
		select {
		case <-q.waiting[first]:
		default:
			select {
			case <-q.waiting[1-first]:
			case err := <-done:
				ended++
				if err != nil {
					errs = append(errs, err.Error())
				}
			}
		}
	}
	return strings.Join(errs, "; ")
}
