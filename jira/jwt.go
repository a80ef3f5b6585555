package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxJWT is how many bytes a token may have, which also bounds how deep its
// JSON nests. Those of Jira have a few hundred.
const maxJWT = 8 << 10

// jwtLeeway is how far the clocks of Jira and of this machine may differ.
const jwtLeeway = time.Minute

// jwtMethods are the algorithms that a token may be signed with: the three that
// take a shared secret (https://www.rfc-editor.org/rfc/rfc7518#section-3.2).
// Atlassian does not say which of them it uses. "none" and those with a public
// key are not here, so that no token can choose them.
var jwtMethods = map[string]func() hash.Hash{
	"HS256": sha256.New,
	"HS384": sha512.New384,
	"HS512": sha512.New,
}

// JWT is what the token of a delivery claims. What the token does not say is
// empty or zero. Times are in UTC, to the second.
type JWT struct {
	Issuer   string   // "iss"
	Subject  string   // "sub"
	Audience []string // "aud"; one text is a list of one

	Expires   time.Time // "exp"
	NotBefore time.Time // "nbf"
	IssuedAt  time.Time // "iat"

	// QueryHash is "qsh", a hash of the request's method, path and query as
	// Connect makes it. It is not checked.
	QueryHash string
}

// VerifyJWT checks the header Authorization of a dynamic webhook's delivery,
// "Bearer <JWT>", which Jira signs with the client secret of the OAuth app. It
// is good if one of the secrets made it; an empty secret is none. now is the
// time to judge it by.
//
// The token must be signed with HS256, HS384 or HS512 and say when it expires.
// It is refused from a minute after that on, and until a minute before it
// begins or was issued; the minute is for clocks that differ. Who issued it, for
// whom, and for which request, is left to the caller.
//
// The token proves who sends; it says nothing of the body. Every error is an
// [ErrSignature].
func VerifyJWT(authorization string, now time.Time, secrets ...string) (JWT, error) {
	if !anySecret(secrets) {
		return JWT{}, unsigned("there is no secret to check the webhook's token with: set the client secret of the OAuth app")
	}
	token, err := bearerToken(authorization)
	if err != nil {
		return JWT{}, err
	}
	claims, err := openJWT(token, secrets)
	if err != nil {
		return JWT{}, err
	}
	jwt, err := readClaims(claims)
	if err != nil {
		return JWT{}, err
	}
	if err := jwt.check(now); err != nil {
		return JWT{}, err
	}
	return jwt, nil
}

// bearerToken takes the token out of the header. Of the schemes, only Bearer is
// documented; its case does not count (RFC 9110, section 11.1).
func bearerToken(authorization string) (string, error) {
	if len(authorization) > maxJWT {
		return "", unsigned("the delivery's Authorization is longer than 8 KiB")
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case scheme == "":
		return "", unsigned("the delivery has no Authorization: a dynamic webhook sends one; see that no proxy drops it")
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", unsigned(`the delivery's Authorization is not "Bearer" with a token`)
	}
	return token, nil
}

// openJWT checks the signature and returns the claims, of which nothing is
// looked at before.
func openJWT(token string, secrets []string) (claims []byte, err error) {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return nil, unsigned("the delivery's token is not a signed JWT of three parts")
	}
	header, ok := decodePart(parts[0])
	if !ok {
		return nil, unsigned("the header of the delivery's token is not base64url")
	}
	newHash, err := methodOf(header)
	if err != nil {
		return nil, err
	}
	signature, ok := decodePart(parts[2])
	if !ok || !madeByOne(secrets, newHash, parts[0]+"."+parts[1], signature) {
		return nil, unsigned("the signature of the delivery's token does not match: it is made with another client secret")
	}
	if claims, ok = decodePart(parts[1]); !ok {
		return nil, unsigned("the claims of the delivery's token are not base64url")
	}
	return claims, nil
}

// decodePart decodes base64url without padding, in its one canonical spelling.
// The package would skip line breaks.
func decodePart(part string) ([]byte, bool) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return text, err == nil
}

// methodOf reads which algorithm the header names. A header with "crit" asks to
// be refused by whoever does not know what it lists, and nothing is known here
// (https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11).
func methodOf(header []byte) (func() hash.Hash, error) {
	h, err := uniqueMembers(header, "header", "alg", "crit")
	if err != nil {
		return nil, err
	}
	if h["crit"] != nil {
		return nil, unsigned(`the header of the delivery's token has "crit", which is not supported`)
	}
	newHash, ok := jwtMethods[textOf(h["alg"])]
	if !ok {
		return nil, unsigned("the delivery's token is signed with another algorithm than HS256, HS384 and HS512, the only ones that are accepted")
	}
	return newHash, nil
}

