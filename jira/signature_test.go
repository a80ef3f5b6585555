package jira_test

import (
	"errors"
	"strings"
	"testing"

	"ferry/jira"
)

// The example of https://developer.atlassian.com/cloud/jira/platform/webhooks/.
const (
	atlassianSecret    = "It's a Secret to Everybody"
	atlassianBody      = "Hello World!"
	atlassianSignature = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
)

func TestSignIsAtlassiansExample(t *testing.T) {
	if got := jira.Sign([]byte(atlassianBody), atlassianSecret); got != atlassianSignature {
		t.Errorf("Sign = %s, want %s", got, atlassianSignature)
	}
}

func TestVerifySignature(t *testing.T) {
	digits := strings.TrimPrefix(atlassianSignature, "sha256=")
	for name, header := range map[string]string{
		"as documented":  atlassianSignature,
		"capital digits": "sha256=" + strings.ToUpper(digits),
		"capital method": "SHA256=" + digits,
		"white space":    " " + atlassianSignature + "\t",
	} {
		for _, secrets := range [][]string{{atlassianSecret}, {"other", atlassianSecret}, {atlassianSecret, "other"}, {"", atlassianSecret}} {
			if err := jira.VerifySignature([]byte(atlassianBody), header, secrets...); err != nil {
				t.Errorf("%s: VerifySignature with %d secrets = %v", name, len(secrets), err)
			}
		}
	}
}

func TestVerifySignatureRefuses(t *testing.T) {
	secret := []string{atlassianSecret}
	digits := strings.TrimPrefix(atlassianSignature, "sha256=")
	tests := []struct {
		name, body, header string
		secrets            []string
		says               string
	}{
		{"no header", atlassianBody, "", secret, "no X-Hub-Signature"},
		{"blank header", atlassianBody, "  ", secret, "no X-Hub-Signature"},
		{"no method", atlassianBody, digits, secret, "another method"},
		{"sha1", atlassianBody, "sha1=" + digits[:40], secret, "another method"},
		{"sha512", atlassianBody, "sha512=" + digits + digits, secret, "another method"},
		{"method alone", atlassianBody, "sha256=", secret, "64 hexadecimal"},
		{"cut", atlassianBody, atlassianSignature[:20], secret, "64 hexadecimal"},
		{"longer", atlassianBody, atlassianSignature + "00", secret, "64 hexadecimal"},
		{"not hexadecimal", atlassianBody, "sha256=" + strings.Repeat("zz", 32), secret, "64 hexadecimal"},
		{"two signatures", atlassianBody, atlassianSignature + "," + atlassianSignature, secret, "64 hexadecimal"},
		{"other body", atlassianBody + "\n", atlassianSignature, secret, "does not match"},
		{"other secret", atlassianBody, atlassianSignature, []string{"other", "third"}, "does not match"},
		{"no secret", atlassianBody, atlassianSignature, nil, "no secret"},
		{"empty secret", atlassianBody, jira.Sign([]byte(atlassianBody), ""), []string{"", ""}, "no secret"},
		{"empty beside another", atlassianBody, jira.Sign([]byte(atlassianBody), ""), []string{"", "other"}, "does not match"},
	}
	for _, tt := range tests {
		err := jira.VerifySignature([]byte(tt.body), tt.header, tt.secrets...)
		if !errors.Is(err, jira.ErrSignature) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: VerifySignature = %v, want an ErrSignature that says %q", tt.name, err, tt.says)
			continue
		}
		if text := err.Error(); strings.Contains(text, digits[:8]) || strings.Contains(text, atlassianSecret) {
			t.Errorf("%s: the error shows what it must not: %s", tt.name, text)
		}
	}
}

func FuzzVerifySignature(f *testing.F) {
	f.Add([]byte(atlassianBody), atlassianSignature, atlassianSecret)
	f.Add([]byte(atlassianBody), strings.ToUpper(atlassianSignature), "")
	f.Add([]byte{}, "sha256=", "s")
	f.Add([]byte("x"), "sha1=00", "s")
	f.Fuzz(func(t *testing.T, body []byte, header, secret string) {
		right := jira.Sign(body, secret)
		if err := jira.VerifySignature(body, right, secret); (err == nil) != (secret != "") {
			t.Fatalf("VerifySignature of what Sign made with the secret %q = %v", secret, err)
		}
		isRight := strings.EqualFold(strings.TrimSpace(header), right) && secret != ""
		err := jira.VerifySignature(body, header, secret)
		if (err == nil) != isRight {
			t.Fatalf("VerifySignature(%q, %q) = %v, the right one being %q", body, header, err, right)
		}
		if err != nil && !errors.Is(err, jira.ErrSignature) {
			t.Fatalf("VerifySignature = %v, want an ErrSignature", err)
		}
	})
}
