package jirasim_test

import (
	"fmt"
	"io"
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

func ExampleServer_Inject() {
	site := jirasim.New(jirasim.Config{Seed: 1})
	// The second search is throttled, and one answer in a hundred is cut.
	site.Inject(jirasim.Fault{Match: "/search/jql", After: 1, Times: 1, Do: jirasim.Throttle, RetryAfter: "5", Reason: "jira-burst-based"})
	site.Inject(jirasim.Fault{Do: jirasim.Cut, Probability: 0.01})
}
