// Package powerfs is a file system in memory for tests, that loses on a loss of
// power what no sync has made durable. It loses as much as POSIX permits, and
// more than any one file system does: each sector of a write, each change of a
// length and each name by itself, whatever the order was.
package powerfs

import (
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// ErrDead is what every call of a process returns that was killed.
var ErrDead = errors.New("powerfs: the process is dead")

// Disk outlives the processes that use it. It is safe for concurrent use.
type Disk struct {
	mu   sync.Mutex
	rng  *rand.Rand
	root *node

	process int // the one that lives
	left    int // changes until it dies; less than 0 is never
	changes int

	locks    map[*node]int // the process that has it
	skipped  diskblob.SyncPoint
	fail     func(diskblob.SyncPoint) error
	capacity int64 // bytes; 0 is no bound
	used     int64
	unwell   []*node // that are damaged
}

// New returns an empty disk. All its chances come from rng.
func New(rng *rand.Rand) *Disk {
	return &Disk{rng: rng, root: newDir(), left: -1, locks: make(map[*node]int)}
}

// Boot starts a process, and returns the disk as it sees it.
func (d *Disk) Boot() *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.process++
	d.left = -1
	return &FS{disk: d, process: d.process}
}

// Kill ends the process. What it has written stays.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.process++
}

// KillAfter ends the process at one of the next changes of the disk, which is
// then done in part or not at all.
func (d *Disk) KillAfter(changes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = changes
}

// Changes returns how many changes there have been.
func (d *Disk) Changes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

// Skip makes the syncs of a point do nothing.
func (d *Disk) Skip(point diskblob.SyncPoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skipped = point
}

// FailSyncs makes a sync return what fail returns, when it is not nil. As on
// Linux, what such a sync should have made durable may be lost even when a
// later one succeeds.
func (d *Disk) FailSyncs(fail func(diskblob.SyncPoint) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// Limit bounds what all files hold together, in bytes; 0 is no bound.
func (d *Disk) Limit(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// Used returns what all files hold together, in bytes.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// PowerLoss ends the process and loses what was not durable.
func (d *Disk) PowerLoss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.process++
	// Between losing all and losing nothing.
	keep := []float64{0, 0.2, 0.5, 0.8, 1}[d.rng.IntN(5)]
	d.used = 0
	d.lose(d.root, keep, make(map[*node]bool))
}

func (d *Disk) lose(n *node, keep float64, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if n.names == nil {
		n.loseContents(d.rng, keep)
		d.used += int64(len(n.data))
		return
	}
	n.loseNames(d.rng, keep)
	for _, child := range n.names {
		d.lose(child, keep, seen)
	}
}

// change counts a change. It reports false when the process dies of it.
func (d *Disk) change() bool {
	d.changes++
	if d.left < 0 {
		return true
	}
	if d.left--; d.left >= 0 {
		return true
	}
	d.process++
	return false
}

// sync reports whether a sync of that point is to be carried out.
func (d *Disk) sync(point diskblob.SyncPoint) (bool, error) {
	if !d.change() {
		return false, ErrDead
	}
	if d.fail != nil {
		if err := d.fail(point); err != nil {
			return false, err
		}
	}
	return point != d.skipped, nil
}
