package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// atlassianTokens is where Atlassian gives tokens
// (https://developer.atlassian.com/cloud/oauth/getting-started/refresh-tokens/).
const atlassianTokens = "https://auth.atlassian.com/oauth/token"

const (
	tokenTimeout  = 30 * time.Second // of one attempt
	tokenLinger   = 5 * time.Second  // that an attempt goes on after nobody waits for it
	tokenRetries  = 4
	maxTokenBody  = 1 << 20
	maxTokenLives = 366 * 24 * time.Hour
)

// tokenEndpoint is where tokens are asked for. What it is sent goes to no other
// host.
type tokenEndpoint struct {
	url    string
	form   bool // RFC 6749 wants a form; Atlassian's own takes JSON
	http   *http.Client
	logger *slog.Logger
}

// newTokenEndpoint reads the URL. Its errors do not repeat the text, which may
// hold a password.
func newTokenEndpoint(address string, transport http.RoundTripper, logger *slog.Logger) (*tokenEndpoint, error) {
	u, err := parseSite(cmp.Or(address, atlassianTokens))
	if err != nil {
		return nil, errors.New("the token URL should be like " + atlassianTokens)
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &tokenEndpoint{
		url:    u.String(),
		http:   &http.Client{Transport: transport, CheckRedirect: stay},
		logger: logger,
	}, nil
}

// tokenRequest are the members of a request, secrets among them.
type tokenRequest map[string]string

func (t *tokenEndpoint) fail(err error) *Error {
	return &Error{Method: http.MethodPost, Path: t.url, Err: err}
}

// atTokenEndpoint reports whether an error is of asking for a token, not of
// asking Jira.
func atTokenEndpoint(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !strings.HasPrefix(e.Path, "/")
}

// ask asks for tokens, again where that may help. Asking twice with one refresh
// token is safe: Atlassian takes a used one for some minutes more, for answers
// that were lost.
func (t *tokenEndpoint) ask(ctx context.Context, request tokenRequest, retries int) (Tokens, error) {
	for n := 0; ; n++ {
		tokens, e, again := t.attempt(ctx, request)
		if e == nil {
			return tokens, nil
		}
		wait := max(e.RetryAfter, time.Duration(float64(min(2*time.Second<<n, 30*time.Second))*randomFactor()))
		e.hurried = again && n < retries && !fits(ctx, wait)
		if !again || n >= retries || e.hurried {
			return Tokens{}, e
		}
		t.logger.LogAttrs(ctx, slog.LevelWarn, "jira token retry", slog.Int("status", e.Status), slog.Duration("wait", wait))
		if err := sleep(ctx, wait); err != nil {
			return Tokens{}, t.fail(err)
		}
	}
}

// attempt sends the request once. It does not end with ctx, but a little later:
// the answer may hold the only refresh token that is good.
func (t *tokenEndpoint) attempt(ctx context.Context, request tokenRequest) (_ Tokens, e *Error, again bool) {
	if ctx.Err() != nil {
		return Tokens{}, t.fail(contextError(ctx)), false
	}
	began := time.Now()
	long, cancel := lasting(ctx)
	defer cancel()
	a, err := t.send(long, request)
	switch {
	case err != nil && ctx.Err() != nil:
		return Tokens{}, t.fail(contextError(ctx)), false
	case err != nil:
		e = t.fail(err)
		e.Status = a.status
		return Tokens{}, e, worthRepeating(err)
	}
	tokens, e, again := t.classify(a, request, began)
	if e == nil {
		t.logger.LogAttrs(ctx, slog.LevelDebug, "jira tokens", slog.Time("expires", tokens.Expires), slog.Duration("took", time.Since(began)))
	}
	return tokens, e, again
}

// lasting is a context for an attempt, which ends after ctx but not long after.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(long, tokenLinger)
		cancel()
	})
	return long, func() { stop(); cancel() }
}

func (t *tokenEndpoint) send(ctx context.Context, request tokenRequest) (answer, error) {
	body, kind, err := t.encode(request)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	resp, err := t.http.Do(r)
	if err != nil {
		return answer{}, tokenFault(ctx, err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxTokenBody))
	if err != nil && a.status < 300 {
		return a, tokenFault(ctx, err)
	}
	return a, nil
}

func (t *tokenEndpoint) encode(request tokenRequest) (body []byte, kind string, err error) {
	if !t.form {
		body, err = json.Marshal(map[string]string(request))
		return body, "application/json", err
	}
	form := url.Values{}
	for name, text := range request {
		form.Set(name, text)
	}
	return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
}

// tokenFault is err without the URL, and with the attempt's own time-out under
// its own name.
func tokenFault(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %s: is the token URL reachable?", tokenTimeout)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// tokenAnswer is what comes back, well or not (RFC 6749, 5.1 and 5.2).
type tokenAnswer struct {
	AccessToken  string          `json:"access_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"` // seconds; a number, or text with one

	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// expires is when the access token ends, zero if the answer does not say.
func (a tokenAnswer) expires(began time.Time) time.Time {
	seconds, err := strconv.ParseFloat(strings.Trim(string(a.ExpiresIn), `"`), 64)
	if err != nil || !(seconds > 0) {
		return time.Time{}
	}
	return began.Add(time.Duration(min(seconds, maxTokenLives.Seconds()) * float64(time.Second)))
}

// classify makes tokens of an answer, or an error and whether asking again may
// help.
func (t *tokenEndpoint) classify(a answer, request tokenRequest, began time.Time) (_ Tokens, e *Error, again bool) {
	e = t.fail(nil)
	e.Status = a.status
	e.RetryAfter = retryAfter(a.header, time.Now())
	var said tokenAnswer
	spoken := json.Unmarshal(a.body, &said) == nil
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case slices.Contains(retriable, a.status):
		return Tokens{}, e, true
	case a.status >= 300 && a.status < 400:
		e.Err = notJira("redirects, and credentials are not sent elsewhere: is this the token URL?")
		return Tokens{}, e, false
	case !spoken || kind == "text/html":
		e.Err = notJira("the answer is not in the words of a token endpoint: is this the token URL?")
		return Tokens{}, e, a.status < 300
	case a.status >= 400:
		e.Messages = tidyMessages([]string{hide(cmp.Or(said.Description, said.Error), request.secrets()...)})
		e.Err = request.refusal(a.status, said.Error)
		return Tokens{}, e, false
	case said.AccessToken == "" || !fitsHeader(said.AccessToken) || !fitsHeader(said.RefreshToken):
		e.Err = notJira("answered JSON without an access token: is this the token URL?")
		return Tokens{}, e, false
	}
	return Tokens{said.AccessToken, said.RefreshToken, said.expires(began)}, nil, false
}

// secrets are what no error may show of what was sent.
func (r tokenRequest) secrets() []string {
	return []string{r["client_secret"], r["refresh_token"], r["code"]}
}

// refusal is what a refusal means for the one who sent this.
func (r tokenRequest) refusal(status int, word string) error {
	switch {
	case word == "invalid_grant" && r["grant_type"] != clientCredentialsGrant:
		return ErrInvalidGrant
	case word == "invalid_scope":
		return errScopeRefused
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		word == "invalid_client", word == "unauthorized_client", word == "access_denied", word == "invalid_grant":
		return errClientRefused
	}
	return notJira("is this the token URL?")
}

var (
	// ErrInvalidGrant: the consent that tokens came from is over: its refresh
	// token was used by another, or not for 90 days, or is older than a year,
	// or the person who gave it withdrew it or has another password. It is
	// ErrUnauthorized too. The app has to be authorized again
	// ([OAuthConfig.AuthorizeURL]).
	ErrInvalidGrant error = &kindError{
		"the refresh token is not good any more: authorize the app again, and keep the refresh token that this gives",
		[]error{ErrUnauthorized},
	}

	errClientRefused = &kindError{"check the client id and the client secret", []error{ErrUnauthorized}}
	errScopeRefused  = &kindError{"ask for scopes that the client has been given", []error{ErrForbidden}}
)
