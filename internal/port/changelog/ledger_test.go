package changelog

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// Whatever happens in whatever order, what may be committed is all before the first request that no resync has answered,
// and all that was read where there is none; and as long as there is one, a resync is asked for or under way.
func TestLedgerNeverPassesARequest(t *testing.T) {
	type told struct{ next, unanswered, underWay []int64 } // offsets, by a model that remembers all of them
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		model := map[int32]*told{}
		working := false
		partition := rapid.Int32Range(0, 2)
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				var entries []entry
				for range rapid.IntRange(1, 3).Draw(t, "messages") {
					p := partition.Draw(t, "partition")
					m := model[p]
					if m == nil {
						m = &told{next: []int64{rapid.Int64Range(0, 5).Draw(t, "offset")}}
						model[p] = m
					}
					e := entry{partition: p, at: kgo.EpochOffset{Offset: m.next[0]}, asks: rapid.Bool().Draw(t, "requests")}
					if m.next[0]++; e.asks {
						m.unanswered = append(m.unanswered, e.at.Offset)
					}
					entries = append(entries, e)
				}
				l.note(entries)
			},
			"take": func(t *rapid.T) {
				if working {
					t.Skip("one at a time")
				}
				wanted := false
				for _, m := range model {
					wanted = wanted || len(m.unanswered) > 0
					m.underWay, m.unanswered = m.unanswered, nil
				}
				if working = l.take(); working != wanted {
					t.Fatalf("take = %t, want %t", working, wanted)
				}
			},
			"settle": func(t *rapid.T) {
				if !working {
					t.Skip("none")
				}
				working = false
				answered := rapid.Bool().Draw(t, "answered")
				for _, m := range model {
					if !answered {
						m.unanswered = append(m.underWay, m.unanswered...)
					}
					m.underWay = nil
				}
				l.settle(answered)
			},
			"lose": func(t *rapid.T) {
				p := partition.Draw(t, "partition")
				delete(model, p)
				l.forget([]int32{p})
			},
			"commit": func(*rapid.T) {
				for p, at := range l.due() {
					l.committed(p, at.Offset)
				}
			},
			"": func(t *rapid.T) {
				due := l.due()
				for p, m := range model {
					want := append(append(m.underWay[:len(m.underWay):len(m.underWay)], m.unanswered...), m.next...)[0]
					got := l.partitions[p].committed
					if at, is := due[p]; is {
						got = at.Offset
					}
					if got != want {
						t.Fatalf("partition %d: %d is or is to be committed, want %d", p, got, want)
					}
				}
				if len(l.partitions) != len(model) {
					t.Fatalf("%d partitions, want %d", len(l.partitions), len(model))
				}
			},
		})
	})
}
