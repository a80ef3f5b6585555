package main

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ferry/internal/daemon"
)

// bars draws one bar for each kind. Reading and delivering go on at the same time, and the bar shows what is behind.
type bars struct {
	out       io.Writer
	container *mpb.Progress

	mu    sync.Mutex
	kinds map[string]*bar
	ended bool
}

type bar struct {
	*mpb.Bar
	done bool

	mu   sync.Mutex // guards last, which mpb reads from its own goroutine
	last daemon.Progress
}

// barWidth leaves room for the words beside a bar on a terminal of 80.
const barWidth = 40

func newBars(out io.Writer, options ...mpb.ContainerOption) *bars {
	options = append(options, mpb.WithOutput(out), mpb.WithWidth(barWidth), mpb.WithRefreshRate(120*time.Millisecond))
	return &bars{
		out:       out,
		container: mpb.New(options...),
		kinds:     map[string]*bar{},
	}
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
	if one.done {
		return
	}
	one.set(p)
}

func (b *bars) add(p daemon.Progress) *bar {
	one := &bar{last: p}
	counts := decor.Any(func(decor.Statistics) string { return " " + one.words() })
	one.Bar = b.container.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("█").Padding("░"),
		mpb.PrependDecorators(decor.Name(progressName(p)+" ", decor.WCSyncSpaceR)),
		mpb.AppendDecorators(counts))
	return one
}

// set moves the bar. An unknown total keeps it just short of its end; done completes it.
func (one *bar) set(p daemon.Progress) {
	one.mu.Lock()
	one.last = p
	one.mu.Unlock()
	one.done = p.Done
	total := int64(max(p.Total, p.Read) + 1)
	if p.Done {
		total = int64(max(p.Read, 1))
	}
	one.SetTotal(total, false)
	one.SetCurrent(int64(p.Read))
	if p.Done {
		one.SetTotal(total, true)
	}
}

func (one *bar) words() string {
	one.mu.Lock()
	defer one.mu.Unlock()
	return progressWords(one.last)
}

// end completes what a run that failed has left open, and waits until all is drawn.
func (b *bars) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	for _, one := range b.kinds {
		if !one.done {
			one.Abort(false)
		}
	}
	b.container.Wait()
}
