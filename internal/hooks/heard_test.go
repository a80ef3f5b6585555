package hooks_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/internal/hooks"
	"ferry/jira"
)

const created = `{"webhookEvent":"jira:issue_created","issue":{"id":"1"}}`

// run runs the receiver until the function that it returns is called.
func (s *site) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestDeliveriesAreKeptForPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, hooks.ReceiverConfig{Trust: trust})
		stop := s.run(t)
		identified := func(id string) []string {
			return []string{"X-Hub-Signature: " + jira.Sign([]byte(created), secret), "X-Atlassian-Webhook-Identifier: " + id}
		}
		s.send("POST", path, created, identified("7f2d-1")...)
		time.Sleep(6 * time.Second)
		if got := s.heard(t); len(got) != 1 {
			t.Errorf("after 6 s there is %q, want the delivery", got)
		}
		s.send("POST", path, created, identified("<script>")...)
		time.Sleep(time.Second)
		s.send("POST", path, created, "X-Atlassian-Webhook-Identifier: of-a-stranger")
		time.Sleep(time.Second)
		s.deliver(event("option_voting_changed", `"x":1`))
		stop()
		want := []string{
			"200 7f2d-1 jira:issue_created 1",
			"200  jira:issue_created 1",
			"401   0 the delivery has no X-Hub-Signature: register the webhook with a secret, and see that no proxy drops the header",
			"200  option_voting_changed 0 it touches nothing that Ferry could read",
		}
		if diff := cmp.Diff(want, s.heard(t)); diff != "" {
			t.Errorf("the deliveries differ (-want +got):\n%s", diff)
		}
		if w := s.deliver(created); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("after the end a delivery is answered %d, want 503 with Retry-After", w.Code)
		}
	})
}

// A day of forgeries leaves what Jira sent in the list, and a line of log a minute.
func TestAFloodOfForgeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, hooks.ReceiverConfig{Trust: trust})
		stop := s.run(t)
		s.deliver(created)
		const n = 24 * 60 * 6
		for range n {
			time.Sleep(10 * time.Second)
			s.send("POST", path, `{"webhookEvent":"EVIL"}`, "X-Hub-Signature: sha256="+strings.Repeat("0", 64))
		}
		time.Sleep(2 * time.Minute)
		stop()
		heard := s.heard(t)
		if !slices.Contains(heard, "200  jira:issue_created 1") || len(heard) > 300 {
			t.Errorf("of %d deliveries that are kept none is Jira's: %.500q", len(heard), heard)
		}
		log := s.log.String()
		if lines, told := strings.Count(log, "\n"), counted(log); lines > 24*60+2 || told != n || strings.Contains(log, "EVIL") {
			t.Errorf("the log has %d lines about %d forgeries, want one a minute about %d:\n%.500s", lines, told, n, log)
		}
		if stats := s.Stats(); stats.Refused[hooks.RefusedSignature] != n || stats.Accepted != 1 {
			t.Errorf("the totals are %+v", stats)
		}
	})
}

// counted adds up what the lines of a log count.
func counted(log string) int {
	sum := 0
	for line := range strings.Lines(log) {
		_, rest, _ := strings.Cut(line, "count=")
		n := 0
		_, _ = fmt.Sscan(rest, &n)
		sum += n
	}
	return sum
}

func TestUnprovedDeliveriesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, hooks.ReceiverConfig{Trust: hooks.Trust{Secrets: []string{secret}, Unsigned: true}, UnsignedRate: 2})
		burst := func() (taken int) {
			for range 40 {
				switch w := s.send("POST", path, created); {
				case w.Code == 200:
					taken++
				case w.Code != 429 || w.Header().Get("Retry-After") == "":
					t.Fatalf("answered %d, want 429 with Retry-After", w.Code)
				}
			}
			return taken
		}
		if n := burst(); n != 20 {
			t.Errorf("of 40 at once %d are taken, want 20", n)
		}
		if w := s.deliver(created); w.Code != 200 {
			t.Errorf("a signed one is answered %d, want 200", w.Code)
		}
		time.Sleep(5 * time.Second)
		if n := burst(); n != 10 {
			t.Errorf("of 40 five seconds later %d are taken, want 10", n)
		}
	})
}

