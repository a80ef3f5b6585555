package jira_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
)

const appSecret = "client-secret-of-the-app"

var deliveredAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// bearer makes the header of a token out of any header and claims, signed with
// a hash by the app's secret.
func bearer(newHash func() hash.Hash, header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return signParts(newHash, encode([]byte(header))+"."+encode([]byte(claims)))
}

func signParts(newHash func() hash.Hash, signed string) string {
	mac := hmac.New(newHash, []byte(appSecret))
	mac.Write([]byte(signed))
	return "Bearer " + signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// withClaims is a well signed token that claims this.
func withClaims(claims string) string {
	return bearer(sha256.New, `{"alg":"HS256","typ":"JWT"}`, claims)
}

func TestSignedJWTIsVerified(t *testing.T) {
	want := jira.JWT{
		Issuer: "atlassian", Subject: "5b10a2844c20165700ede21g", Audience: []string{"client-id", "other"}, QueryHash: "ab12",
		Expires: deliveredAt.Add(time.Minute), NotBefore: deliveredAt.Add(-time.Second), IssuedAt: deliveredAt,
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER   "} {
		got, err := jira.VerifyJWT(scheme+jira.SignJWT(want, appSecret), deliveredAt, "other", appSecret, "")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("VerifyJWT(%s…) = %v, differs (-want +got):\n%s", scheme, err, diff)
		}
	}
}

// A token that was made elsewhere: the example of RFC 7515, appendix A.1, whose
// key is not text, is of 2011.
func TestVerifyJWTKnowsTheExampleOfTheRFC(t *testing.T) {
	key, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		t.Fatal(err)
	}
	const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	expires := time.Unix(1300819380, 0).UTC()
	got, err := jira.VerifyJWT("Bearer "+token, expires.Add(-time.Hour), string(key))
	if diff := cmp.Diff(jira.JWT{Issuer: "joe", Expires: expires}, got); err != nil || diff != "" {
		t.Errorf("VerifyJWT = %v, differs (-want +got):\n%s", err, diff)
	}
	if _, err := jira.VerifyJWT("Bearer "+token, deliveredAt, string(key)); !errors.Is(err, jira.ErrSignature) {
		t.Errorf("VerifyJWT of a token of 2011 = %v, want an ErrSignature", err)
	}
}

func TestVerifyJWTTakesWhatItShould(t *testing.T) {
	const claims = `{"exp":1793534460}` // a minute after deliveredAt
	for name, header := range map[string]string{
		"HS256":            bearer(sha256.New, `{"alg":"HS256"}`, claims),
		"HS384":            bearer(sha512.New384, `{"alg":"HS384","typ":"JWT"}`, claims),
		"HS512":            bearer(sha512.New, `{"typ":"JWT","kid":"1","alg":"HS512","x5c":["a"]}`, claims),
		"escaped":          bearer(sha256.New, `{"\u0061lg":"\u0048S256"}`, claims),
		"fraction":         withClaims(`{"exp":1793534460.75}`),
		"exponent":         withClaims(`{"exp":1.79353446e9}`),
		"one audience":     withClaims(`{"exp":1793534460,"aud":"client-id"}`),
		"unknown claims":   withClaims(`{"exp":1793534460,"context":{"user":{"exp":1}},"EXP":1}`),
		"expired just now": withClaims(`{"exp":1793534341}`),
		"clock ahead":      withClaims(`{"exp":1793539999,"nbf":1793534460,"iat":1793534460}`),
	} {
		jwt, err := jira.VerifyJWT(header, deliveredAt, appSecret)
		if err != nil || jwt.Expires.IsZero() {
			t.Errorf("%s: VerifyJWT = %+v, %v, want it taken", name, jwt, err)
		}
	}
}

