package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// early is how long before its end a token is replaced, so that none expires on its way.
const early = time.Minute

// tokens holds the access token, and lets at most one request for the next be under way.
type tokens struct {
	mu      sync.Mutex
	current token
	flight  *flight // nil while nobody is asking
}

type token struct {
	header  string // "<tokenType> <accessToken>"
	bare    string // the access token alone, to be kept out of messages
	replace time.Time
}

func (t token) usable(refused string) bool {
	return t.header != "" && t.header != refused && time.Now().Before(t.replace)
}

// A flight is one request for a token. Those who come while it is under way wait for done and share what it brought.
type flight struct {
	done  chan struct{}
	token token
	err   error
}

// token gives a usable Authorization header, and never the refused one, which Port has just answered with 401.
func (c *Client) token(ctx context.Context, refused string) (string, error) {
	for {
		t, f, mine := c.tokens.join(refused)
		if f == nil {
			return t.header, nil
		}
		if mine {
			t, err := c.newToken(ctx)
			c.tokens.land(f, t, err)
			return t.header, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", ended(ctx)
		}
		// The request under way was somebody else's, and may have ended because that caller went away: then we ask.
		if _, answered := errors.AsType[*Error](f.err); f.err == nil || answered {
			return f.token.header, f.err
		}
	}
}

// join returns the token, or the flight to wait for and whether the caller is the one to fly it.
func (t *tokens) join(refused string) (token, *flight, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.usable(refused) {
		return t.current, nil, false
	}
	if t.flight != nil {
		return token{}, t.flight, false
	}
	t.flight = &flight{done: make(chan struct{})}
	return token{}, t.flight, true
}

func (t *tokens) land(f *flight, got token, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.current = got
	}
	f.token, f.err, t.flight = got, err, nil
	close(f.done)
}

func (t *tokens) bare() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current.bare
}

func (c *Client) newToken(ctx context.Context) (token, error) {
	body := map[string]string{"clientId": c.config.ClientID, "clientSecret": c.secret.Reveal()}
	var answer struct {
		AccessToken string  `json:"accessToken"`
		TokenType   string  `json:"tokenType"`
		ExpiresIn   float64 `json:"expiresIn"` // seconds
	}
	asked := time.Now()
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"auth", "access_token"}, body: body, anonymous: true}, &answer)
	if err != nil {
		return token{}, c.credentials(err)
	}
	if answer.AccessToken == "" {
		return token{}, &Error{Method: http.MethodPost, Path: "/v1/auth/access_token", Status: http.StatusOK, Code: codeNotJSON,
			Message: "the answer holds no access token; is OCEAN__PORT__BASE_URL Port's API?"}
	}
	return token{
		header:  cmp.Or(answer.TokenType, "Bearer") + " " + answer.AccessToken,
		bare:    answer.AccessToken,
		replace: asked.Add(untilReplaced(answer.ExpiresIn)),
	}, nil
}

// untilReplaced is how long a token is used of which Port says that it lives so many seconds. One without a word on it
// is used for an hour: if that is too long, a 401 says so.
func untilReplaced(seconds float64) time.Duration {
	if seconds <= 0 {
		seconds = 3600
	}
	life := time.Duration(min(seconds, 30*24*3600) * float64(time.Second))
	return life - min(early, life/2)
}

// credentials turns a refusal at the token endpoint into the sentence that says what to do. Port knows an account in
// one region only, which is why the base URL is a part of it.
func (c *Client) credentials(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		e.Code = codeCredentials
		e.Message = fmt.Sprintf("Port refused the client id and secret: check OCEAN__PORT__CLIENT_ID and OCEAN__PORT__CLIENT_SECRET, "+
			"and that OCEAN__PORT__BASE_URL is your region (it is %s; https://api.getport.io is Europe, https://api.us.getport.io the United States)",
			c.config.BaseURL)
	case http.StatusNotFound:
		e.Message = "there is no Port at this address: check OCEAN__PORT__BASE_URL"
	}
	return e
}
