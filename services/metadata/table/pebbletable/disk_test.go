package pebbletable_test

import (
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// crashDisk is Pebble's file system in memory that can lose what was not
// synced. MemFS takes its lock for clones twice in some calls, and so would
// deadlock with a clone that comes between; mu keeps those apart.
type crashDisk struct {
	*vfs.MemFS
	mu sync.Mutex
}

func newDisk() *crashDisk { return &crashDisk{MemFS: vfs.NewCrashableMem()} }

// crash returns what a loss of power at this moment would leave: all that was
// synced, and of the rest each page and each name with this chance.
func (d *crashDisk) crash(unsyncedPercent int, rng *rand.Rand) *crashDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &crashDisk{MemFS: d.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsyncedPercent, RNG: rng})}
}

func (d *crashDisk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.ReuseForWrite(from, to, category)
}

func (d *crashDisk) Link(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.Link(from, to)
}

func (d *crashDisk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.Lock(name)
}

// slowDisk gives syncs of the log a duration, as on a disk: what is shown or
// acknowledged too early would otherwise hardly ever be caught.
func slowDisk(fs vfs.FS, seed uint64) vfs.FS {
	return errorfs.Wrap(fs, errorfs.RandomLatency(syncOf(".log"), 200*time.Microsecond, int64(seed), 0))
}

// syncOf is a predicate for syncs of files with a name that ends like this.
type syncOf string

func (s syncOf) String() string { return "sync of " + string(s) }

func (s syncOf) Evaluate(op errorfs.Op) bool {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		return strings.HasSuffix(filepath.Base(op.Path), string(s))
	}
	return false
}
