package jirasim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

func TestADeliveryIsSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Atlassian's test vector is over a body that is no event; ours is checked in
		// deliver_internal_test.go, here that the raw body is what is signed.
		s := hookedSite(jirasim.Config{}, jirasim.Webhook{Secret: "hush"})
		v := &receiver{}
		delivering(t, s, jirasim.Delivery{Transport: v})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		settle(t, s)
		got := v.all()[0]
		if err := checkSignature([]byte(got.Body), got.Header.Get("X-Hub-Signature"), "hush"); err != nil {
			t.Error(err)
		}
		if got.Header.Get("Authorization") != "" || got.Retry != "" || got.Identifier == "" || got.Header.Get("X-Atlassian-Webhook-Flow") != "Primary" ||
			!strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
			t.Errorf("the headers are %v", got.Header)
		}
	})
}

func TestADeliveryToAnAppBearsAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Bearer: "b", AccountID: "me", Webhooks: jirasim.WebhookConfig{ClientID: "ferry", ClientSecret: "hush"}})
		register(t, s, `{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}`)
		v := &receiver{}
		delivering(t, s, jirasim.Delivery{Transport: v})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		settle(t, s)
		got := v.all()[0]
		claims, err := readJWT(got.Header.Get("Authorization"), "hush")
		if err != nil || claims["iss"] != "ferry" || claims["sub"] != "me" || claims["exp"] != float64(time.Now().Add(3*time.Minute).Unix()) {
			t.Errorf("the token of %v says %v, %v", got.Header, claims, err)
		}
		if got.Header.Get("X-Hub-Signature") != "" {
			t.Error("a dynamic webhook is signed as an administrator's is")
		}
	})
}

func TestWhatIsRepeatedAndWhatNot(t *testing.T) {
	for _, c := range []struct {
		name     string
		config   jirasim.Config
		status   int
		err      error
		hold     time.Duration
		attempts int
	}{
		{name: "200", status: 200, attempts: 1},
		{name: "204", status: 204, attempts: 1},
		{name: "301", status: 301, attempts: 1},
		{name: "400", status: 400, attempts: 1},
		{name: "401", status: 401, attempts: 1},
		{name: "404", status: 404, attempts: 1},
		{name: "408", status: 408, attempts: 6},
		{name: "409", status: 409, attempts: 6},
		{name: "425", status: 425, attempts: 6},
		{name: "429", status: 429, attempts: 6},
		{name: "500", status: 500, attempts: 6},
		{name: "503", status: 503, attempts: 6},
		{name: "no connection", err: errors.New("connection refused"), attempts: 6},
		{name: "no answer", status: 200, hold: 21 * time.Second, attempts: 6},
		{name: "a slow answer", status: 200, hold: 19 * time.Second, attempts: 1},
		{name: "Data Center", config: jirasim.Config{Deployment: jirasim.DataCenter}, status: 500, attempts: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := hookedSite(c.config, jirasim.Webhook{})
				v := &receiver{hold: c.hold, answer: func(int, received) (int, error) { return c.status, c.err }}
				delivering(t, s, jirasim.Delivery{Transport: v})
				s.AddIssue(jirasim.Issue{Key: "PAY-1"})
				settle(t, s)
				got := v.all()
				if len(got) != c.attempts {
					t.Fatalf("it was attempted %d times, want %d", len(got), c.attempts)
				}
				for i, one := range got {
					if want := map[bool]string{true: fmt.Sprint(i), false: ""}[i > 0]; one.Retry != want || one.Identifier != got[0].Identifier || one.Body != got[0].Body {
						t.Errorf("attempt %d is %+v, want the first one again as retry %q", i, one, want)
					}
					if i == 0 {
						continue
					}
					if gap := one.At.Sub(got[i-1].At) - min(c.hold, 20*time.Second); gap < 5*time.Minute || gap > 15*time.Minute {
						t.Errorf("attempt %d came %v after the one before, want 5 to 15 minutes", i, gap)
					}
				}
				record := s.Deliveries()[0]
				want := jirasim.Delivered
				if c.status >= 300 || c.err != nil || c.hold > 20*time.Second {
					want = jirasim.GivenUp
				}
				if record.Status != want || record.Attempts != c.attempts {
					t.Errorf("the record is %+v, want %s", record, want)
				}
			})
		})
	}
}

func TestARetryThatSucceedsIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hookedSite(jirasim.Config{}, jirasim.Webhook{})
		v := &receiver{answer: func(n int, _ received) (int, error) { return map[bool]int{true: 503, false: 200}[n < 2], nil }}
		delivering(t, s, jirasim.Delivery{Transport: v, MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond})
		start := time.Now()
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		settle(t, s)
		if took := time.Since(start); len(v.all()) != 3 || took != 2*time.Millisecond {
			t.Errorf("%d attempts took %v, want 3 in 2 ms", len(v.all()), took)
		}
		want := jirasim.DeliveryStats{Delivered: 1, Retried: 2}
		if diff := cmp.Diff(want, s.DeliveryStats()); diff != "" {
			t.Errorf("the totals (-want +got):\n%s", diff)
		}
	})
}

func TestSoManyAtATimeToOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hookedSite(jirasim.Config{}, jirasim.Webhook{})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		for range 30 {
			s.AddIssue(jirasim.Issue{ProjectKey: "PAY", Parent: "PAY-1", Type: "Sub-task"})
		}
		s.Delete("PAY-1")
		v := &receiver{hold: time.Second}
		delivering(t, s, jirasim.Delivery{Transport: v})
		settle(t, s)
		if diff := cmp.Diff(map[string]int{"Primary": 20, "Secondary": 10}, v.highest); diff != "" {
			t.Errorf("at the same time (-want +got):\n%s", diff)
		}
		if n := len(v.all()); n != 31+1+30*2 {
			t.Errorf("%d deliveries, want 31 created, 1 deleted, and 30 sub-tasks deleted with their links", n)
		}
	})
}

