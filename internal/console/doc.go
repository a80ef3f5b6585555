// Package console is what Ferry shows of itself: the public listener with the webhook's route,
// health, metrics and, where it is wanted, POST /resync.
package console
