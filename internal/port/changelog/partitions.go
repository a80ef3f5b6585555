package changelog

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// assigned tells which partitions became ours. With one process an integration has them all; a second one with the same
// identifier gets what is left, which may be none, and takes over when the first one ends.
func (r *reader) assigned(ctx context.Context, _ *kgo.Client, partitions map[string][]int32) {
	r.held += count(partitions)
	if len(partitions) == 0 {
		r.relieve(ctx) // else begin does, which follows
	}
	if r.held == r.told {
		return
	}
	r.told = r.held
	if r.held == 0 {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: another process with this integration's identifier reads it; this one waits")
		return
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "change log: it is read", slog.Any("partitions", partitions))
}

// withdrawn forgets partitions that are no longer ours, or all of them where Kafka no longer knows us.
func (r *reader) withdrawn(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	r.held -= count(partitions)
	for _, some := range partitions {
		r.ledger.forget(some)
	}
}

func count(partitions map[string][]int32) int {
	n := 0
	for _, some := range partitions {
		n += len(some)
	}
	return n
}

// begin puts a number to where reading begins in a partition in which this group has never committed. Without it,
// "the end" would be another place after every start, and a request from in between would be lost.
func (r *reader) begin(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for topic, partitions := range offsets {
		ends, err := r.ends(ctx, topic, partitions)
		if err != nil {
			return nil, fmt.Errorf("find the end of %s: %w", topic, err)
		}
		for partition, end := range ends {
			partitions[partition] = kgo.NewOffset().At(end.Offset).WithEpoch(end.Epoch)
			r.ledger.begin(partition, end)
		}
	}
	r.relieve(ctx)
	return offsets, nil
}

// ends asks for the end of those partitions whose offset is not a number.
func (r *reader) ends(ctx context.Context, topic string, partitions map[int32]kgo.Offset) (map[int32]kgo.EpochOffset, error) {
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	for partition, offset := range partitions {
		if offset.EpochOffset().Offset < 0 {
			one := kmsg.NewListOffsetsRequestTopicPartition()
			one.Partition, one.Timestamp = partition, -1 // -1 is the end
			asked.Partitions = append(asked.Partitions, one)
		}
	}
	if len(asked.Partitions) == 0 {
		return nil, nil
	}
	request := kmsg.NewPtrListOffsetsRequest()
	request.Topics = append(request.Topics, asked)
	answer, err := request.RequestWith(ctx, r.client)
	if err != nil {
		return nil, err
	}
	ends := map[int32]kgo.EpochOffset{}
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return nil, err
			}
			ends[partition.Partition] = kgo.EpochOffset{Epoch: partition.LeaderEpoch, Offset: partition.Offset}
		}
	}
	return ends, nil
}
