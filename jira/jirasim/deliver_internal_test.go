package jirasim

import "testing"

// The test vector of https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
func TestSignBody(t *testing.T) {
	const want = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
	if got := signBody([]byte("Hello World!"), "It's a Secret to Everybody"); got != want {
		t.Errorf("signBody = %s, want %s", got, want)
	}
}
