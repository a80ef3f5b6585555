package jirasim

import (
	"testing"
	"time"
)

// The test vector of https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
func TestSignBody(t *testing.T) {
	const want = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
	if got := signBody([]byte("Hello World!"), "It's a Secret to Everybody"); got != want {
		t.Errorf("signBody = %s, want %s", got, want)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	var q deliveryQueue
	h := &hook{Webhook: Webhook{ID: 1, URL: "https://ferry.test"}}
	for range maxQueued + 2 {
		q.add(h, happening{event: "user_created"}, nil, time.Time{})
	}
	if q.stats.Lost != 2 || len(q.pending) != maxQueued || q.counts(h).Lost != 2 {
		t.Errorf("%d are lost and %d pending, want 2 and %d", q.stats.Lost, len(q.pending), maxQueued)
	}
	for range 3 * keptDeliveries {
		q.add(h, happening{event: "user_created"}, nil, time.Time{})
	}
	if n := len(q.done); n < keptDeliveries || n > 2*keptDeliveries {
		t.Errorf("%d records are kept, want %d to twice as many", n, keptDeliveries)
	}
}

func TestAPayloadIsBounded(t *testing.T) {
	var q deliveryQueue
	h := &hook{Webhook: Webhook{ID: 1, URL: "https://ferry.test"}}
	q.add(h, happening{event: "user_created"}, make([]byte, maxPayload+1), time.Time{})
	q.add(h, happening{event: "user_created"}, make([]byte, maxPayload), time.Time{})
	if len(q.done) != 1 || q.done[0].Status != GivenUp || q.done[0].Error == "" || len(q.pending) != 1 {
		t.Errorf("the records are %+v, %d pending; want the larger given up", q.done, len(q.pending))
	}
}
