package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ferry/jira/jirasim"
)

// webhook is a delivery that Jira has made and signed, and that was not sent yet.
type webhook struct {
	header http.Header
	path   string
	body   []byte
}

// capture takes what Jira delivers, in place of sending it.
type capture struct {
	mu   sync.Mutex
	list []webhook
}

func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, webhook{r.Header.Clone(), r.URL.Path, body})
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
}

// capture changes every issue once, and gives what Jira would deliver of that, and the titles by which
// the changes are known.
func (w *world) capture(ctx context.Context) (hooks []webhook, titles []string, err error) {
	c := &capture{}
	delivering, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.jira.Deliver(delivering, jirasim.Delivery{Transport: c}) }()
	for _, key := range w.keys {
		titles = append(titles, w.change(key))
	}
	settled := w.jira.Settled(ctx)
	stop()
	if err := <-done; err != nil {
		return nil, nil, err
	}
	return c.list, titles, settled
}

// sender sends webhooks to ferry.
type sender struct {
	client  *http.Client
	address string
	refused atomic.Int64
}

func newSender(w *world, connections int) *sender {
	return &sender{address: w.address, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
	}}}
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// send sends one and tells whether it was answered with 2xx.
func (s *sender) send(ctx context.Context, h webhook) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+h.path, bytes.NewReader(h.body))
	if err != nil {
		return false
	}
	r.Header = h.header
	answer, err := s.client.Do(r)
	if err != nil {
		s.refused.Add(1)
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body) // for the sake of the connection
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		s.refused.Add(1)
		return false
	}
	return true
}

// sustained sends so many a second, whatever becomes of the ones before, and gives the times from when
// each was due until its answer: one that had to wait for a connection has waited.
func (s *sender) sustained(ctx context.Context, hooks []webhook, rate int, span time.Duration) []time.Duration {
	n := int(float64(rate) * span.Seconds())
	times := make([]time.Duration, n)
	began := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	for range 256 {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				due := began.Add(time.Duration(float64(i) / float64(rate) * float64(time.Second)))
				time.Sleep(time.Until(due))
				if s.send(ctx, hooks[i%len(hooks)]) {
					times[i] = time.Since(due)
				}
			}
		})
	}
	group.Wait()
	return slices.DeleteFunc(times, func(d time.Duration) bool { return d == 0 })
}

// flood sends n as fast as so many connections at a time are answered, for no longer than span (0: to
// the end), and tells how many were taken.
func (s *sender) flood(ctx context.Context, hooks []webhook, n, connections int, span time.Duration) (taken int, took time.Duration) {
	began := time.Now()
	var next, good atomic.Int64
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for ctx.Err() == nil && (span == 0 || time.Since(began) < span) {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if s.send(ctx, hooks[i%len(hooks)]) {
					good.Add(1)
				}
			}
		})
	}
	group.Wait()
	return int(good.Load()), time.Since(began)
}

// quantile of times, which it sorts.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// untaken is an error if anything was refused: what was measured is another thing then.
func (s *sender) untaken() error {
	if n := s.refused.Load(); n > 0 {
		return fmt.Errorf("%d webhooks were not answered with 2xx", n)
	}
	return nil
}
