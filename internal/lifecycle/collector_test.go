package lifecycle

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestCollectorPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 4 << 20: 400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 10 << 30: 100} {
		if got := collectorPercent(live); got != want {
			t.Errorf("%d MiB live: %d, want %d", live>>20, got, want)
		}
	}
}

// The pace follows what is live, up and down.
func TestCollectorFollows(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	tuneCollector()
	// Not by debug.SetGCPercent, which writes over what is set meanwhile.
	percent := func() int {
		pace := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(pace)
		return int(pace[0].Value.Uint64())
	}
	await := func(want int) {
		t.Helper()
		for range 1000 {
			if percent() == want {
				return
			}
			runtime.GC()
		}
		t.Errorf("the pace is %d, want %d", percent(), want)
	}
	held := make([]byte, 200<<20)
	await(collectorMinPercent)
	runtime.KeepAlive(held)
	await(collectorMaxPercent)
}
