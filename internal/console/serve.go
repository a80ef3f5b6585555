package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Limits of a request. Jira sends up to 25 MB: the time for reading is enough for that at two
// megabits a second. A request that waits for a resync has none.
const (
	headerTime = 10 * time.Second
	readTime   = 2 * time.Minute
	writeTime  = 3 * time.Minute
	idleTime   = time.Minute
	maxHeader  = 64 << 10

	defaultGrace       = 5 * time.Second
	defaultConnections = 256
)

// Listen takes the port that the settings name; 0 takes any.
func Listen(ctx context.Context, port int) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use by another program: end that, or set APPLICATION__PORT or --port to another", port)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d may not be listened on by this user: set APPLICATION__PORT or --port to one from 1024 on", port)
	case err != nil:
		return nil, fmt.Errorf("listen on port %d: %w: set APPLICATION__PORT or --port to another", port, err)
	}
	return l, nil
}

// Serve answers requests until ctx ends, and then lets those under way finish within the grace.
// It closes the listener, and returns when every handler has. Call it once.
func (p *Public) Serve(ctx context.Context, l net.Listener) error {
	var connections sync.WaitGroup
	server := p.server(&connections)
	served := make(chan error, 1)
	go func() { served <- server.Serve(bound(l, p.config.Connections)) }()
	select {
	case err := <-served:
		p.end(server)
		connections.Wait()
		return fmt.Errorf("serve webhooks, health and metrics: %w", err)
	case <-ctx.Done():
	}
	p.end(server)
	<-served // ErrServerClosed, since end closed it
	connections.Wait()
	return nil
}

func (p *Public) server(connections *sync.WaitGroup) *http.Server {
	return &http.Server{
		Handler:           p,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew: // in the goroutine of Serve, so before the wait
				connections.Add(1)
			case http.StateClosed: // after its handler has returned
				connections.Done()
			}
		},
	}
}

// end ends a server: at once what waits for resyncs, within the grace what else is under way.
func (p *Public) end(server *http.Server) {
	p.desk.stop()
	ctx, cancel := context.WithTimeout(context.Background(), p.config.Grace)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return
	}
	p.log.Warn("requests that were still under way were cut off", "grace", p.config.Grace)
	_ = server.Close() // the connections are given up, whatever their closing says
}
