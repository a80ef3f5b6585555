package console

import (
	"time"

	"ferry/internal/catalog"
)

// Status is how things stand, as the database and the daemon know it.
type Status struct {
	Catalogue catalog.Status
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
	Live     bool      // Jira has it, and it is as it should be
	Verified time.Time // when that was last seen
	Expires  time.Time // zero: never
}
