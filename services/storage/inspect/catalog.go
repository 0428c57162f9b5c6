package inspect

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// catalog is the list of blobs, sorted by id, with a mark for those that a
// record refers to.
type catalog struct {
	entries []entry
	marked  []bool
}

type entry struct {
	id   blob.ID
	size int64
}

func (c *catalog) add(b blob.Info) { c.entries = append(c.entries, entry{id: b.ID, size: b.Size}) }

func (c *catalog) sort() {
	slices.SortFunc(c.entries, func(a, b entry) int { return bytes.Compare(a.id[:], b.id[:]) })
	c.marked = make([]bool, len(c.entries))
}

func (c *catalog) len() int { return len(c.entries) }

// mark notes that a record refers to a blob, and returns the blob's size; ok
// is false when it was not listed.
func (c *catalog) mark(id blob.ID) (size int64, ok bool) {
	at, ok := slices.BinarySearchFunc(c.entries, id, func(e entry, id blob.ID) int { return bytes.Compare(e.id[:], id[:]) })
	if !ok {
		return 0, false
	}
	c.marked[at] = true
	return c.entries[at].size, true
}

// minted returns when the id of a blob was minted, to the millisecond (RFC
// 9562, section 5.7); ok is false for an id that is no UUIDv7.
func minted(id blob.ID) (t time.Time, ok bool) {
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		return time.Time{}, false
	}
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms), true
}
