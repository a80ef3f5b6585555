package jira

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one thing asked of Jira. Those that only read, the POSTs among them
// too, may be sent again, and so may those that change nothing the second time.
type call struct {
	method string
	// path is below the site, as at Cloud: Data Center serves /rest/api/2 where
	// this says /rest/api/3. Each %s of it stands for one of args, which are
	// escaped. The path as it stands here names the endpoint.
	path  string
	args  []string
	query url.Values
	body  any // sent as JSON if not nil

	urgent bool   // may take the places kept for urgent calls
	once   bool   // a second time would do it twice: repeated only where Jira has surely not done it
	issue  string // whose writes Jira counts apart: the id or key of the issue that this changes, or ""
	via    *route // instead of the client's, if not nil

	// decode reads a whole 2xx body; nil where there is nothing to read. Its
	// error means that the body is not what Jira sends; one of kind ErrNotJira
	// is final, others are retried.
	decode func(body []byte) error

	// points is what an answer costs beyond the one for asking: 1 for each
	// issue or project in it, 2 for each user or group. decode sets it where
	// that differs from answer to answer.
	points int

	turn       uint64     // in the limiter's lines; 0 before the first
	deployment Deployment // of the route, once that is known
}

// endpoint names what Jira counts bursts by.
func (q *call) endpoint() endpoint { return endpoint{q.method, q.path} }

// written is the path with its arguments, escaped.
func (q *call) written() string {
	path := q.path
	if rest, ok := strings.CutPrefix(path, "/rest/api/3/"); ok && q.deployment == DataCenter {
		path = "/rest/api/2/" + rest
	}
	if len(q.args) == 0 {
		return path
	}
	escaped := make([]any, len(q.args))
	for i, a := range q.args {
		escaped[i] = url.PathEscape(a)
	}
	return fmt.Sprintf(path, escaped...)
}

// fail is an error of this call that no answer brought.
func (q *call) fail(err error) *Error {
	return &Error{Method: q.method, Path: q.written(), Err: err}
}

// do asks until an answer is good, or final, or asked for too often.
func (c *Client) do(ctx context.Context, q *call) error {
	if err := q.check(); err != nil {
		return err
	}
	via, err := c.via(ctx, q)
	if err != nil {
		return err
	}
	q.urgent = q.urgent || c.urgent
	q.turn = 0
	renewed := false
	for n := 0; ; {
		e, again := c.attempt(ctx, q, via, n)
		switch {
		case e == nil:
			return nil
		case e.refused && !renewed:
			renewed = true
			if again, err := renew(ctx, via, e); err != nil {
				return q.wrap(err)
			} else if again {
				continue
			}
			return e
		case !again:
			return e
		}
		if err := c.beforeRetry(ctx, q, e, n); err != nil {
			return err
		}
		n++
	}
}

// via is the call's route.
func (c *Client) via(ctx context.Context, q *call) (*route, error) {
	via, err := q.via, error(nil)
	if via == nil {
		if via, err = c.routed.do(ctx, c.findRoute); err != nil {
			return nil, q.wrap(err)
		}
	}
	q.deployment = via.deployment
	return via, nil
}

// wrap is an error of this call, unless it is already one of another call on
// its behalf.
func (q *call) wrap(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return q.fail(err)
}

// renew tries to come by other credentials than those that were refused.
func renew(ctx context.Context, via *route, refused *Error) (bool, error) {
	r, ok := via.auth.(Renewer)
	if !ok {
		return false, nil
	}
	return r.Renew(ctx, refused.authorization.reveal())
}

// beforeRetry waits before retry n, counted from 0, or returns why there is none.
// Whom the limiter holds anyway waits there, where he has his turn.
func (c *Client) beforeRetry(ctx context.Context, q *call, e *Error, n int) error {
	wait := e.held
	if wait == 0 {
		wait = c.retryWait(n, e.RetryAfter)
	}
	e.hurried = n < c.config.Retries && !fits(ctx, wait)
	if n >= c.config.Retries || e.hurried {
		return e
	}
	c.logRetry(ctx, e, wait)
	if e.held == 0 {
		if err := sleep(ctx, wait); err != nil {
			return q.fail(err)
		}
	}
	c.stats.retries.Add(1)
	return nil
}

// check refuses arguments that would lead to another path.
func (q *call) check() error {
	for _, a := range q.args {
		if a == "" || a == "." || a == ".." {
			return q.fail(fmt.Errorf("%q is neither an id nor a key", a))
		}
	}
	return nil
}

