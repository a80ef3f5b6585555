// Command sync measures `ferry sync` against the ideal: how long the same requests would take if
// nothing but the latencies of Jira and Port counted. The simulated Jira and the simulated Port
// run in processes of their own, ferry in a third, over real HTTP on the loopback interface.
//
//	go run ./bench/sync -issues 20000,100000
//
// It prints one row a run: a first sync into an empty Port, and a second, of an unchanged site.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ferry/bench/simulator"
)

// options are the command's flags.
type options struct {
	issues      string
	filler      int
	projects    int
	jiraLatency time.Duration
	portLatency time.Duration
	seed        uint64
	noGzip      bool
	profile     string
	ferry       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/sync:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if served, err := simulator.Serve(ctx); served {
		return err
	}
	var o options
	flags := flag.NewFlagSet("sync", flag.ContinueOnError)
	flags.StringVar(&o.issues, "issues", "20000,100000", "numbers of issues, between commas; each is measured")
	flags.IntVar(&o.filler, "filler", 6000, "bytes of description an issue has; 6000 make issues of 14 KB")
	flags.IntVar(&o.projects, "projects", 40, "projects the issues lie in")
	flags.DurationVar(&o.jiraLatency, "jira-latency", 100*time.Millisecond, "what the simulated Jira waits before an answer")
	flags.DurationVar(&o.portLatency, "port-latency", 50*time.Millisecond, "what the simulated Port waits before an answer")
	flags.Uint64Var(&o.seed, "seed", 1, "of the simulated site")
	flags.BoolVar(&o.noGzip, "no-gzip", false, "let Jira answer without compression")
	flags.StringVar(&o.profile, "profile", "", "write ferry's CPU profiles into this directory")
	flags.StringVar(&o.ferry, "ferry", "", "a ferry binary; empty: build ./cmd/ferry")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return measureAll(ctx, o, out)
}

func measureAll(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "ferry-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.ferry == "" {
		o.ferry = filepath.Join(dir, "ferry")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.ferry, "ferry/cmd/ferry")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build ferry: %w", err)
		}
	}
	fmt.Fprintf(out, "issues of %d bytes of description in %d projects; Jira answers after %s, Port after %s\n\n", o.filler, o.projects, o.jiraLatency, o.portLatency)
	header(out)
	var errs []error
	for text := range strings.SplitSeq(o.issues, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-issues %q: should be numbers between commas, like 20000,100000", o.issues)
		}
		errs = append(errs, measure(ctx, o, filepath.Join(dir, text), n, out))
	}
	return errors.Join(errs...)
}
