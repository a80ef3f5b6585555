package changelog_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"ferry/internal/port"
	"ferry/internal/port/changelog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	log      = "org_1.change.log"
	requests = "org_1.integration.resync.requests"
	group    = "org_1.jira.my-jira"

	asked   = `{"context":{"integrationId":"my-jira"},"action":"RESYNC"}`
	nothing = `{"context":{"integrationId":"another"},"action":"RESYNC"}`

	username, password = "user", "s3cr3t-of-kafka"
)

// A world is a Kafka without sockets, so that tests can run under testing/synctest.
type world struct {
	*testing.T
	network *kfake.VirtualNetwork
	cut     atomic.Bool // no consumer gets a new connection
	silent  atomic.Bool // consumers get no answer
	wires   sync.Map    // the connections that consumers have
	kafka   *kfake.Cluster
	writer  *kgo.Client
}

func newWorld(t *testing.T, options ...kfake.Opt) *world {
	t.Helper()
	w := &world{T: t, network: &kfake.VirtualNetwork{}}
	options = append([]kfake.Opt{
		kfake.ListenFn(w.network.Listen), kfake.Ports(9092), kfake.NumBrokers(1), kfake.SeedTopics(1, log, requests),
	}, options...)
	kafka, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	w.kafka = kafka
	t.Cleanup(kafka.Close)
	w.writer, err = kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(w.network.DialContext),
		kgo.ProducerBatchMaxBytes(100<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.writer.Close)
	return w
}

// say writes messages to a topic of one partition, all of them in one batch.
func (w *world) say(topic string, messages ...string) {
	w.Helper()
	w.sayIn(topic, 0, messages...)
}

func (w *world) sayIn(topic string, partition int32, messages ...string) {
	w.Helper()
	var records []*kgo.Record
	for _, message := range messages {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(message)})
	}
	if err := w.writer.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// committed is up to where the group has read a partition, -1 where it has not said.
func (w *world) committed(topic string, partition int32) int64 {
	if info := w.kafka.GroupInfo(group); info != nil {
		if commit, ok := info.Commits[topic][partition]; ok {
			return commit.Offset
		}
	}
	return -1
}

// dial is how consumers reach Kafka.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	connection, err := w.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.wires.Store(connection, nil)
	return wire{connection, &w.silent}, nil
}

type wire struct {
	net.Conn
	silent *atomic.Bool
}

func (w wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	for err == nil && w.silent.Load() {
		n, err = w.Conn.Read(p)
	}
	return n, err
}

// cutOff ends the connections of consumers, and lets them have no other until it is undone.
func (w *world) cutOff() {
	w.cut.Store(true)
	w.wires.Range(func(wire, _ any) bool { return wire.(net.Conn).Close() == nil })
	w.wires.Clear()
}

func (w *world) config() changelog.Config {
	return changelog.Config{
		Brokers: []string{"localhost:9092"}, SecurityProtocol: "PLAINTEXT",
		Organization: "org_1", Type: "jira", Identifier: "my-jira", Dial: w.dial,
	}
}

// listen runs a consumer until it is stopped, which tells how Run ended. When listen returns, it reads.
func (w *world) listen(resync func(context.Context) error, change ...func(*changelog.Config)) *listener {
	w.Helper()
	l := &listener{ended: make(chan struct{})}
	config := w.config()
	config.Logger = slog.New(slog.NewTextHandler(io.Writer(&l.log), nil))
	for _, c := range change {
		c(&config)
	}
	consumer, err := changelog.New(config)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	l.cancel = cancel
	go func() {
		defer close(l.ended)
		l.err = consumer.Run(ctx, func(ctx context.Context) error {
			l.begun.Add(1)
			return resync(ctx)
		})
	}()
	time.Sleep(10 * time.Second) // synctest's: enough to join and to find the end of the topic
	return l
}

type listener struct {
	begun  atomic.Int64 // resyncs
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
	log    buffer
}

func (l *listener) stop() error {
	l.cancel()
	<-l.ended
	return l.err
}

// wait is how Run ends by itself.
func (l *listener) wait() error {
	select {
	case <-l.ended:
		return l.err
	case <-time.After(5 * time.Minute):
		return fmt.Errorf("it went on for five minutes, until it was stopped (%w)", l.stop())
	}
}

// A buffer is a log that can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func signIn(mechanism string) func(*changelog.Config) {
	return func(c *changelog.Config) {
		c.SecurityProtocol, c.Mechanism, c.Username, c.Password = "SASL_PLAINTEXT", mechanism, username, port.NewSecret(password)
	}
}

func atOnce(context.Context) error { return nil }
