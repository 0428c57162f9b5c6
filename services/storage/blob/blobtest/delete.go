package blobtest

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

func testDelete(t *testing.T, s blob.Store) {
	all := []int64{0, 1, 5_000, 300_000, 9 << 20}
	var kept, removed []blob.ID
	for _, size := range all {
		kept = append(kept, created(t, s, size))
		removed = append(removed, created(t, s, size))
	}
	for i, id := range removed {
		want(t, s, id, all[i])
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		wantAbsent(t, s, id)
	}
	wantAbsent(t, s, removed...)
	for i, id := range kept {
		want(t, s, id, all[i])
	}
	if n := len(list(t, s)); n != len(kept) {
		t.Errorf("List: %d blobs, want %d", n, len(kept))
	}
}

func testDeleteAbsent(t *testing.T, s blob.Store) {
	if err := s.Delete(t.Context(), newID(t)); err != nil {
		t.Errorf("Delete of what never was: %v", err)
	}
	for _, size := range []int64{100, 300_000} {
		id := created(t, s, size)
		for range 3 {
			if err := s.Delete(t.Context(), id); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantAbsent(t, s, id)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	id := created(t, s, 100)
	if err := s.Delete(ended, id); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v, want Canceled", err)
	}
	want(t, s, id, 100)
}

func testDeleteAtOnce(t *testing.T, s blob.Store) {
	const workers, each = 8, 6
	var ids []blob.ID
	for i := range workers * each {
		ids = append(ids, created(t, s, int64(i)*9_000))
	}
	parallel(t, workers, func(worker int) error {
		for i := range each {
			// Each blob is deleted by two.
			for _, id := range []blob.ID{ids[worker*each+i], ids[(worker*each+i+each)%len(ids)]} {
				if err := s.Delete(t.Context(), id); err != nil {
					return err
				}
				if err := s.Read(t.Context(), id, 0, 0, refuse{t}); !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("Read after Delete: %v, want ErrNotFound", err)
				}
			}
		}
		return nil
	})
	wantAbsent(t, s, ids...)
}

// deleting deletes a blob at the first Write.
type deleting struct {
	*check
	t    *testing.T
	s    blob.Store
	id   blob.ID
	done bool
}

func (d *deleting) Write(b []byte) (int, error) {
	if !d.done {
		d.done = true
		if err := d.s.Delete(d.t.Context(), d.id); err != nil {
			d.t.Errorf("Delete: %v", err)
		}
	}
	return d.check.Write(b)
}

func testDeleteWhileReading(t *testing.T, s blob.Store) {
	for _, size := range []int64{1, 5_000, 300_000, 20 << 20} {
		id := created(t, s, size)
		w := &deleting{check: newCheck(id, 0), t: t, s: s, id: id}
		err := s.Read(t.Context(), id, 0, size, w)
		if err == nil && w.at != size {
			t.Errorf("Read: nil after %d of %d bytes", w.at, size)
		}
		if w.wrong >= 0 {
			t.Errorf("Read: wrong bytes from %d", w.wrong)
		}
		wantAbsent(t, s, id)
	}
}
