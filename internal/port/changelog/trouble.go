package changelog

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// complain tells that nothing can be read, once.
func (r *reader) complain(ctx context.Context, err error) {
	if r.trouble.begins(err) {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "change log: it cannot be read and is tried for ever", slog.Any("err", err))
	}
}

// relieve tells that it can be read again, if it was told that it cannot.
func (r *reader) relieve(ctx context.Context) {
	if r.trouble.over() {
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "change log: it can be read again")
	}
}

// A sign remembers whether a trouble was told, so that it is told once.
type sign struct {
	mu   sync.Mutex
	last string
}

// begins reports whether err is another trouble than the last one. Texts of the network differ each time, by port
// numbers, and count as one.
func (s *sign) begins(err error) bool {
	text := "the network"
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		text = e.Message
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.last
	s.last = text
	return was != text
}

// over reports whether there was a trouble, and ends it.
func (s *sign) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.last
	s.last = ""
	return was != ""
}
