// Package faultblob is a blob.Store in memory for tests. It keeps the port's
// contract to the letter, complains to the test about callers that do not, and
// fails on demand: before a call takes effect, halfway, or after.
package faultblob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Op names a call of the store.
type Op string

// Calls.
const (
	Create Op = "create"
	Read   Op = "read"
	Delete Op = "delete"
	List   Op = "list"
)

// Fault says how a call goes wrong. The zero value says that it does not.
type Fault struct {
	// Before, when not nil, is called first, such as to cancel a context.
	Before func()
	// Err, when not nil, is what the call returns.
	Err error
	// Happens tells that the call takes effect all the same.
	Happens bool
	// Late tells that a Create that fails takes effect when it seems to be
	// over: right after so many Deletes of its blob, or not at all when 0. Object
	// stores can do so with a request that was given up.
	Late int
	// After is how many bytes of the body a failing Create has read, and a
	// failing Read has written.
	After int64
}

// Store is the store. Set the fields before it is used.
type Store struct {
	tb testing.TB
	// Fault, when not nil, is asked before each call.
	Fault func(op Op, id blob.ID) Fault
	// MayCreate, when not nil, reports whether there is an intent for a blob.
	// The store then complains about a blob without one, an id that is used
	// twice and a hint that was wrong.
	MayCreate func(id blob.ID) bool
	// Now is the time of Info.Created; time.Now when nil.
	Now func() time.Time

	mu    sync.Mutex
	blobs map[blob.ID]stored
	used  map[blob.ID]bool
	late  map[blob.ID]*coming
}

type stored struct {
	data    []byte
	created time.Time
}

// coming is a blob that takes effect after so many Deletes.
type coming struct {
	stored
	deletes int
}

var _ blob.Store = (*Store)(nil)

// New returns an empty store that reports misuse to tb.
func New(tb testing.TB) *Store {
	return &Store{tb: tb, blobs: map[blob.ID]stored{}, used: map[blob.ID]bool{}, late: map[blob.ID]*coming{}}
}

// Create stores a blob.
func (s *Store) Create(ctx context.Context, id blob.ID, body io.Reader, sizeHint int64) (int64, error) {
	f := s.fault(Create, id)
	if s.MayCreate != nil && !s.MayCreate(id) {
		s.tb.Errorf("faultblob: blob %v created without an intent", id)
	}
	if f.Err != nil && !f.Happens && f.Late == 0 {
		_, _ = io.CopyN(io.Discard, body, f.After)
		return 0, f.Err
	}
	data, err := readAll(ctx, body)
	if err != nil {
		return 0, err
	}
	if s.MayCreate != nil && sizeHint >= 0 && sizeHint != int64(len(data)) {
		s.tb.Errorf("faultblob: hint %d for %d bytes", sizeHint, len(data))
	}
	if err := s.keep(id, data, f.Late); err != nil {
		return 0, err
	}
	if f.Err != nil {
		return 0, f.Err
	}
	return int64(len(data)), nil
}

func (s *Store) keep(id blob.ID, data []byte, late int) error {
	b := stored{data: data, created: time.Now()}
	if s.Now != nil {
		b.created = s.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[id] {
		if s.MayCreate != nil {
			s.tb.Errorf("faultblob: blob id %v used twice", id)
		}
		return blob.ErrExists
	}
	s.used[id] = true
	if late > 0 {
		s.late[id] = &coming{b, late}
	} else {
		s.blobs[id] = b
	}
	return nil
}

// pieceBytes is an odd size that bodies are read in.
const pieceBytes = 64<<10 + 1

// readAll reads body in pieces, and heeds ctx between its reads. A slice that grew
// would be copied five times: under the race detector, where memory that is new costs
// much more than what is done with it here, that was most of many tests.
func readAll(ctx context.Context, body io.Reader) ([]byte, error) {
	var pieces [][]byte
	defer func() { scratch.give(pieces) }()
	for {
		piece := scratch.take()
		n, ended, err := fill(ctx, body, piece)
		pieces = append(pieces, piece[:n])
		if err != nil {
			return nil, err
		}
		if ended {
			return bytes.Join(pieces, nil), nil
		}
	}
}

// fill reads until a piece is full or the body ends.
func fill(ctx context.Context, body io.Reader, piece []byte) (filled int, ended bool, err error) {
	for filled < len(piece) {
		if err := ctx.Err(); err != nil {
			return filled, false, err
		}
		n, err := body.Read(piece[filled:])
		filled += n
		if err == io.EOF {
			return filled, true, nil
		}
		if err != nil {
			return filled, false, err
		}
	}
	return filled, false, nil
}

// scratch keeps pieces for the next body.
var scratch shelf

// keptPieces are eight megabytes.
const keptPieces = 128

type shelf struct {
	mu   sync.Mutex
	free [][]byte
}

func (s *shelf) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return make([]byte, pieceBytes)
	}
	last := len(s.free) - 1
	b := s.free[last]
	s.free = s.free[:last]
	return b[:pieceBytes]
}

