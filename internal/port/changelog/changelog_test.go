package changelog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"ferry/internal/port/changelog"
)

// changed is a message of the log about the integration, or something else of an identifier.
func changed(identifier, updated, resynced, destination string) string {
	return fmt.Sprintf(`{"action":"UPDATE","context":{"integration":"x"},"diff":{"before":null,"after":{"identifier":%q,"updatedAt":%q,"resyncState":{"updatedAt":%q}}},"changelogDestination":{"type":%q}}`,
		identifier, updated, resynced, destination)
}

func TestWhatIsARequest(t *testing.T) {
	const morning, noon = "2026-11-23T08:00:00.000Z", "2026-11-23T12:00:00.000Z"
	for _, tt := range []struct {
		name, message string
		inLog, alone  bool // as a message of the log of all changes, and of the topic for requests
	}{
		{"a request", asked, true, true},
		{"a request without an action", `{"context":{"integrationId":"my-jira"}}`, false, true},
		{"another action", `{"context":{"integrationId":"my-jira"},"action":"UPDATE"}`, false, true},
		{"a request of another integration", nothing, false, false},
		{"of one whose name begins like ours", `{"context":{"integrationId":"my-jira-2"},"action":"RESYNC"}`, false, false},
		{"a request of nobody", `{"context":{},"action":"RESYNC"}`, false, false},
		{"a mapping was edited", changed("my-jira", noon, morning, "KAFKA"), true, false},
		{"a mapping of which no resync is known", `{"diff":{"after":{"identifier":"my-jira","updatedAt":"` + noon + `","resyncState":null}},"changelogDestination":{"type":"KAFKA"}}`, true, false},
		{"our own word on a resync", changed("my-jira", noon, noon, "KAFKA"), false, false},
		{"a change without times", `{"diff":{"after":{"identifier":"my-jira"}},"changelogDestination":{"type":"KAFKA"}}`, false, false},
		{"of another integration", changed("another", noon, morning, "KAFKA"), false, false},
		{"that is sent to a webhook", changed("my-jira", noon, morning, "WEBHOOK"), false, false},
		{"that is sent nowhere", `{"diff":{"after":{"identifier":"my-jira","updatedAt":"` + noon + `"}},"changelogDestination":{}}`, false, false},
		{"the integration was deleted", `{"diff":{"before":{"identifier":"my-jira"},"after":null},"changelogDestination":{"type":"KAFKA"}}`, false, false},
		{"an entity with other types", `{"action":7,"context":"x","diff":{"after":{"identifier":["my-jira"],"updatedAt":3,"resyncState":"my-jira"}},"changelogDestination":"KAFKA"}`, false, false},
		{"a request with other types beside", `{"context":{"integrationId":"my-jira"},"action":"RESYNC","diff":"x","changelogDestination":[]}`, true, true},
		{"nothing", ``, false, false},
		{"null", `null`, false, false},
		{"a text", `"my-jira"`, false, false},
		{"no JSON", `{"context":{"integrationId":"my-jira"},"action":"RESYNC"`, false, false},
		{"something after the JSON", asked + asked, false, false},
		{"no text at all", "\xff\x00\xfe", false, false},
		{"more than is read", `{"padding":"` + strings.Repeat("x", 9<<20) + `",` + asked[1:], false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for topic, want := range map[string]bool{log: tt.inLog, requests: tt.alone} {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "16777216"}))
					l := w.listen(atOnce, func(c *changelog.Config) { c.NewTopic = topic == requests })
					w.say(topic, tt.message)
					time.Sleep(3 * time.Second)
					if got := l.begun.Load() == 1; got != want {
						t.Errorf("in %s: resync %t, want %t", topic, got, want)
					}
					if at := w.committed(topic, 0); at != 1 {
						t.Errorf("in %s: committed up to %d, want 1", topic, at)
					}
					if err := l.stop(); err != nil {
						t.Errorf("Run = %v, want nil", err)
					}
				})
			}
		})
	}
}

func TestARequestIsCommittedAfterTheResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		done := make(chan struct{})
		l := w.listen(func(context.Context) error { <-done; return nil })
		w.say(log, nothing, nothing, asked, nothing)
		time.Sleep(5 * time.Minute)
		if at := w.committed(log, 0); at != 2 || l.begun.Load() != 1 {
			t.Errorf("after five minutes of the resync: %d begun, committed up to %d; want 1, and 2, which is before the request", l.begun.Load(), at)
		}
		close(done)
		time.Sleep(3 * time.Second)
		if at := w.committed(log, 0); at != 4 {
			t.Errorf("after the resync: committed up to %d, want 4", at)
		}
		_ = l.stop()
	})
}

// The end comes between the resync and the next turn of the reader: what is done is committed nevertheless.
func TestWhatIsDoneIsCommittedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var l *listener
		l = w.listen(func(context.Context) error { l.cancel(); return nil })
		w.say(log, asked)
		time.Sleep(time.Minute)
		if err := l.stop(); err != nil || w.committed(log, 0) != 1 {
			t.Errorf("Run = %v, committed up to %d; want nil and 1", err, w.committed(log, 0))
		}
	})
}

func TestARequestIsToldAgainWhenItsResyncDidNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.listen(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		w.say(log, nothing, asked)
		time.Sleep(5 * time.Second)
		if err := first.stop(); err != nil || w.committed(log, 0) != 1 {
			t.Errorf("Run = %v, committed up to %d; want nil, and 1, which is before the request", err, w.committed(log, 0))
		}
		second := w.listen(atOnce)
		if second.begun.Load() != 1 || w.committed(log, 0) != 2 {
			t.Errorf("the next process: %d resyncs, committed up to %d; want 1 and 2", second.begun.Load(), w.committed(log, 0))
		}
		_ = second.stop()
		if third := w.listen(atOnce); third.begun.Load() != 0 || third.stop() != nil {
			t.Errorf("the one after it: %d resyncs, want none", third.begun.Load())
		}
	})
}

// The first process of an integration begins at the end of the log; the second where the first was, and not at the end.
func TestARequestBetweenTwoProcessesIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.say(log, asked, asked)
		first := w.listen(atOnce)
		if err := first.stop(); err != nil || first.begun.Load() != 0 {
			t.Errorf("the first process: %v and %d resyncs, want none for what was there before it", err, first.begun.Load())
		}
		w.say(log, asked)
		second := w.listen(atOnce)
		if second.begun.Load() != 1 {
			t.Errorf("the second process: %d resyncs, want 1", second.begun.Load())
		}
		_ = second.stop()
	})
}

func TestRequestsDuringAResyncAreOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(func(ctx context.Context) error { time.Sleep(5 * time.Minute); return nil })
		w.say(log, asked, asked, asked) // read together, answered together
		for range 20 {
			time.Sleep(10 * time.Second)
			w.say(log, asked, nothing)
		}
		time.Sleep(90 * time.Second)
		if l.begun.Load() != 1 || w.committed(log, 0) != 0 {
			t.Errorf("during the first: %d begun, committed up to %d; want 1 and 0", l.begun.Load(), w.committed(log, 0))
		}
		time.Sleep(5 * time.Minute)
		if l.begun.Load() != 2 || w.committed(log, 0) != 3 {
			t.Errorf("during the second: %d begun, committed up to %d; want 2 and 3, the first of those that came later", l.begun.Load(), w.committed(log, 0))
		}
		time.Sleep(30 * time.Minute)
		if l.begun.Load() != 2 || w.committed(log, 0) != 43 {
			t.Errorf("at last: %d begun, committed up to %d; want 2 and 43", l.begun.Load(), w.committed(log, 0))
		}
		_ = l.stop()
	})
}

func TestAResyncThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var at []time.Time
		l := w.listen(func(context.Context) error {
			if at = append(at, time.Now()); len(at) < 5 {
				return errors.New("Jira is down")
			}
			return nil
		}, func(c *changelog.Config) { c.RetryBase, c.RetryCap = 10*time.Second, 30*time.Second })
		w.say(log, asked)
		time.Sleep(time.Minute)
		if w.committed(log, 0) != 0 {
			t.Errorf("while it fails: committed up to %d, want 0", w.committed(log, 0))
		}
		time.Sleep(5 * time.Minute)
		if err := l.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		var waits []time.Duration
		for i := range at[1:] {
			waits = append(waits, at[i+1].Sub(at[i]))
		}
		if want := "[10s 20s 30s 30s]"; fmt.Sprint(waits) != want || w.committed(log, 0) != 1 {
			t.Errorf("waits = %v, committed up to %d; want %s and 1", waits, w.committed(log, 0), want)
		}
		if n := strings.Count(l.log.String(), "Jira is down"); n != 4 {
			t.Errorf("failures told = %d, want 4", n)
		}
	})
}

func TestARequestEndsTheWaitAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mended atomic.Bool
		l := w.listen(func(context.Context) error {
			if !mended.Load() {
				return errors.New("the mapping is wrong")
			}
			return nil
		}, func(c *changelog.Config) { c.RetryBase, c.RetryCap = time.Hour, time.Hour })
		w.say(log, asked)
		time.Sleep(time.Minute)
		mended.Store(true)
		w.say(log, asked)
		time.Sleep(3 * time.Second)
		if l.begun.Load() != 2 || w.committed(log, 0) != 2 {
			t.Errorf("%d resyncs, committed up to %d; want 2 and 2", l.begun.Load(), w.committed(log, 0))
		}
		_ = l.stop()
	})
}

// A request that came during a resync is answered by the next one. If that fails, it is that one's request that waits, and
// not a new one that ends the wait.
func TestARequestThatIsBeingAnsweredDoesNotEndTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var l *listener
		l = w.listen(func(context.Context) error {
			time.Sleep(time.Minute)
			if l.begun.Load() > 1 {
				return errors.New("no")
			}
			return nil
		}, func(c *changelog.Config) { c.RetryBase, c.RetryCap = time.Hour, time.Hour })
		w.say(log, asked)
		time.Sleep(10 * time.Second)
		w.say(log, asked)
		time.Sleep(10 * time.Minute)
		if l.begun.Load() != 2 {
			t.Errorf("%d resyncs, want 2, and a wait of an hour", l.begun.Load())
		}
		_ = l.stop()
	})
}

func TestRunEndsPromptly(t *testing.T) {
	failing := func(context.Context) error { return errors.New("no") }
	for name, prepare := range map[string]func(*world) *listener{
		"idle": func(w *world) *listener { return w.listen(atOnce) },
		"in a resync": func(w *world) *listener {
			l := w.listen(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			w.say(log, asked)
			return l
		},
		"after a failure": func(w *world) *listener { l := w.listen(failing); w.say(log, asked); return l },
		"Kafka is away": func(w *world) *listener {
			l := w.listen(failing)
			w.say(log, nothing)
			w.writer.Close()
			w.kafka.Close()
			return l
		},
		"Kafka never was": func(w *world) *listener { w.writer.Close(); w.kafka.Close(); return w.listen(atOnce) },
		"Kafka never was, 2": func(w *world) *listener {
			w.writer.Close()
			w.kafka.Close()
			return w.listen(atOnce, func(c *changelog.Config) { c.NewTopic = true })
		},
		"Kafka falls silent": func(w *world) *listener {
			l := w.listen(atOnce)
			w.silent.Store(true)
			w.say(log, nothing)
			return l
		},
		"Kafka falls silent before it was told": func(w *world) *listener {
			l := w.listen(func(context.Context) error { time.Sleep(10 * time.Second); return nil })
			w.say(log, asked)
			time.Sleep(5 * time.Second)
			w.silent.Store(true)
			return l
		},
		"Kafka was silent always": func(w *world) *listener { w.silent.Store(true); return w.listen(atOnce) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := prepare(newWorld(t))
				time.Sleep(20 * time.Second)
				start := time.Now()
				if err := l.stop(); err != nil || time.Since(start) > 5*time.Second {
					t.Errorf("Run = %v after %s, want nil within 5s", err, time.Since(start))
				}
			})
		})
	}
}
