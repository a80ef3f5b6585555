package jira_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"ferry/jira"
)

// A receiver verifies the raw body before it looks at it, and takes from an
// event only what is to be read again. It answers 2xx once that is kept: Jira
// repeats a delivery after a 5xx, and drops it after any other refusal.
func ExampleParseEvent() {
	const secret = "the secret that the webhook was registered with"
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, jira.MaxEventBody))
		if err != nil {
			http.Error(w, "too large, or broken off", http.StatusBadRequest)
			return
		}
		if err := jira.VerifySignature(body, r.Header.Get("X-Hub-Signature"), secret); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		event, err := jira.ParseEvent(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, issue := range event.Issues {
			fmt.Println(event.Kind, event.Action, "read again:", issue.ID)
		}
	}

	const body = `{"webhookEvent":"jira:issue_updated","issue":{"id":"10002","key":"ACME-1"}}`
	delivery := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
	delivery.Header.Set("X-Hub-Signature", jira.Sign([]byte(body), secret))
	receive(httptest.NewRecorder(), delivery)
	// Output: issue updated read again: 10002
}