func TestVerifyJWTRefuses(t *testing.T) {
	const good = `{"exp":1793534460}`
	valid := withClaims(good)
	parts := strings.Split(strings.TrimPrefix(valid, "Bearer "), ".")
	withHeader := func(header string) string { return bearer(sha256.New, header, good) }
	tests := []struct{ name, header, says string }{
		{"nothing", "", "no Authorization"},
		{"blank", "   ", "no Authorization"},
		{"Basic", "Basic dTpw", "not \"Bearer\""},
		{"Connect's scheme", "JWT" + strings.TrimPrefix(valid, "Bearer"), "not \"Bearer\""},
		{"scheme alone", "Bearer", "not \"Bearer\""},
		{"token alone", strings.TrimPrefix(valid, "Bearer "), "not \"Bearer\""},
		{"too long", valid + strings.Repeat("A", 8<<10), "8 KiB"},
		{"two parts", "Bearer " + parts[0] + "." + parts[1], "three parts"},
		{"four parts", valid + ".x", "three parts"},
		{"many parts", "Bearer " + strings.Repeat(".", 5000), "three parts"},
		{"empty parts", "Bearer ..", "not a JSON object"},
		{"no signature", "Bearer " + parts[0] + "." + parts[1] + ".", "does not match"},
		{"half a signature", valid[:len(valid)-20], "does not match"},
		{"padding", valid + "=", "does not match"},
		{"line break", "Bearer " + parts[0] + "." + parts[1] + ".\n" + parts[2], "does not match"},
		{"loose bits", "Bearer " + parts[0] + "." + parts[1] + "." + looseBits(parts[2]), "does not match"},
		{"other claims", "Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":9999999999}`)) + "." + parts[2], "does not match"},
		{"plain base64 header", "Bearer +/+/." + parts[1] + "." + parts[2], "base64url"},

		{"alg none", withHeader(`{"alg":"none"}`), "another algorithm"},
		{"alg None, unsigned", "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None"}`)) + "." + parts[1] + ".", "another algorithm"},
		{"alg RS256", withHeader(`{"alg":"RS256"}`), "another algorithm"},
		{"alg ES256", withHeader(`{"alg":"ES256"}`), "another algorithm"},
		{"alg HS1", bearer(sha1.New, `{"alg":"HS1"}`, good), "another algorithm"},
		{"alg hs256", withHeader(`{"alg":"hs256"}`), "another algorithm"},
		{"alg with a space", withHeader(`{"alg":"HS256 "}`), "another algorithm"},
		{"alg in capitals", withHeader(`{"ALG":"HS256"}`), "another algorithm"},
		{"alg list", withHeader(`{"alg":["HS256"]}`), "another algorithm"},
		{"alg null", withHeader(`{"alg":null}`), "another algorithm"},
		{"no alg", withHeader(`{"typ":"JWT"}`), "another algorithm"},
		{"alg of another length", withHeader(`{"alg":"HS512"}`), "does not match"},
		{"alg twice", withHeader(`{"alg":"none","alg":"HS256"}`), "twice"},
		{"alg twice, escaped", withHeader(`{"alg":"HS256","\u0061lg":"HS256"}`), "twice"},
		{"crit", withHeader(`{"alg":"HS256","crit":["exp"],"exp":1}`), "crit"},
		{"crit null", withHeader(`{"alg":"HS256","crit":null}`), "crit"},
		{"header a list", withHeader(`["HS256"]`), "not a JSON object"},
		{"header and more", withHeader(`{"alg":"HS256"} {}`), "not a JSON object"},
		{"deep header", withHeader(`{"alg":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`), "another algorithm"},

		{"claims not base64url", signParts(sha256.New, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))+".e30="), "base64url"},
		{"claims no object", withClaims(`1793534460`), "not a JSON object"},
		{"claims cut", withClaims(`{"exp":1793534460`), "not a JSON object"},
		{"claims twice", withClaims(`{"exp":1,"exp":1793534460}`), "twice"},
		{"no exp", withClaims(`{}`), "when it expires"},
		{"exp in capitals", withClaims(`{"EXP":1793534460}`), "when it expires"},
		{"exp null", withClaims(`{"exp":null}`), "not a time"},
		{"exp text", withClaims(`{"exp":"1793534460"}`), "not a time"},
		{"exp in milliseconds", withClaims(`{"exp":1793534460000}`), "not a time"},
		{"exp endless", withClaims(`{"exp":1e999}`), "not a time"},
		{"exp negative", withClaims(`{"exp":-1}`), "not a time"},
		{"exp true", withClaims(`{"exp":true}`), "not a time"},
		{"expired a minute ago", withClaims(`{"exp":1793534340}`), "expired at 2026-11-01T11:59:00Z"},
		{"not yet good", withClaims(`{"exp":1793539999,"nbf":1793534461}`), "good from 2026-11-01T12:01:01Z"},
		{"issued in the future", withClaims(`{"exp":1793539999,"iat":1793534461}`), "issued at 2026-11-01T12:01:01Z"},
		{"iss a number", withClaims(`{"exp":1793534460,"iss":1}`), `"iss"`},
		{"aud numbers", withClaims(`{"exp":1793534460,"aud":["a",1]}`), `"aud"`},
	}
	for _, tt := range tests {
		got, err := jira.VerifyJWT(tt.header, deliveredAt, "other", appSecret)
		if !errors.Is(err, jira.ErrSignature) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: VerifyJWT = %v, want an ErrSignature that says %s", tt.name, err, tt.says)
			continue
		}
		if diff := cmp.Diff(jira.JWT{}, got); diff != "" {
			t.Errorf("%s: VerifyJWT gives claims with its error: %s", tt.name, diff)
		}
		if strings.Contains(err.Error(), appSecret) || strings.Contains(err.Error(), parts[2][:8]) {
			t.Errorf("%s: the error shows what it must not: %v", tt.name, err)
		}
	}
}

