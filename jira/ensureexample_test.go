package jira_test

import (
	"context"
	"fmt"
	"log"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// An integration ensures its webhook when it starts, and from then on once in a
// while. What it did goes into the log.
func ExampleClient_EnsureWebhook() {
	site := jirasim.New(jirasim.Config{})
	// Port's own integration has been here: it asks for other events and signs nothing.
	site.AddWebhook(jirasim.Webhook{
		Name: jira.DefaultWebhookName("my-jira"), URL: "https://hooks.acme.example/integration/webhook", Events: []string{"board_created"},
	})
	auth, err := jira.Basic("sam@acme.example", "token")
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{Transport: site.Transport()})
	if err != nil {
		log.Fatal(err)
	}

	wish := jira.WebhookWish{
		Identifier: "my-jira",
		URL:        "https://hooks.acme.example/integration/webhook",
		Events:     []string{"jira:issue_created", "jira:issue_updated", "jira:issue_deleted"},
		Secret:     "a secret of 32 random bytes",
	}
	for range 2 {
		outcome, err := client.EnsureWebhook(context.Background(), wish)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcome)
		wish.SecretVerified = true // it has just been put
	}
	// Output:
	// admin webhook: repaired 1: events, secret
	// admin webhook: unchanged 1
}