// Jira repeats what could not be put down.
func TestWhatCannotBePutDownIsAskedForAgain(t *testing.T) {
	var answered []hooks.Answered
	s := newSite(t, hooks.ReceiverConfig{Trust: trust, Observe: func(a hooks.Answered) { answered = append(answered, a) }})
	s.deliver(created)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if w := s.deliver(created); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, want 503 with Retry-After", w.Code)
	}
	if w := s.deliver(event("option_voting_changed", `"x":1`)); w.Code != http.StatusOK {
		t.Errorf("what touches nothing is answered %d, want 200", w.Code)
	}
	if !strings.Contains(s.log.String(), "level=ERROR") || !strings.Contains(s.log.String(), "reason=inbox") {
		t.Errorf("the log says %q", s.log)
	}
	if len(answered) != 3 || answered[0].Status != 200 || answered[0].Touched != 1 || answered[1].Refusal != hooks.RefusedInbox || answered[1].Touched != 0 {
		t.Errorf("observed %+v", answered)
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, hooks.ReceiverConfig{Trust: trust})
		time.Sleep(time.Hour)
		verified := time.Now()
		link, unknown := event("issuelink_created", `"issueLink":{"sourceIssueId":1,"destinationIssueId":2}`), event("pump_leaked", `"issue":{"id":1}`)
		s.deliver(link)
		s.deliver(unknown)
		time.Sleep(time.Hour)
		s.send("POST", path, created)
		s.send("GET", path, "")
		got := s.Stats()
		want := hooks.Stats{
			Accepted: 2, Refused: map[hooks.Refusal]int64{"unsigned": 1, "method": 1},
			Unknown: 1, Hints: 2, Bytes: int64(len(link) + len(unknown)), Verified: verified,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Stats differ (-want +got):\n%s", diff)
		}
	})
}

// However often and in whichever order the same deliveries come, the same is to be read.
func TestDuplicatesAndDisorderChangeNothing(t *testing.T) {
	s := newSite(t, hooks.ReceiverConfig{Trust: trust})
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(drawEvent), 1, 12).Draw(rt, "deliveries")
		again := rapid.SliceOfN(rapid.SampledFrom(list), 0, 12).Draw(rt, "again")
		shuffled := rapid.Permutation(slices.Concat(list, again)).Draw(rt, "as they came")
		want, got := s.dirtyAfter(rt, list), s.dirtyAfter(rt, shuffled)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("what is to be read differs (-in order, once +as they came):\n%s", diff)
		}
	})
}

// dirtyAfter is what is to be read after deliveries. It takes it off the list.
func (s *site) dirtyAfter(t *rapid.T, list []string) string {
	for _, body := range list {
		if w := s.deliver(body); w.Code != 200 {
			t.Fatalf("%s is answered %d %s", body, w.Code, w.Body)
		}
	}
	dirty := s.dirty(t)
	s.clean(t, true)
	return dirty
}

// drawEvent is an event of a few issues and projects.
func drawEvent(t *rapid.T) string {
	id := rapid.IntRange(1, 3)
	issue := fmt.Sprintf(`"issue":{"id":"%d","fields":{"updated":"2018-05-07T13:03:5%d.000+0000","parent":{"id":"%d"}}}`,
		id.Draw(t, "issue"), rapid.IntRange(0, 9).Draw(t, "second"), id.Draw(t, "parent"))
	return event(rapid.SampledFrom([]string{
		"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "worklog_deleted",
		"issuelink_deleted", "project_updated", "project_soft_deleted", "project_restored_deleted", "sprint_closed", "pump_leaked",
	}).Draw(t, "event"), issue+fmt.Sprintf(`,"worklog":{"id":"9","issueId":"%d"},"issueLink":{"sourceIssueId":%d,"destinationIssueId":%d},"project":{"id":%d},"sprint":{"id":1}`,
		id.Draw(t, "worked on"), id.Draw(t, "source"), id.Draw(t, "destination"), id.Draw(t, "project")))
}