// madeByOne reports whether one of the secrets made the signature. It takes the
// same time whichever it is.
func madeByOne(secrets []string, newHash func() hash.Hash, signed string, signature []byte) bool {
	good := false
	for _, secret := range secrets {
		mac := hmac.New(newHash, []byte(secret))
		mac.Write([]byte(signed))
		good = (secret != "" && hmac.Equal(signature, mac.Sum(nil))) || good
	}
	return good
}

// uniqueMembers is pick for a part of a token, in which no name may stand twice:
// two readers could take two different ones.
func uniqueMembers(text []byte, part string, names ...string) (members, error) {
	s := scanner{text: text}
	if !json.Valid(text) || s.peek() != '{' {
		return nil, unsigned("the " + part + " of the delivery's token is not a JSON object")
	}
	seen := make(map[string]bool)
	twice := false
	err := s.object(func(quoted []byte) error {
		var name string
		if err := json.Unmarshal(quoted, &name); err != nil {
			return err
		}
		twice = twice || seen[name]
		seen[name] = true
		return s.value()
	})
	if err != nil || twice {
		return nil, unsigned("the " + part + " of the delivery's token has a name twice")
	}
	return pick(text, names...), nil
}

func readClaims(text []byte) (JWT, error) {
	c, err := uniqueMembers(text, "claims", "iss", "sub", "aud", "exp", "nbf", "iat", "qsh")
	if err != nil {
		return JWT{}, err
	}
	var jwt JWT
	for _, err := range []error{
		claim(c, "iss", &jwt.Issuer),
		claim(c, "sub", &jwt.Subject),
		claim(c, "qsh", &jwt.QueryHash),
		claimAudience(c["aud"], &jwt.Audience),
		claimTime(c, "exp", &jwt.Expires),
		claimTime(c, "nbf", &jwt.NotBefore),
		claimTime(c, "iat", &jwt.IssuedAt),
	} {
		if err != nil {
			return JWT{}, err
		}
	}
	return jwt, nil
}

func claim(c members, name string, to any) error {
	if raw := c[name]; raw != nil && json.Unmarshal(raw, to) != nil {
		return unsigned(`the claim "` + name + `" of the delivery's token is of another type than it should be`)
	}
	return nil
}

// claimAudience reads a text or a list of texts (RFC 7519, section 4.1.3).
func claimAudience(raw []byte, to *[]string) error {
	c := members{"aud": raw}
	if len(raw) == 0 || raw[0] != '"' {
		return claim(c, "aud", to)
	}
	*to = []string{""}
	return claim(c, "aud", &(*to)[0])
}

// claimTime reads a NumericDate: seconds since 1970, perhaps with a fraction,
// which is dropped (RFC 7519, section 2). A claim that is there must be a time.
func claimTime(c members, name string, to *time.Time) error {
	raw := c[name]
	if raw == nil {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds >= 0 && seconds <= maxMillis/1000) {
		return unsigned(`the claim "` + name + `" of the delivery's token is not a time in seconds`)
	}
	*to = time.Unix(int64(math.Trunc(seconds)), 0).UTC()
	return nil
}

// check holds the token against the time.
func (j JWT) check(now time.Time) error {
	switch {
	case j.Expires.IsZero():
		return unsigned("the delivery's token does not say when it expires")
	case !now.Before(j.Expires.Add(jwtLeeway)):
		return unsigned("the delivery's token expired at " + j.Expires.Format(time.RFC3339) + ": if it is new, check the clock of this machine")
	case now.Before(j.NotBefore.Add(-jwtLeeway)):
		return unsigned("the delivery's token is good from " + j.NotBefore.Format(time.RFC3339) + " on: check the clock of this machine")
	case now.Before(j.IssuedAt.Add(-jwtLeeway)):
		return unsigned("the delivery's token was issued at " + j.IssuedAt.Format(time.RFC3339) + ", which is to come: check the clock of this machine")
	}
	return nil
}

// SignJWT makes a token as Jira would, with HS256. A delivery has it in its
// header as "Authorization: Bearer <token>". Empty claims are left out.
func SignJWT(claims JWT, secret string) string {
	payload := make(map[string]any)
	for name, text := range map[string]string{"iss": claims.Issuer, "sub": claims.Subject, "qsh": claims.QueryHash} {
		if text != "" {
			payload[name] = text
		}
	}
	if len(claims.Audience) > 0 {
		payload["aud"] = claims.Audience
	}
	for name, at := range map[string]time.Time{"exp": claims.Expires, "nbf": claims.NotBefore, "iat": claims.IssuedAt} {
		if !at.IsZero() {
			payload[name] = at.Unix()
		}
	}
	text, err := json.Marshal(payload)
	if err != nil {
		panic(err) // unreachable: texts and numbers always marshal
	}
	signed := encodePart([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encodePart(text)
	return signed + "." + encodePart(signatureOf([]byte(signed), secret))
}

func encodePart(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }
