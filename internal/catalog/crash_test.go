package catalog

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashAt asks the test binary to be the process that is killed, and says where its catalogue is.
const crashAt = "FERRY_TEST_CRASH_AT"

func TestMain(m *testing.M) {
	if place := os.Getenv(crashAt); place != "" {
		if err := workUntilKilled(place); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// workUntilKilled applies and delivers from three goroutines, and says on its output what was
// acknowledged: "applied ID VERSION" and "delivered ENTITY VERSION".
func workUntilKilled(place string) error {
	ctx := context.Background()
	config := Config{Dir: place, Integration: "jira"}
	if strings.Contains(place, "://") {
		config.URL = place
	}
	d, err := Connect(ctx, config)
	if err != nil {
		return err
	}
	s, err := d.Lead(ctx)
	if err != nil {
		return err
	}
	errs := make(chan error)
	var say sync.Mutex
	tell := func(format string, args ...any) {
		say.Lock()
		defer say.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	tell("opened")
	for worker := range 2 {
		go func() { errs <- applyForEver(ctx, s, worker, tell) }()
	}
	go func() { errs <- deliverForEver(ctx, s, tell) }()
	return <-errs
}

func applyForEver(ctx context.Context, s *Store, worker int, tell func(string, ...any)) error {
	reading := fmt.Sprint("reading ", worker)
	for {
		number := s.NextRead()
		b := Batch{Number: number, Run: 1, Reading: reading}
		for range 3 {
			id := strconv.Itoa(rand.IntN(20))
			b.Items = append(b.Items, Item{ID: id, Gone: rand.IntN(8) == 0, Claims: []Claim{{Entities: []Entity{
				{Blueprint: "shared", Identifier: strconv.Itoa(rand.IntN(5)), Body: fmt.Append(nil, number)},
				{Blueprint: reading, Identifier: id, Body: fmt.Append(nil, number), Refs: []string{strconv.Itoa(rand.IntN(5))}},
			}}}})
		}
		if err := s.Listed(ctx, Listing{Run: 1, Reading: reading}, []string{b.Items[0].ID}); err != nil {
			return err
		}
		if _, err := s.Apply(ctx, b); err != nil {
			return err
		}
		for _, item := range b.Items {
			tell("applied %d %s %d", worker, item.ID, number)
		}
	}
}

func deliverForEver(ctx context.Context, s *Store, tell func(string, ...any)) error {
	for {
		list, err := s.Undelivered(ctx, 0, 20)
		if err != nil {
			return err
		}
		var deliveries []Delivery
		for _, p := range list {
			deliveries = append(deliveries, Delivery{Pending: p, Keys: "k", Created: !p.Known})
		}
		if err := s.Delivered(ctx, 1, deliveries); err != nil {
			return err
		}
		for _, p := range list {
			tell("delivered %d %d", p.Entity, p.Version)
		}
	}
}

// A process killed at any moment leaves a store that is whole and holds all it acknowledged.
func TestAKilledProcessLosesNothing(t *testing.T) { onEach(t, testKilled) }

func testKilled(t *testing.T, place func(testing.TB) Config) {
	if watched {
		t.Skip("what is killed is a process, which the race detector sees nothing of")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	config := place(t)
	for range 8 {
		promises := killAfter(t, cmp.Or(config.URL, config.Dir), time.Duration(moments.IntN(120))*time.Millisecond)
		d := connect(t, config)
		s := lead(t, d) // a server may still hold the lease for the killed one
		if config.URL == "" {
			if got := ask[string](t, s, `PRAGMA integrity_check`); got != "ok" {
				t.Errorf("integrity_check = %q", got)
			}
		}
		dumpOf(t, s) // counts, and what points to what
		for _, line := range promises {
			checkPromise(t, s, line)
		}
		must(t, s.Close())
		must(t, d.Close())
	}
}

// killAfter runs the process, kills it, and returns what it acknowledged.
func killAfter(t *testing.T, place string, wait time.Duration) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashAt+"="+place)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "opened\n" {
		t.Fatalf("the process said %q, %v", line, err)
	}
	go func() {
		select {
		case <-time.After(wait):
		case <-t.Context().Done():
		}
		_ = cmd.Process.Kill()
	}()
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v", err)
	}
	said := strings.Split(string(rest), "\n")
	return said[:len(said)-1] // the last may be cut
}

func checkPromise(t *testing.T, s *Store, line string) {
	t.Helper()
	var worker, id string
	var entity, number int64
	if _, err := fmt.Sscanf(line, "delivered %d %d", &entity, &number); err == nil {
		if got := ask[int64](t, s, fmt.Sprint(`SELECT delivered FROM entity WHERE id = `, entity)); got < number {
			t.Errorf("%s, and the store says %d", line, got)
		}
		return
	}
	if _, err := fmt.Sscanf(line, "applied %s %s %d", &worker, &id, &number); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if got := ask[int64](t, s, fmt.Sprintf(`SELECT read FROM item AS i JOIN reading AS r ON r.id = i.reading
		WHERE r.name = 'reading %s' AND i.id = '%s'`, worker, id)); got < number {
		t.Errorf("%s, and the store says %d", line, got)
	}
}
