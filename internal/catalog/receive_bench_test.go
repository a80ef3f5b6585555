package catalog

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkReceive is how fast 20 webhook requests at once put down a hint each, of 1,000 issues.
func BenchmarkReceive(b *testing.B) {
	benchEach(b, "20", func(b *testing.B, s *Store) {
		must(b, s.SetReadings(b.Context(), asked("issue")))
		commits := receiver(s).count()
		b.ResetTimer()
		receive20(b, s.Inbox())
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hints/s")
		b.ReportMetric(float64(b.N)/float64(*commits), "hints/commit")
	})
}

func receive20(b *testing.B, in *Inbox) {
	var next atomic.Int64
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := in.Receive(context.Background(), time.Now(), []Hint{{Kind: "issue", ID: fmt.Sprint(n % 1000)}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
}
