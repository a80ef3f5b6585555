package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/console"
	"ferry/internal/daemon"
	"ferry/internal/hooks"
	"ferry/internal/source"
	"ferry/jira"
)

type runCommand struct {
	settingFlags
	logFlags

	DataDir         string `placeholder:"DIR" help:"The directory of the catalogue (./ferry-data)."`
	Port            string `short:"p" placeholder:"PORT" help:"Where to listen for webhooks, health and metrics (8000)."`
	AcceptDeletions bool   `help:"Carry out, in the first resync, deletions that wait for a person's decision."`
	AcceptAccount   bool   `help:"Go on although the Jira account is another than before."`
	AcceptSite      bool   `help:"Go on although the Jira site has another address than before."`
}

// Help is shown below the description.
func (*runCommand) Help() string { return runHelp }

func (c *runCommand) Run(ctx context.Context, a *app) error {
	l, faults := c.layer()
	return c.runWith(ctx, a, l, faults)
}

func (c *runCommand) runWith(ctx context.Context, a *app, l layer, faults []string) error {
	set, err := a.settings(l, faults)
	if err != nil {
		return err
	}
	if set.Live.Listener.Type == listenOnce {
		return a.once(ctx, set, c)
	}
	return a.serve(ctx, set, c)
}

// layer is what the command line sets.
func (c *runCommand) layer() (layer, []string) {
	l, faults := c.settingFlags.layer()
	c.logFlags.put(l)
	l.put(dataDir, "--data-dir", c.DataDir)
	l.put(listenPort, "--port", c.Port)
	return l, faults
}

// once is the listener type ONCE: a sync. That single items were set aside is no reason for a CronJob
// to do it all again.
func (a *app) once(ctx context.Context, set settings, c *runCommand) error {
	once := syncCommand{AcceptDeletions: c.AcceptDeletions, AcceptAccount: c.AcceptAccount, AcceptSite: c.AcceptSite}
	err := once.syncWith(ctx, a, set)
	if e, ok := errors.AsType[*ending](err); ok && e.code == exitPartial && !set.Live.StrictExit {
		return nil
	}
	return err
}

// serve goes on until a signal, which is no error. What hinders it is told at once, of the database and of the port.
func (a *app) serve(ctx context.Context, set settings, c *runCommand) (err error) {
	limitMemory()
	log := logger(a.stderr, set.serviceLevel(), set.LogFormat)
	s, err := newService(ctx, set, log)
	if err == nil {
		defer func() { err = errors.Join(err, s.database.Close()) }()
	}
	listener, taken := console.Listen(ctx, set.Live.Port)
	if err != nil || taken != nil {
		if taken == nil {
			taken = listener.Close()
		}
		return errors.Join(hinted(err, set), taken)
	}
	s.daemon.AcceptDeletions, s.daemon.AcceptAccount, s.daemon.AcceptSite = c.AcceptDeletions, c.AcceptAccount, c.AcceptSite
	log.Info("ferry runs", "version", release, "listens", listener.Addr().String(), "jira", set.JiraHost, "identifier", set.Identifier,
		"listener", set.Live.Listener.Type, "base_url", set.Live.BaseURL, "path_prefix", set.Live.PathPrefix)
	return hinted(s.run(ctx, listener), set)
}

// service is ferry run: what it is made of.
type service struct {
	set       settings
	log       *slog.Logger
	database  *catalog.Database
	receiver  *hooks.Receiver
	registrar *hooks.Registrar // nil: no webhook is kept
	daemon    *daemon.Daemon
	metrics   *console.Metrics
	public    *console.Public
}

