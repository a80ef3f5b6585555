package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// ErrSignature: nothing proves that a delivery comes from Jira. Its body is not
// to be looked at. The error says what is wrong; it holds no secret, no
// signature that would have been right, and no text of the sender's.
var ErrSignature = errors.New("the webhook delivery is not signed as it should be")

// unsigned is an [ErrSignature] with its particulars.
func unsigned(text string) error { return &kindError{text, []error{ErrSignature}} }

// signatureMethod is the one method that counts. WebSub lets the sender name
// it, so that one who may choose would choose a weak one
// (https://www.w3.org/TR/websub/#signature-validation).
const signatureMethod = "sha256"

// Sign returns the X-Hub-Signature that Jira sends with body where secret was
// given at the webhook's registration: "sha256=" and 64 hexadecimal digits.
func Sign(body []byte, secret string) string {
	return signatureMethod + "=" + hex.EncodeToString(signatureOf(body, secret))
}

func signatureOf(body []byte, secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// VerifySignature checks the header X-Hub-Signature of a delivery against its
// body, byte for byte as it came, before any decoding. It is good if one of the
// secrets made it: while a secret is replaced, deliveries signed with the former
// one are still under way, for Jira repeats them for more than half an hour.
// An empty secret is none.
//
// nil means that a holder of a secret wrote the body; not when, so that a
// delivery that was listened to can be sent again. Every error is an
// [ErrSignature].
//
// See https://developer.atlassian.com/cloud/jira/platform/webhooks/ on secure
// admin webhooks. Dynamic webhooks are signed otherwise: [VerifyJWT].
func VerifySignature(body []byte, header string, secrets ...string) error {
	if !anySecret(secrets) {
		return unsigned("there is no secret to check the webhook's X-Hub-Signature with: set the secret that the webhook was registered with")
	}
	header = strings.TrimSpace(header)
	if header == "" {
		return unsigned("the delivery has no X-Hub-Signature: register the webhook with a secret, and see that no proxy drops the header")
	}
	method, digits, _ := strings.Cut(header, "=")
	if !strings.EqualFold(method, signatureMethod) {
		return unsigned("the X-Hub-Signature is made by another method than sha256, the only one that is accepted")
	}
	got, err := hex.DecodeString(digits)
	if err != nil || len(got) != sha256.Size {
		return unsigned("the X-Hub-Signature is not 64 hexadecimal digits")
	}
	good := false
	for _, secret := range secrets {
		// No early end: time must not tell which secret it was.
		good = (secret != "" && hmac.Equal(got, signatureOf(body, secret))) || good
	}
	if !good {
		return unsigned("the X-Hub-Signature does not match the body: the webhook has another secret, or the body was changed on its way")
	}
	return nil
}

// anySecret reports whether there is something to verify with. The empty secret
// is one that everybody knows.
func anySecret(secrets []string) bool {
	for _, secret := range secrets {
		if secret != "" {
			return true
		}
	}
	return false
}
