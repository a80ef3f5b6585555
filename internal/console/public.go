package console

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"
)

// PublicConfig says what the public listener serves.
type PublicConfig struct {
	// Prefix stands before every path but /resync: OCEAN__PATH_PREFIX, with or without slashes at
	// its ends. Empty: none.
	Prefix string

	// Webhook answers POST /integration/webhook and /integration/webhook/{token}; it finds the
	// token as the request's path value "token". Nil: the paths are not there.
	Webhook http.Handler

	// Resync asks for a resync and returns when that has ended. Its context ends with the
	// listener, not with a client. Nil: POST /resync is not there.
	Resync func(context.Context) error

	Health  Health
	Metrics *Metrics // required

	// Grace is how long requests may go on when the listener is to end. 0: five seconds.
	Grace time.Duration

	// Connections is how many clients are served at once; more of them wait. 0: 256.
	Connections int

	Logger *slog.Logger // nil: nothing is logged
}

// Public is the listener that anybody may reach: the webhook, health and metrics, and nothing else.
type Public struct {
	config  PublicConfig
	log     *slog.Logger
	routes  http.Handler // below the prefix
	resyncs http.Handler
	desk    *desk
}

// NewPublic makes the listener's handler. What it tells of the start is the time of this call.
func NewPublic(config PublicConfig) *Public {
	config.Grace = cmp.Or(config.Grace, defaultGrace)
	config.Connections = cmp.Or(config.Connections, defaultConnections)
	p := &Public{config: config, log: cmp.Or(config.Logger, slog.New(slog.DiscardHandler)), desk: newDesk(config.Resync)}
	p.routes = http.StripPrefix(Prefix(config.Prefix), plain(p.prefixed()))
	p.resyncs = p.unprefixed()
	return p
}

// Prefix is a path prefix as it stands before a path, "/my-prefix" or empty, whichever way it is
// spelled in the settings.
func Prefix(setting string) string {
	name := strings.Trim(strings.TrimSpace(setting), "/")
	if name == "" {
		return ""
	}
	return "/" + name
}

func (p *Public) prefixed() http.Handler {
	mux := http.NewServeMux()
	if p.config.Webhook != nil {
		mux.Handle("POST /integration/webhook", p.config.Webhook)
		mux.Handle("POST /integration/webhook/{token}", p.config.Webhook)
	}
	health := newProbes(p.config.Health)
	mux.HandleFunc("GET /health/live", health.live)
	mux.HandleFunc("GET /health/ready", health.ready)
	mux.HandleFunc("GET /health/fresh", health.fresh)
	mux.Handle("GET /metrics", p.config.Metrics)
	mux.Handle("GET /metrics/{$}", p.config.Metrics)
	return mux
}

func (p *Public) unprefixed() http.Handler {
	mux := http.NewServeMux()
	if p.config.Resync != nil {
		mux.Handle("POST "+resyncPath, p.desk)
	}
	return mux
}

// resyncPath has no prefix: Port calls it at the address that the listener told it.
const resyncPath = "/resync"

func (p *Public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w}
	defer p.caught(a)
	if r.URL.Path == resyncPath {
		p.resyncs.ServeHTTP(a, r)
		return
	}
	p.routes.ServeHTTP(a, r)
}

// plain lets through paths that are spelled as they are served. The mux would answer others with
// where to go instead.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at := r.URL.Path; !strings.HasPrefix(at, "/") || path.Clean(at) != strings.TrimSuffix(at, "/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
