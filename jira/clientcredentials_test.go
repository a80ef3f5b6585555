package jira_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// Service accounts: at Cloud by Atlassian's endpoint and the gateway, at Data
// Center by the site's own.
func TestClientCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		config jirasim.Config
		site   string
	}{
		"Cloud":       {jirasim.Config{}, cloudSite},
		"gateway":     {jirasim.Config{}, gateway},
		"Data Center": {jirasim.Config{Deployment: jirasim.DataCenter, BaseURL: "https://jira.acme.example/jira", ContextPath: "/jira"}, "https://jira.acme.example/jira"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulated(test.config)
				s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
				auth, err := jira.ClientCredentials(jira.ClientCredentialsConfig{ClientID: "ferry", ClientSecret: "sesame-secret"})
				c := clientOf(t, s, test.site, auth, err)
				for range 3 {
					if errs := concurrently(c, t.Context(), 5); errs != nil {
						t.Fatal(errs)
					}
					time.Sleep(time.Hour)
				}
				tokens := 0
				for _, path := range s.asked() {
					if strings.HasSuffix(path, "/token") {
						tokens++
					}
				}
				if tokens != 3 {
					t.Errorf("%d tokens in three hours, want 3: %q", tokens, s.asked())
				}
			})
		})
	}
	s := simulated(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "other"})
	auth, err := jira.ClientCredentials(jira.ClientCredentialsConfig{ClientID: "ferry", ClientSecret: "sesame-secret"})
	_, err = clientOf(t, s, cloudSite, auth, err).Myself(t.Context())
	if !errors.Is(err, jira.ErrUnauthorized) || errors.Is(err, jira.ErrInvalidGrant) || !strings.Contains(fmt.Sprint(err), "check the client id and the client secret") {
		t.Errorf("Myself with a wrong secret = %v, want what to check", err)
	}
}
