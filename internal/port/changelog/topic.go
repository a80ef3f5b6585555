package changelog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookAgain is how long is waited for a topic that is not there, or cannot be asked about.
const lookAgain = 10 * time.Second

// find waits until there is a topic for us, and reports whether one was found before ctx ended.
func (r *reader) find(ctx context.Context) bool {
	for {
		err := r.choose(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.complain(ctx, err)
		pause(ctx, lookAgain)
	}
}

// choose prefers the topic of resync requests alone, where it may. Not every organisation that is to have one has it.
func (r *reader) choose(ctx context.Context) error {
	all, alone := r.config.Organization+".change.log", r.config.Organization+".integration.resync.requests"
	r.topic, r.inLog = all, true
	if !r.config.NewTopic {
		return r.lookUp(ctx, all)
	}
	err := r.lookUp(ctx, alone)
	switch {
	case err == nil:
		r.topic, r.inLog = alone, false
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.TopicAuthorizationFailed):
		if err = r.lookUp(ctx, all); err == nil {
			r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: there is no topic for resync requests, and that of all changes is read", slog.String("missing", alone))
		}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// lookUp asks whether the topic is there for us, and does not make it.
func (r *reader) lookUp(ctx context.Context, topic string) error {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	answer, err := request.RequestWith(ctx, r.client)
	if err != nil {
		return err
	}
	if len(answer.Topics) != 1 {
		return fmt.Errorf("the answer of Kafka does not tell of topic %s", topic)
	}
	if err := kerr.ErrorForCode(answer.Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("topic %s, which Port makes for an organization on request: %w", topic, err)
	}
	return nil
}
