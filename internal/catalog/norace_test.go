//go:build !race

package catalog

const watched = false
