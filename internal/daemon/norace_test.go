//go:build !race

package daemon_test

const watched = false
