package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ferry/bench/process"
	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

// What both simulators let in.
const (
	email, token           = "bench@example.com", "bench-token"
	clientID, clientSecret = "bench-client", "bench-secret"
	identifier             = "bench"
)

// frontAddress is where Jira is told to deliver; what it sends goes to wherever ferry listens.
const frontAddress = "http://127.0.0.1:9"

// world is a Jira, a Port, and a ferry between them.
type world struct {
	o       options
	jira    *jirasim.Server
	port    *portsim.Server
	atJira  *distant
	atPort  *distant
	ferry   *process.Ferry
	address string // where it listens
	store   process.Store
	arrived *arrivals
	keys    []string // of all issues
	changes int
}

// newWorld fills a Jira and lets ferry read it.
func newWorld(ctx context.Context, o options, database, dir string) (w *world, err error) {
	w = &world{o: o, arrived: newArrivals()}
	w.jira = jirasim.New(jirasim.Config{Seed: 1, BaseURL: "https://bench.atlassian.net", Email: email, Token: token})
	w.jira.Fill(o.issues, 40, o.filler)
	w.port = portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret})
	if w.atJira, err = serve(w.jira); err != nil {
		return nil, err
	}
	if w.atPort, err = serve(w.arrived.watch(w.port)); err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, database); err != nil {
		return nil, err
	}
	w.store = process.SQLite(dir)
	if database == onPostgres {
		if w.store, err = process.PostgreSQL(ctx, o.postgres, "live"); err != nil {
			return nil, err
		}
	}
	settings := map[string]string{
		"OCEAN__INTEGRATION__CONFIG__JIRA_HOST":            w.atJira.url,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL": email,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN": token,
		"OCEAN__PORT__CLIENT_ID":                           clientID,
		"OCEAN__PORT__CLIENT_SECRET":                       clientSecret,
		"OCEAN__PORT__BASE_URL":                            w.atPort.url,
		"OCEAN__INTEGRATION__IDENTIFIER":                   identifier,
		"OCEAN__BASE_URL":                                  frontAddress,
	}
	for name, value := range w.store.Settings {
		settings[name] = value
	}
	w.ferry, err = process.Start(ctx, process.Config{Binary: o.ferry, Dir: dir, Log: filepath.Join(dir, "log"), Settings: settings})
	if err != nil {
		return nil, err
	}
	if w.address, err = w.ferry.Address(ctx); err != nil {
		return nil, err
	}
	return w, w.filled(ctx)
}

// filled waits until the first resync has ended and Jira has the webhook.
func (w *world) filled(ctx context.Context) error {
	err := until(ctx, 2*time.Minute, func() bool {
		var record struct{ ResyncState struct{ Status string } }
		return len(w.jira.Webhooks()) > 0 &&
			json.Unmarshal(w.port.Integration(identifier), &record) == nil && record.ResyncState.Status == "completed"
	})
	if err != nil {
		return fmt.Errorf("the first resync: %w", err)
	}
	for _, e := range w.port.Entities("jiraIssue") {
		w.keys = append(w.keys, e.Identifier)
	}
	if len(w.keys) != w.o.issues {
		return fmt.Errorf("after the first resync Port has %d issues, want %d", len(w.keys), w.o.issues)
	}
	return nil
}

func (w *world) close() error {
	err := w.ferry.Stop(20 * time.Second)
	w.atJira.close()
	w.atPort.close()
	return errors.Join(err, w.store.Remove())
}

// far lets Jira and Port be as far away as they were said to be; near, next door.
func (w *world) far() {
	w.atJira.wait.Store(int64(w.o.jiraLatency))
	w.atPort.wait.Store(int64(w.o.portLatency))
}
func (w *world) near() { w.atJira.wait.Store(0); w.atPort.wait.Store(0) }

// change changes an issue, and tells by what title the change is known.
func (w *world) change(key string) (title string) {
	w.changes++
	title = fmt.Sprintf("change %d of %s", w.changes, key)
	w.jira.Update(key, func(i *jirasim.Issue) { i.Summary = title })
	return title
}

// until waits for something to become so.
func until(ctx context.Context, patience time.Duration, so func() bool) error {
	for began := time.Now(); !so(); {
		if time.Since(began) > patience {
			return fmt.Errorf("not so after %s", patience)
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// distant serves a simulator that is so far away.
type distant struct {
	handler http.Handler
	wait    atomic.Int64 // before each request is taken, in nanoseconds
	count   atomic.Int64 // requests
	server  *http.Server
	url     string
	served  sync.WaitGroup
}

// serve serves on a free port of the loopback interface until close.
func serve(handler http.Handler) (*distant, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &distant{handler: handler, url: "http://" + listener.Addr().String()}
	d.server = &http.Server{Handler: d}
	d.served.Go(func() { _ = d.server.Serve(listener) }) // it ends by close
	return d, nil
}

func (d *distant) close() {
	_ = d.server.Close()
	d.served.Wait()
}

func (d *distant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.count.Add(1)
	if wait := time.Duration(d.wait.Load()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	d.handler.ServeHTTP(w, r)
}

// arrivals are the titles that came to be in Port, and when.
type arrivals struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newArrivals() *arrivals { return &arrivals{at: map[string]time.Time{}} }

// watch notes what a Port has taken.
func (a *arrivals) watch(p http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/blueprints/jiraIssue/entities") {
			p.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has left
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.ServeHTTP(w, r)
		a.note(body)
	})
}

func (a *arrivals) note(body []byte) {
	now := time.Now()
	var sent struct {
		Entities []struct{ Title string }
		Title    string
	}
	if json.Unmarshal(body, &sent) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range append(sent.Entities, struct{ Title string }{sent.Title}) {
		if _, again := a.at[e.Title]; !again {
			a.at[e.Title] = now
		}
	}
}

// of tells when a title came to be in Port, if it is.
func (a *arrivals) of(title string) (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.at[title]
	return at, ok
}

// all waits until all titles are in Port, and tells when the last came.
func (a *arrivals) all(ctx context.Context, titles []string, patience time.Duration) (last time.Time, err error) {
	next := 0
	err = until(ctx, patience, func() bool {
		for ; next < len(titles); next++ {
			at, there := a.of(titles[next])
			if !there {
				return false
			}
			if at.After(last) {
				last = at
			}
		}
		return true
	})
	if err != nil {
		return last, fmt.Errorf("%d of %d changes are in Port, in order: %w", next, len(titles), err)
	}
	return last, nil
}
