package aws_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
	"github.com/holdfast-files/holdfast/test/large"
)

// TestSoakLargeFile uploads a large file, reads it back whole and in ranges,
// and looks at how much memory each process has ever had. It is small unless
// soaking; then SOAK_MIB says how large, 5 GiB when it does not.
func TestSoakLargeFile(t *testing.T) {
	size := int64(fleet.Amount("SOAK_MIB", 48, 5<<10)) << 20
	w := start(t, map[string]string{"log-level": "error"})
	must(t, large.Put(t.Context(), w.url+"/paths/large", size))
	must(t, large.Check(t.Context(), w.url+"/paths/large", size))
	const most = 200 << 20
	for _, p := range w.Programs() {
		used, err := fleet.UsageOf(p.PID())
		must(t, err)
		t.Logf("%s: peak %d MiB, %v CPU", p.Name, used.PeakBytes>>20, used.CPU)
		if used.PeakBytes > most {
			t.Errorf("%s had %d MiB, at most %d", p.Name, used.PeakBytes>>20, most>>20)
		}
	}
}
