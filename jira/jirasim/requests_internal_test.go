package jirasim

import (
	"fmt"
	"testing"
)

func TestTheLogIsBounded(t *testing.T) {
	s := New(Config{})
	const asked = 3*keptRequests + 7
	for i := range asked {
		s.log.add(Request{Path: "/", Method: fmt.Sprint(i)})
	}
	log := s.Requests()
	if n := len(log); n < keptRequests || n > 2*keptRequests {
		t.Errorf("%d requests are kept, want between %d and %d", n, keptRequests, 2*keptRequests)
	}
	if last := log[len(log)-1].Method; last != fmt.Sprint(asked-1) || s.Count("/") != asked {
		t.Errorf("the last is number %s of %d, want the latest, and all %d counted", last, s.Count("/"), asked)
	}
}
