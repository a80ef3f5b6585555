package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"ferry/jira/jirasim"
)

// measure does all measurements on one database, each on what the one before has left.
func measure(ctx context.Context, o options, database, dir string, out io.Writer) (err error) {
	w, err := newWorld(ctx, o, database, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	t := &table{out: out, database: database}
	memory, err := w.ferry.Memory()
	if err != nil {
		return err
	}
	t.row("memory after the first resync", "", mebibytes(memory.Resident)+", "+mebibytes(memory.Peak)+" at most", "")
	for _, measurement := range []func(context.Context, *table) error{w.acknowledged, w.burst, w.singles, w.waves} {
		if err := measurement(ctx, t); err != nil {
			return err
		}
	}
	memory, err = w.ferry.Memory()
	t.row("memory at the end", "", mebibytes(memory.Resident)+", "+mebibytes(memory.Peak)+" at most", "")
	return errors.Join(err, w.equal())
}

// acknowledged is how fast webhooks are on the disk.
func (w *world) acknowledged(ctx context.Context, t *table) error {
	w.near()
	hooks, titles, err := w.capture(ctx)
	if err != nil {
		return err
	}
	s := newSender(w, 256)
	defer s.close()
	s.flood(ctx, hooks, 500, 20, 0) // what is opened and prepared once is not measured
	times := s.sustained(ctx, hooks, w.o.rate, w.o.sustain)
	t.row(fmt.Sprintf("%d webhooks/s for %s, to 2xx, on the disk", w.o.rate, w.o.sustain), "p99 < 50 ms",
		fmt.Sprintf("p50 %s, p99 %s, max %s", milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99)), milliseconds(quantile(times, 1))),
		fmt.Sprintf("%d taken", len(times)))
	if err := s.untaken(); err != nil {
		return err
	}
	for _, connections := range []int{20, 100} {
		taken, took := s.flood(ctx, hooks, 1_000_000, connections, w.o.most)
		t.row(fmt.Sprintf("as many as are taken, %d at a time", connections), "", fmt.Sprintf("%.0f/s", float64(taken)/took.Seconds()), "")
	}
	if err := s.untaken(); err != nil {
		return err
	}
	_, err = w.arrived.all(ctx, titles, time.Minute)
	return err
}

// burst is many webhooks of fewer issues, faster than Jira can be read.
func (w *world) burst(ctx context.Context, t *table) error {
	hooks, titles, err := w.capture(ctx)
	if err != nil {
		return err
	}
	w.far()
	jira, port, began := w.atJira.count.Load(), w.atPort.count.Load(), time.Now()
	peak := w.watchMemory(ctx)
	s := newSender(w, 20)
	defer s.close()
	taken, took := s.flood(ctx, hooks, w.o.burst, 20, 0)
	last, err := w.arrived.all(ctx, titles, 2*time.Minute)
	most := peak()
	if err := errors.Join(err, s.untaken()); err != nil {
		return err
	}
	jira, port = w.atJira.count.Load()-jira, w.atPort.count.Load()-port
	t.row(fmt.Sprintf("burst of %d webhooks of %d issues, 20 at a time", taken, len(hooks)), "", fmt.Sprintf("%.0f/s taken", float64(taken)/took.Seconds()), fmt.Sprintf("in %.1f s", took.Seconds()))
	t.row("  coalesced", "", fmt.Sprintf("%d requests to Jira, %d to Port", jira, port), fmt.Sprintf("%.1f to Jira for 1,000 events", float64(jira)/float64(taken)*1000))
	t.row("  all right in Port", "", fmt.Sprintf("%.1f s after the first", last.Sub(began).Seconds()), "")
	t.row("  memory meanwhile", "", mebibytes(most)+" at most", "")
	return nil
}

// watchMemory looks at the memory ten times a second; the function it returns ends that and tells
// the most there was.
func (w *world) watchMemory(ctx context.Context) func() int64 {
	ctx, cancel := context.WithCancel(ctx)
	var most int64
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			if m, err := w.ferry.Memory(); err == nil {
				most = max(most, m.Resident)
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
	})
	return func() int64 { cancel(); watching.Wait(); return most }
}

