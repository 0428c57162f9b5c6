package blobtest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

func testListEmpty(t *testing.T, s blob.Store) {
	if listed := list(t, s); len(listed) > 0 {
		t.Errorf("List: %v", listed)
	}
}

func testListEverythingOnce(t *testing.T, s blob.Store) {
	want := make(map[blob.ID]int64)
	for i := range 60 {
		size := int64(i) * 9_000
		want[created(t, s, size)] = size
	}
	listed := list(t, s)
	for id, size := range want {
		if info, ok := listed[id]; !ok || info.Size != size || info.Created.IsZero() {
			t.Errorf("%s of %d bytes is listed as %+v", id, size, info)
		}
	}
	if len(listed) != len(want) {
		t.Errorf("List: %d blobs, want %d", len(listed), len(want))
	}
}

// More blobs than one call of a remote engine returns.
func testListManyPages(t *testing.T, s blob.Store) {
	const workers, each = 16, 70
	parallel(t, workers, func(int) error {
		for range each {
			id := newID(t)
			if _, err := s.Create(t.Context(), id, newStream(id, 10), 10); err != nil {
				return err
			}
		}
		return nil
	})
	if n := len(list(t, s)); n != workers*each {
		t.Errorf("List: %d blobs, want %d", n, workers*each)
	}
}

func testListStops(t *testing.T, s blob.Store) {
	for i := range 20 {
		created(t, s, int64(i)*30_000)
	}
	errStop := errors.New("enough")
	for stop := range 20 {
		n := 0
		err := s.List(t.Context(), func(blob.Info) error {
			if n++; n > stop {
				return errStop
			}
			return nil
		})
		if err != errStop || n != stop+1 { //nolint:errorlint // it is returned as it is
			t.Errorf("List: %v after %d calls, want that of yield after %d", err, n, stop+1)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.List(ctx, func(blob.Info) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want Canceled", err)
	}
}

func testListWhileChanging(t *testing.T, s blob.Store) {
	stays := make(map[blob.ID]int64)
	for i := range 40 {
		size := int64(i) * 9_000
		stays[created(t, s, size)] = size
	}
	gone := created(t, s, 100)
	if err := s.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	defer wg.Wait()
	defer once.Do(func() { close(stop) })
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := newID(t)
				size := int64(worker*100_000+i*3) % 400_000
				if _, err := s.Create(t.Context(), id, newStream(id, size), size); err != nil {
					t.Errorf("Create: %v", err)
					return
				}
				if err := s.Delete(t.Context(), id); err != nil {
					t.Errorf("Delete: %v", err)
					return
				}
			}
		})
	}
	for range 20 {
		listed := list(t, s)
		for id, size := range stays {
			if info, ok := listed[id]; !ok || info.Size != size {
				t.Fatalf("%s of %d bytes is listed as %+v", id, size, info)
			}
		}
		if _, ok := listed[gone]; ok {
			t.Fatalf("List: %s is there", gone)
		}
	}
}

// What a sweeper does.
func testListAndDelete(t *testing.T, s blob.Store) {
	for i := range 40 {
		created(t, s, int64(i)*9_000)
	}
	n := 0
	err := s.List(t.Context(), func(info blob.Info) error {
		n++
		if err := s.Read(t.Context(), info.ID, 0, info.Size, io.Discard); err != nil {
			return err
		}
		return s.Delete(t.Context(), info.ID)
	})
	if err != nil || n != 40 {
		t.Errorf("List: %d blobs, %v", n, err)
	}
	if listed := list(t, s); len(listed) > 0 {
		t.Errorf("List: %d blobs after all were deleted", len(listed))
	}
}
