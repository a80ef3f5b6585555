package catalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// storm is several processes that share a database whose server ends their sessions at random. All
// receive; whoever leads reads and applies.
type storm struct {
	t        *testing.T
	config   Config
	received sync.Map     // ids of hints that were acknowledged
	epochs   sync.Map     // epochs that were led, each by one
	takeover atomic.Int64 // how often the lease changed hands
}

// What was acknowledged is read, whatever becomes of sessions, and no epoch has two holders.
func TestNothingThatWasReceivedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	config := inSchema(t)
	name := fmt.Sprintf("storm_%x", chance.Uint64())
	config.URL = with(t, config.URL, "application_name", name)
	w := &storm{t: t, config: config}
	ctx, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for process := range 3 {
		all.Go(func() { w.process(ctx, process) })
	}
	for w.takeover.Load() == 0 { // until one leads, there is nothing to end
		pause(ctx, 10*time.Millisecond)
	}
	for range 60 {
		pause(ctx, time.Duration(chance.IntN(120))*time.Millisecond)
		onServer(t, `SELECT pg_terminate_backend(pid) FROM (
			SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid OFFSET $2 LIMIT $3) AS sessions`,
			name, chance.IntN(12), 1+chance.IntN(6))
	}
	end()
	all.Wait()
	w.settle()
}

// process receives, and leads when it can, until ctx ends.
func (w *storm) process(ctx context.Context, number int) {
	d, err := Connect(ctx, w.config)
	if err != nil {
		w.t.Error(err)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { w.receive(ctx, d.Inbox(), number) })
	both.Go(func() {
		for ctx.Err() == nil {
			w.lead(ctx, d)
		}
	})
	both.Wait()
	if err := d.Close(); err != nil {
		w.t.Logf("close: %v", err) // a session was ended meanwhile
	}
}

func (w *storm) receive(ctx context.Context, in *Inbox, number int) {
	for n := 0; pause(ctx, time.Millisecond); n++ {
		var hints []Hint
		for i := range 3 {
			hints = append(hints, Hint{Kind: "issue", ID: fmt.Sprint(number, "-", n, "-", i)})
		}
		hints = append(hints, Hint{Kind: "issue", ID: "busy"})
		if in.Receive(ctx, time.Now(), hints) != nil {
			continue // Jira would send it again
		}
		for _, h := range hints {
			w.received.Store(h.ID, true)
		}
	}
}

func (w *storm) lead(ctx context.Context, d *Database) {
	s, err := d.Lead(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Errorf("Lead: %v", err)
		}
		return
	}
	defer s.Close()
	w.takeover.Add(1)
	if _, twice := w.epochs.LoadOrStore(s.epoch, true); twice {
		w.t.Errorf("epoch %d was led twice", s.epoch)
	}
	if s.SetReadings(ctx, asked("issue")) != nil {
		return
	}
	for ctx.Err() == nil {
		select {
		case <-s.Lost():
			return
		default:
		}
		if _, err := read(ctx, s); err != nil && !errors.Is(err, ErrLost) && ctx.Err() == nil {
			w.t.Logf("read: %v", err) // a reader's session was ended
		}
	}
}

// read reads some of what is dirty, as ingest does, and says whether there was any.
func read(ctx context.Context, s *Store) (bool, error) {
	rows, err := s.Take(ctx, "issue", "", 100)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	b := Batch{Number: s.NextRead(), Reading: "issue", Taken: rows}
	for _, d := range rows {
		b.Items = append(b.Items, making(d.ID, d.ID))
	}
	_, err = s.Apply(ctx, b)
	return true, err
}

// settle reads what is left, in calm, and looks for what is missing.
func (w *storm) settle() {
	s := openAt(w.t, w.config)
	must(w.t, s.SetReadings(w.t.Context(), asked("issue")))
	for more := true; more; {
		var err error
		more, err = read(w.t.Context(), s)
		must(w.t, err)
	}
	d := dumpOf(w.t, s)
	received, missing := 0, 0
	w.received.Range(func(id, _ any) bool {
		received++
		if _, there := d.Items[itemKey{reading: "issue", id: id.(string)}]; !there {
			missing++
		}
		return true
	})
	w.t.Logf("%d hints, the lease was taken %d times", received, w.takeover.Load())
	if missing > 0 {
		w.t.Errorf("%d of %d items that were acknowledged were never read", missing, received)
	}
}
