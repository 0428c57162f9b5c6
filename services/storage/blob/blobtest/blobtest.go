// Package blobtest holds the contract of blob.Store as a test suite. Every
// adapter passes it.
package blobtest

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Run runs the suite. open returns a store that no other test uses, and that
// nobody else writes to; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	tests := []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"CreateSizes", testCreateSizes},
		{"CreateLarge", testCreateLarge},
		{"CreateHintIsOnlyAHint", testCreateHint},
		{"CreateReaders", testCreateReaders},
		{"CreateReadsInOneGoroutine", testCreateOneGoroutine},
		{"CreateExists", testCreateExists},
		{"CreateBodyFails", testCreateBodyFails},
		{"CreateContextEnds", testCreateContextEnds},
		{"CreateSameIDAtOnce", testCreateSameID},
		{"CreateManyAtOnce", testCreateMany},
		{"CreateBesideFailures", testCreateBesideFailures},
		{"ReadRanges", testReadRanges},
		{"ReadOutOfRange", testReadOutOfRange},
		{"ReadNotFound", testReadNotFound},
		{"ReadNothing", testReadNothing},
		{"ReadWriterFails", testReadWriterFails},
		{"ReadContextEnds", testReadContextEnds},
		{"ReadAtOnce", testReadAtOnce},
		{"Delete", testDelete},
		{"DeleteAbsent", testDeleteAbsent},
		{"DeleteAtOnce", testDeleteAtOnce},
		{"DeleteWhileReading", testDeleteWhileReading},
		{"ListEmpty", testListEmpty},
		{"ListEverythingOnce", testListEverythingOnce},
		{"ListManyPages", testListManyPages},
		{"ListStops", testListStops},
		{"ListWhileChanging", testListWhileChanging},
		{"ListAndDelete", testListAndDelete},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(t, store)
		})
	}
}

// Sizes at which engines change what they do: blocks, packing, parts.
var sizes = []int64{
	0, 1, 2, 63, 64, 65, 4 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1,
	256<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1,
	5<<20 - 1, 5 << 20, 5<<20 + 1, 8<<20 - 1, 8 << 20, 8<<20 + 1,
}

func newID(t *testing.T) blob.ID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// create stores what reader yields, which must be size bytes.
func create(t *testing.T, s blob.Store, id blob.ID, body io.Reader, size, hint int64) {
	t.Helper()
	n, err := s.Create(t.Context(), id, body, hint)
	if n != size || err != nil {
		t.Fatalf("Create(%s, hint %d) = %d, %v, want %d", id, hint, n, err, size)
	}
}

// created stores size bytes that follow from the id.
func created(t *testing.T, s blob.Store, size int64) blob.ID {
	t.Helper()
	id := newID(t)
	create(t, s, id, newStream(id, size), size, size)
	return id
}

// wantRange checks a range of a blob whose bytes follow from seed.
func wantRange(t *testing.T, s blob.Store, id, seed blob.ID, offset, length int64) {
	t.Helper()
	c := newCheck(seed, offset)
	if err := s.Read(t.Context(), id, offset, length, c); err != nil {
		t.Fatalf("Read(%s, %d, %d): %v", id, offset, length, err)
	}
	if c.wrong >= 0 || c.at != offset+length {
		t.Fatalf("Read(%s, %d, %d): came to %d, wrong bytes from %d", id, offset, length, c.at, c.wrong)
	}
}

func want(t *testing.T, s blob.Store, id blob.ID, size int64) {
	t.Helper()
	wantRange(t, s, id, id, 0, size)
	if err := s.Read(t.Context(), id, 0, size+1, io.Discard); !errors.Is(err, blob.ErrRange) {
		t.Fatalf("Read of more than the blob has: %v, want ErrRange", err)
	}
}

// wantAbsent checks that there is no blob of that id, neither by reading nor in
// the list.
func wantAbsent(t *testing.T, s blob.Store, ids ...blob.ID) {
	t.Helper()
	for _, id := range ids {
		var b bytes.Buffer
		if err := s.Read(t.Context(), id, 0, 0, &b); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Read(%s, 0, 0): %v, want ErrNotFound", id, err)
		}
		if err := s.Read(t.Context(), id, 0, 1, &b); !errors.Is(err, blob.ErrNotFound) || b.Len() > 0 {
			t.Errorf("Read(%s, 0, 1): %d bytes, %v, want ErrNotFound", id, b.Len(), err)
		}
	}
	listed := list(t, s)
	for _, id := range ids {
		if _, ok := listed[id]; ok {
			t.Errorf("List: %s is there", id)
		}
	}
}

// list returns all blobs; it fails when one is listed twice.
func list(t *testing.T, s blob.Store) map[blob.ID]blob.Info {
	t.Helper()
	listed := make(map[blob.ID]blob.Info)
	err := s.List(t.Context(), func(info blob.Info) error {
		if _, twice := listed[info.ID]; twice {
			t.Errorf("List: %s is there twice", info.ID)
		}
		listed[info.ID] = info
		return nil
	})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return listed
}
