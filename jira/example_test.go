package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"

	"ferry/jira"
)

// exampleClient is a client of a site that holds two issues.
func exampleClient() *jira.Client {
	auth, err := jira.Automatic("sam@acme.example", "token")
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{Transport: inProcess{http.HandlerFunc(twoIssues)}})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func twoIssues(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/rest/api/3/serverInfo":
		reply(w, http.StatusOK, `{"baseUrl":"https://acme.atlassian.net"}`)
	case "/rest/api/3/myself":
		reply(w, http.StatusOK, `{"accountId":"5b10a","displayName":"Sam"}`)
	case "/rest/api/3/search/jql", "/rest/api/3/issue/bulkfetch":
		reply(w, http.StatusOK, `{"issues":[{"id":"1","key":"ACME-1"},{"id":"2","key":"ACME-2"}]}`)
	default:
		reply(w, http.StatusNotFound, `{"errorMessages":["Issue does not exist."],"errors":{}}`)
	}
}

func ExampleNew() {
	auth, err := jira.Automatic("sam@acme.example", "token")
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: jira.Client(https://acme.atlassian.net)
}

func ExampleClient_SearchIssues() {
	client := exampleClient()
	query := jira.IssueQuery{
		JQL:    "project = " + jira.Quote("ACME") + " ORDER BY id",
		Fields: []string{"summary", "status"},
	}
	for page, err := range client.SearchIssues(context.Background(), query) {
		if err != nil {
			log.Fatal(err)
		}
		for _, item := range page.Items {
			var issue struct {
				Key  string `json:"key"`
				Site string `json:"__siteUrl"`
			}
			if err := json.Unmarshal(item, &issue); err != nil {
				log.Fatal(err)
			}
			fmt.Println(issue.Site + "/browse/" + issue.Key)
		}
	}
	// Output:
	// https://acme.atlassian.net/browse/ACME-1
	// https://acme.atlassian.net/browse/ACME-2
}

func ExampleClient_BulkFetch() {
	bulk, err := exampleClient().BulkFetch(context.Background(), jira.BulkQuery{IDs: []string{"1", "2", "3"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(bulk.Issues), "of 3 are there")
	// Output: 2 of 3 are there
}

func ExampleError() {
	_, err := exampleClient().Issue(context.Background(), "ACME-9", nil)
	switch {
	case errors.Is(err, jira.ErrUnauthorized):
		fmt.Println("make a token")
	case errors.Is(err, jira.ErrNotFound):
		fmt.Println("not there, or not for us to see:", err)
	}
	// Output: not there, or not for us to see: GET /rest/api/3/issue/ACME-9: 404 Not Found: Issue does not exist
}

func ExampleQuote() {
	fmt.Println("summary ~ " + jira.Quote(`say "hello"`))
	// Output: summary ~ "say \"hello\""
}
