package hooks

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Trust says for what a delivery is believed to be Jira's. Without any of it none is. A secret that
// is empty is none.
type Trust struct {
	// Secrets are those that may sign a delivery (X-Hub-Signature). The first is the one that the
	// webhook is registered with; others are former ones, for deliveries that Jira repeats.
	Secrets []string

	// ClientSecrets are those of the OAuth app, which signs what its dynamic webhooks deliver.
	ClientSecrets []string

	// Token makes a secret path, …/integration/webhook/<token>, for a Jira that cannot sign. Empty:
	// there is none. It has no slash.
	Token string

	// Unsigned takes deliveries that nothing proves, at a limited rate. A signature that is there
	// must be right all the same.
	Unsigned bool
}

// Format shows which proofs there are and none of the secrets, by whatever verb.
func (t Trust) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%d secrets, %d client secrets, secret path %t, unsigned %t", len(t.Secrets), len(t.ClientSecrets), t.Token != "", t.Unsigned)
}

// LogValue and MarshalText give what Format shows.
func (t Trust) LogValue() slog.Value         { return slog.StringValue(fmt.Sprint(t)) }
func (t Trust) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(t)), nil }

// secret is the one to register with; empty if there is none.
func (t Trust) secret() string {
	for _, secret := range t.Secrets {
		if secret != "" {
			return secret
		}
	}
	return ""
}

// knowsApp tells whether what an OAuth app signs can be checked.
func (t Trust) knowsApp() bool {
	return slices.ContainsFunc(t.ClientSecrets, func(secret string) bool { return secret != "" })
}

// hide takes the token out of a text, for Jira's words may repeat the address that it was given.
func (t Trust) hide(text string) string {
	if t.Token == "" {
		return text
	}
	return strings.ReplaceAll(text, t.Token, "[redacted]")
}

// isToken compares hashes, so that the time it takes tells neither the token nor its length.
func (t Trust) isToken(text string) bool {
	want, got := sha256.Sum256([]byte(t.Token)), sha256.Sum256([]byte(text))
	return hmac.Equal(want[:], got[:]) && t.Token != ""
}

// What secrets are derived for.
const (
	ForSignature = "webhook signature"
	ForPath      = "webhook path"
)

// DeriveSecret makes a secret of Port's client secret, for an integration and a purpose: 64
// hexadecimal digits, which also fit into a path. It is the same each time, so that a Ferry that
// lost its disk, or runs twice, knows the secret that Jira was given; and it says nothing of what
// it was made of, nor of the one for another purpose or integration. A new client secret makes a
// new one, which the [Registrar] then brings to Jira. Without a client secret it is empty: none.
func DeriveSecret(portClientSecret, identifier, purpose string) string {
	if portClientSecret == "" {
		return ""
	}
	info := fmt.Sprintf("ferry %q %q", purpose, identifier)
	key, err := hkdf.Key(sha256.New, []byte(portClientSecret), nil, info, sha256.Size)
	if err != nil {
		panic(err) // unreachable: the length is one that the hash can give
	}
	return hex.EncodeToString(key)
}
