package main

import (
	"os"
	"runtime/debug"
)

// softLimit keeps the process under the 100 MiB that Ferry promises, with room for what the runtime does not count.
// What a sync must hold (pages, bodies on their way, the database's cache) is some 30 MiB whatever the size of the
// site; without a limit the collector lets garbage double that and more when bodies are large.
const softLimit = 80 << 20

// limitMemory sets it, unless GOMEMLIMIT has set another one already.
func limitMemory() {
	if _, ok := os.LookupEnv("GOMEMLIMIT"); !ok {
		debug.SetMemoryLimit(softLimit)
	}
}
