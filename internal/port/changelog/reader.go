package changelog

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pollFor      = time.Second      // how long one poll waits, and so how long the end of a resync goes unnoticed
	pollAtMost   = 1000             // messages of one poll
	commitEvery  = time.Second      // at most: a busy log is not to cost a commit for each message
	commitWithin = 10 * time.Second // how long one commit is tried
	leaveWithin  = 2 * time.Second  // how long each of the last commit and the leaving of the group may hold up the end
)

// A reader reads Kafka and commits, both in the goroutine of run. Kafka takes no partition away while that is at work
// on what it has polled, so nothing is noted or committed of a partition that is another's by then.
type reader struct {
	config Config
	client *kgo.Client
	end    context.CancelFunc // of the client's own context
	ledger *ledger

	// Of run alone.
	topic      string
	inLog      bool // the topic is the log of all changes
	lastCommit time.Time

	// Of the client's callbacks for partitions, which come one at a time.
	held, told int // partitions that are ours, now and when it was last told

	trouble, uncommitted sign
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	if r.find(ctx) {
		r.client.AddConsumeTopics(r.topic)
	}
	for ctx.Err() == nil {
		r.turn(ctx)
	}
}

// turn is one poll and what follows from it. It is short: what takes long is the worker's.
func (r *reader) turn(ctx context.Context) {
	polling, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	fetches := r.client.PollRecords(polling, pollAtMost)
	defer r.client.AllowRebalance()
	var entries []entry
	fetches.EachRecord(func(record *kgo.Record) { entries = append(entries, r.read(ctx, record)) })
	r.ledger.note(entries)
	if len(entries) > 0 {
		r.relieve(ctx)
	}
	r.handle(ctx, fetches.Errors())
	if time.Since(r.lastCommit) >= commitEvery {
		r.commit(ctx, commitWithin)
	}
}

// read looks for a request in a message. One that cannot be read is passed over, since it would not be read next time.
func (r *reader) read(ctx context.Context, record *kgo.Record) entry {
	e := entry{partition: record.Partition, at: kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset}}
	where := slog.GroupAttrs("at", slog.String("topic", record.Topic), slog.Int("partition", int(record.Partition)), slog.Int64("offset", record.Offset))
	m, err := readMessage(record.Value)
	if err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: a message cannot be read and is passed over", where, slog.Any("err", err))
		return e
	}
	e.asks = m.asks(r.config.Identifier)
	if r.inLog {
		e.asks = m.asksInLog(r.config.Identifier)
	}
	if e.asks {
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "change log: Port asks for a resync", where)
	}
	return e
}

// handle deals with what came instead of messages. The client mends it or tries again by itself, but for a batch that
// unpacks to more than is allowed: there it stays until it is told to go on.
func (r *reader) handle(ctx context.Context, faults []kgo.FetchError) {
	for _, fault := range faults {
		if large, ok := errors.AsType[*kgo.ErrDecompressTooLarge](fault.Err); ok {
			r.passOver(ctx, large)
			continue
		}
		// Compared and not unwrapped: the network's time-outs are deadlines too, but only this one is the poll's own.
		if fault.Err != context.DeadlineExceeded && ctx.Err() == nil {
			r.complain(ctx, fault.Err)
		}
	}
}

func (r *reader) passOver(ctx context.Context, batch *kgo.ErrDecompressTooLarge) {
	r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: messages are too large and are passed over", slog.Any("err", batch))
	next := kgo.EpochOffset{Epoch: batch.Epoch, Offset: batch.NextOffset}
	r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{batch.Topic: {batch.Partition: next}})
	last := kgo.EpochOffset{Epoch: batch.Epoch, Offset: batch.NextOffset - 1}
	r.ledger.note([]entry{{partition: batch.Partition, at: last}})
}

// commit tells Kafka how far all is answered. What it does not take is still due at the next turn.
func (r *reader) commit(ctx context.Context, within time.Duration) {
	due := r.ledger.due()
	if len(due) == 0 {
		return
	}
	r.lastCommit = time.Now()
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	offsets := map[string]map[int32]kgo.EpochOffset{r.topic: due}
	r.client.CommitOffsetsSync(limited, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			return // the network, of which the brokers' hook tells
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				r.committed(ctx, partition, due[partition.Partition].Offset)
			}
		}
	})
}

func (r *reader) committed(ctx context.Context, partition kmsg.OffsetCommitResponseTopicPartition, offset int64) {
	err := kerr.ErrorForCode(partition.ErrorCode)
	switch {
	case err == nil:
		r.ledger.committed(partition.Partition, offset)
		r.uncommitted.over()
	case slices.Contains([]error{kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID}, err):
		// The group is about to be joined again.
	case r.uncommitted.begins(err):
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: what was answered cannot be committed, is tried for ever, and would be asked for again by the next process", slog.Any("err", err))
	}
}

// close leaves the group, so that whoever comes next need not wait until Kafka misses us, and ends all connections.
func (r *reader) close() {
	late := time.AfterFunc(leaveWithin, r.end)
	defer late.Stop()
	r.client.CloseAllowingRebalance()
	r.end()
}
