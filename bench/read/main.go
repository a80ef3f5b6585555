// Command read compares three ways of reading all issues of a Jira site, with Ferry's client against
// the simulated Jira in a process of its own, over real HTTP on the loopback interface:
//
//   - pages of 50, one after another, with all fields, as Port's own integration (Ocean) reads;
//   - pages of 100, one after another, with the fields that the default mapping reads;
//   - a sweep of ids and, meanwhile, bulk fetches of 100 with those fields, several at once.
//
// It prints for each the time, as a ratio to the first, and what it cost Jira.
//
//	go run ./bench/read
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"ferry/bench/simulator"
	"ferry/internal/ingest"
	"ferry/internal/mapping"
	"ferry/internal/port/defaults"
	"ferry/internal/source"
	"ferry/jira"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/read:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if served, err := simulator.Serve(ctx); served {
		return err
	}
	var c simulator.Config
	flags := flag.NewFlagSet("read", flag.ContinueOnError)
	flags.IntVar(&c.Issues, "issues", 20000, "issues of the site")
	flags.IntVar(&c.Filler, "filler", 6000, "bytes of description an issue has; 6000 make issues of 14 KB")
	flags.IntVar(&c.Projects, "projects", 40, "projects the issues lie in")
	flags.DurationVar(&c.Latency, "latency", 100*time.Millisecond, "what the simulated Jira waits before an answer")
	flags.Uint64Var(&c.Seed, "seed", 1, "of the simulated site")
	flags.BoolVar(&c.NoGzip, "no-gzip", false, "let Jira answer without compression")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return compare(ctx, c, out)
}

// compare measures the ways one after another on the same site, and prints a row for each.
func compare(ctx context.Context, c simulator.Config, out io.Writer) (err error) {
	fields, err := defaultFields()
	if err != nil {
		return err
	}
	sim, err := simulator.Start(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := sim.Stop(); err == nil {
			err = stopped
		}
	}()
	fmt.Fprintf(out, "%d issues with %d bytes of description; Jira answers after %s\n\n", c.Issues, c.Filler, c.Latency)
	fmt.Fprintf(out, columns, "way of reading", "wall", "faster", "requests", "wire MB", "JSON MB", "points")
	var first time.Duration
	for _, w := range ways(fields) {
		r, err := w.measure(ctx, sim, c.Issues)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if first == 0 {
			first = r.wall
		}
		r.print(out, w.name, first)
	}
	return nil
}

// defaultFields are the fields of issues that the default mapping reads.
func defaultFields() ([]string, error) {
	m, err := mapping.Parse("the default mapping", defaults.Mapping(), source.Kinds())
	if err != nil {
		return nil, err
	}
	readings, _ := ingest.Plan(m)
	for _, r := range readings {
		if r.Kind == source.Issue {
			return r.Fields(), nil
		}
	}
	return nil, fmt.Errorf("the default mapping reads no issues")
}

const columns = "%-52s %8s %7s %9s %8s %8s %8s\n"

// result is what one way took.
type result struct {
	wall  time.Duration
	stats jira.Stats
}

func (r result) print(out io.Writer, name string, first time.Duration) {
	fmt.Fprintf(out, columns, name, fmt.Sprintf("%.2fs", r.wall.Seconds()), fmt.Sprintf("%.1fx", first.Seconds()/r.wall.Seconds()),
		fmt.Sprint(r.stats.Requests), megabytes(r.stats.BytesIn), megabytes(r.stats.BytesDecoded), fmt.Sprint(r.stats.Points))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
