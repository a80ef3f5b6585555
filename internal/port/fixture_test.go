package port_test

import (
	"strings"
	"testing"
)

// noSecret fails when text holds one of the secrets the tests use.
func noSecret(t testing.TB, text string) {
	t.Helper()
	for _, secret := range []string{clientSecret, "sim-token-"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q holds a secret", text)
		}
	}
}
