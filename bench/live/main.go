package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"ferry/bench/process"
)

// options are the command's flags.
type options struct {
	database    string
	postgres    string
	ferry       string
	issues      int
	filler      int
	rate        int
	sustain     time.Duration
	most        time.Duration
	burst       int
	singles     int
	some        int
	jiraLatency time.Duration
	portLatency time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/live:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.StringVar(&o.database, "database", "both", "sqlite, postgres or both")
	flags.StringVar(&o.postgres, "postgres", os.Getenv("FERRY_TEST_POSTGRES"), "the URL of a server whose user may make schemas (FERRY_TEST_POSTGRES)")
	flags.StringVar(&o.ferry, "ferry", "", "a ferry binary; empty: build ./cmd/ferry")
	flags.IntVar(&o.issues, "issues", 10_000, "issues of the site, at most 50000; all of them change")
	flags.IntVar(&o.filler, "filler", 2000, "bytes of description an issue has")
	flags.IntVar(&o.rate, "rate", 2000, "webhooks a second, sustained, at most 20000")
	flags.DurationVar(&o.sustain, "sustain", 20*time.Second, "for how long, at most 2m")
	flags.DurationVar(&o.most, "most", 5*time.Second, "for how long as many are sent as are taken, at most 1m")
	flags.IntVar(&o.burst, "burst", 100_000, "webhooks of the burst, at least one for each issue, at most 500000")
	flags.IntVar(&o.singles, "singles", 200, "changes one at a time, at most 2000")
	flags.IntVar(&o.some, "some", 500, "changes of the smaller wave")
	flags.DurationVar(&o.jiraLatency, "jira-latency", 100*time.Millisecond, "what the simulated Jira waits before an answer")
	flags.DurationVar(&o.portLatency, "port-latency", 50*time.Millisecond, "what the simulated Port waits before an answer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	databases, err := o.check()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ferry-live-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.ferry == "" {
		if o.ferry, err = process.Build(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d issues; Jira answers after %s, Port after %s, but while webhooks are counted and not what becomes of them\n\n", o.issues, o.jiraLatency, o.portLatency)
	header(out)
	for _, database := range databases {
		if err := measure(ctx, o, database, dir, out); err != nil {
			return fmt.Errorf("on %s: %w", database, err)
		}
	}
	return nil
}

const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

// check bounds what is sent, and says on which databases.
func (o options) check() ([]string, error) {
	for name, is := range map[string]bool{
		"-issues": o.issues >= 1 && o.issues <= 50_000, "-rate": o.rate >= 1 && o.rate <= 20_000,
		"-sustain": o.sustain <= 2*time.Minute, "-most": o.most <= time.Minute, "-burst": o.burst >= o.issues && o.burst <= 500_000,
		"-singles": o.singles <= 2000, "-some": o.some >= 1 && o.some <= o.issues,
	} {
		if !is {
			return nil, fmt.Errorf("%s is out of its bounds: see -help", name)
		}
	}
	if o.database != onSQLite && o.postgres == "" {
		return nil, errors.New("-postgres names no server, and FERRY_TEST_POSTGRES neither: start one, or use -database sqlite")
	}
	switch o.database {
	case "both":
		return []string{onSQLite, onPostgres}, nil
	case onSQLite, onPostgres:
		return []string{o.database}, nil
	}
	return nil, fmt.Errorf("-database %q: should be sqlite, postgres or both", o.database)
}
