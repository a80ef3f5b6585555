package changelog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrCredentials is that Kafka does not let us in with the user name and password, or not by this mechanism.
var ErrCredentials = errors.New("the credentials that Port gave for its Kafka were refused")

// patience is how many refusals in a row, after Kafka had once let us in, are taken for its last word: brokers that
// start, or whose users are being written anew, refuse for a moment what they accepted before.
const patience = 3

// brokers hears of every attempt to connect. It is the client's hook, and may be called from any goroutine.
type brokers struct {
	config Config
	fail   func(error) // ends the run

	mu       sync.Mutex
	down     map[string]bool // by address
	admitted bool            // once at least
	refusals int             // since
}

func newBrokers(config Config, fail func(error)) *brokers {
	return &brokers{config: config, fail: fail, down: map[string]bool{}}
}

// OnBrokerConnect tells when a broker goes and when it is back, once each, and ends the run when the credentials are
// refused.
func (b *brokers) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) {
		b.refused(err)
		return
	}
	address := net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port)))
	if err == nil {
		b.admitted, b.refusals = true, 0
	}
	was := b.down[address]
	b.down[address] = err != nil
	log := b.config.Logger
	switch {
	case err != nil && !was:
		log.Warn("change log: a broker cannot be reached and is tried for ever", slog.String("broker", address), slog.Any("err", err))
	case err == nil && was:
		log.Info("change log: a broker can be reached again", slog.String("broker", address))
	}
}

func (b *brokers) refused(err error) {
	if b.refusals++; b.admitted && b.refusals < patience {
		return
	}
	b.fail(fmt.Errorf("%w, as %s by %s: %w; check that OCEAN__EVENT_LISTENER__BROKERS are those of your region of Port, and OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM",
		ErrCredentials, b.config.Username, b.config.Mechanism, err))
}
