package lifecycle

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much a process may allocate between two collections, as a part of what is
// live. A service keeps few MiB live and allocates much for each call; at Go's
// 100 it would collect often, and each time lose the pooled buffers of the byte
// path. The part shrinks as what is live grows, so that what is between two
// collections stays small.
const (
	collectorMaxPercent = 400
	collectorMinPercent = 100
	// collectorBytes is what may be allocated between two collections, while the
	// bounds of the part allow.
	collectorBytes = 64 << 20
)

// tuneCollector sets the pace of the garbage collector, unless the environment
// has set it.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorMaxPercent)
		afterCollection(collectorMaxPercent)
	}
}

// afterCollection sets the pace anew after the next collection, and after each
// that follows: what it leaves behind is unreachable, which only a collection
// finds out.
func afterCollection(percent int) {
	runtime.AddCleanup(new([16]byte), func(percent int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		// To set it stops the world, so small differences are left.
		if next := collectorPercent(live[0].Value.Uint64()); next*4 < percent*3 || next*3 > percent*4 {
			debug.SetGCPercent(next)
			percent = next
		}
		afterCollection(percent)
	}, percent)
}

func collectorPercent(liveBytes uint64) int {
	return int(min(max(collectorBytes*100/max(liveBytes, 1), collectorMinPercent), collectorMaxPercent))
}
