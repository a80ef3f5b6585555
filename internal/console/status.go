package console

import (
	"time"

	"ferry/internal/catalog"
)

// Status is how things stand, as the database and the daemon know it.
type Status struct {
	Catalogue *catalog.Status // nil: another process holds the lease, and tells of it
	Lease     Lease
	Webhook   *Webhook // nil: none is kept
}

// Lease says whether this process may write the catalogue.
type Lease struct {
	Held  bool
	Epoch int64 // counts the leases taken
}

// Webhook is the webhook that Ferry keeps in Jira.
type Webhook struct {
	Live     bool      // Jira had it, as it should be, when that was last looked at
	Checked  time.Time // when that was; zero: never
	Verified time.Time // when the last delivery came that was proved to be Jira's; zero: none since the start
	Expires  time.Time // zero: never
}
