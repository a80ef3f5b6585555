package catalog

import (
	"context"
	"fmt"
	"time"
)

// receiving is the connection on which a process puts hints down in PostgreSQL. It is opened when
// it is needed, and again after it broke.
//
// Hints go to the readings that the mapping has, and SetReadings changes which those are. That no
// hint ends up under a reading that nobody asks is the work of a lock: a transaction that receives
// shares it from before it looks which readings are asked until it has committed, and SetReadings
// has it alone from before its first statement until it has committed. So each of the former is
// over when the latter begins, which then sees its rows and moves them; or begins when the latter
// is over, and sees which readings are asked. The lock is taken by a statement of its own, since a
// statement sees what was committed when it began, not when it got a lock
// (https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED). Rows could not
// be locked in its place: of a reading that comes to be there is none yet. An advisory lock is
// given in the order in which it was asked for, so neither side starves.
type receiving struct {
	database *postgres
	place    place
	current  *session // nil: none
	used     time.Time
}

// receiveLimit is for how long a transaction waits in all, for the server and for rows that others
// hold: Jira waits for the answer.
const receiveLimit = 10 * time.Second

func (r *receiving) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), receiveLimit)
}

func (r *receiving) session(ctx context.Context) (_ *session, err error) {
	// A server that was restarted, or a balancer that forgets what is idle, is not noticed until it
	// is spoken to.
	if r.current != nil && time.Since(r.used) > time.Second && r.current.conn.PingContext(ctx) != nil {
		_ = r.hangUp() // it is broken
	}
	if r.current == nil {
		r.current, r.place, err = r.database.session(ctx, receivingSettings)
	}
	r.used = time.Now()
	return r.current, err
}

func (r *receiving) begin(t *tx) error {
	return t.control(t.ctx, fmt.Sprintf(`BEGIN; SELECT pg_advisory_xact_lock_shared(%d)`, r.place.hintsLock))
}

// commit tells the leader in the same go.
func (r *receiving) commit(t *tx) error {
	if t.tell {
		return t.control(t.ctx, `NOTIFY `+r.place.channel+`; COMMIT`)
	}
	return t.control(t.ctx, commit)
}

// again: it gave way, see [receivingSettings].
func (r *receiving) again(err error) bool { return inTheWay(err) }

func (r *receiving) failed(s *session, err error) error {
	if broken(s) {
		_ = r.hangUp() // the next transaction opens another
	}
	return err
}

func (r *receiving) hangUp() error {
	if r.current == nil {
		return nil
	}
	s := r.current
	r.current = nil
	return s.close()
}

// commit commits, or fails: PostgreSQL answers COMMIT in a transaction in which something failed
// with ROLLBACK and no error, but refuses any other statement.
const commit = `SELECT 1; COMMIT`
