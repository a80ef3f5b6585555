package main

import (
	"os"
	"runtime/debug"
)

// softLimit keeps the process within the 100 MiB that Ferry promises, with room for what the runtime does not count.
// What a sync holds at once does not grow with the site, but with large bodies the garbage between two collections
// does add up; near the limit the collector comes more often.
const softLimit = 80 << 20

// collectAt lets garbage grow to twice what is live before it is collected, which saves a quarter of the collector's
// work; far below the limit there is room for it.
const collectAt = 200

// limitMemory sets both, unless GOMEMLIMIT and GOGC have set others already.
func limitMemory() {
	if _, ok := os.LookupEnv("GOGC"); !ok {
		debug.SetGCPercent(collectAt)
	}
	if _, ok := os.LookupEnv("GOMEMLIMIT"); !ok {
		debug.SetMemoryLimit(softLimit)
	}
}