// onward sends what Jira delivers to where ferry listens, and notes when it began to.
type onward struct {
	w     *world
	inner http.RoundTripper
	mu    sync.Mutex
	first time.Time
}

func (f *onward) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	if f.first.IsZero() {
		f.first = time.Now()
	}
	f.mu.Unlock()
	to := r.Clone(r.Context())
	to.URL.Host = f.w.address
	return f.inner.RoundTrip(to)
}

// begun is when the first delivery was sent since it was asked last.
func (f *onward) begun() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.first
	f.first = time.Time{}
	return first
}

// delivering lets Jira deliver as it does until the function it returns is called.
func (w *world) delivering(ctx context.Context) (f *onward, stop func() error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 30}
	f = &onward{w: w, inner: transport}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.jira.Deliver(ctx, jirasim.Delivery{Transport: f}) }()
	return f, func() error {
		cancel()
		transport.CloseIdleConnections()
		return <-done
	}
}

// singles are changes one at a time: how much later than both round trips Port has each.
func (w *world) singles(ctx context.Context, t *table) (err error) {
	if w.o.singles == 0 {
		return nil
	}
	w.far()
	f, stop := w.delivering(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	random := rand.New(rand.NewPCG(1, 0x51))
	trips := w.o.jiraLatency + w.o.portLatency
	var times []time.Duration
	for range w.o.singles {
		if err := pause(ctx, time.Duration(50+random.IntN(400))*time.Millisecond); err != nil {
			return err
		}
		f.begun()
		title := w.change(w.keys[random.IntN(len(w.keys))])
		last, err := w.arrived.all(ctx, []string{title}, 30*time.Second)
		if err != nil {
			return err
		}
		times = append(times, last.Sub(f.begun())-trips)
	}
	t.row(fmt.Sprintf("%d changes, one at a time: beyond %s", len(times), trips), "p50 < 50 ms, p99 < 150 ms",
		fmt.Sprintf("p50 %s, p99 %s, max %s", milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99)), milliseconds(quantile(times, 1))),
		"Ocean 0.31 s for one, in all")
	return nil
}

// waves are many changes at once.
func (w *world) waves(ctx context.Context, t *table) (err error) {
	w.far()
	f, stop := w.delivering(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	for _, wave := range []struct {
		n                  int
		goal, calls, ocean string
	}{
		{w.o.some, "3 s for 500", "", "Ocean 170 s; 500 to Jira, 1,117 to Port"},
		{w.o.issues, "20 s for 10,000", "300 to Jira for 10,000", ""},
	} {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		f.begun()
		jira, port := w.atJira.count.Load(), w.atPort.count.Load()
		peak := w.watchMemory(ctx)
		var titles []string
		for _, key := range w.keys[:wave.n] {
			titles = append(titles, w.change(key))
		}
		last, err := w.arrived.all(ctx, titles, 2*time.Minute)
		most := peak()
		if err != nil {
			return err
		}
		jira, port = w.atJira.count.Load()-jira, w.atPort.count.Load()-port
		t.row(fmt.Sprintf("%d issues change at once", wave.n), wave.goal, fmt.Sprintf("all right in Port after %.2f s", last.Sub(f.begun()).Seconds()), wave.ocean)
		t.row("  requests", wave.calls, fmt.Sprintf("%d to Jira, %d to Port", jira, port), mebibytes(most)+" of memory at most")
	}
	return nil
}

// equal tells whether each issue's title in Port is the one in Jira.
func (w *world) equal() error {
	for _, e := range w.port.Entities("jiraIssue") {
		if i, ok := w.jira.Issue(e.Identifier); !ok || e.Title != i.Summary {
			return fmt.Errorf("%s in Port is %v, in Jira %q", e.Identifier, e.Title, i.Summary)
		}
	}
	return nil
}

// pause ends after d or with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
