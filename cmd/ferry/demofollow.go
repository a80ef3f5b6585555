package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/internal/hooks"
	"ferry/jira/jirasim"
)

// demoIdentifier is the integration's.
const demoIdentifier = "ferry-demo"

// follow lets the company work, and prints what Ferry hears of it by webhooks, until a signal.
func follow(ctx context.Context, a *app, s *daemon.Sync, database *catalog.Database, w *world) (err error) {
	f := &following{world: w, daemon: &daemon.Daemon{Sync: *s, Database: database, Schedule: daemon.Schedule{NoStart: true}}}
	var noticed atomic.Int64
	f.daemon.Progress = nil
	f.daemon.Changed = func(c daemon.Change) {
		noticed.Add(1)
		writeChange(a.stdout, time.Now(), c)
	}
	closeReceiver, err := f.listen(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReceiver()) }()
	fmt.Fprint(a.stderr, "\nthe company goes on working; its Jira tells ferry by webhooks; Ctrl-C ends it\n")
	err = f.run(ctx)
	if _, ok := bySignal(ctx); !ok {
		return err
	}
	fmt.Fprintf(a.stderr, "\nstopped; ferry followed %s\n", counted(noticed.Load(), "change"))
	return nil
}

// following is a ferry that lives by the webhooks of the demo's Jira.
type following struct {
	*world
	daemon    *daemon.Daemon
	receiver  *hooks.Receiver
	registrar *hooks.Registrar
}

// listen receives webhooks on a free port of the loopback interface.
func (f *following) listen(database *catalog.Database) (closeReceiver func() error, err error) {
	trust := hooks.Trust{Secrets: []string{rand.Text()}}
	f.receiver = hooks.NewReceiver(database.Inbox(), hooks.ReceiverConfig{Trust: trust, Logger: f.daemon.Logger})
	address, closeReceiver, err := serve(f.receiver)
	if err != nil {
		return nil, err
	}
	f.registrar = hooks.NewRegistrar(f.daemon.Jira, f.receiver, hooks.RegistrarConfig{
		Identifier: demoIdentifier, BaseURL: address, Trust: trust,
		Mended: f.daemon.Mended, Logger: f.daemon.Logger,
	})
	f.daemon.Webhook = daemon.Webhook{Keep: f.registrar.Run, Hears: func(string) bool { return f.registrar.State().Live }}
	return closeReceiver, nil
}

func (f *following) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.work(ctx) })
	group.Go(func() error { return f.site.Deliver(ctx, jirasim.Delivery{}) })
	group.Go(func() error { f.receiver.Run(ctx); return nil })
	group.Go(func() error { return f.daemon.Run(ctx) })
	return group.Wait()
}

// maxTitle keeps a change on one line of a terminal.
const maxTitle = 50

// verbs are the words of the report's table.
var verbs = map[catalog.Verb]string{catalog.Made: "created", catalog.Changed: "updated", catalog.Went: "deleted"}

func writeChange(out io.Writer, at time.Time, c daemon.Change) {
	title := []rune(c.Title)
	if len(title) > maxTitle {
		title = append(title[:maxTitle-1], '…')
	}
	line := fmt.Sprintf("%s  %-9s %-7s  %s", at.Format(time.TimeOnly), c.Identifier, verbs[c.Verb], string(title))
	fmt.Fprintln(out, strings.TrimRight(line, " "))
}
