package jira_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ferry/jira"
)

func TestNewChecksTheSite(t *testing.T) {
	auth, _ := jira.Bearer("tok")
	tests := []struct{ site, path, says string }{
		{"https://acme.atlassian.net", "/rest/api/3/myself", ""},
		{" https://acme.atlassian.net/ ", "/rest/api/3/myself", ""},
		{"http://localhost:8080", "/rest/api/3/myself", ""},
		{"https://api.atlassian.com/ex/jira/c1", "/ex/jira/c1/rest/api/3/myself", ""},
		{"https://acme.example/jira%20a/", "/jira%20a/rest/api/3/myself", ""},
		{"acme.atlassian.net", "", "no https://"},
		{"acme.atlassian.net:443", "", "no https://"},
		{"ftp://acme.atlassian.net", "", "no https://"},
		{"", "", "no https://"},
		{"https://", "", "no host"},
		{"https://:443", "", "no host"},
		{"https://sam:sesame@acme.atlassian.net", "", "user name or a password"},
		{"https://acme.atlassian.net?a=b", "", "query or a fragment"},
		{"https://acme.atlassian.net?", "", "query or a fragment"},
		{"https://acme.atlassian.net#x", "", "query or a fragment"},
		{"https://sam:ses ame@acme", "", "is not a URL"},
	}
	for _, tt := range tests {
		var path string
		c, err := jira.New(tt.site, auth, jira.Config{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.EscapedPath()
			reply(w, 200, `{"accountId":"5b10a","baseUrl":"https://acme.example","deploymentType":"Cloud"}`)
		})}})
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "ses") {
				t.Errorf("New(%q) = %v, want an error that says %q", tt.site, err, tt.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("New(%q) = %v", tt.site, err)
			continue
		}
		if _, err := c.Myself(t.Context()); err != nil || path != tt.path {
			t.Errorf("New(%q) asks %q (%v), want %q", tt.site, path, err, tt.path)
		}
	}
	if _, err := jira.New(site, nil, jira.Config{}); err == nil {
		t.Error("New without credentials = nil, want an error")
	}
}

func TestRequestHeaders(t *testing.T) {
	for given, want := range map[string]string{"": "ferry-jira", "port-ocean/jira": "port-ocean/jira"} {
		c := newClient(t, jira.Config{UserAgent: given}, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("User-Agent"); got != want {
				t.Errorf("User-Agent = %q, want %q", got, want)
			}
			if got := r.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type = %q, want application/json", got)
			}
			reply(w, 200, `{"count":1}`)
		})
		if _, err := c.ApproximateCount(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
}

// At most Concurrency requests are in flight, of which ordinary ones leave
// Reserve places; an urgent one starts though they all wait.
func TestUrgentCallsHaveTheirPlaces(t *testing.T) {
	tests := []struct{ concurrency, reserve, ordinary, all int }{
		{0, 0, 8, 10}, {10, -1, 10, 10}, {4, 0, 2, 4}, {3, 0, 2, 3}, {1, 0, 1, 1}, {5, 1, 4, 5}, {2, 7, 1, 2},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var flying atomic.Int64
			open := make(chan struct{})
			c := newClient(t, jira.Config{Concurrency: tt.concurrency, Reserve: tt.reserve}, func(w http.ResponseWriter, _ *http.Request) {
				flying.Add(1)
				<-open
				reply(w, 200, `{"issues":[]}`)
			})
			if _, err := c.SiteURL(t.Context()); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			start := func(as *jira.Client) {
				for range 12 {
					wg.Go(func() {
						if _, err := as.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1"}}); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
			}
			start(c)
			ordinary := int(flying.Load())
			start(c.Urgent())
			if all := int(flying.Load()); ordinary != tt.ordinary || all != tt.all {
				t.Errorf("Concurrency %d, Reserve %d: %d ordinary in flight and %d with urgent ones, want %d and %d",
					tt.concurrency, tt.reserve, ordinary, all, tt.ordinary, tt.all)
			}
			close(open)
			wg.Wait()
			if got := c.Stats().Requests; got != 25 {
				t.Errorf("Stats().Requests = %d, want 25", got)
			}
		})
	}
}

// The site's address is asked once by any number of callers, a failure is not
// remembered, and one caller that gives up does not fail the others.
func TestSiteURLIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		auth, _ := jira.Bearer("tok")
		c, err := jira.New(site, auth, jira.Config{Retries: -1, Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			first := asked == 1
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			}
			if first {
				reply(w, 403, `{}`)
				return
			}
			reply(w, 200, `{"baseUrl":"https://acme.example"}`)
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.SiteURL(t.Context()); !errors.Is(err, jira.ErrForbidden) {
			t.Errorf("SiteURL = %v, want ErrForbidden", err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.SiteURL(impatient); err == nil {
				t.Error("SiteURL of a caller that gave up = nil, want an error")
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if got, err := c.SiteURL(t.Context()); got != "https://acme.example" || err != nil {
					t.Errorf("SiteURL = %q, %v, want https://acme.example", got, err)
				}
			})
		}
		wg.Wait()
		if asked != 3 { // the failure, the one given up, the one for all
			t.Errorf("serverInfo was asked %d times, want 3", asked)
		}
	})
}

func TestSiteURLMustBeAnAddress(t *testing.T) {
	for _, base := range []string{``, `javascript:alert(1)`, `acme.example`, `https://`} {
		auth, _ := jira.Bearer("tok")
		c, err := jira.New(site, auth, jira.Config{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, `{"baseUrl":"`+base+`"}`)
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.SiteURL(t.Context()); !errors.Is(err, jira.ErrNotJira) {
			t.Errorf("SiteURL from baseUrl %q = %q, %v, want ErrNotJira", base, got, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		`ACME`:            `"ACME"`,
		``:                `""`,
		`a" OR key = "b`:  `"a\" OR key = \"b"`,
		`c:\d`:            `"c:\\d"`,
		"l1\nl2\r\t\x00é": `"l1\nl2\r\t\u0000é"`,
		"\ufdd0\x7f\xff":  `"\ufdd0\u007f` + "\ufffd\"",
	} {
		if got := jira.Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

// Whatever the text, a reader of JQL gets it back and the literal ends at its
// end.
func TestQuoteIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(rapid.String().Draw(t, "text"), "\ufffd")
		got, rest, err := readLiteral(jira.Quote(text) + ` AND x = 1`)
		if err != nil || got != text || rest != ` AND x = 1` {
			t.Fatalf("Quote(%q) = %s, which reads as %q and leaves %q (%v)", text, jira.Quote(text), got, rest, err)
		}
	})
}

// readLiteral reads a JQL string as Jira's grammar does.
func readLiteral(jql string) (text, rest string, err error) {
	runes := []rune(jql)
	var b strings.Builder
	for i := 1; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '"':
			return b.String(), string(runes[i+1:]), nil
		case r < ' ':
			return "", "", fmt.Errorf("a bare control character %q", r)
		case r != '\\':
			b.WriteRune(r)
		default:
			i++
			switch runes[i] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case 'u':
				var code rune
				if _, err := fmt.Sscanf(string(runes[i+1:i+5]), "%04x", &code); err != nil {
					return "", "", err
				}
				b.WriteRune(code)
				i += 4
			case '"', '\\':
				b.WriteRune(runes[i])
			default:
				return "", "", fmt.Errorf("an unknown escape %q", runes[i])
			}
		}
	}
	return "", "", errors.New("no closing quote")
}
