package jira_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"ferry/jira"
)

// kinds are the questions that a caller asks of an error.
var kinds = map[string]error{
	"not found": jira.ErrNotFound, "unauthorized": jira.ErrUnauthorized, "forbidden": jira.ErrForbidden,
	"throttled": jira.ErrThrottled, "not logged in": jira.ErrNotLoggedIn, "not Jira": jira.ErrNotJira,
}

const (
	loginPage = "<!DOCTYPE html><html><title>Log in</title></html>"
	noIssue   = `{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}`
)

// Every awkward answer ends in the right kind, after the right number of
// attempts, in the right words.
func TestAwkwardAnswers(t *testing.T) {
	tests := []struct {
		name     string
		status   int
		headers  []string
		body     string
		kinds    string
		attempts int
		says     string
	}{
		{"empty list for a dead token", 200, []string{"X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}, `{"issues":[],"isLast":true}`,
			"not logged in, unauthorized", 1, "200 OK: Jira answered without accepting the credentials: check the e-mail and the API token"},
		{"a login denied", 200, []string{"X-Seraph-LoginReason", "AUTHENTICATION_DENIED"}, `{"issues":[]}`,
			"not logged in, unauthorized", 1, "expire after a year"},
		{"a login refused in a list", 200, []string{"X-Seraph-LoginReason", "OK, authenticated_failed"}, `{"issues":[]}`,
			"not logged in, unauthorized", 1, "make a new token"},
		{"a login refused in a second header", 200, []string{"X-Seraph-LoginReason", "OK", "X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}, `{"issues":[]}`,
			"not logged in, unauthorized", 1, "make a new token"},
		{"a login refused beside 404", 404, []string{"X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}, noIssue,
			"not logged in, unauthorized", 1, "make a new token"},
		{"a login refused beside 503", 503, []string{"X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}, loginPage,
			"not logged in, unauthorized", 1, "make a new token"},
		{"401", 401, nil, `Client must be authenticated to access this resource.`,
			"unauthorized", 1, "401 Unauthorized: check the e-mail and the API token, or make a new token (tokens expire after a year at most, and those with scopes work only at https://api.atlassian.com/ex/jira/<cloudId>)"},
		{"401 of the gateway", 401, nil, `{"code":401,"message":"Unauthorized; scope does not match"}`,
			"unauthorized", 1, "scope does not match: the token lacks a scope: this takes read:jira-work;"},
		{"403", 403, nil, `{"errorMessages":["No."],"errors":{}}`,
			"forbidden", 1, "403 Forbidden: No: check what this account"},
		{"404", 404, nil, noIssue,
			"not found", 1, "permission to see it"},
		{"404 that was cut", 404, []string{"Content-Encoding", "gzip"}, "\x1f\x8b\x08\x00",
			"", 5, "404 Not Found: the answer broke off"},
		{"404 of a proxy", 404, nil, loginPage,
			"not Jira", 1, "is https://acme.atlassian.net a Jira site?"},
		{"404 of the gateway", 404, nil, `{"code":404,"message":"Not Found"}`,
			"not Jira", 1, "404 Not Found: Not Found: the 404 is not in Jira's words"},
		{"400", 400, nil, `{"errorMessages":["Unbounded JQL queries are not allowed here."],"errors":{"jql":"bad","a":"worse"}}`,
			"", 1, "400 Bad Request: Unbounded JQL queries are not allowed here: a: worse: jql: bad"},
		{"410", 410, nil, `{"errorMessages":["The requested API has been removed."],"errors":{}}`,
			"", 1, "410 Gone: The requested API has been removed"},
		{"429 with a wait", 429, []string{"Retry-After", "30", "RateLimit-Reason", "jira-burst-based"}, `{}`,
			"throttled", 5, "ask again after 30s"},
		{"429 as a web page without a wait", 429, []string{"Content-Type", "text/html"}, loginPage,
			"throttled", 5, "429 Too Many Requests: told by Jira to slow down"},
		{"500", 500, nil, `{"errorMessages":["Internal server error"]}`, "", 5, "500 Internal Server Error: Internal server error"},
		{"502", 502, nil, ``, "", 5, "502 Bad Gateway"},
		{"503 as a web page", 503, []string{"Retry-After", "1"}, loginPage, "", 5, "503 Service Unavailable"},
		{"504", 504, nil, `x`, "", 5, "504 Gateway Timeout"},
		{"501", 501, nil, ``, "", 1, "501 Not Implemented"},
		{"a web page for an answer", 200, []string{"Content-Type", "text/html; charset=utf-8"}, loginPage,
			"not Jira", 5, "answered text/html: is https://acme.atlassian.net a Jira site?"},
		{"a web page that says it is JSON", 200, nil, loginPage, "not Jira", 5, "not JSON"},
		{"an empty body", 200, nil, ``, "not Jira", 5, "not JSON (unexpected EOF)"},
		{"JSON that was cut", 200, nil, `{"issues":[{"id":"1"},{"i`, "not Jira", 5, "unexpected EOF"},
		{"JSON of another shape", 200, nil, `{"values":[]}`, "not Jira", 1, `without the list "issues"`},
		{"a bare list", 200, nil, `[{"id":"1"}]`, "not Jira", 1, "answered JSON of another shape"},
		{"a list that is none", 200, nil, `{"issues":{}}`, "not Jira", 1, `without the list "issues"`},
		{"a token that is no text", 200, nil, `{"issues":[],"nextPageToken":7}`, "not Jira", 1, "another shape"},
		{"a body in an unknown encoding", 200, []string{"Content-Encoding", "br"}, `xx`, "not Jira", 1, "encoding that was not asked for"},
		{"a body that is not the gzip it says", 200, []string{"Content-Encoding", "gzip"}, `{"issues":[]}`, "", 5, "gzip"},
		{"a redirect to another host", 302, []string{"Location", "https://user:pass@login.example/x?y=z"}, ``,
			"not Jira", 1, "redirects to https://login.example, and credentials are not sent there"},
		{"a redirect of a POST on the same host", 307, []string{"Location", "/elsewhere"}, ``,
			"not Jira", 1, "is https://acme.atlassian.net a Jira site?"},
		{"a redirect of a POST to the login of the same host", 302, []string{"Location", "https://ACME.atlassian.net/login"}, ``,
			"not Jira", 1, "302 Found: redirects to /login, where Jira would answer: is https://acme.atlassian.net a Jira site?"},
		{"a redirect to nowhere", 301, nil, ``, "not Jira", 1, "redirects"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := newClient(t, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
					attempts++
					w.Header().Set("Content-Type", "application/json")
					for i := 0; i < len(tt.headers); i += 2 {
						if tt.headers[i] == "Content-Type" {
							w.Header().Del("Content-Type")
						}
						w.Header().Add(tt.headers[i], tt.headers[i+1])
					}
					w.WriteHeader(tt.status)
					_, _ = w.Write([]byte(tt.body))
				})
				err := searchOnce(t.Context(), c)
				if got := kindsOf(err); got != tt.kinds || err == nil {
					t.Errorf("search = %v, of kind %q, want kind %q", err, got, tt.kinds)
				}
				if attempts != tt.attempts {
					t.Errorf("search made %d attempts, want %d", attempts, tt.attempts)
				}
				if text := errorText(err); !strings.Contains(text, tt.says) || !strings.HasPrefix(text, "POST /rest/api/3/search/jql: ") {
					t.Errorf("search = %q, want it to say %q", text, tt.says)
				}
				if text := errorText(err); strings.Contains(text, "sesame") || strings.Contains(text, "pass@") {
					t.Errorf("search = %q, which holds a secret", text)
				}
				e, ok := errors.AsType[*jira.Error](err)
				if ok && tt.status != e.Status {
					t.Errorf("search gives status %d, want %d", e.Status, tt.status)
				}
			})
		})
	}
}

