package pebbletable_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// moment is what a loss of power before one operation on the file system
// would have left.
type moment struct {
	before errorfs.Op
	left   []*crashDisk
	limits bounds
}

// camera takes a moment before each operation that changes something.
type camera struct {
	disk *crashDisk
	w    *workload

	mu      sync.Mutex
	rng     *rand.Rand
	moments []*moment
}

func (*camera) String() string { return "camera" }

// MaybeError never fails.
func (c *camera) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &moment{before: op}
	c.w.least(&m.limits)
	m.left = append(m.left, c.disk.crash([]int{0, 50, 100}[len(c.moments)%3], c.rng))
	if op.Kind == errorfs.OpFileSync && op.Path == powerlossDir {
		for range 4 { // names survive in any combination
			m.left = append(m.left, c.disk.crash(50, c.rng))
		}
	}
	c.w.most(&m.limits)
	c.moments = append(c.moments, m)
	return nil
}

// TestPowerLossAtEveryOperation makes a table, commits, closes and opens it
// again, and looks at what a loss of power would have left before each single
// operation on the file system.
func TestPowerLossAtEveryOperation(t *testing.T) {
	disk, w := newDisk(), newWorkload()
	c := &camera{disk: disk, w: w, rng: rand.New(rand.NewPCG(1, 2))}
	value := make([]byte, 6000)
	for range 2 {
		tbl := open(t, small(errorfs.Wrap(disk, c), powerlossDir))
		for range 2 {
			for writer := range writers {
				if err := w.step(t.Context(), tbl, writer, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		closed(t, tbl)
	}
	t.Logf("%d moments", len(c.moments))
	for _, m := range c.moments {
		for _, left := range m.left {
			survives(t, left, m.limits)
		}
		if t.Failed() {
			t.Fatalf("before %+v", m.before)
		}
	}
}

// survives opens what a loss of power has left and checks it, and that what is
// there survives another loss.
func survives(t *testing.T, left *crashDisk, limits bounds) state {
	t.Helper()
	tbl := open(t, small(left, powerlossDir))
	seen := read(t, tbl)
	limits.holds(t, seen)
	again := left.crash(0, nil)
	closed(t, tbl)
	tbl = open(t, small(again, powerlossDir))
	if after := read(t, tbl); after != seen {
		t.Errorf("seen after the restart: %+v, after another loss: %+v", seen, after)
	}
	closed(t, tbl)
	return seen
}
