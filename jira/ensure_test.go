package jira_test

import "ferry/jira"

// hookURL is where Ferry listens in these tests.
const hookURL = "https://ferry.example/integration/webhook"

// wish is for a webhook of the integration "acme".
func wish() jira.WebhookWish {
	return jira.WebhookWish{Identifier: "acme", URL: hookURL, Events: []string{"jira:issue_created", "jira:issue_deleted", "jira:issue_updated"}}
}
