package changelog_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ferry/internal/port/changelog"
)

func newTopic(c *changelog.Config) { c.NewTopic = true }

func TestWithoutATopicForRequestsTheLogIsRead(t *testing.T) {
	for name, break_ := range map[string]func(*world){
		"it is not there": func(w *world) { _ = w.kafka.DeleteTopic(requests) },
		"it is not for us": func(w *world) {
			w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: requests, Err: kerr.TopicAuthorizationFailed, Count: -1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				break_(w)
				l := w.listen(atOnce, newTopic)
				w.say(log, asked)
				time.Sleep(3 * time.Second)
				if l.begun.Load() != 1 || w.kafka.TopicInfo(requests) != nil && name == "it is not there" {
					t.Errorf("%d resyncs, topic made %t; want 1 and not", l.begun.Load(), w.kafka.TopicInfo(requests) != nil)
				}
				_ = l.stop()
			})
		})
	}
}

// With the flag, the log is not read, in which every change of every entity stands.
func TestWithATopicForRequestsTheLogIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(atOnce, newTopic)
		w.say(log, asked)
		time.Sleep(time.Minute)
		if l.begun.Load() != 0 || w.committed(log, 0) != -1 {
			t.Errorf("%d resyncs, the log committed up to %d; want none", l.begun.Load(), w.committed(log, 0))
		}
		_ = l.stop()
	})
}

// A topic that comes later is read from when it is seen.
func TestATopicThatIsNotThereYetIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if err := w.kafka.DeleteTopic(log); err != nil {
			t.Fatal(err)
		}
		l := w.listen(atOnce)
		time.Sleep(20 * time.Minute)
		if n := strings.Count(l.log.String(), "cannot be read"); n != 1 {
			t.Errorf("told %d times in twenty minutes, want once: %s", n, l.log.String())
		}
		if err := w.kafka.CreateTopic(log, 1, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		w.say(log, asked)
		time.Sleep(3 * time.Second)
		if l.begun.Load() != 1 {
			t.Errorf("%d resyncs, want 1: %s", l.begun.Load(), l.log.String())
		}
		_ = l.stop()
	})
}

func TestKafkaThatGoesAndComesIsToldOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(atOnce)
		w.cutOff()
		time.Sleep(30 * time.Minute)
		w.say(log, nothing, asked)
		w.cut.Store(false)
		time.Sleep(2 * time.Minute)
		if l.begun.Load() != 1 || w.committed(log, 0) != 2 {
			t.Errorf("%d resyncs, committed up to %d; want 1 and 2", l.begun.Load(), w.committed(log, 0))
		}
		told := l.log.String()
		for line, want := range map[string]int{"a broker cannot be reached": 1, "a broker can be reached again": 1} {
			if n := strings.Count(told, line); n != want {
				t.Errorf("%q was told %d times, want %d", line, n, want)
			}
		}
		if n := strings.Count(told, "\n"); n > 8 {
			t.Errorf("%d lines for one outage:\n%s", n, told)
		}
		_ = l.stop()
	})
}

func TestWhatKafkaDoesNotTakeIsCommittedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(atOnce)
		fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.UnknownServerError, Count: -1})
		w.say(log, asked)
		time.Sleep(time.Minute)
		if at := w.committed(log, 0); at != 0 {
			t.Errorf("committed up to %d while Kafka takes nothing, want 0", at)
		}
		if n := strings.Count(l.log.String(), "cannot be committed"); n != 1 {
			t.Errorf("told %d times, want once: %s", n, l.log.String())
		}
		fault.Remove()
		time.Sleep(time.Minute)
		if at := w.committed(log, 0); at != 1 || l.begun.Load() != 1 {
			t.Errorf("committed up to %d with %d resyncs, want 1 and 1", at, l.begun.Load())
		}
		_ = l.stop()
	})
}

// A broker that does not even refuse: the time-out of a dial is a deadline, as that of a poll is.
func TestABrokerThatDoesNotAnswerIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(atOnce, func(c *changelog.Config) {
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				over, cancel := context.WithTimeout(ctx, -1)
				defer cancel()
				return new(net.Dialer).DialContext(over, network, address)
			}
		})
		time.Sleep(5 * time.Minute)
		if n := strings.Count(l.log.String(), "a broker cannot be reached"); n != 1 {
			t.Errorf("told %d times, want once: %s", n, l.log.String())
		}
		_ = l.stop()
	})
}