func TestWhatIsInFlightAtTheEndIsDeliveredNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hookedSite(jirasim.Config{}, jirasim.Webhook{})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		v := &receiver{hold: 10 * time.Second}
		stop := delivering(t, s, jirasim.Delivery{Transport: v})
		synctest.Wait()
		if err := s.Deliver(t.Context(), jirasim.Delivery{}); err == nil {
			t.Error("a second Deliver ran beside the first")
		}
		stop()
		if got := s.Deliveries(); len(got) != 1 || got[0].Status != jirasim.Pending || got[0].Attempts != 0 {
			t.Errorf("after the end: %+v, want it pending", got)
		}
		delivering(t, s, jirasim.Delivery{Transport: v})
		settle(t, s)
		if got := v.all(); len(got) != 2 || got[1].Identifier != got[0].Identifier || got[1].Retry != "" {
			t.Errorf("delivered are %+v, want the same twice and no retry", got)
		}
	})
}

func TestAWebhookThatIsGoneGetsNoRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hookedSite(jirasim.Config{}, jirasim.Webhook{})
		v := &receiver{answer: func(int, received) (int, error) { return 500, nil }}
		delivering(t, s, jirasim.Delivery{Transport: v})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		synctest.Wait()
		if !s.RemoveWebhook(1) || s.RemoveWebhook(1) {
			t.Error("RemoveWebhook removes what is there, once")
		}
		settle(t, s)
		if got := s.Deliveries()[0]; len(v.all()) != 1 || got.Status != jirasim.Dropped {
			t.Errorf("%d attempts, %+v; want 1, dropped", len(v.all()), got)
		}
	})
}

func TestLossDuplicatesAndDisorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		run := func(d jirasim.Delivery) (*receiver, *jirasim.Server) {
			s := hookedSite(jirasim.Config{Seed: 7}, jirasim.Webhook{})
			v := &receiver{}
			d.Transport = v
			stop := delivering(t, s, d)
			for range n {
				s.AddIssue(jirasim.Issue{ProjectKey: "PAY"})
			}
			settle(t, s)
			stop()
			return v, s
		}
		lossy, s := run(jirasim.Delivery{Lose: 0.2})
		if stats := s.DeliveryStats(); stats.Lost == 0 || stats.Lost+stats.Delivered != n || len(lossy.all()) != stats.Delivered || stats.Lost > n/2 {
			t.Errorf("with losses: %+v", stats)
		}
		double, s := run(jirasim.Delivery{Duplicate: 0.2})
		times := map[string]int{}
		for _, one := range double.all() {
			times[one.Identifier]++
		}
		if stats := s.DeliveryStats(); stats.Duplicated == 0 || len(times) != n || len(double.all()) != n+stats.Duplicated {
			t.Errorf("with duplicates: %+v, %d identifiers", stats, len(times))
		}
		inOrder, _ := run(jirasim.Delivery{Primary: 1})
		mixed, _ := run(jirasim.Delivery{Primary: 1, Disorder: 0.2, MaxDelay: time.Second})
		if keys := issueKeys(inOrder.all()); !slices.IsSortedFunc(keys, byNumber) {
			t.Errorf("one at a time without disorder comes as %v", keys)
		}
		keys := issueKeys(mixed.all())
		if slices.IsSortedFunc(keys, byNumber) || len(keys) != n {
			t.Errorf("with disorder %d come as %v", len(keys), keys)
		}
		again, _ := run(jirasim.Delivery{Primary: 1, Disorder: 0.2, MaxDelay: time.Second})
		if diff := cmp.Diff(keys, issueKeys(again.all())); diff != "" {
			t.Errorf("the same seed delivers in another order:\n%s", diff)
		}
	})
}

func issueKeys(all []received) []string {
	var keys []string
	for _, one := range all {
		var body struct{ Issue struct{ Key string } }
		_ = json.Unmarshal([]byte(one.Body), &body)
		keys = append(keys, body.Issue.Key)
	}
	return keys
}

func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func TestSettledEndsWithItsContext(t *testing.T) {
	s := hookedSite(jirasim.Config{}, jirasim.Webhook{})
	if err := s.Settled(t.Context()); err != nil {
		t.Errorf("with nothing queued: %v", err)
	}
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Settled(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with nobody delivering: %v, want that the context ended", err)
	}
}

func TestAWebhookWithoutBodyAndWithVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{})
		s.AddProject(jirasim.Project{Key: "PAY"})
		s.AddWebhook(jirasim.Webhook{URL: "https://ferry.test/{project.key}/${issue.key}?id={issue.id}&s={sprint.id}", ExcludeBody: true,
			Secret: "hush", Events: []string{"jira:issue_created", "sprint_created"}})
		v := &receiver{}
		delivering(t, s, jirasim.Delivery{Transport: v, Primary: 1})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		s.Emit("sprint_created", map[string]any{"sprint": map[string]any{"id": 12}})
		settle(t, s)
		got := v.all()
		if got[0].URL != "https://ferry.test/PAY/PAY-1?id=10001&s=" || got[0].Body != "" || got[1].URL != "https://ferry.test//?id=&s=12" {
			t.Errorf("delivered to %s (%q) and %s", got[0].URL, got[0].Body, got[1].URL)
		}
		if err := checkSignature(nil, got[0].Header.Get("X-Hub-Signature"), "hush"); err != nil {
			t.Error(err)
		}
	})
}
