package diskblob

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// handles keeps files open that were read, up to a bound. It is split so that
// readers hardly ever meet at a lock, which is held for a look-up, or while a
// file is opened.
type handles struct {
	shards [handleShards]handleShard
}

const handleShards = 16

type handleShard struct {
	mu   sync.Mutex
	open *simplelru.LRU[fileKey, *handle]
}

// fileKey names a file for handles.
type fileKey struct {
	kind fileKind
	id   [16]byte
}

type fileKind byte

const (
	kindLarge fileKind = iota + 1
	kindPack
	kindIndex
)

func (k fileKey) shard() int { return int(k.id[15]^k.id[7]^k.id[3]) % handleShards }

// handle is an open file that is closed when nobody uses it any more.
type handle struct {
	File
	users atomic.Int64 // and one more while it is kept
	// large describes the file of a large blob.
	large atomic.Pointer[largeFile]
}

// newHandles returns handles that keep up to limit files open.
func newHandles(limit int) (*handles, error) {
	h := &handles{}
	for i := range h.shards {
		open, err := simplelru.NewLRU(max(1, limit/handleShards), func(_ fileKey, f *handle) { f.release() })
		if err != nil {
			return nil, err
		}
		h.shards[i].open = open
	}
	return h, nil
}

// take returns an open file; the caller releases it. After drop it is opened
// anew.
func (h *handles) take(key fileKey, open func() (File, error)) (*handle, error) {
	s := &h.shards[key.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.open.Get(key); ok {
		f.users.Add(1)
		return f, nil
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	f := &handle{File: file}
	f.users.Store(2)
	s.open.Add(key, f)
	return f, nil
}

// drop forgets a file, which must have been removed before: so that who comes
// later cannot find it.
func (h *handles) drop(key fileKey) {
	s := &h.shards[key.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Remove(key)
}

func (h *handles) close() {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		s.open.Purge()
		s.mu.Unlock()
	}
}

// release gives a file back. What was only read loses nothing when closing
// fails.
func (f *handle) release() {
	if f.users.Add(-1) == 0 {
		_ = f.Close()
	}
}

// readFull reads len(b) bytes at offset. The error is errShort when the file
// ends before.
func readFull(f File, b []byte, offset int64) error {
	n, err := f.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return errShort
	case err == nil:
		return errors.New("diskblob: short read")
	}
	return err
}
