package jira_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// deliver lets the site deliver one event and returns the header and the body of
// each delivery.
func (s *hookSite) deliver(t *testing.T, event string) (headers []http.Header, bodies []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	receive := roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		headers, bodies = append(headers, r.Header), append(bodies, string(body))
		return answer(204, ""), err
	})
	go func() { done <- s.Deliver(ctx, jirasim.Delivery{Transport: receive}) }()
	s.Emit(event, map[string]any{"project": map[string]any{"id": 1, "key": "PAY"}, "sprint": map[string]any{"id": 1}})
	err := s.Settled(ctx)
	stop()
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	return headers, bodies
}

// What Jira delivers to an admin webhook is signed with the secret of the wish,
// whatever secret the webhook had before.
func TestDeliveriesToAnEnsuredWebhookAreSigned(t *testing.T) {
	for _, at := range hookSites {
		for _, before := range []string{"", "another secret"} {
			synctest.Test(t, func(t *testing.T) {
				s := newHookSite(at.config)
				s.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: oceans, Secret: before})
				if _, err := s.admin(t, at.base).EnsureWebhook(t.Context(), wish()); err != nil {
					t.Fatal(err)
				}
				headers, bodies := s.deliver(t, "project_created")
				if len(bodies) != 1 {
					t.Fatalf("%d deliveries, want 1", len(bodies))
				}
				if err := jira.VerifySignature([]byte(bodies[0]), headers[0].Get("X-Hub-Signature"), string(wish().Secret)); err != nil {
					t.Errorf("at %s %s: the delivery to a webhook that had the secret %q: %v", at.base, at.config.Version, before, err)
				}
			})
		}
	}
}

// What Jira delivers to a dynamic webhook is signed with the app's secret.
func TestDeliveriesToAnEnsuredDynamicWebhookAreSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newHookSite(jirasim.Config{Webhooks: jirasim.WebhookConfig{ClientID: "ferry", ClientSecret: "app secret"}})
		wanted := dynamicWish()
		wanted.Events = append(wanted.Events, "sprint_closed")
		if _, err := s.app(t).EnsureWebhook(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		headers, bodies := s.deliver(t, "sprint_closed")
		if len(bodies) != 1 {
			t.Fatalf("%d deliveries, want 1", len(bodies))
		}
		if _, err := jira.VerifyJWT(headers[0].Get("Authorization"), time.Now(), "app secret"); err != nil {
			t.Errorf("the delivery: %v", err)
		}
	})
}

// Which family "auto" means depends on where the token is good, and how it is
// sent.
func TestWebhookFamilies(t *testing.T) {
	server := jirasim.Config{Deployment: jirasim.DataCenter, Version: "10.3.0"}
	for _, test := range []struct {
		name   string
		site   *hookSite
		client func(*hookSite) *jira.Client
		family jira.WebhookFamily
		want   jira.WebhookFamily
		err    error
	}{
		{"an API token at the site", newHookSite(jirasim.Config{}), func(s *hookSite) *jira.Client { return s.admin(t, site) },
			jira.FamilyAuto, jira.FamilyAdmin, nil},
		{"an app", newHookSite(jirasim.Config{}), func(s *hookSite) *jira.Client { return s.app(t) }, jira.FamilyAuto, jira.FamilyDynamic, nil},
		{"an app that wants admin webhooks", newHookSite(jirasim.Config{}), func(s *hookSite) *jira.Client { return s.app(t) },
			jira.FamilyAdmin, jira.FamilyAdmin, jira.ErrNoWebhooks},
		{"a personal access token", newHookSite(server), func(s *hookSite) *jira.Client {
			return tokenClientAt(t, "https://jira.acme.example", "oauth-token", s)
		}, jira.FamilyAuto, jira.FamilyAdmin, nil},
		{"dynamic webhooks at Data Center", newHookSite(server), func(s *hookSite) *jira.Client { return s.admin(t, "https://jira.acme.example") },
			jira.FamilyDynamic, jira.FamilyDynamic, jira.ErrNoWebhooks},
		{"an API token that wants dynamic webhooks", newHookSite(jirasim.Config{}), func(s *hookSite) *jira.Client { return s.admin(t, site) },
			jira.FamilyDynamic, jira.FamilyDynamic, jira.ErrNoWebhooks},
	} {
		wanted := dynamicWish()
		wanted.Family = test.family
		outcome, err := test.client(test.site).EnsureWebhook(t.Context(), wanted)
		if !errors.Is(err, test.err) || outcome.Family != test.want {
			t.Errorf("%s: the family is %s, %v, want %s, %v", test.name, outcome.Family, err, test.want, test.err)
		}
		if test.err != nil && strings.Contains(test.site.writes(), " 2") {
			t.Errorf("%s: registered %s", test.name, test.site.state())
		}
	}
}

func tokenClientAt(t *testing.T, base, token string, transport http.RoundTripper) *jira.Client {
	t.Helper()
	auth, err := jira.Bearer(token)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(base, auth, jira.Config{Transport: transport, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
