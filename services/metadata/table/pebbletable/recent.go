package pebbletable

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// What recent remembers, at most: 2048 items of a kilobyte each. A head, a key
// or the folder at the top of a path is read with every request; BenchmarkGet
// says what it saves not to look for them in Pebble.
const (
	recentSlots = 2 << 10
	recentBytes = 1 << 10
)

// recent remembers items that were read. What it tells of an item is what the
// newest view would: an item is remembered with the view that it was read in,
// and no longer told once a later group that wrote its slot is about to be
// published. Nobody waits for anybody.
type recent struct {
	seed  maphash.Seed
	slots [recentSlots]recentSlot
}

type recentSlot struct {
	// written is the last group that wrote to a key of this slot. It is raised
	// before the view of the group is published.
	written atomic.Uint64
	item    atomic.Pointer[remembered]
}

type remembered struct {
	key       string
	committed uint64 // of the view that it was read in
	item      table.Item
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed()} }

func (r *recent) slot(key []byte) *recentSlot {
	return &r.slots[maphash.Bytes(r.seed, key)%recentSlots]
}

// get returns the item under a key, when it is remembered and still as it was.
func (r *recent) get(key []byte) (table.Item, bool) {
	s := r.slot(key)
	m := s.item.Load()
	// In this order: as long as no later group has been noted here, none that
	// wrote the item has been published.
	if m == nil || m.key != string(key) || s.written.Load() > m.committed {
		return table.Item{}, false
	}
	return m.item, true
}

// put remembers an item that was read in a view with so many groups.
func (r *recent) put(key []byte, item table.Item, committed uint64) {
	if len(item.Value) > recentBytes || item.Numbers != nil {
		return // counters change with every write, and their map is not for sharing
	}
	r.slot(key).item.Store(&remembered{key: string(key), committed: committed, item: item})
}

// note tells that a group, which is about to be published, wrote the keys.
func (r *recent) note(written map[string][]byte, committed uint64) {
	for key := range written {
		r.slots[maphash.String(r.seed, key)%recentSlots].written.Store(committed)
	}
}
