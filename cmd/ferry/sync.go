package main

import (
	"context"
	"errors"
	"fmt"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
)

type syncCommand struct {
	settingFlags
	logFlags
	outputFlags

	DataDir         string `placeholder:"DIR" help:"The directory of the catalogue (./ferry-data)."`
	AcceptDeletions bool   `help:"Carry out deletions that wait for a person's decision."`
	AcceptAccount   bool   `help:"Go on although the Jira account is another than in the last run."`
	AcceptSite      bool   `help:"Go on although the Jira site has another address than in the last run."`
}

// Help is shown below the description.
func (*syncCommand) Help() string { return syncManual }

func (c *syncCommand) Run(ctx context.Context, a *app) error {
	l, faults := c.layer()
	return c.sync(ctx, a, l, faults)
}

// layer is what the command line sets.
func (c *syncCommand) layer() (layer, []string) {
	l, faults := c.settingFlags.layer()
	c.logFlags.put(l)
	l.put(dataDir, "--data-dir", c.DataDir)
	return l, faults
}

func (c *syncCommand) sync(ctx context.Context, a *app, flags layer, faults []string) error {
	set, err := a.settings(flags, faults)
	if err != nil {
		return err
	}
	return c.syncWith(ctx, a, set)
}

func (c *syncCommand) syncWith(ctx context.Context, a *app, set settings) error {
	limitMemory()
	shown := newDisplay(a, c.Plain)
	defer shown.end()
	log := logger(shown, set.LogLevel, set.LogFormat)
	s, err := compose(set, log)
	if err != nil {
		return err
	}
	s.AcceptDeletions, s.AcceptAccount, s.AcceptSite, s.Progress = c.AcceptDeletions, c.AcceptAccount, c.AcceptSite, shown.show
	s.Store, err = catalog.Open(ctx, catalog.Config{URL: set.Live.DatabaseURL.text, Dir: set.DataDir, Integration: set.Identifier, Logger: log})
	if err != nil {
		return hinted(err, set)
	}
	place := placeOf(s.Store, set)
	fmt.Fprintln(a.stderr, route(set, place))
	report, err := s.Run(ctx)
	shown.end()
	err = a.conclude(ctx, c.JSON, report, hinted(err, set), place)
	return errors.Join(err, s.Store.Close())
}

// placeOf is where the catalogue is: the data directory, or the database without its login.
func placeOf(store *catalog.Store, set settings) string {
	if set.Live.DatabaseURL.text == "" {
		return set.DataDir
	}
	return "PostgreSQL at " + store.Path()
}

// route says from where to where, before the first answer is there: some take their time.
func route(set settings, place string) string {
	if set.PortClientID == "" {
		return "from " + set.JiraHost + "\ninto the catalogue in " + place
	}
	return "from " + set.JiraHost + "\ninto Port at " + set.PortBaseURL + ", as " + set.Identifier
}

// conclude shows what a run came to, and makes of it how the command ends.
func (a *app) conclude(ctx context.Context, asJSON bool, report *daemon.Report, err error, place string) error {
	if report != nil {
		write := writeReport
		if asJSON {
			write = writeReportJSON
		}
		if e := write(a.stdout, report); e != nil {
			return errors.Join(err, e)
		}
	}
	if s, ok := bySignal(ctx); ok {
		return stopped(s, place)
	}
	switch {
	case err != nil || report == nil:
		return err
	case report.State == catalog.Failed:
		return &ending{code: exitFailure, text: "the sync failed: see above what was set aside and why"}
	case report.AsideTotal > 0 || report.State == catalog.Partial:
		return &ending{code: exitPartial}
	}
	return nil
}

// stopped is the ending of a run that a signal ended.
func stopped(s signalled, place string) error {
	hint := "what was read and delivered until now is kept"
	if place != "" {
		hint += " in " + place + "; the next sync begins with it"
	}
	return &ending{s.code(), s.Error(), []string{hint}}
}
