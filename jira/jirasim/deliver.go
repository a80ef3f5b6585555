package jirasim

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Delivery says how [Server.Deliver] delivers. The zero value does as Jira:
// https://developer.atlassian.com/cloud/jira/platform/webhooks/
type Delivery struct {
	// Transport sends the requests. Nil: http.DefaultTransport. Redirects are not
	// followed.
	Transport http.RoundTripper
	// Timeout is how long an answer may take. 0: 20 seconds.
	Timeout time.Duration
	// Primary and Secondary are how many deliveries of each flow go to one host at the
	// same time. 0: 20 and 10.
	Primary, Secondary int
	// Retries is how often one is repeated. 0: 5, and at Data Center never; negative:
	// never.
	Retries int
	// MinBackoff and MaxBackoff are between which a random wait before each repetition
	// lies. Both 0: 5 and 15 minutes.
	MinBackoff, MaxBackoff time.Duration

	// Duplicate is the probability that a delivery is made twice, with the same
	// identifier; Lose that it is never made; Disorder that it first waits for up to
	// MaxDelay, so that later ones overtake it. MaxDelay 0: 30 seconds.
	Duplicate, Lose, Disorder float64
	MaxDelay                  time.Duration
}

// maxPayload is the largest body that Jira delivers.
const maxPayload = 25 << 20

func (d Delivery) complete(atDataCenter bool) Delivery {
	if d.Transport == nil {
		d.Transport = http.DefaultTransport
	}
	d.Timeout = cmp.Or(d.Timeout, 20*time.Second)
	d.Primary, d.Secondary = cmp.Or(d.Primary, 20), cmp.Or(d.Secondary, 10)
	if d.Retries == 0 && !atDataCenter {
		d.Retries = 5
	}
	if d.MinBackoff == 0 && d.MaxBackoff == 0 {
		d.MinBackoff, d.MaxBackoff = 5*time.Minute, 15*time.Minute
	}
	d.MaxDelay = cmp.Or(d.MaxDelay, 30*time.Second)
	return d
}

// Deliver delivers to the webhooks what is queued and what will be, until the context
// ends, and then returns nil. What is in flight at that moment is queued again. Waits
// run by the real clock, or by that of a synctest bubble, and not by [Config.Clock].
//
// It is an error to call it while it runs.
func (s *Server) Deliver(ctx context.Context, d Delivery) error {
	_, atDataCenter := s.dataCenter()
	d = d.complete(atDataCenter)
	wake, ok := s.queue.begin()
	if !ok {
		return errors.New("jirasim: Deliver runs already: end its context before another call")
	}
	defer s.queue.end()
	var attempts sync.WaitGroup
	defer attempts.Wait()
	for ctx.Err() == nil {
		ready, pause := s.queue.take(d, time.Now())
		for _, one := range ready {
			attempts.Go(func() { s.queue.settle(one, s.attempt(ctx, d, one), d) })
		}
		rest(ctx, wake, pause)
	}
	return nil
}

// rest waits until there may be something to deliver: for so long, or where that is
// 0, until woken.
func rest(ctx context.Context, wake <-chan struct{}, pause time.Duration) {
	var due <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-due:
	}
}

// outcome is how an attempt ended.
type outcome struct {
	status      int // 0: there was no answer
	err         error
	dropped     bool // the webhook is not there any more
	interrupted bool // Deliver was told to end
}

func (o outcome) delivered() bool { return o.status >= 200 && o.status < 300 }

// again tells whether Jira would repeat the delivery.
func (o outcome) again() bool {
	switch o.status {
	case 0, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return o.status >= 500
}

func (o outcome) text() string {
	if o.err != nil {
		return o.err.Error()
	}
	return ""
}

func (s *Server) attempt(ctx context.Context, d Delivery, one *delivery) outcome {
	if !s.hooks.still(one.hook, s.now()) {
		return outcome{dropped: true}
	}
	limited, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	r, err := s.deliveryRequest(limited, one)
	if err != nil {
		return outcome{err: err}
	}
	w, err := d.Transport.RoundTrip(r)
	if err != nil {
		return outcome{err: err, interrupted: ctx.Err() != nil}
	}
	defer w.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(w.Body, 1<<20)) // only the status says anything
	return outcome{status: w.StatusCode}
}

func (s *Server) deliveryRequest(ctx context.Context, one *delivery) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, one.url, bytes.NewReader(one.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	r.Header.Set("User-Agent", "Atlassian Webhook HTTP Client")
	r.Header.Set("X-Atlassian-Webhook-Identifier", one.identifier)
	if one.attempts > 0 {
		r.Header.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(one.attempts))
	}
	if _, atDataCenter := s.dataCenter(); !atDataCenter {
		r.Header.Set("X-Atlassian-Webhook-Flow", one.flow())
	}
	switch h := one.hook; {
	case h.dynamic():
		r.Header.Set("Authorization", "Bearer "+signJWT(h, s.appSecret(h.App), s.now()))
	case h.Secret != "":
		r.Header.Set("X-Hub-Signature", signBody(one.body, h.Secret))
	}
	return r, nil
}
