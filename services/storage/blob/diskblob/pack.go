package diskblob

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// maxPackEntries bounds what a pack without an index takes up in memory.
const maxPackEntries = 128 << 10

// pack is a file of many small blobs. It is written once, from its beginning to
// its end. From then on it has an index; what is deleted is told by its tombs.
type pack struct {
	store *Store
	name  packName
	tombs tombs

	mu sync.RWMutex
	// One of the two is set.
	recent  *recent
	index   *index
	size    int64 // in bytes, set when it is retired
	retired bool  // takes no more records, so an index can be made
	// stuck tells that no index can be made: there are unsettled records, or
	// not all that the pack holds could be read.
	stuck bool
	// veiled tells that blobs may be in the pack that nobody knows of, as that
	// part of it was unreadable. It is set before the pack is on the shelf.
	veiled bool
	// tried is when a repair has last failed, and unrepaired why. They belong to
	// who has the turn of the tombs.
	tried      time.Time
	unrepaired error

	// pinned keeps the pack from being merged: a blob in it is damaged, not all
	// of its tombs can be read, or an earlier try left an outcome that only the next start can tell.
	pinned atomic.Bool
	// gone is set when another pack has taken the place of this one.
	gone atomic.Bool
	// listers is the number of Lists that still need the pack.
	listers atomic.Int64
}

func newPack(s *Store, name packName) *pack {
	p := &pack{store: s, name: name}
	p.tombs.init(p)
	return p
}

// place is a record as it was found.
type place struct {
	pack *pack
	entry
	state state
}

// lookup appends the places of the records of an id.
func (p *pack) lookup(places []place, id blob.ID) ([]place, error) {
	for {
		p.mu.RLock()
		if p.recent != nil {
			if i, ok := p.recent.latest[id]; ok {
				places = append(places, place{p, p.recent.entries[i], p.recent.states[i]})
			}
			p.mu.RUnlock()
			return places, nil
		}
		x := p.index
		p.mu.RUnlock()
		if !x.covers(id) {
			return places, nil
		}
		found, err := x.lookup(places, id)
		switch {
		case err == nil:
			return found, nil
		case p.gone.Load():
			return places, errMoved
		}
		if err := p.repair(x, err); err != nil {
			return places, err
		}
	}
}

// errMoved tells that a pack is gone; its blobs are in another one.
var errMoved = errors.New("diskblob: pack was replaced")

// blobs returns the entries of all blobs in the pack.
func (p *pack) blobs() ([]entry, error) {
	for {
		p.mu.RLock()
		if p.recent != nil {
			defer p.mu.RUnlock()
			return p.recent.blobs(), nil
		}
		x := p.index
		p.mu.RUnlock()
		blobs := make([]entry, 0, x.count)
		err := x.each(func(ordinal int, e entry) {
			if !x.dead.has(ordinal) {
				blobs = append(blobs, e)
			}
		})
		if err == nil {
			return blobs, nil
		}
		if err := p.repair(x, err); err != nil {
			return nil, err
		}
	}
}

// bury marks blobs as deleted whose tombs are durable. They are ordered by id.
func (p *pack) bury(entries []entry) error {
	p.mu.Lock()
	if p.recent != nil {
		defer p.mu.Unlock()
		for _, e := range entries {
			p.recent.bury(e)
		}
		return nil
	}
	x := p.index
	p.mu.Unlock()
	return x.bury(entries)
}

// add makes blobs known that are durable, or records that are unsettled.
func (p *pack) add(entries []entry, s state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range entries {
		p.recent.add(e, s)
	}
}

// settled takes back the last n records, which are known to be gone.
func (p *pack) settled(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent.cut(n)
}

// retire ends the writing of the pack, which is size bytes long.
func (p *pack) retire(size int64, stuck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size, p.retired, p.stuck = size, true, stuck
}

// sealable reports whether the pack waits for an index.
func (p *pack) sealable() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.recent != nil && p.retired && !p.stuck
}

// empty reports whether the pack holds no record.
func (p *pack) empty() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.recent != nil && len(p.recent.entries) == 0
}

// seal gives a retired pack an index.
func (p *pack) seal() error {
	p.mu.RLock()
	entries := slices.Clone(p.recent.entries)
	p.mu.RUnlock()
	sortEntries(entries)
	x, err := p.writeIndex(entries)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range p.recent.entries {
		if p.recent.states[i] == dead {
			ordinal, _ := slices.BinarySearchFunc(entries, e, compareEntries)
			x.kill(ordinal, e)
		}
	}
	p.index, p.recent = x, nil
	return nil
}

// writeIndex writes the index of the pack, whose entries are sorted, and loads
// it.
func (p *pack) writeIndex(entries []entry) (*index, error) {
	s := p.store
	path := s.dir.incoming(fmt.Sprintf("%s-%d%s", p.name, s.sequence.Add(1), indexSuffix))
	f, err := s.fs.Create(path)
	if err != nil {
		return nil, translate(err)
	}
	if err = writeIndex(f, entries, p.name.nonce, p.size); err == nil {
		err = f.Sync(SyncIndex)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.fs.Rename(path, s.dir.pack(p.name, indexSuffix))
	}
	if err != nil {
		_ = s.fs.Remove(path) // or at the next start
		return nil, translate(err)
	}
	s.files.drop(p.name.key(kindIndex))
	if err := s.dir.syncPacks(SyncIndexName); err != nil {
		return nil, translate(err)
	}
	x, err := p.openIndex()
	return x, translate(err)
}

// covers reports whether the index may have the id.
func (x *index) covers(id blob.ID) bool {
	return len(x.fences) > 0 && bytes.Compare(x.fences[0][:], id[:]) <= 0 && bytes.Compare(id[:], x.last[:]) <= 0
}