// searchOnce walks an id search to its end.
func searchOnce(ctx context.Context, c *jira.Client) error {
	for _, err := range c.SearchIssues(ctx, jira.IssueQuery{JQL: "project = A"}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func kindsOf(err error) string {
	var found []string
	for _, name := range []string{"not found", "not logged in", "unauthorized", "forbidden", "throttled", "not Jira"} {
		if errors.Is(err, kinds[name]) {
			found = append(found, name)
		}
	}
	return strings.Join(found, ", ")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Each method looks at the login header, and refuses an answer of another
// shape.
func TestEveryMethodDistrustsItsAnswer(t *testing.T) {
	methods := map[string]func(context.Context, *jira.Client) error{
		"Projects": func(ctx context.Context, c *jira.Client) error {
			for _, err := range c.Projects(ctx, jira.ProjectQuery{}) {
				return err
			}
			return nil
		},
		"SearchIssues":     searchOnce,
		"Project":          func(ctx context.Context, c *jira.Client) error { _, err := c.Project(ctx, "A"); return err },
		"Issue":            func(ctx context.Context, c *jira.Client) error { _, err := c.Issue(ctx, "A-1", nil); return err },
		"ApproximateCount": func(ctx context.Context, c *jira.Client) error { _, err := c.ApproximateCount(ctx, "a"); return err },
		"Myself":           func(ctx context.Context, c *jira.Client) error { _, err := c.Myself(ctx); return err },
		"BulkFetch": func(ctx context.Context, c *jira.Client) error {
			_, err := c.BulkFetch(ctx, jira.BulkQuery{IDs: []string{"1"}})
			return err
		},
	}
	for name, ask := range methods {
		for _, body := range []string{`null`, `[]`, `7`, `"x"`} {
			c := newClient(t, jira.Config{Retries: -1}, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) })
			if err := ask(t.Context(), c); !errors.Is(err, jira.ErrNotJira) {
				t.Errorf("%s answered %s = %v, want ErrNotJira", name, body, err)
			}
		}
		c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, `{}`, "X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		})
		if err := ask(t.Context(), c); !errors.Is(err, jira.ErrNotLoggedIn) {
			t.Errorf("%s answered as to nobody = %v, want ErrNotLoggedIn", name, err)
		}
	}
}

// A dead token is told at the first request, which asks for the site's address.
func TestDeadTokenIsToldByServerInfo(t *testing.T) {
	attempts := 0
	auth, _ := jira.Basic("sam@acme.example", "dead")
	c, err := jira.New(site, auth, jira.Config{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attempts++
		reply(w, 200, `{"baseUrl":"https://acme.example"}`, "X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
	})}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1"}})
	if !errors.Is(err, jira.ErrNotLoggedIn) || attempts != 1 {
		t.Errorf("BulkFetch = %v after %d attempts, want ErrNotLoggedIn after 1", err, attempts)
	}
}

// No request reaches the host that a redirect names, over real sockets too.
func TestRedirectCarriesNoCredentials(t *testing.T) {
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached++
		if r.Header.Get("Authorization") != "" {
			t.Error("the Authorization header came to another host")
		}
	}))
	defer other.Close()
	jiraSite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/api/2/serverInfo":
			reply(w, 200, `{"baseUrl":"https://acme.example","deploymentType":"Cloud"}`)
		case "/rest/api/3/myself":
			http.Redirect(w, r, "/moved", http.StatusFound)
		case "/moved":
			reply(w, 200, `{"accountId":"5b10a"}`)
		default:
			http.Redirect(w, r, other.URL+"/rest", http.StatusFound)
		}
	}))
	defer jiraSite.Close()
	auth, _ := jira.Bearer("sesame-token")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := jira.New(jiraSite.URL, auth, jira.Config{Transport: transport, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	if user, err := c.Myself(t.Context()); err != nil || user.AccountID != "5b10a" {
		t.Errorf("Myself over a redirect on the same host = %v, %v, want 5b10a", user, err)
	}
	if _, err := c.ServerInfo(t.Context()); !errors.Is(err, jira.ErrNotJira) || !strings.Contains(err.Error(), other.Listener.Addr().String()) {
		t.Errorf("ServerInfo redirected to another host = %v, want ErrNotJira that names the host", err)
	}
	if reached != 0 {
		t.Errorf("%d requests came to the other host, want none", reached)
	}
}

// A redirect that leads to itself ends.
func TestRedirectLoop(t *testing.T) {
	hops := 0
	c := newClient(t, jira.Config{Retries: -1}, func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, r.URL.String(), http.StatusFound)
	})
	if _, err := c.Myself(t.Context()); !errors.Is(err, jira.ErrNotJira) || hops != 6 {
		t.Errorf("Myself = %v after %d hops, want ErrNotJira after 6", err, hops)
	}
}

