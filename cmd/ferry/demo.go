package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/internal/port/defaults"
	"ferry/internal/source"
	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
	"go.yaml.in/yaml/v3"
)

type demoCommand struct {
	logFlags
	outputFlags

	Once    bool   `help:"Exit after the sync, instead of following the company at its work."`
	Issues  int    `default:"3000" placeholder:"N" help:"How many issues the company has (3000)."`
	Seed    uint64 `default:"1" placeholder:"N" help:"Everything that is made up follows from this number (1)."`
	DataDir string `placeholder:"DIR" help:"Keep the catalogue in this directory."`
}

// Validate bounds what is made up in memory.
func (c *demoCommand) Validate() error {
	if c.Issues < 1 || c.Issues > 200_000 {
		return errors.New("--issues should be a number from 1 to 200000")
	}
	return nil
}

// The account that the simulated Jira lets in, like a real one: e-mail and token. It is no secret.
const (
	demoEmail = "ferry@demo.example"
	demoToken = "demo"
	demoSite  = "https://demo.example"
)

// demoLatency is what an answer of the simulated Jira takes; a real one takes two to five times as long.
const demoLatency = 50 * time.Millisecond

// demoBegins says what will be seen. Its lines fit a terminal of 80.
const demoBegins = `a simulated Jira with %s (seed %d) is at %s
ferry reads all of it into a local catalogue, without Port

`

// demoMapping is the default mapping, but for the issues: all are read, so that what is seen can be counted. The
// default's choice, of what is open or was touched within a week, would leave out most of a history of 18 months.
func demoMapping() ([]byte, error) {
	var document struct {
		Resources []map[string]any
	}
	if err := yaml.Unmarshal(defaults.Mapping(), &document); err != nil {
		return nil, fmt.Errorf("the demo's mapping: %w", err)
	}
	for _, resource := range document.Resources {
		if selector, ok := resource["selector"].(map[string]any); ok && resource["kind"] == source.Issue {
			selector["jql"] = ""
		}
	}
	return yaml.Marshal(map[string]any{"resources": document.Resources})
}

func (c *demoCommand) Run(ctx context.Context, a *app) (err error) {
	set, err := a.logSettings(c.logFlags)
	if err != nil {
		return err
	}
	dir, remove, err := c.directory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	w := c.found()
	address, closeSite, err := serve(w.site)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSite()) }()
	fmt.Fprintf(a.stderr, demoBegins, counted(int64(c.Issues), "issue"), c.Seed, address)
	shown := newDisplay(a, c.Plain)
	defer shown.end()
	log := logger(shown, set.LogLevel, set.LogFormat)
	s, err := compose(settings{JiraHost: address, JiraEmail: demoEmail, JiraToken: secret{demoToken}}, log)
	if err != nil {
		return err
	}
	if s.Mapping, err = demoMapping(); err != nil {
		return err
	}
	s.MappingName, s.Progress = "the demo's mapping", shown.show
	database, err := catalog.Connect(ctx, catalog.Config{Dir: dir, Integration: demoIdentifier, Logger: log})
	if err != nil {
		return hinted(err, settings{})
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := c.sync(ctx, a, s, database, shown); err != nil || c.Once {
		return err
	}
	return follow(ctx, a, s, database, w)
}

// sync reads the company once, and shows what that came to.
func (c *demoCommand) sync(ctx context.Context, a *app, s *daemon.Sync, database *catalog.Database, shown display) (err error) {
	if s.Store, err = database.Lead(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Store.Close()) }()
	report, err := s.Run(ctx)
	shown.end()
	if report != nil && c.DataDir == "" {
		report.Store = "" // it goes with the process
	}
	return a.conclude(ctx, c.JSON, report, err, c.DataDir)
}

// directory is where the catalogue is, and how it is taken away if nobody asked to keep it.
func (c *demoCommand) directory() (string, func() error, error) {
	if c.DataDir != "" {
		return c.DataDir, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "ferry-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// world is a company at work, and the Jira that it works in.
type world struct {
	company *company.Company
	site    *jirasim.Server
	random  *rand.Rand
}

func (c *demoCommand) found() *world {
	w := &world{
		company: company.Found(c.Seed, time.Now(), c.Issues),
		site: jirasim.New(jirasim.Config{
			Seed: c.Seed, BaseURL: demoSite, Email: demoEmail, Token: demoToken, Latency: demoLatency,
		}),
		random: rand.New(rand.NewPCG(c.Seed, 0xfe44)),
	}
	w.company.Settle(w.site)
	return w
}

// serve answers on a free port of the loopback interface until it is closed.
func serve(handler http.Handler) (address string, closeSite func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve the simulated Jira: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := server.Close()
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

func (w *world) work(ctx context.Context) error {
	return steps(ctx, w.random, func() { w.company.Work(w.site, w.random, time.Now()) })
}

// steps does one every second or two, until ctx ends.
func steps(ctx context.Context, r *rand.Rand, step func()) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second + time.Duration(r.Int64N(int64(time.Second)))):
			step()
		}
	}
}
