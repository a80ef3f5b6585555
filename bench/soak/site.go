package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

// What both simulators let in.
const (
	email, token           = "soak@example.com", "soak-token"
	clientID, clientSecret = "soak-client", "soak-secret"
	identifier             = "soak"
)

// frontAddress is where Jira is told to deliver. Nobody listens there: the fleet takes what is sent.
const frontAddress = "http://127.0.0.1:9"

// site is a company's Jira, which delivers to a fleet.
type site struct {
	*jirasim.Server
	web     *unreliable
	company *company.Company
	random  *rand.Rand
	diary   *os.File // what was done, for whoever looks for a cause
	ids     []int64  // of issues that were there once
	events  int

	everything bool           // the mapping selects every issue
	early      bool           // changes begin before the first resync has ended
	left       map[int64]bool // epics that were moved or deleted

	stop      context.CancelFunc // ends the delivering under way
	delivered sync.WaitGroup
}

func newSite(p *plan, diary string) (s *site, err error) {
	s = &site{everything: p.everything, early: p.early, left: map[int64]bool{}, random: rand.New(rand.NewPCG(p.seed, 0x517e))}
	if s.diary, err = os.Create(diary); err != nil {
		return nil, err
	}
	s.Server = jirasim.New(jirasim.Config{
		Seed: p.seed, BaseURL: "https://soak.atlassian.net", Email: email, Token: token,
		Latency: p.latency, IndexLag: p.indexLag,
	})
	s.company = company.Found(p.seed, time.Now().Add(-time.Minute), p.issues)
	s.company.Settle(s.Server)
	for _, i := range s.company.Issues {
		s.ids = append(s.ids, i.ID)
	}
	s.web, err = serveUnreliably(s.Server, rand.New(rand.NewPCG(p.seed, 0x01)))
	return s, err
}

// deliver delivers from now on as d says, until it is called again or the site is closed.
func (s *site) deliver(d jirasim.Delivery) {
	s.quiet()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.delivered.Go(func() { _ = s.Deliver(ctx, d) }) // it fails only where another runs
}

// quiet ends the delivering.
func (s *site) quiet() {
	if s.stop != nil {
		s.stop()
		s.delivered.Wait()
		s.stop = nil
	}
}

// settled waits until nothing is left to deliver.
func (s *site) settled(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.Settled(ctx); err != nil {
		return fmt.Errorf("%d deliveries are not made after %s: %w", s.DeliveryStats().Pending, patience, err)
	}
	return nil
}

func (s *site) close() error {
	s.quiet()
	s.web.close()
	return s.diary.Close()
}

// front is the address before all replicas: a transport that picks one of those that are alive.
type front struct {
	fleet *fleet
	inner http.RoundTripper
}

var errNobody = errors.New("connection refused: nobody is alive")

func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	address := f.fleet.pick()
	if address == "" {
		return nil, errNobody
	}
	to := r.Clone(r.Context())
	to.URL.Host = address
	return f.inner.RoundTrip(to)
}
