package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// The webhook that a person removed is back within the hour.
func TestWatchKeepsItsWebhook(t *testing.T) {
	for name, value := range map[string]string{
		"JIRA_SITE": "https://acme.atlassian.net", "JIRA_USER": "sam@acme.example", "JIRA_TOKEN": "token",
		"HOOK_URL": "https://hooks.acme.example/jira", "HOOK_SECRET": "sesame",
	} {
		t.Setenv(name, value)
	}
	synctest.Test(t, func(t *testing.T) {
		site := jirasim.New(jirasim.Config{Email: "sam@acme.example", Token: "token", BaseURL: "https://acme.atlassian.net"})
		site.AddIssue(jirasim.Issue{Key: "ACME-1", Summary: "Refund fails"})
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- watch(ctx, jira.Config{Transport: site.Transport()}) }()
		time.Sleep(time.Minute)
		hooks := site.Webhooks()
		if len(hooks) != 1 || hooks[0].URL != "https://hooks.acme.example/jira" {
			t.Fatalf("after a minute the webhooks are %+v, want ours", hooks)
		}
		site.RemoveWebhook(hooks[0].ID)
		time.Sleep(time.Hour)
		if hooks := site.Webhooks(); len(hooks) != 1 {
			t.Errorf("an hour after its removal the webhooks are %+v, want ours", hooks)
		}
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("watch = %v, want the end of its context", err)
		}
	})
}
