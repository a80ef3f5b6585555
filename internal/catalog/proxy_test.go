package catalog

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a ferry and the server, and can be in the way.
type proxy struct {
	address string // as a URL of the database

	mu      sync.Mutex
	listens net.Listener
	at      string // where it listens
	server  string
	conns   []net.Conn
	stalled chan struct{} // nil: bytes pass; else they wait until it is closed
}

// newProxy listens to nobody yet.
func newProxy(t testing.TB, config Config) *proxy {
	t.Helper()
	u, err := url.Parse(config.URL)
	must(t, err)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{at: port.Addr().String(), server: u.Host}
	must(t, port.Close())
	u.Host = p.at
	p.address = u.String()
	t.Cleanup(p.cut)
	return p
}

// open lets connections through.
func (p *proxy) open(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	p.listens, err = net.Listen("tcp", p.at)
	must(t, err)
	go p.accept(p.listens)
}

func (p *proxy) accept(listens net.Listener) {
	for {
		in, err := listens.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		go p.pass(in, out)
		go p.pass(out, in)
	}
}

// pass ends when either side does.
func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
			return
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections, and lets none through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listens != nil {
		_ = p.listens.Close()
	}
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// stall lets nothing pass any more, and nobody know: as a network that is half dead, behind a
// balancer that goes on acknowledging.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = make(chan struct{})
}
