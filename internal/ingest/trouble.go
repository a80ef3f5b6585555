package ingest

import (
	"log/slog"
	"time"
)

// Between two attempts while Jira or the store does not work.
const (
	troubleFirst = time.Second
	troubleMost  = 30 * time.Second
)

// trouble is how long nothing is begun because what was begun has failed. It is told of when it
// comes and when it is over, not each time.
type trouble struct {
	wait  time.Duration
	until time.Time
}

func (t *trouble) lasts() bool { return time.Now().Before(t.until) }

func (t *trouble) left() time.Duration { return max(time.Millisecond, time.Until(t.until)) }

func (t *trouble) meet(log *slog.Logger, kind string, err error) {
	if t.lasts() {
		return // batches that were under way meet the same
	}
	if t.wait == 0 {
		log.Warn("what has changed cannot be read; nothing is lost, and it is tried again", "kind", kind, "err", err)
	}
	t.wait = min(max(2*t.wait, troubleFirst), troubleMost)
	t.until = time.Now().Add(t.wait)
}

func (t *trouble) over(log *slog.Logger, kind string) {
	if t.wait > 0 {
		log.Info("what has changed can be read again", "kind", kind)
	}
	*t = trouble{}
}
