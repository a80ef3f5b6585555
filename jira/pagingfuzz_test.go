package jira_test

import (
	"encoding/json"
	"iter"
	"net/http"
	"sync/atomic"
	"testing"

	"ferry/jira"
)

// FuzzPagingAnswers: whatever a site answers to a listing, at Cloud and at Data Center, the listing ends, no page is
// larger than the answer it came in, and of JSON its items are JSON.
func FuzzPagingAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"issues":[{"id":"1"}],"nextPageToken":"t","isLast":false}`, `{"issues":[],"isLast":true}`, `{"issues":[],"nextPageToken":"t"}`,
		`{"startAt":0,"maxResults":50,"total":3,"issues":[{"id":"1","key":"A-1"},{"id":"2","key":"A-2"}]}`,
		`{"values":[{"key":"A"}],"startAt":0,"total":2,"isLast":false}`, `[{"id":"1","key":"A"},{"id":"2","key":"B"}]`, `[]`, `null`,
		`{"values":[{"id":1,"url":"https://x","webhooks":[]}],"maxResults":100,"startAt":0,"total":9}`,
		`{"issues":[{"id":"1"},null,7],"issueErrors":[{"id":"2","errorMessage":"x"}]}`,
		`{"issues":[{"id":"1","issues":[{"id":"2"}]}],"issues":[]}`, `{"total":-1,"issues":[{}]}`, `{"startAt":1e9,"total":99999999999,"issues":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, host := range []string{site, "https://jira.acme.example/jira"} {
			var asked atomic.Int64 // Data Center is asked for several issues at once
			auth, err := jira.Bearer("token")
			if err != nil {
				t.Fatal(err)
			}
			c := newClientAt(t, host, auth, jira.Config{Retries: -1, MaxBody: 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.URL.Path == "/jira/rest/api/2/serverInfo" {
					reply(w, http.StatusOK, `{"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server"}`)
					return
				}
				reply(w, http.StatusOK, string(body))
			})
			checkPages(t, body, c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a = 1"}))
			checkPages(t, body, c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a = 1", Fields: []string{"*all"}}))
			checkPages(t, body, c.Projects(t.Context(), jira.ProjectQuery{}))
			bulk, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"1", "2"}})
			checkItems(t, body, bulk.Issues, err)
			hooks, err := c.DynamicWebhooks(t.Context())
			if err == nil && len(hooks) > len(body)*maxAnswers {
				t.Errorf("%d webhooks from answers of %d bytes", len(hooks), len(body))
			}
			if asked.Load() > 10*maxAnswers {
				t.Errorf("the same answer was asked for %d times", asked.Load())
			}
		}
	})
}

// maxAnswers is how often a listing may ask for what is always the same answer: more than the empty pages in a row
// that it follows.
const maxAnswers = 150

func checkPages(t *testing.T, body []byte, pages iter.Seq2[jira.Page, error]) {
	t.Helper()
	n := 0
	for page, err := range pages {
		if n++; n > maxAnswers {
			t.Fatalf("a listing of the same answer goes on after %d pages", n)
		}
		checkItems(t, body, page.Items, err)
	}
}

func checkItems(t *testing.T, body []byte, items []json.RawMessage, err error) {
	t.Helper()
	if err != nil && len(items) > 0 {
		t.Errorf("%d items beside the error %v", len(items), err)
	}
	if len(items) > len(body) {
		t.Errorf("%d items from %d bytes", len(items), len(body))
	}
	for _, item := range items {
		if !json.Valid(item) && json.Valid(body) {
			t.Errorf("an item that is not JSON: %q", item)
		}
	}
}
