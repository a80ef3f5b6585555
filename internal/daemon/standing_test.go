package daemon_test

import (
	"testing"
	"time"
)

// Who fills the catalogue alone has nothing to deliver, and is as fresh as it reads.
func TestWithoutPortNothingWaitsForIt(t *testing.T) {
	w := newWorld(t)
	w.noPort = true
	w.addIssues("PAY", 3)
	w.mapping = issuesOf(`""`)
	a := w.live(often())
	a.until("all is read", func() bool { return a.runs() > 0 })
	standing, err := a.daemon.Standing(t.Context())
	if err != nil || standing.Catalogue.Undelivered.N != 0 {
		t.Errorf("standing = %+v, %v, want nothing undelivered", standing.Catalogue, err)
	}
	mark := time.Now()
	a.until("it is fresh", func() bool {
		newest, promised, err := a.daemon.Fresh(t.Context())
		return err == nil && promised > 0 && newest.After(mark)
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}
