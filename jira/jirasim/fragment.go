package jirasim

import (
	"bytes"
	"sync"
)

// Most of an issue's bytes are the same few people, statuses and projects. Their
// JSON is written once per base URL and copied from then on.

type fragmentKind byte

const (
	userFragment fragmentKind = iota
	statusFragment
	typeFragment
	priorityFragment
	projectFragment
	resolutionFragment
	componentFragment
)

type fragmentKey struct {
	kind fragmentKind
	name string
}

type fragments struct {
	mu sync.RWMutex
	m  map[fragmentKey][]byte
}

// fragmentCache holds the fragments of each base URL that was asked for.
type fragmentCache struct {
	mu     sync.Mutex
	byBase map[string]*fragments
}

// maxBases bounds what a client could make us keep by varying its Host header.
const maxBases = 16

func (c *fragmentCache) of(base string) *fragments {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.byBase[base]; ok {
		return f
	}
	if c.byBase == nil || len(c.byBase) >= maxBases {
		c.byBase = make(map[string]*fragments)
	}
	f := &fragments{m: make(map[fragmentKey][]byte)}
	c.byBase[base] = f
	return f
}

// clear forgets everything; called with the site locked for writing, so that no
// page is being written meanwhile.
func (c *fragmentCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byBase)
}

// part writes the fragment, by build the first time.
func (p *page) part(kind fragmentKind, name string, build func(*page, string)) {
	key := fragmentKey{kind, name}
	p.parts.mu.RLock()
	ready, ok := p.parts.m[key]
	p.parts.mu.RUnlock()
	if ok {
		p.b = append(p.b, ready...)
		return
	}
	start := len(p.b)
	build(p, name)
	p.parts.mu.Lock()
	p.parts.m[key] = bytes.Clone(p.b[start:])
	p.parts.mu.Unlock()
}
