package jira_test

import (
	"context"
	"fmt"
	"log"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// Before the work begins: may this account do all of it?
func ExampleClient_Check() {
	site := jirasim.New(jirasim.Config{Email: "sam@acme.example", Token: "token", Denied: []string{"ADMINISTER"}})
	site.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
	auth, err := jira.Basic("sam@acme.example", "token")
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{Transport: site.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	report, err := client.Check(context.Background(), jira.ReadProjects, jira.AdminWebhooks)
	if err != nil {
		log.Fatal(err) // not let in at all
	}
	fmt.Printf("%s, %s, as %s\n", report.Deployment, report.Login, report.Account.DisplayName)
	for _, row := range report.Rows {
		fmt.Printf("%s: %s\n", row.Subject, row.State)
		if row.Remedy != "" {
			fmt.Println("  " + row.Remedy)
		}
	}
	// Output:
	// Cloud, Basic at the site, as Integration
	// login: ok
	// clock: ok
	// projects: ok
	// admin webhooks: missing permission
	//   let a Jira administrator give the account Integration the global permission Administer Jira
}
