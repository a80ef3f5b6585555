package jirasim_test

import (
	"net/http"
	"strings"
	"testing"
)

// tourWebhooks asks for every answer about dynamic webhooks.
func tourWebhooks(t *testing.T, check *conformance) {
	t.Helper()
	for _, c := range []struct {
		what, body string
		status     int
	}{
		{"GET webhook", "", 200},
		{"POST webhook", `{"url":"https://ferry.test","webhooks":[
			{"events":["jira:issue_created","comment_created"],"jqlFilter":"project = PAY","fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]},
			{"events":["jira:issue_deleted"],"jqlFilter":"labels = x"},
			{"events":["jira:issue_deleted"],"jqlFilter":"project not in (NONE)"}]}`, 200},
		{"POST webhook", `{"url":"https://other.test","webhooks":[{"events":["jira:issue_deleted"],"jqlFilter":"project = PAY"}]}`, 400},
		{"GET webhook?startAt=0&maxResults=1", "", 200},
		{"PUT webhook/refresh", `{"webhookIds":[10000,1]}`, 200},
		{"PUT webhook/refresh", `{"webhookIds":[]}`, 400},
		{"DELETE webhook", `{"webhookIds":[10000]}`, 202},
		{"DELETE webhook", `{"webhookIds":[]}`, 400},
		{"GET webhook/failed?after=5", "", 403},
	} {
		method, path, _ := strings.Cut(c.what, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "https://jira.test/rest/api/3/"+path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.body == "" {
			r.Body = nil
		} else {
			r.Header.Set("Content-Type", "application/json")
		}
		r.Header.Set("Authorization", "Bearer b")
		if w, err := check.RoundTrip(r); err != nil || w.StatusCode != c.status {
			t.Errorf("%s %s = %v, %v, want %d", c.what, c.body, w, err, c.status)
		}
		r.Header.Del("Authorization")
		r.SetBasicAuth("me@example.com", "t")
		r.Body = http.NoBody
		if w, err := check.next.RoundTrip(r); err != nil || w.StatusCode != 403 {
			t.Errorf("%s by a person = %v, %v, want 403", c.what, w, err)
		}
	}
}
