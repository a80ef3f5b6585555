package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ferry/internal/port"
	"ferry/internal/port/changelog"
)

// listening is how Port's Kafka asks for a resync; nil where it does not.
func listening(set settings, client *port.Client, log *slog.Logger) func(context.Context, func(context.Context) error) error {
	if l := set.Live.Listener; l.Type != listenKafka || !l.resyncs() || client == nil {
		return nil
	}
	k := &kafka{set.Live.Listener, set.Type, client, log}
	return k.run
}

// kafka listens to Port's change log, with credentials that Port gives.
type kafka struct {
	listener
	kind   string
	client *port.Client
	log    *slog.Logger
}

// askAgain is how long to wait before Port is asked for credentials anew.
const askAgain = time.Minute

// run outlives every trouble: resyncs come by the schedule all the same.
func (k *kafka) run(ctx context.Context, resync func(context.Context) error) error {
	for {
		err := k.listen(ctx, resync)
		if ctx.Err() != nil {
			return nil
		}
		k.log.Error("Port's change log is not heard; it is tried again", "err", err, "wait", askAgain)
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return nil
		}
	}
}

// listen returns when ctx ends, or Kafka does not take the credentials any more.
func (k *kafka) listen(ctx context.Context, resync func(context.Context) error) error {
	organization, err := k.client.Organization(ctx)
	if err != nil {
		return err
	}
	config := changelog.Config{
		Brokers: k.Brokers, SecurityProtocol: k.SecurityProtocol, Mechanism: k.Mechanism,
		Organization: organization.ID, Type: k.kind, Identifier: k.client.Identifier(),
		NewTopic: slices.Contains(organization.FeatureFlags, changelog.NewTopicFlag), Logger: k.log,
	}
	if strings.HasPrefix(k.SecurityProtocol, "SASL_") {
		credentials, err := k.client.KafkaCredentials(ctx)
		if err != nil {
			return err
		}
		config.Username, config.Password = credentials.Username, credentials.Password
	}
	consumer, err := changelog.New(config)
	if err != nil {
		return err
	}
	return consumer.Run(ctx, resync)
}
