package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Health says how Ferry is. A function that is nil has nothing to complain of. Their errors are
// shown to whoever asks, so they must hold no secrets.
type Health struct {
	Version string // Ferry's

	// Live fails if a loop is stuck, so that only a new process helps.
	Live func() error

	// Ready fails as long as webhooks cannot be taken: the database is not open, a setting is not
	// right. It is given two seconds.
	Ready func(context.Context) error

	// Fresh tells when the catalogue was last made equal to Jira, zero for not yet, and how old
	// that may become, 0 for any age.
	Fresh func(context.Context) (newest time.Time, promised time.Duration, err error)
}

// coreVersion is the version of Ocean whose paths, bodies and names these are.
const coreVersion = "0.48.12"

// healthLimit bounds what a probe waits for, below what probes are usually given.
const healthLimit = 2 * time.Second

type probes struct {
	Health
	started time.Time
}

func newProbes(h Health) *probes { return &probes{h, time.Now()} }

// verdict is the body of a probe's answer.
type verdict struct {
	Status   string    `json:"status"`
	Check    string    `json:"check"`
	Core     string    `json:"core_version"`
	Ferry    string    `json:"ferry_version"`
	Newest   time.Time `json:"newest_success,omitzero"`
	Promised float64   `json:"promised_seconds,omitzero"`
	Reason   string    `json:"reason,omitempty"`
}

func (p *probes) live(w http.ResponseWriter, _ *http.Request) {
	var err error
	if p.Live != nil {
		err = p.Live()
	}
	p.answer(w, verdict{Check: "live"}, err)
}

func (p *probes) ready(w http.ResponseWriter, r *http.Request) {
	var err error
	if p.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), healthLimit)
		defer cancel()
		err = p.Ready(ctx)
	}
	p.answer(w, verdict{Check: "ready"}, err)
}

func (p *probes) fresh(w http.ResponseWriter, r *http.Request) {
	v := verdict{Check: "fresh"}
	if p.Fresh == nil {
		p.answer(w, v, nil)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthLimit)
	defer cancel()
	newest, promised, err := p.Fresh(ctx)
	if err == nil {
		v.Newest, v.Promised = newest.UTC(), promised.Seconds()
		err = p.stale(newest, promised)
	}
	p.answer(w, v, err)
}

// stale is nil as long as the promise is kept. Before the first success it counts from the start.
func (p *probes) stale(newest time.Time, promised time.Duration) error {
	since, what := newest, "the newest success"
	if newest.IsZero() {
		since, what = p.started, "the start, without a success,"
	}
	age := time.Since(since).Round(time.Second)
	if promised <= 0 || age <= promised {
		return nil
	}
	return fmt.Errorf("%s was %s ago, and %s is promised: the log says what hinders", what, age, promised)
}

func (p *probes) answer(w http.ResponseWriter, v verdict, err error) {
	v.Status, v.Core, v.Ferry = "healthy", coreVersion, p.Version
	if err == nil {
		writeJSON(w, http.StatusOK, v)
		return
	}
	v.Status, v.Reason = "unhealthy", reason(err)
	if errors.Is(err, context.DeadlineExceeded) {
		v.Reason = fmt.Sprintf("no answer within %s", healthLimit)
	}
	writeJSON(w, http.StatusServiceUnavailable, v)
}