// Where the end of the log is cannot be told when reading is to begin there.
func TestABeginningThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.say(log, asked, asked)
		fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownServerError, Count: 3})
		l := w.listen(atOnce)
		time.Sleep(2 * time.Minute)
		w.say(log, asked)
		time.Sleep(3 * time.Second)
		if l.begun.Load() != 1 || w.committed(log, 0) != 3 || fault.Hits() != 3 {
			t.Errorf("%d resyncs, committed up to %d after %d faults; want 1 and 3 after 3", l.begun.Load(), w.committed(log, 0), fault.Hits())
		}
		for line, want := range map[string]int{"it cannot be read": 1, "it can be read again": 1} {
			if n := strings.Count(l.log.String(), line); n != want {
				t.Errorf("%q was told %d times, want %d: %s", line, n, want, l.log.String())
			}
		}
		_ = l.stop()
	})
}

func TestWhatUnpacksToTooMuchIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		packer, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(w.network.DialContext), kgo.ProducerBatchMaxBytes(100<<20),
			kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.DisableClientMetrics())
		if err != nil {
			t.Fatal(err)
		}
		defer packer.Close()
		l := w.listen(atOnce)
		if err := packer.ProduceSync(t.Context(), &kgo.Record{Topic: log, Value: make([]byte, 33<<20)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		w.say(log, asked)
		time.Sleep(3 * time.Second)
		if l.begun.Load() != 1 || w.committed(log, 0) != 2 || !strings.Contains(l.log.String(), "passed over") {
			t.Errorf("%d resyncs, committed up to %d; want 1 and 2, and it told: %s", l.begun.Load(), w.committed(log, 0), l.log.String())
		}
		_ = l.stop()
	})
}

func TestEveryMechanismSignsIn(t *testing.T) {
	for _, mechanism := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "scram-sha-512"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), username, password))
			l := w.listen(atOnce, signIn(mechanism))
			if w.committed(log, 0) != 0 {
				t.Errorf("%s: nothing is read: %s", mechanism, l.log.String())
			}
			if err := l.stop(); err != nil {
				t.Errorf("%s: Run = %v", mechanism, err)
			}
		})
	}
}

// refuse lets Kafka refuse whoever signs in, as often as told. -1 is always.
func (w *world) refuse(times int) *kfake.FaultHandle {
	return w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SASLAuthenticate}, TopLevel: true, Err: kerr.SaslAuthenticationFailed, Count: times})
}

func TestRefusedCredentialsEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", username, password))
		w.refuse(-1)
		start := time.Now()
		l := w.listen(atOnce, signIn("SCRAM-SHA-512"))
		err := l.wait()
		if !errors.Is(err, changelog.ErrCredentials) || time.Since(start) > 15*time.Second {
			t.Errorf("Run = %v after %s, want ErrCredentials at once", err, time.Since(start))
		}
		for _, want := range []string{username, "SCRAM-SHA-512", "OCEAN__EVENT_LISTENER__BROKERS"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Run = %v, want %q in it", err, want)
			}
		}
		if strings.Contains(fmt.Sprint(err)+l.log.String(), password) {
			t.Error("the password is told")
		}
	})
}

func TestAMechanismThatKafkaDoesNotHaveEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", username, password))
		w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SASLHandshake}, TopLevel: true, Err: kerr.UnsupportedSaslMechanism, Count: -1})
		if err := w.listen(atOnce, signIn("SCRAM-SHA-512")).wait(); !errors.Is(err, changelog.ErrCredentials) {
			t.Errorf("Run = %v, want ErrCredentials", err)
		}
	})
}

// Brokers that start refuse for a moment whom they knew. Who is refused again and again is not known any more.
func TestAPassingRefusalIsOutlived(t *testing.T) {
	for refusals, ends := range map[int]bool{2: false, -1: true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", username, password))
			l := w.listen(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, signIn("SCRAM-SHA-512"))
			w.refuse(refusals)
			w.cutOff()
			w.cut.Store(false)
			time.Sleep(2 * time.Minute)
			if !ends {
				if err := l.stop(); err != nil {
					t.Errorf("Run after %d refusals = %v, want nil", refusals, err)
				}
				return
			}
			if err := l.wait(); !errors.Is(err, changelog.ErrCredentials) {
				t.Errorf("Run of one that is always refused = %v, want ErrCredentials", err)
			}
		})
	}
}
