package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ferry/bench/process"
)

// fleet is the replicas, one of which has the lease.
type fleet struct {
	ctx    context.Context // of the processes: it ends with the trial
	places []*place
	random *rand.Rand
	next   atomic.Uint64 // by which webhooks are spread
	struck int           // processes that were ended
}

// place is where one replica runs after another.
type place struct {
	config process.Config

	mu    sync.Mutex
	ferry *process.Ferry // nil: it is down
	wrong []string       // ends that nobody asked for
}

// newFleet starts nothing yet.
func newFleet(ctx context.Context, p *plan, binary, dir string, settings map[string]string) (*fleet, error) {
	f := &fleet{ctx: ctx, random: rand.New(rand.NewPCG(p.seed, 0xf1ee7))}
	for n := range p.replicas {
		name := fmt.Sprintf("replica-%d", n+1)
		c := process.Config{Binary: binary, Dir: filepath.Join(dir, name), Log: filepath.Join(dir, name+".log"), Settings: maps.Clone(settings)}
		if err := os.Mkdir(c.Dir, 0o700); err != nil {
			return nil, err
		}
		f.places = append(f.places, &place{config: c})
	}
	return f, nil
}

// start starts those that are down.
func (f *fleet) start() error {
	for _, p := range f.places {
		if err := p.start(f.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) start(ctx context.Context) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ferry != nil {
		if p.ferry.Alive() || !p.isOver() {
			return nil
		}
		p.wrong = append(p.wrong, fmt.Sprintf("%s ended by itself: %v", filepath.Base(p.config.Dir), p.ferry.Err()))
	}
	p.ferry, err = process.Start(ctx, p.config)
	return err
}

// isOver tells whether the process is gone. p.mu is held.
func (p *place) isOver() bool {
	select {
	case <-p.ferry.Ended():
		return true
	default:
		return false
	}
}

// end ends the process, by SIGKILL unless gently.
func (p *place) end(gently bool) (err error) {
	p.mu.Lock()
	ferry := p.ferry
	p.ferry = nil // nothing is sent there from now on
	p.mu.Unlock()
	switch {
	case ferry == nil:
	case gently:
		err = ferry.Stop(15 * time.Second)
	default:
		ferry.Kill()
	}
	return err
}

// pick is the address of one that is alive, in turn; "" if none is.
func (f *fleet) pick() string {
	from := int(f.next.Add(1))
	for n := range f.places {
		p := f.places[(from+n)%len(f.places)]
		p.mu.Lock()
		ferry := p.ferry
		p.mu.Unlock()
		if ferry != nil && ferry.Alive() {
			address, _ := ferry.Address(context.Background()) // it is known: it is alive
			return address
		}
	}
	return ""
}

// leader is the place of the replica that has the lease; any, where none says so.
func (f *fleet) leader() *place {
	for _, p := range f.places {
		p.mu.Lock()
		leads := p.ferry != nil && p.ferry.Alive() && p.ferry.Leads()
		p.mu.Unlock()
		if leads {
			return p
		}
	}
	return f.places[f.random.IntN(len(f.places))]
}

// strike ends some, and starts all again a while later.
func (f *fleet) strike(ctx context.Context, s strike) error {
	victims := f.victims(s)
	var ending sync.WaitGroup
	for _, v := range victims {
		ending.Go(func() { _ = v.end(false) })
	}
	ending.Wait()
	f.struck += len(victims)
	select {
	case <-time.After(s.down):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return f.start()
}

func (f *fleet) victims(s strike) []*place {
	leader := f.leader()
	others := slices.DeleteFunc(slices.Clone(f.places), func(p *place) bool { return p == leader })
	f.random.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	victims := others[:min(s.others, len(others))]
	if s.leader {
		victims = append(victims, leader)
	}
	return victims
}

// endAll ends all, and tells what went wrong with any.
func (f *fleet) endAll(gently bool) error {
	errs := make([]error, len(f.places))
	var ending sync.WaitGroup
	for n, p := range f.places {
		ending.Go(func() { errs[n] = p.end(gently) })
	}
	ending.Wait()
	return errors.Join(errs...)
}

// troubles are ends that nobody asked for, and panics.
func (f *fleet) troubles() []string {
	var list []string
	for _, p := range f.places {
		p.mu.Lock()
		list = append(list, p.wrong...)
		if p.ferry != nil && p.isOver() {
			list = append(list, fmt.Sprintf("%s ended by itself: %v", filepath.Base(p.config.Dir), p.ferry.Err()))
		}
		p.mu.Unlock()
		log, err := os.ReadFile(p.config.Log)
		if err != nil {
			continue // it never began
		}
		for _, sign := range []string{"panic: ", "fatal error: ", "DATA RACE", token, clientSecret} {
			if strings.Contains(string(log), sign) {
				list = append(list, fmt.Sprintf("%s says %q", p.config.Log, sign))
			}
		}
	}
	return list
}

// tail is the end of what each replica said.
func (f *fleet) tail(lines int) string {
	var b strings.Builder
	for _, p := range f.places {
		log, err := os.ReadFile(p.config.Log)
		if err != nil {
			continue
		}
		all := strings.Split(strings.TrimSpace(string(log)), "\n")
		fmt.Fprintf(&b, "  %s, the last lines:\n    %s\n", p.config.Log, strings.Join(all[max(0, len(all)-lines):], "\n    "))
	}
	return b.String()
}
