package main

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"time"

	"ferry/internal/daemon"
)

// display shows how far a run has come. Its methods may be called by several goroutines at once, and often.
//
// What is written to it, like the log, appears without tearing what is drawn.
type display interface {
	io.Writer
	show(daemon.Progress)
	end() // draws the last state; nothing is shown after it
}

// newDisplay draws bars on a terminal, and writes lines elsewhere or where plain is wanted.
func newDisplay(a *app, plain bool) display {
	if a.terminal && !plain {
		return newBars(a.stderr)
	}
	return &lines{out: a.stderr, kinds: map[string]*lineState{}}
}

// lineEvery is how often a kind that is under way gets a line.
const lineEvery = 10 * time.Second

// lines writes a line when a kind begins, when it ends, and every lineEvery between.
type lines struct {
	mu    sync.Mutex
	out   io.Writer
	kinds map[string]*lineState
	order []*lineState
}

type lineState struct {
	last   daemon.Progress
	saidAt time.Time
	behind bool // last has not been said
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

func (l *lines) show(p daemon.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state, known := l.kinds[p.Kind]
	if !known {
		state = &lineState{saidAt: time.Now()}
		l.kinds[p.Kind] = state
		l.order = append(l.order, state)
		if p.Kind != "" && !p.Done {
			l.say(p.Kind + ": reading")
		}
	}
	if older(p, state.last) {
		return
	}
	state.last, state.behind = p, true
	if p.Done || time.Since(state.saidAt) >= lineEvery {
		l.sayState(state)
	}
}

// end says how far each kind has come that did not come to its end, and how much went to Port, which has none.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, state := range l.order {
		if state.behind {
			l.sayState(state)
		}
	}
}

func (l *lines) sayState(state *lineState) {
	state.saidAt, state.behind = time.Now(), false
	l.say(progressLine(state.last))
}

func (l *lines) say(text string) {
	_, _ = fmt.Fprintln(l.out, text) // with nobody left to read progress, the run itself goes on
}

// older reports whether p was overtaken by last on its way: goroutines that count together tell in any order.
func older(p, last daemon.Progress) bool {
	return last.Done || !p.Done && (p.Read < last.Read || p.Delivered < last.Delivered)
}

// progressLine is the state of a kind in words, "issue: 1,200 of about 3,000 read", or, where there is no kind, of what
// goes to Port: "port: 900 delivered".
func progressLine(p daemon.Progress) string { return progressName(p) + ": " + progressWords(p) }

func progressName(p daemon.Progress) string { return cmp.Or(p.Kind, "port") }

func progressWords(p daemon.Progress) string {
	if p.Kind == "" {
		return thousands(p.Delivered) + " delivered"
	}
	text := thousands(p.Read)
	if p.Total > p.Read && !p.Done {
		text += " of about " + thousands(p.Total)
	}
	text += " read"
	if p.Done {
		text += ", done"
	}
	return text
}
