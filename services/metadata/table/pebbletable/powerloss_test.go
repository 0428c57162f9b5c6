package pebbletable_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

var (
	crashes = flag.Int("powerloss.crashes", 60, "number of simulated losses of power")
	seed    = flag.Uint64("powerloss.seed", 0, "seed of the simulation; 0 takes one from the clock")
)

const powerlossDir = "/srv/holdfast/metadata"

// small makes flushes, compactions and new logs frequent.
func small(fs vfs.FS, dir string) pebbletable.Config {
	return pebbletable.Config{Dir: dir, FS: fs, MemTableBytes: 64 << 10, CacheBytes: 1 << 20}
}

// TestPowerLoss cuts the power under a busy table again and again. Each time
// what was written but not synced survives in part, by chance, page by page and
// name by name. What was acknowledged or seen must be there afterwards, and
// whole, and nothing may be there in part; and what is seen after the restart
// must survive another loss at once.
func TestPowerLoss(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-powerloss.seed=%d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 0))
	disk := newDisk()
	w := newWorkload()
	for crash := range *crashes {
		tbl := open(t, small(slowDisk(disk, rng.Uint64()), powerlossDir))
		left, limits := lose(t, tbl, disk, w, rng)
		seen := survives(t, left, limits)
		if t.Failed() {
			t.Fatalf("at loss %d", crash)
		}
		w.resume(seen)
		disk = left
	}
	t.Logf("%d losses; %d commits were tried", *crashes, w.steps.Load())
}

// lose runs the workload, cuts the power at some moment and returns what is
// left of the disk.
func lose(
	t *testing.T, tbl *pebbletable.Table, disk *crashDisk, w *workload, rng *rand.Rand,
) (left *crashDisk, limits bounds) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx, t, tbl)
	}()
	w.await(1+rng.Int64N(200), done)
	for range rng.IntN(20) {
		runtime.Gosched()
	}
	unsynced := []int{0, 0, 100, rng.IntN(101)}[rng.IntN(4)]
	w.least(&limits)
	left = disk.crash(unsynced, rng)
	w.most(&limits)
	cancel()
	<-done
	closed(t, tbl) // it works on a disk that no longer matters
	return left, limits
}

func closed(t *testing.T, tbl *pebbletable.Table) {
	t.Helper()
	if err := tbl.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}
