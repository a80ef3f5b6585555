package jirasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"
)

func mac(text []byte, secret string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write(text) // never fails
	return m.Sum(nil)
}

// signBody is X-Hub-Signature: the WebSub signature of the raw body.
func signBody(body []byte, secret string) string {
	return "sha256=" + hex.EncodeToString(mac(body, secret))
}

// signJWT makes the token of a delivery to an app. Its algorithm and claims are not
// documented: HS256, and the claims that Connect's tokens have.
func signJWT(h *hook, secret string, now time.Time) string {
	claims, _ := json.Marshal(map[string]any{ // of texts and numbers: never fails
		"iss": h.App, "sub": h.account, "iat": now.Unix(), "exp": now.Add(3 * time.Minute).Unix(),
	})
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	return text + "." + encode(mac([]byte(text), secret))
}
