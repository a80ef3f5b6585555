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

// lines writes one line when a kind begins, one when it ends, and one every lineEvery between.
type lines struct {
	mu    sync.Mutex
	out   io.Writer
	kinds map[string]*lineState
}

type lineState struct {
	said time.Time // of the last line
	done bool
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
	switch {
	case !known:
		state = &lineState{}
		l.kinds[p.Kind] = state
		if !p.Done && p.Kind != "" {
			l.say(state, p.Kind+": reading")
			return
		}
	case state.done, !p.Done && time.Since(state.said) < lineEvery:
		return
	}
	state.done = p.Done
	l.say(state, progressLine(p))
}

func (l *lines) say(state *lineState, text string) {
	state.said = time.Now()
	_, _ = fmt.Fprintln(l.out, text) // with nobody left to read progress, the run itself goes on
}

func (*lines) end() {}

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
