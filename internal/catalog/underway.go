package catalog

import "sync"

// underway are the reads that may outlast a run. Tombstones that stand against their answers are
// kept.
type underway struct {
	mu    sync.Mutex
	reads map[ReadNumber]struct{}
}

// BeginRead is NextRead for a read that is part of no run. end says that nothing will be applied
// under its number any more.
func (s *Store) BeginRead() (number ReadNumber, end func()) {
	u := &s.underway
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.reads == nil {
		u.reads = map[ReadNumber]struct{}{}
	}
	number = s.NextRead()
	u.reads[number] = struct{}{}
	return number, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.reads, number)
	}
}

// first is the lowest number under way, if that is lower than the one given.
func (u *underway) first(number int64) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	for read := range u.reads {
		number = min(number, int64(read))
	}
	return number
}

// Epoch counts the leases of the integration; this is the store's.
func (s *Store) Epoch() int64 { return s.epoch }