// What Jira says is kept within bounds and cannot steer a terminal.
func TestMessagesAreTidied(t *testing.T) {
	long := strings.Repeat("ä", 500)
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, `{"errorMessages":["`+long+`","a\u001b[31m\nb","","  "],"errors":7,"message":["x"]}`)
	})
	_, err := c.Issue(t.Context(), "A-1", nil)
	e, ok := errors.AsType[*jira.Error](err)
	if !ok || len(e.Messages) != 2 || len([]rune(e.Messages[0])) != 300 || e.Messages[1] != "a [31m b" {
		t.Errorf("Issue = %#v, want two tidy messages of at most 300 characters", e)
	}
}

func TestBadArgumentsAreNotSent(t *testing.T) {
	c := newClient(t, jira.Config{}, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.URL.Path) })
	many := make([]string, 101)
	for i := range many {
		many[i] = "1"
	}
	calls := map[string]func() error{
		"Issue of nothing":        func() error { _, err := c.Issue(t.Context(), "", nil); return err },
		"Issue of ..":             func() error { _, err := c.Issue(t.Context(), "..", nil); return err },
		"Project of .":            func() error { _, err := c.Project(t.Context(), "."); return err },
		"BulkFetch of 101":        func() error { _, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: many}); return err },
		"Projects of 101 ids":     func() error { return firstError(c, jira.ProjectQuery{IDs: many}) },
		"Projects from no cursor": func() error { return firstError(c, jira.ProjectQuery{Cursor: "-1"}) },
		"SearchIssues reconciling 51": func() error {
			for _, err := range c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a", Reconcile: make([]int64, 51)}) {
				return err
			}
			return nil
		},
	}
	for name, ask := range calls {
		if err := ask(); err == nil {
			t.Errorf("%s = nil, want an error", name)
		}
	}
	if got, err := c.BulkFetch(t.Context(), jira.BulkQuery{}); err != nil || got.Issues != nil {
		t.Errorf("BulkFetch of nothing = %v, %v, want nothing", got, err)
	}
}

func firstError(c *jira.Client, query jira.ProjectQuery) error {
	for _, err := range c.Projects(context.Background(), query) {
		return err
	}
	return nil
}

// An argument stays one segment of the path, whatever it holds.
func TestArgumentsAreEscaped(t *testing.T) {
	var got string
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.EscapedPath()
		reply(w, 200, `{"id":"1"}`)
	})
	if _, err := c.Issue(t.Context(), "../a b?c#d%2F", nil); err != nil {
		t.Fatal(err)
	}
	if want := "/rest/api/3/issue/..%2Fa%20b%3Fc%23d%252F"; got != want {
		t.Errorf("Issue asks %s, want %s", got, want)
	}
}
