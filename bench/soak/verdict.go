package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/bench/process"
	"ferry/internal/port/portsim"
)

// port is a simulated Port.
type port struct {
	*portsim.Server
	web *unreliable
}

func newPort(p *plan) (port, error) {
	sim := portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret, Latency: p.latency, Log: true})
	web, err := serveUnreliably(sim, rand.New(rand.NewPCG(p.seed, 0x02)))
	return port{sim, web}, err
}

// keep writes what was asked of Port into a file, one request a line.
func (p port) keep(path string) error {
	var b strings.Builder
	for _, r := range p.Requests() {
		fmt.Fprintf(&b, "%s %s %s?%s %s\n", r.At.Format("15:04:05.000000"), r.Method, r.Path, r.Query.Encode(), r.Body)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// written is how much was done in Port: as long as it stays the same, so does what Port holds.
func (p port) written() int { return p.Upserted() + p.Deleted() }

// fresh is what a ferry with an empty store makes of the site in an empty Port.
func (t *trial) fresh(ctx context.Context) (string, error) {
	other, err := newPort(t.plan)
	if err != nil {
		return "", err
	}
	defer other.web.close()
	c := process.Config{Binary: t.binary, Dir: t.dir, Settings: t.settings(other.web.url)}
	c.Settings["FERRY_DATA_DIR"] = filepath.Join(t.dir, "fresh")
	said, err := c.Run(ctx, "sync", "--plain", "--log-level", "WARNING")
	if err != nil {
		return "", fmt.Errorf("a fresh sync: %w\n%s", err, said)
	}
	return other.Dump(), os.RemoveAll(c.Settings["FERRY_DATA_DIR"])
}

// becomesRight waits until Port holds what it should, and tells how long after from the last change
// that made it so was made.
func (t *trial) becomesRight(ctx context.Context, want string, from time.Time) (after time.Duration, right bool, err error) {
	changed, written := from, -1
	for until := from.Add(t.patience); time.Now().Before(until); {
		if now := t.port.written(); now != written {
			if written >= 0 || now != t.writtenBefore {
				changed = time.Now()
			}
			written = now
			if right, _ := t.right(want); right {
				return changed.Sub(from), true, nil
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		}
	}
	return 0, false, nil
}

// right tells whether Port holds what it should, and how many stubs it has beside that: what it made
// itself for the sake of relations that are over, an identifier and nothing else. No ferry can tell
// such a one from what somebody else relates to; a resync that reads all takes them away.
func (t *trial) right(want string) (right bool, stubs int) {
	got := t.port.Dump()
	if got == want {
		return true, 0
	}
	wanted, had := entities(want), entities(got)
	for id, body := range had {
		if _, there := wanted[id]; !there && strings.Contains(body, emptied) {
			delete(had, id)
			stubs++
		}
	}
	return maps.Equal(wanted, had), stubs
}

// emptied is how an entity is dumped that has an identifier and nothing else.
const emptied = `"properties":{},"relations":{},"team":null,"title":null`

// difference says in which entities two Ports differ, the first few of them.
func difference(want, got string) string {
	wanted, had := entities(want), entities(got)
	var lines []string
	for id, body := range wanted {
		switch other, there := had[id]; {
		case !there:
			lines = append(lines, fmt.Sprintf("  %s is missing: %s", id, body))
		case other != body:
			lines = append(lines, fmt.Sprintf("  %s differs\n    want %s\n    got  %s", id, body, other))
		}
	}
	for id, body := range had {
		if _, there := wanted[id]; !there {
			lines = append(lines, fmt.Sprintf("  %s should not be there: %s", id, body))
		}
	}
	slices.Sort(lines)
	const most = 12
	if n := len(lines); n > most {
		lines = append(lines[:most], fmt.Sprintf("  and %d more", n-most))
	}
	return strings.Join(lines, "\n")
}

// entities are those of a dump, by blueprint and identifier. In which order one relates to several
// does not count: Jira lists sub-tasks as it likes.
func entities(dump string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(dump), "\n") {
		id, body, _ := strings.Cut(line, " ")
		all[id] = sorted.ReplaceAllStringFunc(body, func(list string) string {
			targets := strings.Split(strings.Trim(list, "[]"), ",")
			slices.Sort(targets)
			return "[" + strings.Join(targets, ",") + "]"
		})
	}
	return all
}

// sorted are lists of issue keys.
var sorted = regexp.MustCompile(`\["[A-Z]+-\d+"(,"[A-Z]+-\d+")+\]`)