// looseBits spells the same signature in another way: of the last character
// only some bits count.
func looseBits(part string) string {
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", part[len(part)-1])
	return part[:len(part)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last+1])
}

func TestVerifyJWTNeedsASecret(t *testing.T) {
	claims := jira.JWT{Expires: deliveredAt.Add(time.Minute)}
	for _, secrets := range [][]string{nil, {""}, {"", ""}, {"", "other"}} {
		if _, err := jira.VerifyJWT("Bearer "+jira.SignJWT(claims, ""), deliveredAt, secrets...); !errors.Is(err, jira.ErrSignature) {
			t.Errorf("VerifyJWT of a token signed with nothing, by %d secrets = %v, want an ErrSignature", len(secrets), err)
		}
	}
}

// No change of a token passes but the ways to write its scheme.
func FuzzVerifyJWT(f *testing.F) {
	token := jira.SignJWT(jira.JWT{Issuer: "atlassian", Expires: deliveredAt.Add(time.Minute)}, appSecret)
	parts := strings.Split(token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	for _, seed := range []string{
		"Bearer " + token, "bearer  " + token + " ", "JWT " + token, token, "Bearer " + token + "=", "Bearer " + parts[0] + "." + parts[1] + ".",
		"Bearer " + encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", "Bearer " + encode([]byte(`{"alg":"HS256","crit":[]}`)) + "." + parts[1] + "." + parts[2],
		"Bearer " + parts[0] + "." + encode([]byte(`{"exp":9999999999}`)) + "." + parts[2], "Bearer ..", "",
		"Bearer" + strings.Repeat(" ", 8<<10) + token,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		_, err := jira.VerifyJWT(authorization, deliveredAt, appSecret)
		scheme, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
		isOurs := len(authorization) <= 8<<10 && strings.EqualFold(scheme, "Bearer") && strings.TrimLeft(rest, " ") == token
		if (err == nil) != isOurs {
			t.Fatalf("VerifyJWT(%q) = %v, want only %q taken", authorization, err, token)
		}
		if err != nil && !errors.Is(err, jira.ErrSignature) {
			t.Fatalf("VerifyJWT(%q) = %v, want an ErrSignature", authorization, err)
		}
	})
}

// Nor does any header or claims that the app's secret did not sign, nor do
// signed ones cause a panic.
func FuzzSignedJWT(f *testing.F) {
	f.Add(`{"alg":"HS256"}`, `{"exp":1793534460}`)
	f.Add(`{"alg":"HS256","alg":"none"}`, `{"exp":1e3,"aud":["a",["b"]]}`)
	f.Add(`{"crit":[]}`, `{"exp":1793534460,"nbf":-1.5,"iss":null}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		signed := bearer(sha256.New, header, claims)
		if jwt, err := jira.VerifyJWT(signed, deliveredAt, "other"); !errors.Is(err, jira.ErrSignature) {
			t.Fatalf("VerifyJWT of %q with another secret = %+v, %v, want an ErrSignature", signed, jwt, err)
		}
		jwt, err := jira.VerifyJWT(signed, deliveredAt, appSecret)
		if err != nil && !errors.Is(err, jira.ErrSignature) {
			t.Fatalf("VerifyJWT of %q, %q = %v, want an ErrSignature", header, claims, err)
		}
		if err == nil && !jwt.Expires.After(deliveredAt.Add(-time.Minute)) {
			t.Fatalf("VerifyJWT of %q, %q took what expired at %s", header, claims, jwt.Expires)
		}
	})
}
