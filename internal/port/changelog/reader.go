package changelog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	lookAgain    = 10 * time.Second // for a topic that is not there, or cannot be asked about
	turn         = time.Second      // how long one poll waits, and so how long the end of a resync goes unnoticed
	maxTurn      = 1000             // messages of one poll
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

	trouble sign
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	r.find(ctx)
	r.client.AddConsumeTopics(r.topic)
	for ctx.Err() == nil {
		r.turn(ctx)
	}
}

// turn is one poll and what follows from it. It is short: what takes long is the worker's.
func (r *reader) turn(ctx context.Context) {
	polling, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	fetches := r.client.PollRecords(polling, maxTurn)
	defer r.client.AllowRebalance()
	var entries []entry
	fetches.EachRecord(func(record *kgo.Record) { entries = append(entries, r.read(ctx, record)) })
	r.ledger.note(entries)
	r.face(ctx, fetches.Errors())
	if time.Since(r.lastCommit) >= turn { // a busy log is not to cost a commit for each message
		r.commit(ctx, commitWithin)
	}
}

// read looks for a demand in a message. One that cannot be read is passed over, since it would not be read next time.
func (r *reader) read(ctx context.Context, record *kgo.Record) entry {
	e := entry{partition: record.Partition, at: kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset}}
	where := slog.GroupAttrs("at", slog.String("topic", record.Topic), slog.Int("partition", int(record.Partition)), slog.Int64("offset", record.Offset))
	m, err := readMessage(record.Value)
	if err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: a message cannot be read and is passed over", where, slog.Any("err", err))
		return e
	}
	e.demands = m.demands(r.config.Identifier)
	if r.inLog {
		e.demands = m.demandsInLog(r.config.Identifier)
	}
	if e.demands {
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "change log: Port asks for a resync", where)
	}
	return e
}

// face deals with what came instead of messages. The client mends it or tries again by itself, but for a batch that
// unpacks to more than is allowed: there it stays until it is told to go on.
func (r *reader) face(ctx context.Context, faults []kgo.FetchError) {
	for _, fault := range faults {
		if large, ok := errors.AsType[*kgo.ErrDecompressTooLarge](fault.Err); ok {
			r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: messages are too large and are passed over", slog.Any("err", large))
			next := kgo.EpochOffset{Epoch: large.Epoch, Offset: large.NextOffset}
			r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{large.Topic: {large.Partition: next}})
			r.ledger.note([]entry{{partition: large.Partition, at: kgo.EpochOffset{Epoch: large.Epoch, Offset: large.NextOffset - 1}}})
			continue
		}
		r.lament(ctx, fault.Err)
	}
}

// lament tells that nothing can be read, once.
func (r *reader) lament(ctx context.Context, err error) {
	if !gaveUp(err) && r.trouble.begins(err) {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: it cannot be read and is tried for ever", slog.Any("err", err))
	}
}

// gaveUp reports whether err is only that somebody stopped waiting.
func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrClientClosed)
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
			r.config.Logger.LogAttrs(ctx, slog.LevelDebug, "change log: not committed", slog.Any("err", err))
			return
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				r.committed(ctx, partition, due[partition.Partition].Offset)
			}
		}
	})
}

func (r *reader) committed(ctx context.Context, partition kmsg.OffsetCommitResponseTopicPartition, offset int64) {
	if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelDebug, "change log: not committed", slog.Any("err", err))
		return
	}
	r.ledger.committed(partition.Partition, offset)
}

// close leaves the group, so that whoever comes next need not wait until Kafka misses us, and ends all connections.
func (r *reader) close() {
	late := time.AfterFunc(leaveWithin, r.end)
	defer late.Stop()
	r.client.CloseAllowingRebalance()
	r.end()
}
