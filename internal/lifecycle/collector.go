package lifecycle

import (
	"os"
	"runtime/debug"
)

// collectorPercent is how much a process may allocate between two collections,
// as a part of what is live. A service keeps few MiB live and allocates much
// for each call; at Go's 100 it would collect often, and each time lose the
// pooled buffers of the byte path. It costs memory in proportion to what is
// live, which stays small.
const collectorPercent = 400

// tuneCollector sets the pace of the garbage collector, unless the environment
// has set it.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}
