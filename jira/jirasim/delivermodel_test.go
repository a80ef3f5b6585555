package jirasim_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"

	"pgregory.net/rapid"
)

// Whatever the receiver answers, each event is attempted once and then up to five times
// more, never again after it was accepted, and its end is on record.
func TestEveryDeliveryComesToItsEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := rapid.IntRange(1, 12).Draw(rt, "events")
		failing := rapid.Float64Range(0, 0.9).Draw(rt, "failing")
		d := jirasim.Delivery{
			Lose: rapid.SampledFrom([]float64{0, 0.3}).Draw(rt, "lose"), Duplicate: rapid.SampledFrom([]float64{0, 0.3}).Draw(rt, "duplicate"),
			Disorder: rapid.SampledFrom([]float64{0, 0.5}).Draw(rt, "disorder"), Primary: rapid.IntRange(0, 3).Draw(rt, "primary"),
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			random, mu := rand.New(rand.NewPCG(seed, 0)), sync.Mutex{}
			v := &receiver{hold: time.Second, answer: func(int, received) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				if random.Float64() >= failing {
					return 204, nil
				}
				return []int{0, 404, 429, 503}[random.IntN(4)], map[bool]error{true: errors.New("no route")}[random.IntN(4) == 0]
			}}
			d.Transport = v
			s := hookedSite(jirasim.Config{Seed: seed}, jirasim.Webhook{})
			stop := delivering(t, s, d)
			for range events {
				s.AddIssue(jirasim.Issue{ProjectKey: "PAY"})
			}
			settle(t, s)
			stop()
			judge(rt, s, v, events)
		})
	})
}

func judge(rt *rapid.T, s *jirasim.Server, v *receiver, events int) {
	attempts, identifiers, sum := map[string]int{}, map[string]bool{}, 0
	for _, one := range v.all() {
		attempts[one.Identifier]++
	}
	recorded := map[string]int{}
	for _, r := range s.Deliveries() {
		identifiers[r.Identifier] = true
		recorded[r.Identifier] += r.Attempts
		sum += r.Attempts
		final := map[jirasim.DeliveryStatus]bool{
			jirasim.Delivered: r.Answer == 204, jirasim.Lost: r.Attempts == 0,
			jirasim.GivenUp: r.Attempts == 6 || r.Answer == 404,
		}
		if !final[r.Status] || r.Attempts > 6 {
			rt.Errorf("the record %+v is of no end", r)
		}
	}
	for identifier, n := range attempts {
		if recorded[identifier] != n {
			rt.Errorf("%s was attempted %d times, on record are %d", identifier, n, recorded[identifier])
		}
	}
	stats := s.DeliveryStats()
	if len(identifiers) != events || stats.Pending != 0 || stats.Delivered+stats.GivenUp+stats.Lost != events+stats.Duplicated ||
		sum != stats.Delivered+stats.GivenUp+stats.Retried {
		rt.Errorf("of %d events there are %d identifiers and %d attempts in %+v", events, len(identifiers), sum, stats)
	}
}

// People change the site, apps register webhooks and Jira delivers, all at once and
// over real sockets.
func TestDeliveryOverSockets(t *testing.T) {
	var mu sync.Mutex
	var keys []string
	lead := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.URL.Query().Get("key"))
	}))
	defer lead.Close()
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext}
	defer transport.CloseIdleConnections()
	s := newSite(jirasim.Config{Bearer: "b"})
	s.AddWebhook(jirasim.Webhook{URL: lead.URL + "?key={issue.key}", Events: []string{"jira:issue_created"}})
	stop := delivering(t, s, jirasim.Delivery{Transport: transport})
	var people sync.WaitGroup
	for _, project := range []string{"PAY", "APP", "SEC"} {
		people.Go(func() {
			for range 30 {
				s.AddIssue(jirasim.Issue{ProjectKey: project})
				register(t, s, `{"events":["jira:issue_deleted"],"jqlFilter":"project = PAY"}`)
				s.Deliveries()
			}
		})
	}
	people.Wait()
	settle(t, s)
	stop()
	slices.Sort(keys)
	if distinct := len(slices.Compact(keys)); len(keys) != 90 || distinct != 90 {
		t.Errorf("%d deliveries of %d issues, want 90", len(keys), distinct)
	}
}
