package jira_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"ferry/jira"
)

// A web server that lets people consent, and keeps what they consent to.
func ExampleOAuthConfig() {
	app := jira.OAuthConfig{
		ClientID: "the app's", ClientSecret: "its secret",
		Store: jira.TokensFile("/var/lib/acme/jira-tokens.json", ""),
	}
	const callback = "https://acme.example/callback"
	http.HandleFunc("GET /connect", func(w http.ResponseWriter, r *http.Request) {
		state := "a random text, kept in the person's session"
		http.Redirect(w, r, app.AuthorizeURL(callback, state, "read:jira-work", "read:jira-user"), http.StatusFound)
	})
	http.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		// First of all, r.FormValue("state") is compared with the session's.
		if err := app.Exchange(r.Context(), callback, r.FormValue("code")); err != nil {
			http.Error(w, "Jira did not let us in", http.StatusBadGateway)
		}
	})
}

// From then on, in this process and in later ones.
func ExampleOAuth() {
	auth, err := jira.OAuth(jira.OAuthConfig{
		ClientID: "the app's", ClientSecret: "its secret",
		Store: jira.TokensFile("/var/lib/acme/jira-tokens.json", ""),
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{})
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.Myself(context.Background())
	if err != nil {
		log.Fatal(err) // ErrInvalidGrant: the person has to consent again
	}
	fmt.Println(user.DisplayName)
}
