package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// until reads what is logged until it is the text.
func until(t *testing.T, said <-chan string, text string) {
	t.Helper()
	for {
		select {
		case line := <-said:
			if strings.Contains(line, text) {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("%q was not logged", text)
		}
	}
}

// leading is a Lead under way.
type leading struct {
	store chan *Store
	err   chan error
}

func goLead(t *testing.T, d *Database) leading {
	l := leading{make(chan *Store, 1), make(chan error, 1)}
	go func() {
		s, err := d.Lead(t.Context())
		if err != nil {
			l.err <- err
			return
		}
		l.store <- s
	}()
	return l
}

func (l leading) wait(t *testing.T) *Store {
	t.Helper()
	select {
	case s := <-l.store:
		t.Cleanup(func() { _ = s.Close() })
		return s
	case err := <-l.err:
		t.Fatal(err)
	}
	return nil
}

// terminate ends a session from the server's side.
func terminate(t *testing.T, backend int) {
	t.Helper()
	onServer(t, `SELECT pg_terminate_backend($1)`, backend)
}

func backendOf(s *Store) int { return s.writer.on.(*lease).backend }

func TestTheSecondWaitsForTheLease(t *testing.T) {
	config := inSchema(t)
	first := connect(t, config)
	var said <-chan string
	config.Logger, said = heeded()
	second := connect(t, config)
	leader := lead(t, first)
	waiting := goLead(t, second)
	until(t, said, "another ferry leads")
	if _, err := Open(t.Context(), config); !errors.Is(err, ErrLeased) {
		t.Errorf("Open = %v, want ErrLeased", err)
	}
	hear(t, first.Inbox(), Hint{Kind: "issue", ID: "1"})
	hear(t, second.Inbox(), Hint{Kind: "issue", ID: "2"})
	must(t, leader.Close())
	next := waiting.wait(t)
	if next.epoch != leader.epoch+1 {
		t.Errorf("epochs %d and %d, want the next", leader.epoch, next.epoch)
	}
	must(t, next.SetReadings(t.Context(), asked("issue")))
	expectDirty(t, next, "issue//1", "issue//2")
	for len(said) > 0 {
		if line := <-said; strings.Contains(line, "another ferry leads") {
			t.Error("it was said twice that another leads")
		}
	}
}

func TestAHolderWhoseSessionEndsWritesNothing(t *testing.T) {
	config := inSchema(t)
	old := lead(t, connect(t, config))
	second := connect(t, config)
	waiting := goLead(t, second)
	must(t, old.SetReadings(t.Context(), asked("issue")))
	hear(t, old.Inbox(), Hint{Kind: "issue", ID: "1"})
	b := Batch{Number: old.NextRead(), Reading: "issue", Items: []Item{making("9", "e")}}
	terminate(t, backendOf(old))
	<-old.Lost()
	hear(t, old.Inbox(), Hint{Kind: "issue", ID: "2"})
	hear(t, second.Inbox(), Hint{Kind: "issue", ID: "3"})
	next := waiting.wait(t)
	if _, err := old.Apply(t.Context(), b); !errors.Is(err, ErrLost) {
		t.Errorf("Apply without the lease = %v, want ErrLost", err)
	}
	if _, err := next.Apply(t.Context(), b); !errors.Is(err, ErrEpoch) {
		t.Errorf("Apply of a read of the lost lease = %v, want ErrEpoch", err)
	}
	if d := dumpOf(t, next); len(d.Items)+len(d.Entities) > 0 {
		t.Errorf("the lost lease has written %v and %v", d.Items, d.Entities)
	}
	expectDirty(t, next, "issue//1", "issue//2", "issue//3")
	must(t, old.Close())
}

// A transaction under way finds out by itself, before the watch does.
func TestATransactionThatLosesItsSessionSaysSo(t *testing.T) {
	s := openAt(t, inSchema(t))
	err := s.write(t.Context(), func(tx *tx) error {
		terminate(t, backendOf(s))
		return tx.touch(1, "", []string{"1"})
	})
	if !errors.Is(err, ErrLost) {
		t.Errorf("a write whose session ended = %v, want ErrLost", err)
	}
	<-s.Lost()
}

// The session lives, but another has the lease: as behind a pooler.
func TestAnEpochThatWasRaisedEndsTheLease(t *testing.T) {
	s := openAt(t, inSchema(t))
	raise := `UPDATE integration SET epoch = epoch + 1`
	// Whoever raises the epoch waits for the transaction that is under way.
	raised := make(chan error, 1)
	config := configOf(s)
	must(t, s.write(t.Context(), func(tx *tx) error {
		if err := addName("in time")(withStore(tx, s)); err != nil {
			return err
		}
		go func() { raised <- runOn(config.URL, raise) }()
		return blocks(t, s)
	}))
	must(t, <-raised)
	if err := s.Touch(t.Context(), "too late", "", []string{"1"}); !errors.Is(err, ErrLost) {
		t.Errorf("a write after the epoch was raised = %v, want ErrLost", err)
	}
	<-s.Lost()
	if names, err := s.Readings(t.Context()); err != nil || fmt.Sprint(names) != "[in time]" {
		t.Errorf("Readings = %v, %v, want what was begun before the epoch was raised", names, err)
	}
}

func configOf(s *Store) Config { return s.opened.(*Database).engine.(*postgres).Config }

func withStore(t *tx, s *Store) *tx { return &tx{session: t.session, s: s, ctx: t.ctx} }

// blocks returns when another session waits for the one on which s writes.
func blocks(t *testing.T, s *Store) error {
	for t.Context().Err() == nil {
		var waiting int
		err := s.readers.db.QueryRow(`SELECT COUNT(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))`, backendOf(s)).Scan(&waiting)
		if err != nil || waiting > 0 {
			return err
		}
	}
	return context.Cause(t.Context())
}

func TestIntegrationsSideBySide(t *testing.T) {
	config := inSchema(t)
	stores := make([]*Store, 4)
	var all sync.WaitGroup
	for i := range stores { // all at once into a schema that is empty
		all.Go(func() {
			own := config
			own.Integration = fmt.Sprint("jira-", i)
			s, err := Open(t.Context(), own)
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = s
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	defer func() {
		for _, s := range stores {
			must(t, s.Close())
		}
	}()
	ids, numbers := map[int64]bool{}, map[int64]bool{}
	for _, s := range stores {
		numbers[s.integration] = true
		all.Go(func() {
			for i := range 20 {
				apply(t, s, making(fmt.Sprint(i), fmt.Sprint("e", i)))
				hear(t, s.Inbox(), Hint{Kind: "issue", ID: fmt.Sprint(i)})
			}
		})
	}
	all.Wait()
	for _, s := range stores {
		for _, p := range toSend(t, s) {
			ids[p.Entity] = true
			if s.integration == 1 && p.Entity > 20 {
				t.Errorf("entity %d of the first integration, want small numbers", p.Entity)
			}
		}
	}
	if len(numbers) != 4 || len(ids) != 80 {
		t.Errorf("%d integrations with %d entities, want 4 with 80", len(numbers), len(ids))
	}
	apply(t, stores[0], Item{ID: "0", Gone: true})
	if n := len(toDelete(t, stores[1])); n != 0 {
		t.Errorf("what went from one integration made %d entities of another unwanted", n)
	}
}

func TestAHintElsewhereWakesTheLeader(t *testing.T) {
	config := inSchema(t)
	here, there := connect(t, config), connect(t, config)
	s := lead(t, here)
	<-here.Inbox().Arrived() // it listens
	hear(t, there.Inbox(), Hint{Kind: "issue", ID: "1"})
	<-here.Inbox().Arrived()
	onServer(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1`, `LISTEN `+s.writer.on.(*lease).place.channel)
	<-here.Inbox().Arrived() // it listens again, and may have missed something
	hear(t, there.Inbox(), Hint{Kind: "issue", ID: "2"})
	<-here.Inbox().Arrived()
}

func TestAServerThatIsAwayIsWaitedFor(t *testing.T) {
	config := inSchema(t)
	p := newProxy(t, config)
	config.URL = p.address
	var said <-chan string
	config.Logger, said = heeded()
	d := connect(t, config)
	if err := d.Inbox().Receive(t.Context(), time.Now(), []Hint{{Kind: "issue", ID: "1"}}); err == nil || !strings.Contains(err.Error(), "FERRY_DATABASE_URL") {
		t.Errorf("Receive without a server = %v, want an error that names the setting", err)
	}
	if err := d.Ready(t.Context()); err == nil {
		t.Error("ready without a server")
	}
	waiting := goLead(t, d)
	until(t, said, "is away")
	p.open(t)
	s := waiting.wait(t)
	hear(t, d.Inbox(), Hint{Kind: "issue", ID: "1"})
	must(t, d.Ready(t.Context()))
	p.cut() // and away again
	<-s.Lost()
	must(t, s.Close())
	if err := d.Ready(t.Context()); err == nil {
		t.Error("ready without a server")
	}
	waiting = goLead(t, d)
	until(t, said, "is away")
	p.open(t)
	s = waiting.wait(t)
	must(t, s.SetReadings(t.Context(), asked("issue")))
	expectDirty(t, s, "issue//1")
}

// Each side finds out by itself that nothing comes from the other any more.
func TestAHolderThatIsCutOffIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("not run: it takes as long as a server may not hear of a holder, a quarter of a minute; leave out -short to run it")
	}
	config := inSchema(t)
	far := config
	p := newProxy(t, config)
	p.open(t)
	far.URL = p.address
	old := lead(t, connect(t, far))
	waiting := goLead(t, connect(t, config))
	p.stall()
	<-old.Lost()
	waiting.wait(t)
	p.cut()
	if err := old.Touch(t.Context(), "issue", "", []string{"1"}); !errors.Is(err, ErrLost) {
		t.Errorf("Touch = %v, want ErrLost", err)
	}
}

func TestWhatNobodyCanWaitForIsToldAtOnce(t *testing.T) {
	config := inSchema(t)
	later := inSchema(t)
	must(t, openAt(t, later).Close())
	must(t, runOn(later.URL, `UPDATE store SET version = 99`))
	for name, test := range map[string]struct{ url, want string }{
		"no such database": {withPath(t, config.URL, "no_such_database"), "create it"},
		"no such schema":   {with(t, config.URL, "search_path", "no_such_schema"), "search_path"},
		"a later schema":   {later.URL, "schema is version 99"},
	} {
		d := connect(t, Config{URL: test.url, Integration: "jira"})
		if _, err := d.Lead(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Lead = %v, want %q", name, err, test.want)
		}
		if err := d.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Ready = %v, want %q", name, err, test.want)
		}
	}
}