func (s *shelf) give(pieces [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, pieces[:min(len(pieces), keptPieces-len(s.free))]...)
}

// Read writes a range of a blob to w.
func (s *Store) Read(ctx context.Context, id blob.ID, offset, length int64, w io.Writer) error {
	f := s.fault(Read, id)
	s.mu.Lock()
	b, ok := s.blobs[id]
	s.mu.Unlock()
	switch {
	case f.Err != nil && f.After == 0:
		return f.Err
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return blob.ErrNotFound
	case offset < 0 || length < 0 || offset > int64(len(b.data)) || length > int64(len(b.data))-offset:
		return blob.ErrRange
	}
	data := b.data[offset : offset+length]
	if f.Err != nil {
		data = data[:min(f.After, length)]
	}
	const piece = 64<<10 - 1
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := w.Write(data[:min(piece, len(data))])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return f.Err
}

// Delete removes a blob.
func (s *Store) Delete(ctx context.Context, id blob.ID) error {
	f := s.fault(Delete, id)
	if f.Err != nil && !f.Happens {
		return f.Err
	}
	if err := ctx.Err(); err != nil && f.Err == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, id)
	if late := s.late[id]; late != nil {
		if late.deletes--; late.deletes == 0 {
			s.blobs[id] = late.stored
			delete(s.late, id)
		}
	}
	return f.Err
}

// List yields every blob.
func (s *Store) List(ctx context.Context, yield func(blob.Info) error) error {
	if f := s.fault(List, blob.ID{}); f.Err != nil {
		return f.Err
	}
	for _, id := range s.IDs() {
		s.mu.Lock()
		b, ok := s.blobs[id]
		s.mu.Unlock()
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(blob.Info{ID: id, Size: int64(len(b.data)), Created: b.created}); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing.
func (s *Store) Close() error { return nil }

// IDs returns the ids of all blobs in order.
func (s *Store) IDs() []blob.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.blobs), func(a, b blob.ID) int { return bytes.Compare(a[:], b[:]) })
}

// Sum returns the length and the SHA-256 of a blob.
func (s *Store) Sum(id blob.ID) (int64, [sha256.Size]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[id]
	return int64(len(b.data)), sha256.Sum256(b.data), ok
}

// Data returns the bytes of a blob, which the caller must not change.
func (s *Store) Data(id blob.ID) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[id]
	return b.data, ok
}

// Put plants a blob that nobody uploaded.
func (s *Store) Put(id blob.ID, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[id], s.used[id] = stored{data: slices.Clone(data), created: time.Now()}, true
}

// Damage changes what is stored in a way that the store does not notice.
func (s *Store) Damage(id blob.ID, change func(data []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[id]
	if !ok {
		panic(fmt.Sprintf("faultblob: no blob %v to damage", id))
	}
	b.data = change(slices.Clone(b.data))
	s.blobs[id] = b
}

// Lose removes a blob as a failing disk would.
func (s *Store) Lose(id blob.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, id)
}

func (s *Store) fault(op Op, id blob.ID) Fault {
	if s.Fault == nil {
		return Fault{}
	}
	f := s.Fault(op, id)
	if f.Before != nil {
		f.Before()
	}
	return f
}
