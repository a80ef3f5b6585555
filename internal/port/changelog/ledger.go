package changelog

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A ledger knows, of each partition that is ours, how far it was read and which request no resync has answered. From
// that follows what may be committed.
type ledger struct {
	requested chan struct{} // has room for one; filled with each request

	mu         sync.Mutex
	partitions map[int32]*position
}

// A position is where we are in one partition. Offsets in it rise: working, waiting, next.
type position struct {
	next      kgo.EpochOffset  // after the last message that was read
	working   *kgo.EpochOffset // the first request that the resync under way answers
	waiting   *kgo.EpochOffset // the first that came after it began
	committed int64            // -1: not known
}

// settled is where reading would have to begin for no request to be lost.
func (p *position) settled() kgo.EpochOffset {
	switch {
	case p.working != nil:
		return *p.working
	case p.waiting != nil:
		return *p.waiting
	}
	return p.next
}

// An entry is one message, as the ledger needs it.
type entry struct {
	partition int32
	at        kgo.EpochOffset
	asks      bool
}

func newLedger() *ledger {
	return &ledger{requested: make(chan struct{}, 1), partitions: map[int32]*position{}}
}

func (l *ledger) position(partition int32) *position {
	if l.partitions[partition] == nil {
		l.partitions[partition] = &position{committed: -1}
	}
	return l.partitions[partition]
}

// begin notes that reading begins at an offset which nobody has committed.
func (l *ledger) begin(partition int32, at kgo.EpochOffset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position(partition).next = at
}

// note takes messages in the order of their partition, all of them before a resync can begin: requests that are read
// together are answered together.
func (l *ledger) note(entries []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		p := l.position(e.partition)
		p.next = kgo.EpochOffset{Epoch: e.at.Epoch, Offset: e.at.Offset + 1}
		if !e.asks {
			continue
		}
		if p.waiting == nil {
			p.waiting = new(e.at)
		}
		select {
		case l.requested <- struct{}{}:
		default:
		}
	}
}

// forget drops partitions that are no longer ours. Whoever has them next is told of what was not answered.
func (l *ledger) forget(partitions []int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, partition := range partitions {
		delete(l.partitions, partition)
	}
}

// take reports whether a resync is asked for, and if so, lets the one that begins now answer all requests so far.
func (l *ledger) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.requested:
	default:
	}
	asked := false
	for _, p := range l.partitions {
		if p.waiting != nil {
			p.working, p.waiting, asked = p.waiting, nil, true
		}
	}
	return asked
}

// settle ends what take began. If the resync failed, its requests wait again.
func (l *ledger) settle(answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.partitions {
		if p.working != nil && !answered {
			p.waiting = p.working // it came before any that waits
		}
		p.working = nil
	}
}

// due is what is to be committed, by partition.
func (l *ledger) due() map[int32]kgo.EpochOffset {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := map[int32]kgo.EpochOffset{}
	for partition, p := range l.partitions {
		if at := p.settled(); at.Offset != p.committed {
			due[partition] = at
		}
	}
	return due
}

// committed notes that Kafka took an offset.
func (l *ledger) committed(partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.partitions[partition]; p != nil {
		p.committed = offset
	}
}
