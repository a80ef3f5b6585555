//go:build race

package daemon_test

// watched: the race detector slows SQLite, which is C turned into Go, some fifty times. The cases
// of a table run the same goroutines, so that it need see only one in few; a run without it takes
// them all.
const watched = true
