package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sweeps are a feeder's, of rows that Port answers as answer says.
type sweeps struct {
	t         *testing.T
	waiting   waiting
	rows      map[int64]postponed // as they are postponed; what is settled leaves
	answer    func(row int64, s stage) answered
	delivered int
	asked     []string // what Awaited was asked of, a question a line
	log       []string // what was sent
}

// answered is what becomes of a row.
type answered int

const (
	taken answered = iota
	misses
	faulted
)

func newSweeps(t *testing.T, answer func(int64, stage) answered, rows ...postponed) *sweeps {
	s := &sweeps{t: t, answer: answer, rows: map[int64]postponed{}}
	s.waiting = newWaiting(func(_ context.Context, ids []string) (map[string]bool, error) {
		s.asked = append(s.asked, strings.Join(ids, " "))
		return nil, nil
	})
	for _, p := range rows {
		s.rows[p.row] = p
	}
	return s
}

// sweep sends what does not wait, and says how many that were.
func (s *sweeps) sweep() (n int) {
	var r report
	for row, p := range s.rows {
		stage, now := s.waiting.stageOf(row, p.version)
		if !now {
			continue
		}
		n++
		s.log = append(s.log, fmt.Sprint(p.identifier, []string{" as is", " bare", " last"}[stage]))
		r.rows = append(r.rows, row)
		a := s.answer(row, stage)
		if stage != bare && (a == taken || a == misses && stage == last) {
			s.delivered++
			delete(s.rows, row)
			continue
		}
		p.fault, p.bared = a == faulted, stage == bare && a != faulted
		r.postponed = append(r.postponed, p)
	}
	s.waiting.hear(r)
	return n
}

// goOn sweeps four times a second while others are delivered.
func (s *sweeps) goOn(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(sweepEvery) {
		s.delivered++
		if err := s.waiting.goOn(s.t.Context(), s.delivered); err != nil {
			s.t.Fatal(err)
		}
		s.sweep()
	}
}

// resolve sweeps until nothing can be sent.
func (s *sweeps) resolve() {
	for more := true; more; {
		for s.sweep() > 0 {
		}
		var err error
		if more, err = s.waiting.resolve(s.t.Context(), s.delivered); err != nil {
			s.t.Fatal(err)
		}
	}
}

func never(int64, stage) answered { return misses }

func TestWhatWaitedLongIsSentALastTimeWhateverIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeps(t, never, postponed{row: 1, version: 1, identifier: "A", targets: []string{"X"}})
		s.goOn(waitedLong - time.Second)
		if len(s.rows) != 1 || !slices.Contains(s.log[1:], "A as is") {
			t.Fatalf("sent %v, want A to wait, and to be sent again", s.log)
		}
		s.goOn(2 * time.Second)
		if len(s.rows) != 0 || s.log[len(s.log)-1] != "A last" {
			t.Errorf("sent %v, want A a last time after %s", s.log, waitedLong)
		}
	})
}

// What waits is not sent so often that what is new must stand behind it.
func TestManyThatWaitAreSentAgainSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeps(t, never)
		for row := range int64(1000) {
			s.rows[row] = postponed{row: row, version: 1, identifier: fmt.Sprint(row), targets: []string{"X"}}
		}
		s.goOn(waitedLong / 2)
		if most := 1000 + int(waitedLong/2/resendFor); len(s.log) > most {
			t.Errorf("%d sent, want at most %d", len(s.log), most)
		}
	})
}

func TestAFaultIsNoMissingRelation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := true
		s := newSweeps(t, func(row int64, _ stage) answered {
			if row == 1 && fault {
				return faulted
			}
			if row == 2 && fault {
				return misses
			}
			return taken
		}, postponed{row: 1, version: 1, identifier: "A"}, postponed{row: 2, version: 1, identifier: "B", targets: []string{"A"}})
		s.resolve() // as with every deletion
		if len(s.rows) != 2 {
			t.Fatalf("sent %v, want both to wait", s.log)
		}
		s.rows = map[int64]postponed{1: s.rows[1]}
		s.goOn(3 * waitedLong)
		if n := len(s.log); slices.Contains(s.log, "A last") || n > 100 {
			t.Errorf("sent %d times: %v, want it seldom, and never a last time", n, s.log)
		}
		fault = false
		if s.goOn(faultMost + time.Second); len(s.rows) != 0 {
			t.Error("not sent when the fault had passed")
		}
	})
}

func TestACycleIsBrokenThoughTheBareSendMetAFault(t *testing.T) {
	for name, try := range map[string]func(*sweeps){
		"while others are delivered": func(s *sweeps) { s.goOn(10 * time.Second) },
		"when nothing else is left": func(s *sweeps) {
			for range 10 {
				s.resolve()
				time.Sleep(faultMost)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, faults := map[int64]bool{}, map[int64]int{}
				s := newSweeps(t, func(row int64, s stage) answered {
					switch {
					case s == bare && faults[row] < 2:
						faults[row]++
						return faulted
					case s == bare:
						begun[row] = true
						return taken
					case begun[3-row]:
						return taken
					}
					return misses
				}, postponed{row: 1, version: 1, identifier: "A", targets: []string{"B"}}, postponed{row: 2, version: 1, identifier: "B", targets: []string{"A"}})
				try(s)
				if len(s.rows) != 0 || slices.ContainsFunc(s.log, func(x string) bool { return strings.HasSuffix(x, "last") }) {
					t.Errorf("sent %v, want both taken", s.log)
				}
			})
		})
	}
}

// Whoever waits again does so anew, and of what was settled nothing is kept.
func TestThePastEndsWithItsVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there := false
		s := newSweeps(t, func(int64, stage) answered {
			if there {
				return taken
			}
			return misses
		}, postponed{row: 1, version: 1, identifier: "A", targets: []string{"X"}}, postponed{row: 2, version: 1, identifier: "gone", targets: []string{"X"}})
		s.goOn(waitedLong / 2)
		delete(s.rows, 2)
		there = true
		s.goOn(time.Second)
		if len(s.waiting.past) != 0 || len(s.waiting.rows) != 0 {
			t.Errorf("kept %v and %v of what is settled or gone", s.waiting.past, s.waiting.rows)
		}
		there = false
		s.rows[1] = postponed{row: 1, version: 1, identifier: "A", targets: []string{"X"}} // Port lost it
		if s.goOn(waitedLong - time.Second); len(s.rows) != 1 {
			t.Errorf("sent %v, want the earlier wait not to count", s.log)
		}
	})
}

// What is gone while it waits is waited for by nobody.
func TestWhatIsGoneWhileItWaits(t *testing.T) {
	s := newSweeps(t, never, postponed{row: 1, version: 1, identifier: "A", targets: []string{"X"}})
	s.sweep()
	s.rows = nil
	for range 3 {
		if more, err := s.waiting.resolve(t.Context(), 0); !more || err != nil {
			return
		}
	}
	t.Error("it is tried for ever")
}

func TestWhoIsAwaitedIsAskedOnlyToBreakACycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeps(t, never, postponed{row: 1, version: 1, identifier: "A", targets: []string{"X"}})
		if s.goOn(waitedEnough / 2); len(s.asked) != 0 {
			t.Errorf("asked %v before it waited for a while", s.asked)
		}
		s.delivered++
		if more, err := s.waiting.resolve(t.Context(), s.delivered); !more || err != nil || len(s.asked) != 0 {
			t.Errorf("resolve = %t, %v, asked %v, want A sent as it is and nothing asked", more, err, s.asked)
		}
		s.resolve()
		if want := []string{"A"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q, want %q", s.asked, want)
		}
	})
}
