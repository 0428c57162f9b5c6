package blobtest

import (
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

func testCreateSameID(t *testing.T, s blob.Store) {
	for _, size := range [][]int64{{100}, {300_000}, {100, 300_000, 0, 9 << 20}} {
		id := newID(t)
		const rivals = 8
		var seeds [rivals]blob.ID
		var errs [rivals]error
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range rivals {
			seeds[i] = newID(t)
			wg.Go(func() {
				<-start
				n := size[i%len(size)]
				_, errs[i] = s.Create(t.Context(), id, newStream(seeds[i], n), n)
			})
		}
		close(start)
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Errorf("two Creates of one id have succeeded")
			case !errors.Is(err, blob.ErrExists):
				t.Errorf("Create: %v, want ErrExists", err)
			}
		}
		if winner < 0 {
			t.Fatalf("no Create of the id has succeeded")
		}
		n := size[winner%len(size)]
		wantRange(t, s, id, seeds[winner], 0, n)
		if got := list(t, s)[id].Size; got != n {
			t.Errorf("listed with size %d, want %d", got, n)
		}
	}
}

func testCreateMany(t *testing.T, s blob.Store) {
	const workers, each = 16, 12
	ids := make([][]blob.ID, workers)
	size := func(worker, i int) int64 { return int64(worker*7919+i*104_729) % 400_000 }
	parallel(t, workers, func(worker int) error {
		for i := range each {
			id := newID(t)
			ids[worker] = append(ids[worker], id)
			n := size(worker, i)
			if _, err := s.Create(t.Context(), id, newStream(id, n), n); err != nil {
				return err
			}
			if err := s.Read(t.Context(), id, 0, n, io.Discard); err != nil {
				return err
			}
		}
		return nil
	})
	listed := list(t, s)
	for worker := range ids {
		for i, id := range ids[worker] {
			want(t, s, id, size(worker, i))
			if listed[id].Size != size(worker, i) {
				t.Errorf("%s is listed as %+v, want size %d", id, listed[id], size(worker, i))
			}
		}
	}
}

func testCreateBesideFailures(t *testing.T, s blob.Store) {
	const workers, each = 12, 8
	good := make([]blob.ID, workers*each)
	bad := make([]blob.ID, workers*each)
	parallel(t, workers, func(worker int) error {
		for i := range each {
			n := int64(worker * 30_000)
			id := newID(t)
			if worker%2 == 0 {
				bad[worker*each+i] = id
				_, err := s.Create(t.Context(), id, io.MultiReader(newStream(id, n), iotest.ErrReader(errBody)), n)
				if !errors.Is(err, errBody) {
					return err
				}
				continue
			}
			good[worker*each+i] = id
			if _, err := s.Create(t.Context(), id, newStream(id, n), n); err != nil {
				return err
			}
		}
		return nil
	})
	listed := list(t, s)
	for i := range good {
		if worker := i / each; worker%2 == 1 {
			want(t, s, good[i], int64(worker*30_000))
		} else if _, ok := listed[bad[i]]; ok {
			t.Errorf("List: %s is there, though its body failed", bad[i])
		}
	}
	if len(listed) != workers*each/2 {
		t.Errorf("List: %d blobs, want %d", len(listed), workers*each/2)
	}
}

// parallel runs n workers and reports their errors.
func parallel(t *testing.T, n int, work func(worker int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for worker := range n {
		wg.Go(func() {
			if err := work(worker); err != nil {
				t.Errorf("worker %d: %v", worker, err)
			}
		})
	}
	wg.Wait()
}
