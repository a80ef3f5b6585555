package jirasim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"ferry/jira/jirasim"
)

func ExampleNew() {
	site := jirasim.New(jirasim.Config{})
	site.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
	site.AddIssue(jirasim.Issue{Key: "PAY-1", Summary: "Refund fails"})
	server := httptest.NewServer(site)
	defer server.Close()

	answer, err := server.Client().Post(server.URL+"/rest/api/3/search/jql", "application/json",
		strings.NewReader(`{"jql":"project = PAY"}`))
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(string(body))
	// Output: {"issues":[{"id":"10001"}],"isLast":true}
}

// A client that talks to three hosts, without a socket.
func ExampleServer_Hosts() {
	site := jirasim.New(jirasim.Config{BaseURL: "https://acme.atlassian.net", CloudID: "c1"})
	site.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
	site.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "hush"})
	client := &http.Client{Transport: site.Hosts()}

	request := `{"grant_type":"refresh_token","client_id":"ferry","client_secret":"hush","refresh_token":"` + site.Consent("ferry").Refresh + `"}`
	answer, err := client.Post("https://auth.atlassian.com/oauth/token", "application/json", strings.NewReader(request))
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&tokens); err != nil {
		panic(err)
	}
	asked, err := http.NewRequest("GET", "https://api.atlassian.com/ex/jira/c1/rest/api/3/project/PAY", nil)
	if err != nil {
		panic(err)
	}
	asked.Header.Set("Authorization", "Bearer "+tokens.Access)
	answer, err = client.Do(asked)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode, site.Refreshes())
	// Output: 200 1
}

func ExampleServer_Inject() {
	site := jirasim.New(jirasim.Config{Seed: 1})
	// The second search is throttled, and one answer in a hundred is cut.
	site.Inject(jirasim.Fault{Match: "/search/jql", After: 1, Times: 1, Do: jirasim.Throttle, RetryAfter: "5", Reason: "jira-burst-based"})
	site.Inject(jirasim.Fault{Do: jirasim.Cut, Probability: 0.01})
}

// What people do to the site is delivered to its webhooks.
func ExampleServer_Deliver() {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var event struct {
			WebhookEvent string
			Issue        struct{ Key string }
		}
		_ = json.NewDecoder(r.Body).Decode(&event)
		fmt.Println(event.WebhookEvent, event.Issue.Key, r.Header.Get("X-Hub-Signature") != "")
	}))
	defer receiver.Close()
	site := jirasim.New(jirasim.Config{})
	site.AddWebhook(jirasim.Webhook{URL: receiver.URL, Events: []string{"jira:issue_created"}, Secret: "hush"})
	site.AddIssue(jirasim.Issue{Key: "PAY-1"})

	ctx, end := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- site.Deliver(ctx, jirasim.Delivery{Transport: receiver.Client().Transport}) }()
	if err := site.Settled(ctx); err != nil {
		panic(err)
	}
	end()
	fmt.Println(<-done, site.DeliveryStats().Delivered)
	// Output:
	// jira:issue_created PAY-1 true
	// <nil> 1
}
