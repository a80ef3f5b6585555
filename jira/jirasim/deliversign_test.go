package jirasim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

func hmac256(text []byte, secret string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(text)
	return m.Sum(nil)
}

func checkSignature(body []byte, header, secret string) error {
	if want := "sha256=" + hex.EncodeToString(hmac256(body, secret)); header != want {
		return fmt.Errorf("X-Hub-Signature = %s, want %s", header, want)
	}
	return nil
}

// readJWT checks a Bearer token and returns its claims.
func readJWT(authorization, secret string) (map[string]any, error) {
	token, _ := strings.CutPrefix(authorization, "Bearer ")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no token", authorization)
	}
	decode := base64.RawURLEncoding.DecodeString
	head, err1 := decode(parts[0])
	text, err2 := decode(parts[1])
	signature, err3 := decode(parts[2])
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if !hmac.Equal(signature, hmac256([]byte(parts[0]+"."+parts[1]), secret)) || !strings.Contains(string(head), `"alg":"HS256"`) {
		return nil, fmt.Errorf("%q is not signed with %q", token, secret)
	}
	var claims map[string]any
	return claims, json.Unmarshal(text, &claims)
}