// attempt sends the request for the n-th time, from 0, and reads its answer. It
// reports whether it may be sent again. No place is held when it returns; a
// pause begins before the place is free, so that whoever gets it sees the pause.
func (c *Client) attempt(ctx context.Context, q *call, via *route, n int) (e *Error, again bool) {
	r, p, e := c.admit(ctx, q, via)
	if e != nil {
		return e, false
	}
	var d decision
	a, err := c.send(r, q, func(a answer) { d = c.heed(ctx, q, p, a, n) })
	c.limiter.leave(p)
	switch {
	case err == nil:
		a.secrets = secretsOf(r)
		e, again = c.classify(q, a)
		c.charge(q, p, a, e)
		c.explain(e, q, a, via, r)
	case ctx.Err() != nil:
		return q.fail(contextError(ctx)), false
	default:
		e, again = q.fail(err), worthRepeating(err)
		e.Status = a.status
	}
	if e == nil {
		return nil, false
	}
	e.held, e.blocked, e.RetryAfter = d.wait, d.blocked, max(e.RetryAfter, d.asked)
	return e, again && q.repeatable(a.status)
}

// repeatable reports whether the call may be sent again after an answer of the
// status. A 429 says that nothing was done; after a 503, a 500 or a connection
// that broke, nobody knows.
func (q *call) repeatable(status int) bool {
	return !q.once || status == http.StatusTooManyRequests
}

// request builds the request with its credentials. Its URL is always on the
// route's base: no host of it comes from an answer.
func (c *Client) request(ctx context.Context, q *call, via *route) (*http.Request, error) {
	u, err := url.Parse(via.base.String() + q.written())
	if err != nil {
		return nil, err
	}
	u.RawQuery = q.query.Encode()
	body, err := q.encode()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Encoding", "gzip") // asked for by hand, so that Stats can count what came
	r.Header.Set("User-Agent", c.config.UserAgent)
	return r, via.auth.Authorize(ctx, r)
}

// encode returns a fresh reader of the body, nil if there is none.
func (q *call) encode() (io.Reader, error) {
	if q.body == nil {
		return nil, nil
	}
	text, err := json.Marshal(q.body)
	return bytes.NewReader(text), err
}

// errTimeout ends an attempt; the caller's context goes on. It is not
// [context.DeadlineExceeded], which a caller takes for its own.
type errTimeout struct{ after time.Duration }

func (e errTimeout) Error() string {
	return fmt.Sprintf("no whole answer within %s: is the site reachable, and are the pages not too large?", e.after)
}

// send does one round trip and reads the body to its end; before that it hands
// over the headers. The answer has its status also where its body could not be
// read.
func (c *Client) send(r *http.Request, q *call, heed func(answer)) (answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.config.Timeout)
	defer cancel()
	c.stats.requests.Add(1)
	began := time.Now()
	resp, err := c.http.Do(r.WithContext(ctx))
	if err != nil {
		return answer{}, c.transportError(ctx, err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	heed(a)
	a.body, err = c.readBody(resp)
	c.config.Logger.LogAttrs(ctx, slog.LevelDebug, "jira request",
		slog.String("method", q.method), slog.String("path", q.written()), slog.Int("status", a.status),
		slog.Int("bytes", len(a.body)), slog.Duration("took", time.Since(began)))
	if err != nil {
		return a, c.transportError(ctx, err)
	}
	return a, nil
}

// transportError is err without the URL, which may hold a query, and with the
// attempt's own time-out under its own name.
func (c *Client) transportError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errTimeout{c.config.Timeout}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// worthRepeating reports whether a request that got no whole answer may fare
// better later. A certificate that is not trusted stays so, as do a host that
// does not exist, one that does not speak TLS, and a body that is too large.
func worthRepeating(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	dns, ok := errors.AsType[*net.DNSError](err)
	unknown := ok && dns.IsNotFound
	hopeless := untrusted || unknown || errors.Is(err, http.ErrSchemeMismatch)
	return !hopeless && !errors.Is(err, errTooLarge) && !errors.Is(err, ErrNotJira)
}

// logRetry tells of a wait; e.Err is a fault of the transport, Jira's own words
// stay out.
func (c *Client) logRetry(ctx context.Context, e *Error, wait time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", e.Method), slog.String("path", e.Path), slog.Int("status", e.Status),
		slog.Duration("wait", wait),
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "jira retry", attrs...)
}

// checkRedirect follows a GET that stays on its host, as a site does with an
// address it has tidied. Every other redirect is returned as an answer, and
// [Client.classify] makes an error of it: no credential goes to a host that an
// answer names.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if !sameHost(r.URL, first.URL) || first.Method != http.MethodGet || len(via) > 5 {
		return http.ErrUseLastResponse
	}
	return nil
}
