package catalog

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// issues are items as an issue's mapping makes them: one entity, five relations, 700 bytes.
func issues(from, n, version int) []Item {
	filler := strings.Repeat("x", 600)
	items := make([]Item, n)
	for i := range items {
		id := from + i
		items[i] = Item{ID: fmt.Sprint(10000 + id), Updated: int64(version), Container: "10", Claims: []Claim{{Entities: []Entity{{
			Blueprint: "jiraIssue", Identifier: fmt.Sprint("PAY-", id),
			Body: fmt.Appendf(nil, `{"identifier":"PAY-%d","version":%d,"title":"%s"}`, id, version, filler),
			Refs: []string{"PAY", fmt.Sprint("PAY-", id/2), "user-" + fmt.Sprint(id%50), "user-" + fmt.Sprint(id%70), fmt.Sprint("sprint-", id%90)},
			Keys: "identifier,title",
		}}}}}
	}
	return items
}

// BenchmarkIssue is the whole way of an issue through the store: listed, taken, applied, read
// for delivery, delivered; into an empty store, and again into the full one.
func BenchmarkIssue(b *testing.B) {
	for _, count := range []int{10_000, 100_000} {
		benchEach(b, fmt.Sprint(count), func(b *testing.B, s *Store) {
			for version := range 2 {
				b.Run([]string{"empty", "full"}[version], func(b *testing.B) {
					for b.Loop() {
						cpu := processorTime()
						carry(b, s, count, version)
						b.ReportMetric(float64((processorTime()-cpu).Microseconds())/float64(count), "cpu-µs/issue")
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*count), "µs/issue")
					b.ReportMetric(residentMiB(b), "MiB")
				})
			}
		})
	}
}

// benchEach runs a benchmark on both databases.
func benchEach(b *testing.B, name string, bench func(*testing.B, *Store)) {
	b.Run("SQLite/"+name, func(b *testing.B) { bench(b, openAt(b, inDir(b))) })
	b.Run("PostgreSQL/"+name, func(b *testing.B) { bench(b, openAt(b, inSchema(b))) })
}

func carry(b *testing.B, s *Store, count, version int) {
	ctx := b.Context()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	run, err := s.BeginRun(ctx, "", "")
	must(err)
	l := Listing{Run: run.ID, Reading: "issue"}
	after := int64(0)
	steps := map[string]time.Duration{}
	step := func(name string, since time.Time) { steps[name] += time.Since(since) }
	for from := 0; from < count; from += 5000 {
		begun := time.Now()
		n := min(5000, count-from)
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprint(10000 + from + i)
		}
		must(s.Listed(ctx, l, ids))
		step("Listed", begun)
		for at := 0; at < n; at += 100 {
			begun = time.Now()
			rows, err := s.Take(ctx, "issue", "", 100)
			must(err)
			step("Take", begun)
			begun = time.Now()
			items := issues(from+at, len(rows), int(run.ID))
			for i, d := range rows {
				items[i].Run, items[i].Listed = d.Run, d.Listed
			}
			step("(making)", begun)
			begun = time.Now()
			_, err = s.Apply(ctx, Batch{Number: s.NextRead(), Run: run.ID, Reading: "issue", Kind: "issue", Items: items, Taken: rows})
			must(err)
			step("Apply", begun)
			begun = time.Now()
			list, err := s.Undelivered(ctx, after, 400)
			must(err)
			step("Undelivered", begun)
			begun = time.Now()
			must(deliverAll(ctx, s, run.ID, list))
			step("Delivered", begun)
		}
	}
	must(s.EndRun(ctx, run.ID, Completed))
	for name, took := range steps {
		b.ReportMetric(float64(took.Microseconds())/float64(count), name+"-µs")
	}
}

// deliverAll records deliveries as they come from Port, 20 a call, several calls at once.
func deliverAll(ctx context.Context, s *Store, run int64, list []Pending) error {
	var calls errgroup.Group
	for bulk := range slices.Chunk(list, 20) {
		calls.Go(func() error {
			var done []Delivery
			for _, p := range bulk {
				done = append(done, Delivery{Pending: p, Keys: "identifier,title", Created: !p.Known})
			}
			return s.Delivered(ctx, run, done)
		})
	}
	return calls.Wait()
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func residentMiB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	_, _ = fmt.Sscan(peak, &kib)
	return kib / 1024
}
