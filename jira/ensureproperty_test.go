package jira_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	if wrong := wish().Wrong(jira.FamilyAdmin, serves[0]); len(wrong) > 0 || !wish().Ours(jira.FamilyAdmin, serves[0]) {
		t.Fatalf("of the webhook that serves the wish %q is wrong", wrong)
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

// troubled is an edge that loses some answers, and refuses some requests, by a
// plan: 0 passes, 1 is done and the answer lost, 2 is not done.
func (s *hookSite) troubled(plan []int) edge {
	return func(r *http.Request, _ string) *http.Response {
		if len(plan) == 0 {
			return nil
		}
		next := plan[0]
		plan = plan[1:]
		if next == 0 {
			return nil
		}
		if next == 1 {
			_, _ = s.Hosts().RoundTrip(r)
		}
		return answer(503, `{}`)
	}
}

// From any set of registrations, and whatever answers were lost before, there is
// one of ours in the end, which is right; strangers' are as they were; and after
// that nothing changes any more.
func TestEnsureAdminWebhookFromAnyState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		at := hookSites[rapid.IntRange(0, len(hookSites)-1).Draw(rt, "site")]
		s := newHookSite(at.config)
		for _, w := range rapid.SliceOfN(rapid.Custom(drawAdminHook), 0, 6).Draw(rt, "before") {
			s.AddWebhook(w)
		}
		foreign, c, wanted := s.foreign(), s.admin(t, at.base), wish()
		if trouble := rapid.SliceOfN(rapid.IntRange(0, 2), 0, 20).Draw(rt, "trouble"); len(trouble) > 0 {
			s.meddle = s.troubled(trouble)
			for range 2 {
				if outcome, err := c.EnsureWebhook(t.Context(), wanted); err == nil {
					s.checkAdmin(rt, outcome.Webhooks)
				}
			}
			s.meddle = nil
		}
		outcome, err := c.EnsureWebhook(t.Context(), wanted)
		if err != nil {
			rt.Fatalf("EnsureWebhook = %v", err)
		}
		s.checkAdmin(rt, outcome.Webhooks)
		if got := s.foreign(); got != foreign {
			rt.Fatalf("strangers' webhooks are %s, they were %s", got, foreign)
		}
		wanted.SecretVerified = true
		if err := s.unchangedBy(t, c, wanted); err != nil {
			rt.Fatalf("%v", err)
		}
	})
}

// The same of the app's dynamic webhooks; at most five are there at any time.
func TestEnsureDynamicWebhookFromAnyState(t *testing.T) {
	t.Parallel()
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
		for _, w := range outcome.Webhooks {
			if wrong := dynamicWish().Wrong(jira.FamilyDynamic, w); len(wrong) > 0 || !dynamicWish().Ours(jira.FamilyDynamic, w) {
				rt.Fatalf("of a webhook that serves the wish %q is wrong", wrong)
			}
		}
		writes := s.writes()
		again, err := c.EnsureWebhook(t.Context(), dynamicWish())
		if err != nil || again.Changed() || s.writes() != writes {
			rt.Fatalf("the second EnsureWebhook = %q, %v", again, err)
		}
	})
}

// turns lets the requests of two processes pass one at a time.
type turns [2]chan struct{}

// of lets the requests of a process wait for its turn.
func (q turns) of(process int, s *hookSite) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		q[process] <- struct{}{}
		return s.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// ensureTwice runs two processes, whose requests pass in the order given while
// both have any, and returns their errors.
func (s *hookSite) ensureTwice(t *testing.T, order []int, wanted jira.WebhookWish, client func(http.RoundTripper) *jira.Client) error {
	q := turns{make(chan struct{}), make(chan struct{})}
	done := make(chan error, 2)
	for process := range q {
		c := client(q.of(process, s))
		go func() {
			_, err := c.EnsureWebhook(t.Context(), wanted)
			done <- err
		}()
	}
	var errs []error
	for len(errs) < 2 {
		synctest.Wait()
		next := 0
		if len(order) > 0 {
			next, order = order[0], order[1:]
		}
		select {
		case <-q[next]:
			continue
		default:
		}
		select {
		case <-q[0]:
		case <-q[1]:
		case err := <-done:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// inBubble runs a check under a clock that moves when nothing else does.
func inBubble(t *testing.T, rt *rapid.T, check func(*testing.T) error) {
	var err error
	synctest.Test(t, func(t *testing.T) { err = check(t) })
	if err != nil {
		rt.Fatalf("%v", err)
	}
}

// Two processes may ensure at once, their requests in any order: exactly one
// webhook of ours remains, and it is right.
func TestEnsureAdminWebhookTwiceAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		at := hookSites[rapid.IntRange(0, len(hookSites)-1).Draw(rt, "site")]
		before := rapid.SliceOfN(rapid.Custom(drawAdminHook), 0, 3).Draw(rt, "before")
		order := rapid.SliceOfN(rapid.IntRange(0, 1), 40, 40).Draw(rt, "order")
		inBubble(t, rt, func(t *testing.T) error {
			s := newHookSite(at.config)
			for _, w := range before {
				s.AddWebhook(w)
			}
			foreign := s.foreign()
			err := s.ensureTwice(t, order, wish(), func(transport http.RoundTripper) *jira.Client {
				return s.adminThrough(t, at.base, transport)
			})
			if got := s.foreign(); err == nil && got != foreign {
				err = fmt.Errorf("strangers' webhooks are %s, they were %s", got, foreign)
			}
			wanted := wish()
			wanted.SecretVerified = true
			return errors.Join(err, s.unchangedBy(t, s.admin(t, at.base), wanted))
		})
	})
}

// The same of dynamic webhooks.
func TestEnsureDynamicWebhookTwiceAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		strict := rapid.Bool().Draw(rt, "strict")
		before := rapid.SampledFrom([][]jira.DynamicSpec{nil, {{Events: []string{"sprint_closed"}, JQL: "project = PAY"}}}).Draw(rt, "before")
		order := rapid.SliceOfN(rapid.IntRange(0, 1), 40, 40).Draw(rt, "order")
		inBubble(t, rt, func(t *testing.T) error {
			s := newHookSite(jirasim.Config{Webhooks: jirasim.WebhookConfig{StrictFilters: strict}})
			s.AddProject(jirasim.Project{Key: "PAY"})
			s.register(t, s.app(t), "", before)
			err := s.ensureTwice(t, order, dynamicWish(), func(transport http.RoundTripper) *jira.Client {
				return tokenClientAt(t, gatewayURL, "oauth-token", transport)
			})
			if n := len(s.Webhooks()); err == nil && n != map[bool]int{true: 2, false: 1}[strict] {
				err = fmt.Errorf("%d webhooks are left:\n%s", n, s.state())
			}
			return errors.Join(err, s.unchangedBy(t, s.app(t), dynamicWish()))
		})
	})
}

// unchangedBy reports what EnsureWebhook still finds to do.
func (s *hookSite) unchangedBy(t *testing.T, c *jira.Client, wanted jira.WebhookWish) error {
	outcome, err := c.EnsureWebhook(t.Context(), wanted)
	if err == nil && outcome.Changed() {
		err = fmt.Errorf("another EnsureWebhook = %q, and there is\n%s", outcome, s.state())
	}
	return err
}
