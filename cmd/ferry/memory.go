package main

import (
	"os"
	"runtime/debug"
)

// softLimit keeps the process within the 100 MiB that Ferry promises, with room for what the runtime does not count.
// What a sync holds at once does not grow with the site, but with large bodies the garbage between two collections
// does add up; near the limit the collector comes more often.
const softLimit = 80 << 20

// limitMemory sets it, unless GOMEMLIMIT has set another one already.
func limitMemory() {
	if _, ok := os.LookupEnv("GOMEMLIMIT"); !ok {
		debug.SetMemoryLimit(softLimit)
	}
}
