// Command watch prints the issues of a Jira site and keeps a webhook there: JIRA_SITE, JIRA_USER, JIRA_TOKEN; HOOK_URL, HOOK_SECRET.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"ferry/jira"
)

func main() { log.Fatal(watch(context.Background(), jira.Config{})) }

func watch(ctx context.Context, config jira.Config) error {
	auth, err := jira.Automatic(os.Getenv("JIRA_USER"), os.Getenv("JIRA_TOKEN"))
	if err != nil {
		return err
	}
	client, err := jira.New(os.Getenv("JIRA_SITE"), auth, config)
	if err != nil {
		return err
	}
	query := jira.IssueQuery{JQL: `created >= "1970-01-01" ORDER BY key`, Fields: []string{"summary"}}
	for page, err := range client.SearchIssues(ctx, query) {
		if err != nil {
			return err
		}
		for _, issue := range page.Items {
			fmt.Printf("%s\n", issue)
		}
	}
	wish := jira.WebhookWish{Name: "watch", URL: os.Getenv("HOOK_URL"), Events: jira.DynamicEvents(), Secret: jira.WebhookSecret(os.Getenv("HOOK_SECRET"))}
	for ; ctx.Err() == nil; time.Sleep(time.Hour) { // a person may remove it, and a dynamic one ends after 30 days
		outcome, err := client.EnsureWebhook(ctx, wish)
		fmt.Println(outcome, err)
	}
	return ctx.Err()
}
