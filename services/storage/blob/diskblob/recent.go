package diskblob

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// state says what is known of a record.
type state byte

const (
	// live is a blob.
	live state = iota
	// dead is a blob that was deleted.
	dead
	// unsettled is a record whose group failed: it is no blob now, but the next
	// start may find one. A deletion settles it.
	unsettled
)

// recent is what a pack without an index holds, in memory. It is not safe for
// concurrent use.
type recent struct {
	entries []entry // by offset
	states  []state
	latest  map[blob.ID]int // the last entry of an id
	// disowned are ids that are not among the entries and were deleted, should
	// they be in what is unreadable.
	disowned map[blob.ID]struct{}
}

func newRecent() *recent {
	return &recent{latest: make(map[blob.ID]int), disowned: make(map[blob.ID]struct{})}
}

func (r *recent) add(e entry, s state) {
	r.latest[e.id] = len(r.entries)
	r.entries = append(r.entries, e)
	r.states = append(r.states, s)
}

// cut takes back the last n entries, which must be unsettled: so all that can
// have had their ids before is dead.
func (r *recent) cut(n int) {
	keep := len(r.entries) - n
	for _, e := range r.entries[keep:] {
		delete(r.latest, e.id)
	}
	r.entries, r.states = r.entries[:keep], r.states[:keep]
}

// blobs returns the entries that are live.
func (r *recent) blobs() []entry {
	blobs := make([]entry, 0, len(r.entries))
	for i, e := range r.entries {
		if r.states[i] == live {
			blobs = append(blobs, e)
		}
	}
	return blobs
}

// bury marks an entry as deleted.
func (r *recent) bury(e entry) {
	if e.offset == anywhere {
		if i, ok := r.latest[e.id]; ok {
			r.states[i] = dead
		} else {
			r.disowned[e.id] = struct{}{}
		}
		return
	}
	i, ok := slices.BinarySearchFunc(r.entries, e.offset, func(x entry, offset uint32) int {
		return cmp.Compare(x.offset, offset)
	})
	if ok && r.entries[i].id == e.id {
		r.states[i] = dead
	}
}

func sortEntries(entries []entry) { slices.SortFunc(entries, compareEntries) }

// compareEntries is the order of an index.
func compareEntries(a, b entry) int {
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.offset, b.offset))
}