// newService opens the database and composes the rest. Nothing is sent yet.
func newService(ctx context.Context, set settings, log *slog.Logger) (*service, error) {
	sync, err := compose(set, log)
	if err != nil {
		return nil, err
	}
	sync.Every, sync.Grace = set.Live.Every, set.Live.Grace
	s := &service{set: set, log: log}
	s.database, err = catalog.Connect(ctx, catalog.Config{
		URL: set.Live.DatabaseURL.text, Dir: set.DataDir, Integration: set.Identifier, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	s.daemon = &daemon.Daemon{
		Sync: *sync, Database: s.database, Replicas: set.Live.DatabaseURL.text != "", Schedule: schedule(set.Live),
	}
	s.metrics = console.NewMetrics(s.metricsConfig(sync))
	if set.Live.takesWebhooks() {
		s.takeWebhooks(sync)
	}
	s.daemon.Ran, s.daemon.CaughtUp, s.daemon.Lag = s.ran, s.caughtUp, s.metrics.ObserveLag
	s.daemon.Listen = listening(set, sync.Port, log)
	s.public = console.NewPublic(s.publicConfig())
	return s, nil
}

// schedule is what the settings make of the listener types.
func schedule(l live) daemon.Schedule {
	s := daemon.Schedule{Every: l.Every, NoStart: !l.Listener.OnStart, NoRuns: !l.Listener.resyncs()}
	if l.Listener.Type == listenPolling && !s.NoRuns {
		s.Requests, s.Watch = l.Listener.Interval, l.Listener.Interval
	}
	if l.Unsigned {
		s.Net = time.Minute // what nothing proves is not relied on
	}
	return s
}

// takeWebhooks makes what receives webhooks and what keeps them registered.
func (s *service) takeWebhooks(sync *daemon.Sync) {
	replica, _ := os.Hostname() // it stands beside the deliveries that are kept for people
	trust := trust(s.set)
	s.receiver = hooks.NewReceiver(s.database.Inbox(), hooks.ReceiverConfig{
		Trust: trust, Replica: replica, Observe: s.observe, Logger: s.log,
	})
	if s.set.Live.Unsigned {
		s.log.Warn("anybody can say that something has changed: webhooks that nothing proves to be Jira's are taken, at a limited rate, " +
			"and Jira is asked every minute beside them; give the webhook a secret and unset " + webhookUnsigned)
	}
	s.registrar = newRegistrar(s.set, sync.Jira, s.receiver, hooks.RegistrarConfig{
		Trust: trust, Mended: s.daemon.Mended, Logger: s.log,
	})
	s.daemon.Webhook = daemon.Webhook{Keep: s.registrar.Run, Hears: s.hears}
}

// newRegistrar makes what keeps the webhook that the settings describe.
func newRegistrar(set settings, client *jira.Client, receiver *hooks.Receiver, config hooks.RegistrarConfig) *hooks.Registrar {
	config.Identifier, config.BaseURL, config.PathPrefix = set.Identifier, set.Live.BaseURL, set.Live.PathPrefix
	return hooks.NewRegistrar(client, receiver, config)
}

// hears tells whether Jira tells us of the changes of a kind just now. Dynamic webhooks have no events
// of projects.
func (s *service) hears(kind string) bool {
	state := s.registrar.State()
	return state.Live && (state.Outcome.Family != jira.FamilyDynamic || kind == source.Issue)
}

// trust is by what a delivery is known to be Jira's.
func trust(set settings) hooks.Trust {
	t := hooks.Trust{Unsigned: set.Live.Unsigned}
	ofPort, ours := set.PortClientSecret.text, set.Live.WebhookSecret.text
	t.Secrets = []string{ours, hooks.DeriveSecret(ofPort, set.Identifier, hooks.ForSignature)}
	t.Token = hooks.DeriveSecret(cmp.Or(ofPort, ours), set.Identifier, hooks.ForPath)
	if set.Login.Way == loginOAuth {
		t.ClientSecrets = []string{set.Login.ClientSecret.text}
	}
	return t
}

func (s *service) publicConfig() console.PublicConfig {
	config := console.PublicConfig{
		Prefix: s.set.Live.PathPrefix, Metrics: s.metrics, Grace: s.set.Live.Grace, Logger: s.log,
		Health: console.Health{Version: release, Live: s.daemon.Alive, Ready: s.database.Ready, Fresh: s.daemon.Fresh},
	}
	if s.receiver != nil {
		config.Webhook = s.receiver
	}
	if l := s.set.Live.Listener; l.Type == listenWebhook && l.resyncs() {
		config.Resync = s.daemon.Resync
	}
	return config
}

// run does everything until ctx ends or something fails for which the process cannot go on.
func (s *service) run(ctx context.Context, listener net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.public.Serve(ctx, listener) })
	group.Go(func() error { return s.daemon.Run(ctx) })
	if s.receiver != nil {
		group.Go(func() error { s.receiver.Run(ctx); return nil })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.log.Info("ferry has ended")
	return nil
}
