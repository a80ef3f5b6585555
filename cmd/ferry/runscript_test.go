package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ferry/internal/catalog/postgrestest"
	"ferry/internal/port/portsim"
	"ferry/jira"
	"ferry/jira/jirasim"
)

// What the scripts do around a ferry that runs.

// most bounds every wait of a script.
const most = 40 * time.Second

// siteOfScript is the simulated Jira that a script has made last.
type siteOfScript struct{ *jirasim.Server }

// portOfScript is the simulated Port that a script has made last.
type portOfScript struct{ *portsim.Server }

func keepSite(ts *testscript.TestScript, site *jirasim.Server) {
	ts.Value(siteOfScript{}).(*siteOfScript).Server = site
}

func siteIn(ts *testscript.TestScript) *jirasim.Server {
	site := ts.Value(siteOfScript{}).(*siteOfScript)
	if site.Server == nil {
		ts.Fatalf("there is no Jira yet")
	}
	return site.Server
}

// scriptFreeport sets variables to ports that nobody listens on: freeport NAME…
func scriptFreeport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: freeport NAME…")
	}
	for _, name := range args {
		l, err := net.Listen("tcp", ":0")
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		ts.Check(l.Close())
	}
}

// scriptTaken listens on a port until the script ends, and sets a variable to it: taken NAME
func scriptTaken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: taken NAME")
	}
	l, err := net.Listen("tcp", ":0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(l.Close()) })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// scriptHTTP asks until it gets the status, and a body that matches: http METHOD URL STATUS [PATTERN] [FILE [SECRET]]
// FILE is sent, and signed where there is a secret.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 6 {
		ts.Fatalf("usage: http METHOD URL STATUS [PATTERN] [FILE [SECRET]]")
	}
	args = append(args, "", "", "")
	pattern := regexp.MustCompile("(?m)" + args[3])
	var body []byte
	if args[4] != "" {
		body = []byte(ts.ReadFile(args[4]))
	}
	var got string
	for until := time.Now().Add(most); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		status, text, err := ask(args[0], args[1], body, args[5])
		if got = fmt.Sprintf("%d, %v, %.1000s", status, err, text); strconv.Itoa(status) == args[2] && pattern.MatchString(text) {
			_, _ = io.WriteString(ts.Stdout(), text)
			return
		}
	}
	ts.Fatalf("%s %s: want %s and %s, got %s", args[0], args[1], args[2], args[3], got)
}

func ask(method, url string, body []byte, secret string) (status int, text string, err error) {
	r, err := http.NewRequest(strings.ToUpper(method), url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("X-Hub-Signature", jira.Sign(body, secret))
	}
	answer, err := (&http.Client{Timeout: most}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}

// scriptTerminate sends SIGTERM to what runs in the background.
func scriptTerminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: terminate")
	}
	for _, c := range ts.BackgroundCmds() {
		if err := c.Process.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			ts.Check(err)
		}
	}
}

// scriptDeliver lets the simulated Jira deliver its webhooks until the script ends.
func scriptDeliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: deliver")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	site := siteIn(ts)
	go func() {
		defer close(ended)
		_ = site.Deliver(ctx, jirasim.Delivery{}) // it ends with ctx
	}()
	ts.Defer(func() { cancel(); <-ended })
}

// scriptEdit gives the first issue that the simulated Jira has of a project another summary: edit PROJECT SUMMARY
func scriptEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: edit PROJECT SUMMARY")
	}
	for n := range 1000 {
		if siteIn(ts).Update(fmt.Sprintf("%s-%d", args[0], n), func(i *jirasim.Issue) { i.Summary = args[1] }) {
			return
		}
	}
	ts.Fatalf("%s has no issue", args[0])
}

// scriptHolds waits until the simulated Port holds an entity with a text in it: holds TEXT
func scriptHolds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: holds TEXT")
	}
	sim := ts.Value(portOfScript{}).(*portOfScript)
	for until := time.Now().Add(most); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(sim.Dump(), args[0]) {
			return
		}
	}
	ts.Fatalf("Port does not hold %q:\n%s", args[0], sim.Dump())
}

// scriptHook registers a webhook, as a person would: hook NAME URL [SECRET]
func scriptHook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: hook NAME URL [SECRET]")
	}
	siteIn(ts).AddWebhook(jirasim.Webhook{Name: args[0], URL: args[1], Events: []string{"jira:issue_updated"}, Secret: append(args, "")[2]})
}

// testOfScript is the test that a script is.
type testOfScript struct{}

// scriptDatabase sets a variable to the URL of an empty schema of a PostgreSQL server, or skips the script where there
// is none: database NAME
func scriptDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database NAME")
	}
	ts.Setenv(args[0], postgrestest.Schema(ts.Value(testOfScript{}).(testing.TB)))
}
