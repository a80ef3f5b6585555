package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vbauerster/mpb/v8"
	"go.uber.org/goleak"

	"ferry/internal/daemon"
)

func TestLinesComeAtTheBeginningNowAndThenAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		d := newDisplay(&app{stderr: &out, terminal: true}, true)
		for i := range 25 { // 25 s of reading
			d.show(daemon.Progress{Kind: "issue", Read: i * 100, Total: 3000})
			time.Sleep(time.Second)
		}
		d.show(daemon.Progress{Kind: "issue", Read: 2500, Total: 3000, Done: true})
		d.show(daemon.Progress{Kind: "issue", Read: 2400, Total: 3000}) // overtaken on its way
		d.show(daemon.Progress{Kind: "project", Read: 9, Total: 9, Done: true})
		d.show(daemon.Progress{Kind: "sprint", Read: 1, Total: -1})
		d.show(daemon.Progress{Delivered: 13})
		d.show(daemon.Progress{Delivered: 12})
		d.end()
		d.end()
		want := `issue: reading
issue: 1,000 of about 3,000 read
issue: 2,000 of about 3,000 read
issue: 2,500 read, done
project: 9 read, done
sprint: reading
sprint: 1 read
port: 13 delivered
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

// TestBarsEndWhereTheRunEnded draws into a buffer; what counts is the last drawing and what is written beside it.
func TestBarsEndWhereTheRunEnded(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	b := newBars(&out, mpb.WithAutoRefresh())
	b.show(daemon.Progress{Kind: "project", Read: 0, Total: -1})
	b.show(daemon.Progress{Kind: "project", Read: 9, Total: 9, Done: true})
	b.show(daemon.Progress{Delivered: 500})
	b.show(daemon.Progress{Kind: "issue", Read: 700, Total: 3000})
	b.show(daemon.Progress{Kind: "issue", Read: 600, Total: 3000})
	fmt.Fprintln(b, "level=WARN msg=meanwhile")
	b.end()
	b.end()
	b.show(daemon.Progress{Kind: "late", Read: 1})
	fmt.Fprintln(b, "level=WARN msg=afterwards")

	got := out.String()
	for _, want := range []string{
		"level=WARN msg=meanwhile\n", "█  9 read, done\n",
		"░  700 of about 3,000 read\n", "  500 delivered\n", "level=WARN msg=afterwards\n",
	} {
		if strings.Count(got, want) == 0 {
			t.Errorf("bars lack %q:\n%s", want, got)
		}
	}
	if strings.LastIndex(got, "delivered") < strings.LastIndex(got, "700 of") {
		t.Errorf("Port's bar is not the last:\n%s", got)
	}
	if !strings.HasSuffix(got, "\nlevel=WARN msg=afterwards\n") || strings.Contains(got, "late") {
		t.Errorf("bars do not end with what was written after them:\n%q", got)
	}
}

func TestProgressComesFromManyGoroutines(t *testing.T) {
	defer goleak.VerifyNone(t)
	var text bytes.Buffer
	for _, d := range []display{newBars(&bytes.Buffer{}), &lines{out: &text, kinds: map[string]*lineState{}}} {
		var group sync.WaitGroup
		for n := range 100 {
			group.Go(func() { d.show(daemon.Progress{Delivered: n}) })
			group.Go(func() { d.show(daemon.Progress{Kind: fmt.Sprint("kind", n%3), Read: n, Done: n > 90}) })
		}
		group.Wait()
		d.end()
	}
	if !strings.Contains(text.String(), "port: 99 delivered\n") {
		t.Errorf("lines do not end with the highest count:\n%s", text.String())
	}
}
