package jira_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// At Data Center the same calls list all projects, whatever the server pages.
func ExampleClient_Projects() {
	server := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, Version: "9.12.4", ContextPath: "/jira", Bearer: "token"})
	server.AddProject(jirasim.Project{Key: "OPS"})
	server.AddProject(jirasim.Project{Key: "DEV"})
	auth, err := jira.Bearer("token") // a personal access token
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://jira.acme.example/jira", auth, jira.Config{Transport: server.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	for page, err := range client.Projects(context.Background(), jira.ProjectQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		for _, item := range page.Items {
			var project struct{ Key string }
			if err := json.Unmarshal(item, &project); err != nil {
				log.Fatal(err)
			}
			fmt.Println(project.Key)
		}
	}
	// Output:
	// DEV
	// OPS
}

// A server with a certificate authority of its own.
func ExampleConfig() {
	authorities, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile("/etc/ssl/acme.pem")
	if err != nil {
		log.Fatal(err)
	}
	authorities.AppendCertsFromPEM(pem)
	auth, err := jira.TokenFile("/run/secrets/jira-token", "")
	if err != nil {
		log.Fatal(err)
	}
	_, err = jira.New("https://jira.acme.example/jira", auth, jira.Config{TLS: &tls.Config{RootCAs: authorities}})
	if err != nil {
		log.Fatal(err)
	}
}

// What reading has cost, and what a client waits for.
func ExampleClient_Stats() {
	client := exampleClient()
	if _, err := client.BulkFetch(context.Background(), jira.BulkQuery{IDs: []string{"1", "2"}}); err != nil {
		log.Fatal(err)
	}
	stats := client.Stats()
	fmt.Println(stats.Requests, "requests,", stats.Throttled, "throttled, of", stats.Window, "places", stats.InFlight, "taken")
	// Output: 3 requests, 0 throttled, of 10 places 0 taken
}
