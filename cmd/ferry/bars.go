package main

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ferry/internal/daemon"
)

// bars draws one bar for each kind, and one for what goes to Port.
type bars struct {
	out       io.Writer
	container *mpb.Progress

	mu    sync.Mutex // guards the rest
	kinds map[string]*bar
	ended bool
}

// bar is mpb's with what it was last told.
type bar struct {
	*mpb.Bar
	mu   sync.Mutex // guards last, which mpb reads while it draws
	last daemon.Progress
}

// barWidth leaves room for the words beside a bar on a terminal of 80.
const barWidth = 40

// lastPlace is that of Port's bar, whichever kind comes after its first entities.
const lastPlace = 1 << 20

func newBars(out io.Writer, options ...mpb.ContainerOption) *bars {
	options = append(options, mpb.WithOutput(out), mpb.WithWidth(barWidth), mpb.WithRefreshRate(120*time.Millisecond))
	return &bars{out: out, container: mpb.New(options...), kinds: map[string]*bar{}}
}

// Write puts text above the bars while they are drawn.
func (b *bars) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return b.out.Write(text)
	}
	return b.container.Write(text)
}

func (b *bars) show(p daemon.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	one, known := b.kinds[p.Kind]
	if !known {
		one = b.add(p)
		b.kinds[p.Kind] = one
	}
	one.set(p)
}

func (b *bars) add(p daemon.Progress) *bar {
	one, place := &bar{}, len(b.kinds)
	if p.Kind == "" {
		place = lastPlace
	}
	style := mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("█").Padding("░")
	one.Bar = b.container.New(0, style, mpb.BarPriority(place),
		mpb.PrependDecorators(decor.Name(progressName(p), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + one.words() })))
	return one
}

// set moves the bar. Until the kind is done it stays short of its end, which would be the end of the bar itself: a
// total is a guess, and Port's bar has none.
func (one *bar) set(p daemon.Progress) {
	if !one.keep(p) {
		return
	}
	at := int64(p.Read + p.Delivered)
	if p.Done {
		one.SetTotal(at, true)
		return
	}
	one.SetTotal(max(int64(p.Total), at)+1, false)
	one.SetCurrent(at)
}

// keep remembers p, unless something newer came before it.
func (one *bar) keep(p daemon.Progress) bool {
	one.mu.Lock()
	defer one.mu.Unlock()
	if older(p, one.last) {
		return false
	}
	one.last = p
	return true
}

func (one *bar) words() string {
	one.mu.Lock()
	defer one.mu.Unlock()
	return progressWords(one.last)
}

// end draws everything for the last time. A kind that is not done stays where it is.
func (b *bars) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	for _, one := range b.kinds {
		one.Abort(false) // no more than a last drawing for one that is complete
	}
	b.container.Wait()
	if len(b.kinds) > 0 {
		_, _ = io.WriteString(b.out, "\n") // what follows stands clear of the bars
	}
}
