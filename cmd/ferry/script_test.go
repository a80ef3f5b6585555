package main

import (
	"cmp"
	"context"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ferry/internal/catalog"
	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

// Credentials that the simulated Jira and Port of the scripts accept. What they hold must never be printed.
const (
	scriptEmail  = "sam@acme.example"
	scriptToken  = "hush-jira-token"
	scriptID     = "port-id"
	scriptSecret = "hush-port-secret"
)

// scriptJira serves a simulated Jira until the script ends, and sets JIRA to its address: jira [issues]
func scriptJira(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: jira [issues]")
	}
	issues, err := strconv.Atoi(cmp.Or(append(args, "20")[0], "20"))
	ts.Check(err)
	site := jirasim.New(jirasim.Config{Email: scriptEmail, Token: scriptToken, BaseURL: "https://acme.example"})
	company.Found(1, time.Now(), issues).Settle(site)
	keepSite(ts, site)
	server := httptest.NewServer(site)
	ts.Defer(server.Close)
	ts.Setenv("JIRA", server.URL)
	ts.Setenv("FERRY_JIRA_GATEWAY", server.URL)
}

// scriptPort serves a simulated Port until the script ends, and sets PORT to its address.
func scriptPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: port")
	}
	sim := portsim.New(portsim.Config{ClientID: scriptID, ClientSecret: scriptSecret})
	ts.Value(portOfScript{}).(*portOfScript).Server = sim
	server := httptest.NewServer(sim)
	ts.Defer(server.Close)
	ts.Setenv("PORT", server.URL)
}

// scriptLease takes a data directory, as another ferry would, until the script ends: lease DIR
func scriptLease(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lease DIR")
	}
	store, err := catalog.Open(context.Background(), catalog.Config{Dir: ts.MkAbs(args[0]), Integration: "my-jira-integration"})
	ts.Check(err)
	ts.Defer(func() { ts.Check(store.Close()) })
}
