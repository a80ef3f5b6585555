package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// soak tries every seed on every database, several at a time, and tells of each as it ends. The error
// is one of the harness.
func soak(ctx context.Context, o options, databases []database, out io.Writer) (failed bool, err error) {
	fmt.Fprintf(out, "seeds %d to %d on %s, %d at a time\n", o.first, o.first+uint64(o.seeds)-1, o.database, o.parallel)
	began := time.Now()
	var mu sync.Mutex
	results := map[database][]result{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.parallel))
	for i := range o.seeds {
		for _, database := range databases {
			group.Go(func() error {
				r, err := try(ctx, o, o.first+uint64(i), database)
				if err != nil || ctx.Err() != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				results[database] = append(results[database], r)
				r.print(out)
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	if ctx.Err() != nil && len(results) == 0 {
		return false, context.Cause(ctx)
	}
	for _, database := range databases {
		failed = summarize(out, database, results[database]) || failed
	}
	fmt.Fprintf(out, "took %s\n", time.Since(began).Round(time.Second))
	return failed, nil
}

// result is what became of one seed.
type result struct {
	plan       *plan
	events     int // changes in Jira
	strikes    int // processes that were ended while Jira changed
	deliveries int
	repeated   int // attempts to deliver after the first
	twice      int // deliveries that were made twice
	lost       int // deliveries that nobody was told of
	stubs      int // left in Port of relations that are over
	right      time.Duration
	took       time.Duration
	failures   []string // what is wrong; none: nothing is
	dir        string   // where to look, then
}

func (r result) print(out io.Writer) {
	if len(r.failures) > 0 {
		fmt.Fprintf(out, "FAILED seed %d on %s\n  plan: %s\n  folder: %s\n", r.plan.seed, r.plan.database, r.plan, r.dir)
		for _, failure := range r.failures {
			fmt.Fprintf(out, "%s\n", failure)
		}
		return
	}
	fmt.Fprintf(out, "seed %-4d %-8s right after %5.2fs  took %4.1fs  %4d issues %5d events %2d ended %5d deliveries, %d again, %d twice, %d lost, %d stubs left  %s\n",
		r.plan.seed, r.plan.database, r.right.Seconds(), r.took.Seconds(), r.plan.issues, r.events, r.strikes, r.deliveries, r.repeated, r.twice, r.lost, r.stubs, r.plan.style())
}

// summarize prints a line about all seeds of a database, and tells whether any failed.
func summarize(out io.Writer, database database, results []result) (failed bool) {
	var events, strikes, deliveries, repeated, twice, lost, stubs, failures int
	var times []time.Duration
	for _, r := range results {
		events, strikes, deliveries = events+r.events, strikes+r.strikes, deliveries+r.deliveries
		repeated, twice, lost, stubs = repeated+r.repeated, twice+r.twice, lost+r.lost, stubs+r.stubs
		if len(r.failures) > 0 {
			failures++
			continue
		}
		times = append(times, r.right)
	}
	var median, worst time.Duration
	if len(times) > 0 {
		slices.Sort(times)
		median, worst = times[len(times)/2], times[len(times)-1]
	}
	fmt.Fprintf(out, "%s: %d seeds, %d failed; %d processes ended, %d events, %d deliveries (%d again, %d twice, %d lost); Port right %.2fs after the last delivery in the median, %.2fs at worst; %d stubs left\n",
		database, len(results), failures, strikes, events, deliveries, repeated, twice, lost, median.Seconds(), worst.Seconds(), stubs)
	return failures > 0
}
