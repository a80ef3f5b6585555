package deliver

import (
	"time"

	"ferry/internal/catalog"
)

// What Port would not delete, because something else relates to it, is kept. Where changes go on it is
// tried again when something was deleted since, or delivered: that may have been what related to it. Which
// one did only Port knows. All are tried together, since those that relate to one another can only go
// together. To find out of many which can go costs about two calls for each; so the pause before that is
// keepFor for each at first, and twice as long after each try, up to keepMost for each.
const (
	keepFor  = 100 * time.Millisecond
	keepMost = 20 * time.Second
)

// keep notes that Port did not delete p. It reports whether that is new: a second round meets it again,
// and so does a second try.
func (d *Deliverer) keep(p catalog.Pending) (isNew bool) {
	isNew = d.kept[p.Entity] != p.Version && d.again[p.Entity] != p.Version
	if isNew {
		d.keptTries = 0
	}
	d.kept[p.Entity] = p.Version
	return isNew
}

// mayFree notes that Port took an entity: what it related to before may go now.
func (d *Deliverer) mayFree() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) == 0 {
		return
	}
	d.freedAt = time.Now()
	select {
	case d.freed <- struct{}{}:
	default: // there is one already
	}
}

// releaseKept lets what Port kept be tried again, if its time has come.
func (d *Deliverer) releaseKept() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.freedAt.Before(d.keptAt) || time.Since(d.keptAt) < d.keptPause() {
		return
	}
	d.again, d.kept = d.kept, map[int64]int64{}
	d.keptAt = time.Now()
	d.keptTries++
}

// keptPause is for how long after a try what Port kept is not tried again.
func (d *Deliverer) keptPause() time.Duration {
	return time.Duration(len(d.kept)) * min(keepFor<<min(d.keptTries, 10), keepMost)
}

// keptDue is when what Port kept is to be tried again; nil: not before something is deleted or delivered.
func (d *Deliverer) keptDue() <-chan time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) == 0 || d.freedAt.Before(d.keptAt) {
		return nil
	}
	return time.After(time.Until(d.keptAt.Add(d.keptPause())))
}
