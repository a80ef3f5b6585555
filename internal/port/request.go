package port

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxAnswer bounds what is read of one answer. The largest honest one is a page of 5000 owned entities.
	maxAnswer = 64 << 20
	// maxSentence bounds what is kept of Port's own words in an error.
	maxSentence = 500
)

// A call is one request to Port, before it is known how often it will be sent.
type call struct {
	method    string
	path      []string // segments below /v1, unescaped
	query     url.Values
	body      any  // json.RawMessage is sent as it is, nil: no body
	exporter  bool // the User-Agent gets the suffix that makes us the owner of what is written
	anonymous bool // without a token: the token endpoint itself
	once      bool // creates: repeated only where Port surely did nothing
}

// do sends the call until it succeeds, cannot succeed, or has been repeated often enough, and decodes the answer into
// into, unless that is nil.
//
// Errors are *[Error], except that the end of ctx comes back as its cause. A wait that [Client.Hurry] ends gives the
// error of the attempt before it.
func (c *Client) do(ctx context.Context, call call, into any) error {
	target, err := c.target(call)
	if err != nil {
		return err
	}
	body, err := encode(call.body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", call.method, target.Path, err)
	}
	tries := tries{client: c, call: call}
	for {
		header := ""
		if !call.anonymous {
			if header, err = c.token(ctx, tries.refused); err != nil {
				return err
			}
		}
		err := c.attempt(ctx, call, target, header, body, into)
		if e, answered := errors.AsType[*Error](err); answered {
			if !tries.again(e, header) {
				return e
			}
			if err = tries.wait(ctx, e); err == nil {
				continue
			}
			err = fmt.Errorf("%s %s: %w", call.method, target.Path, err)
		}
		if errors.Is(err, errHurried) {
			return tries.unsent(target)
		}
		return err
	}
}

// target builds the URL. A segment that is empty or only dots would be another path after cleaning, and is refused.
func (c *Client) target(call call) (*url.URL, error) {
	var b strings.Builder
	b.WriteString(c.root)
	for _, segment := range call.path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, &Error{Method: call.method, Path: "/v1/" + call.path[0], Status: http.StatusBadRequest,
				Message: fmt.Sprintf("%q cannot be a blueprint or an identifier", segment)}
		}
		b.WriteString("/" + url.PathEscape(segment))
	}
	u, err := url.Parse(b.String())
	if err != nil {
		return nil, err
	}
	u.RawQuery = call.query.Encode()
	return u, nil
}

func encode(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return body, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(body)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// attempt sends the request once. It holds its place in the gate from here to the last byte of the answer.
func (c *Client) attempt(ctx context.Context, call call, target *url.URL, header string, body []byte, into any) error {
	if err := c.gate.enter(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", call.method, target.Path, err)
	}
	defer c.gate.leave()
	late := fmt.Errorf("no answer within %s", c.config.Timeout)
	limited, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, late)
	defer cancel()

	c.requests.Add(1)
	c.bytesOut.Add(int64(len(body)))
	status, headers, answer, err := c.exchange(limited, call, target, header, body)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", call.method, target.Path, ended(ctx))
	case err != nil && limited.Err() != nil:
		return &Error{Method: call.method, Path: target.Path, Err: late}
	case err != nil && status != 0:
		return &Error{Method: call.method, Path: target.Path, Status: status, Code: codeCut, Err: err}
	case err != nil:
		return &Error{Method: call.method, Path: target.Path, Err: err}
	case status < 200 || status > 299:
		return c.throttle(c.refusal(call, target, status, headers, answer))
	}
	return c.decode(call, target, status, headers, answer, into)
}

// throttle closes the gate at a 429, while the place is still held: whoever is next in line must not slip through.
func (c *Client) throttle(e *Error) error {
	if e.Status == http.StatusTooManyRequests {
		c.throttled.Add(1)
		c.gate.close(max(c.config.RetryBase/2, min(e.RetryAfter, longestHint)))
	}
	return e
}

// exchange is the one place where a request meets the network. A status with an error means that the answer's body
// could not be read to its end.
func (c *Client) exchange(ctx context.Context, call call, target *url.URL, header string, body []byte) (int, http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	c.dress(request, call, header, body != nil)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, nil, bare(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	return response.StatusCode, response.Header, answer, err
}

// dress sets the headers. Port takes the User-Agent for the owner of an entity, so it is written exactly as Port's
// own integrations write it: type, version, identifier, and "exporter" for what is owned.
func (c *Client) dress(request *http.Request, call call, authorization string, hasBody bool) {
	agent := c.agent
	if call.exporter {
		agent += "/exporter"
	}
	request.Header.Set("User-Agent", agent)
	request.Header.Set("Accept", "application/json")
	if hasBody {
		request.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
}

// bare takes net/http's wrapping off, which repeats method and URL.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func (c *Client) decode(call call, target *url.URL, status int, headers http.Header, answer []byte, into any) error {
	if into == nil {
		return nil
	}
	err := json.Unmarshal(answer, into)
	if err == nil {
		return nil
	}
	e := &Error{Method: call.method, Path: target.Path, Status: status, Code: codeNotJSON, Err: err}
	syntax, broken := errors.AsType[*json.SyntaxError](err)
	switch {
	case isHTML(headers, answer):
		e.Err, e.Message = nil, "the answer is an HTML page, not JSON: is OCEAN__PORT__BASE_URL Port's API, and is there a proxy between?"
	case broken && syntax.Offset >= int64(len(answer)):
		e.Code = codeCut // the text ended before the JSON did
	}
	return e
}

// refusal reads an answer that is not a success.
func (c *Client) refusal(call call, target *url.URL, status int, headers http.Header, answer []byte) *Error {
	e := &Error{Method: call.method, Path: target.Path, Status: status, RetryAfter: retryAfter(status, headers)}
	var said struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
	}
	switch {
	case status >= 300 && status < 400:
		e.Code, e.Message = codeRedirect, "Port's address has moved: set OCEAN__PORT__BASE_URL to the one it points to"
	case json.Unmarshal(answer, &said) == nil:
		e.Code, e.Message = c.sentence(said.Error), c.sentence(said.Message)
	case isHTML(headers, answer):
		e.Message = "an HTML page, not JSON"
	default:
		e.Message = c.clean(string(answer))
	}
	return e
}

func isHTML(headers http.Header, answer []byte) bool {
	kind, _, _ := mime.ParseMediaType(headers.Get("Content-Type"))
	return kind == "text/html" || bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<"))
}

// sentence is the text of a JSON string, or the JSON itself where Port answers with more than a string.
func (c *Client) sentence(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return c.clean(text)
}

// clean makes foreign text fit for an error: one line, short, and without a secret that a server or a proxy repeats.
func (c *Client) clean(text string) string {
	for _, secret := range []string{c.secret.Reveal(), c.tokens.bare()} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
	if len(text) > maxSentence {
		text = strings.ToValidUTF8(text[:maxSentence], "") + "…"
	}
	return text
}
