package changelog_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// slowly is a resync that takes five minutes, unless it is stopped.
func slowly(ctx context.Context) error {
	timer := time.NewTimer(5 * time.Minute)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wantSettled checks that all messages of a partition are committed, and nothing is left to do.
func wantSettled(t *testing.T, w *world, partitions ...int32) {
	t.Helper()
	for _, partition := range partitions {
		if at, end := w.committed(log, partition), w.kafka.PartitionInfo(log, partition).HighWatermark; at != end {
			t.Errorf("partition %d: committed up to %d, want %d", partition, at, end)
		}
	}
}

// A second process joins while the first is in a resync for requests of two partitions, and gets one of them: it is told
// the request that the first has not answered, and what the first then answers is no more the first's to commit.
func TestAPartitionThatMovesDuringAResyncTakesItsRequestAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kfake.SeedTopics(2, log))
		first := w.listen(slowly)
		w.sayIn(log, 0, asked, nothing)
		w.sayIn(log, 1, nothing, asked)
		time.Sleep(time.Minute)
		second := w.listen(slowly)
		time.Sleep(2 * time.Minute)
		if first.begun.Load() != 1 || second.begun.Load() != 1 || w.committed(log, 0) != 0 || w.committed(log, 1) != 1 {
			t.Errorf("begun %d and %d, committed up to %d and %d; want 1 and 1, and 0 and 1, which is before the requests",
				first.begun.Load(), second.begun.Load(), w.committed(log, 0), w.committed(log, 1))
		}
		time.Sleep(12 * time.Minute)
		wantSettled(t, w, 0, 1)
		w.sayIn(log, 0, asked)
		w.sayIn(log, 1, asked)
		time.Sleep(12 * time.Minute)
		wantSettled(t, w, 0, 1)
		for name, l := range map[string]*listener{"first": first, "second": second} {
			if err := l.stop(); err != nil || l.begun.Load() < 2 {
				t.Errorf("the %s: %v after %d resyncs, want nil after 2 or more", name, err, l.begun.Load())
			}
		}
	})
}

func TestTheSecondProcessOfAnIntegrationWaitsAndTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.listen(slowly)
		second := w.listen(atOnce)
		w.say(log, asked)
		time.Sleep(time.Minute)
		if first.begun.Load()+second.begun.Load() != 1 || !strings.Contains(second.log.String(), "another process") {
			t.Errorf("begun %d and %d, want one; the second told: %s", first.begun.Load(), second.begun.Load(), second.log.String())
		}
		if err := first.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		time.Sleep(time.Minute)
		if second.begun.Load() != 1 {
			t.Errorf("the second began %d, want the one that the first did not end", second.begun.Load())
		}
		wantSettled(t, w, 0)
		_ = second.stop()
	})
}

// Kafka takes us for dead during a resync. The request is told again when we are back, and answered by one more.
func TestBeingGivenUpDuringAResyncLosesNothing(t *testing.T) {
	for name, giveUp := range map[string]func(*world){
		"at a heartbeat": func(w *world) {
			w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, TopLevel: true, Err: kerr.UnknownMemberID})
		},
		"by the time": func(w *world) {
			w.cutOff()
			time.Sleep(2 * time.Minute)
			w.cut.Store(false)
		},
		"until after the resync": func(w *world) {
			w.cutOff()
			time.Sleep(8 * time.Minute)
			w.cut.Store(false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				l := w.listen(slowly)
				w.say(log, asked, nothing)
				time.Sleep(time.Minute)
				giveUp(w)
				time.Sleep(20 * time.Minute)
				if l.begun.Load() != 2 {
					t.Errorf("%d resyncs, want 2: %s", l.begun.Load(), l.log.String())
				}
				wantSettled(t, w, 0)
				w.say(log, asked)
				time.Sleep(20 * time.Minute)
				if l.begun.Load() != 3 {
					t.Errorf("%d resyncs after another request, want 3", l.begun.Load())
				}
				wantSettled(t, w, 0)
				_ = l.stop()
			})
		})
	}
}
