//go:build race

package catalog

// watched: the race detector slows SQLite, which is C turned into Go, some fifty times.
const watched = true
