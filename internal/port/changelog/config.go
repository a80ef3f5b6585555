package changelog

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"ferry/internal/port"
)

// NewTopicFlag is the organisation's feature flag for a topic of resync requests alone; see [port.Organization.Has].
const NewTopicFlag = "OCEAN_KAFKA_INTEGRATION_RESYNC_REQUESTS_TOPIC_ENABLED"

// DefaultBrokers are Port's, as its own integrations have them unless they are told others.
var DefaultBrokers = []string{
	"b-1-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196",
	"b-2-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196",
	"b-3-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196",
}

// Config says which Kafka, as whom, and for which integration.
type Config struct {
	Brokers          []string    // "host:port"; none: DefaultBrokers
	SecurityProtocol string      // SASL_SSL (the default), SASL_PLAINTEXT, SSL or, without any security, PLAINTEXT
	Mechanism        string      // of SASL: SCRAM-SHA-512 (the default), SCRAM-SHA-256 or PLAIN
	Username         string      // required with SASL; see [port.Client.KafkaCredentials]
	Password         port.Secret // required with SASL
	TLS              *tls.Config // nil: the system's roots

	Organization, Type, Identifier string // whose integration it is; all required
	// NewTopic reads the topic of resync requests alone, or, where that is not there, the log of all changes, which is
	// read otherwise. It is what [NewTopicFlag] says; where the flags cannot be had, false.
	NewTopic bool

	RetryBase time.Duration // first wait after a resync that failed, 0: 5 s; doubles with each failure
	RetryCap  time.Duration // longest such wait, 0: 5 min
	Logger    *slog.Logger  // nil: silent

	// Dial makes a connection to a broker on which TLS, if any, is up already. nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func withDefaults(c Config) Config {
	if len(c.Brokers) == 0 {
		c.Brokers = DefaultBrokers
	}
	c.SecurityProtocol = strings.ToUpper(cmp.Or(c.SecurityProtocol, "SASL_SSL"))
	c.Mechanism = strings.ToUpper(cmp.Or(c.Mechanism, "SCRAM-SHA-512"))
	c.RetryBase = cmp.Or(c.RetryBase, 5*time.Second)
	c.RetryCap = cmp.Or(c.RetryCap, 5*time.Minute)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

func (c Config) check() error {
	var faults []error
	for _, required := range []struct{ value, name string }{
		{c.Organization, "id of the organization in Port"},
		{c.Type, "integration type (OCEAN__INTEGRATION__TYPE)"},
		{c.Identifier, "integration identifier (OCEAN__INTEGRATION__IDENTIFIER)"},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("missing: the %s", required.name))
		}
	}
	if !slices.Contains([]string{"SASL_SSL", "SASL_PLAINTEXT", "SSL", "PLAINTEXT"}, c.SecurityProtocol) {
		faults = append(faults, fmt.Errorf("OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL is %q: it should be SASL_SSL, SASL_PLAINTEXT, SSL or PLAINTEXT", c.SecurityProtocol))
	}
	if c.RetryBase < 0 || c.RetryCap < 0 {
		faults = append(faults, errors.New("the waits after a resync that failed cannot be negative"))
	}
	faults = append(faults, c.checkLogin())
	if err := kgo.ValidateOpts(kgo.SeedBrokers(c.Brokers...)); err != nil || slices.ContainsFunc(c.Brokers, misshapen) {
		faults = append(faults, fmt.Errorf("OCEAN__EVENT_LISTENER__BROKERS is %q: each should look like broker.example:9196", c.Brokers))
	}
	return errors.Join(faults...)
}

// misshapen reports whether what should be one broker is a URL, or several, or nothing.
func misshapen(broker string) bool { return broker == "" || strings.ContainsAny(broker, "/, \t\"") }

func (c Config) checkLogin() error {
	if !c.signsIn() {
		return nil
	}
	var faults []error
	if c.mechanism() == nil {
		faults = append(faults, fmt.Errorf("OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM is %q: it should be SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN", c.Mechanism))
	}
	if c.Username == "" || c.Password.Reveal() == "" {
		faults = append(faults, errors.New("missing: the user name and password for Port's Kafka"))
	}
	return errors.Join(faults...)
}

func (c Config) signsIn() bool { return strings.HasPrefix(c.SecurityProtocol, "SASL_") }

// mechanism is how to sign in, nil where it is none that is known.
func (c Config) mechanism() sasl.Mechanism {
	login := scram.Auth{User: c.Username, Pass: c.Password.Reveal()}
	switch c.Mechanism {
	case "SCRAM-SHA-512":
		return login.AsSha512Mechanism()
	case "SCRAM-SHA-256":
		return login.AsSha256Mechanism()
	case "PLAIN":
		return plain.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsMechanism()
	}
	return nil
}

// group is the consumer group that Port's own integrations use: whoever takes over from them goes on where they were.
func (c Config) group() string { return c.Organization + "." + c.Type + "." + c.Identifier }

// Memory is bounded by what is fetched at once from each broker and by what a batch may unpack to. Kafka takes no
// batch of more than a few MiB, unless it is told to.
const (
	maxFetch  = 4 << 20  // bytes that a broker is asked for at once
	maxAnswer = 64 << 20 // bytes of one answer: a batch comes whole, even where it is larger than what was asked for
	maxBatch  = 32 << 20 // bytes of a batch that has been unpacked
)

// options are those of the client that do not depend on a run.
//
// Cooperative and sticky are what Ocean's consumers are, and members of one group must agree. Where nothing has been
// committed yet, reading begins at the end, as Ocean's does: the log is of all changes in the organisation.
func (c Config) options() []kgo.Opt {
	options := []kgo.Opt{
		kgo.ClientID("ferry"),
		kgo.SeedBrokers(c.Brokers...),
		kgo.ConsumerGroup(c.group()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchMaxBytes(maxFetch),
		kgo.BrokerMaxReadBytes(maxAnswer),
		kgo.MaxDecompressBatchBytes(maxBatch),
		kgo.DisableClientMetrics(),
	}
	if c.signsIn() {
		options = append(options, kgo.SASL(c.mechanism()))
	}
	switch {
	case c.Dial != nil:
		options = append(options, kgo.Dialer(c.Dial))
	case strings.HasSuffix(c.SecurityProtocol, "SSL"):
		options = append(options, kgo.DialTLSConfig(cmp.Or(c.TLS, &tls.Config{MinVersion: tls.VersionTLS12})))
	}
	return options
}
