package hooks

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"golang.org/x/sync/semaphore"

	"ferry/jira"
)

// How much is held of bodies at once. Jira's deliveries are mostly small; so the large ones have a
// place of their own, and nobody waits behind them but another large one.
const (
	smallBody   = 64 << 10
	smallBodies = 512
	largeBodies = 64 << 20 // bytes
)

// room bounds the memory that bodies take.
type room struct {
	small *semaphore.Weighted // in bodies
	large *semaphore.Weighted // in bytes
}

func newRoom() *room {
	return &room{semaphore.NewWeighted(smallBodies), semaphore.NewWeighted(largeBodies)}
}

// hold reads the body of a delivery and lends it to use. ctx ends the wait for a place; what ends a
// sender that is slow is the server's ReadTimeout.
func (m *room) hold(ctx context.Context, q *http.Request, use func(body []byte) error) error {
	if q.ContentLength > jira.MaxEventBody {
		return refuseFor(RefusedSize, errSize)
	}
	if q.ContentLength > smallBody {
		return m.holdLarge(ctx, q.Body, nil, int(q.ContentLength), use)
	}
	if m.small.Acquire(ctx, 1) != nil {
		return refuseFor(RefusedBusy, errBusy)
	}
	defer m.small.Release(1)
	size := smallBody // where nobody says how long it is
	if q.ContentLength >= 0 {
		size = int(q.ContentLength)
	}
	start, more, err := fill(nil, q.Body, size)
	switch {
	case err != nil:
		return err
	case more:
		return m.holdLarge(ctx, q.Body, start, jira.MaxEventBody, use)
	}
	return use(start)
}

// holdLarge reads up to size bytes, of which start was read before.
func (m *room) holdLarge(ctx context.Context, from io.Reader, start []byte, size int, use func([]byte) error) error {
	if m.large.Acquire(ctx, int64(size)) != nil {
		return refuseFor(RefusedBusy, errBusy)
	}
	defer m.large.Release(int64(size))
	body, more, err := fill(start, from, size)
	switch {
	case err != nil:
		return err
	case more:
		return refuseFor(RefusedSize, errSize)
	}
	return use(body)
}

// fill appends to start what comes, up to size bytes in all, in memory that is taken once. more
// says that there was another byte, which is then in the body too.
func fill(start []byte, from io.Reader, size int) (body []byte, more bool, err error) {
	var buffer bytes.Buffer
	buffer.Grow(size + 1 + bytes.MinRead)
	buffer.Write(start)
	if _, err := buffer.ReadFrom(io.LimitReader(from, int64(size+1-len(start)))); err != nil {
		return nil, false, refuseFor(RefusedCut, err)
	}
	return buffer.Bytes(), buffer.Len() > size, nil
}
