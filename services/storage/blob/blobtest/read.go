package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

func testReadRanges(t *testing.T, s blob.Store) {
	for _, size := range []int64{1, 2, 5_000, 64 << 10, 256<<10 - 1, 256 << 10, 1<<20 + 3, 8<<20 + 5} {
		id := created(t, s, size)
		edges := []int64{0, 1, 4096, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 256<<10 - 1, 256 << 10, 256<<10 + 1,
			1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20, 8<<20 - 1, 8 << 20, 8<<20 + 1, size / 2, size - 1, size}
		edges = slices.DeleteFunc(edges, func(at int64) bool { return at > size })
		slices.Sort(edges)
		edges = slices.Compact(edges)
		for i, from := range edges {
			for _, to := range edges[i:] {
				if from > 0 && to < size && to-from > 300_000 {
					continue // too much to read for what it tells
				}
				wantRange(t, s, id, id, from, to-from)
			}
		}
	}
}

func testReadOutOfRange(t *testing.T, s blob.Store) {
	for _, size := range []int64{0, 1, 5_000, 300_000, 9 << 20} {
		id := created(t, s, size)
		for _, r := range [][2]int64{
			{-1, 0}, {-1, 1}, {0, -1}, {size, -1}, {0, size + 1}, {size, 1}, {size + 1, 0}, {size + 1, 1},
			{size / 2, size}, {size / 2, size - size/2 + 1}, {math.MaxInt64, 0}, {0, math.MaxInt64},
			{math.MaxInt64, math.MaxInt64}, {1, math.MaxInt64}, {math.MinInt64, math.MinInt64}, {blob.MaxSize, 1},
		} {
			if r[0] >= 0 && r[1] >= 0 && r[0] <= size && r[1] <= size-r[0] {
				continue
			}
			var b bytes.Buffer
			if err := s.Read(t.Context(), id, r[0], r[1], &b); !errors.Is(err, blob.ErrRange) || b.Len() > 0 {
				t.Errorf("Read(%d, %d) of %d bytes: %d bytes, %v, want ErrRange", r[0], r[1], size, b.Len(), err)
			}
		}
	}
}

func testReadNotFound(t *testing.T, s blob.Store) {
	wantAbsent(t, s, newID(t), blob.ID{})
	neighbour := created(t, s, 100)
	for i := range neighbour {
		id := neighbour
		id[i] ^= 1
		wantAbsent(t, s, id)
	}
}

// refuse is a writer that must not be called.
type refuse struct{ t *testing.T }

func (r refuse) Write(b []byte) (int, error) {
	r.t.Errorf("Write of %d bytes", len(b))
	return len(b), nil
}

func testReadNothing(t *testing.T, s blob.Store) {
	for _, size := range []int64{0, 5_000, 300_000} {
		id := created(t, s, size)
		for _, offset := range []int64{0, size / 2, size} {
			if err := s.Read(t.Context(), id, offset, 0, refuse{t}); err != nil {
				t.Errorf("Read(%d, 0) of %d bytes: %v", offset, size, err)
			}
		}
	}
}

// limited fails once it has got more than left bytes, and must not be called
// after that.
type limited struct {
	t      *testing.T
	left   int
	failed bool
	err    error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.failed {
		l.t.Error("Write after one that has failed")
	}
	if l.left -= len(b); l.left < 0 {
		l.failed = true
		return len(b) + l.left, l.err
	}
	return len(b), nil
}

func testReadWriterFails(t *testing.T, s blob.Store) {
	errWriter := errors.New("the writer failed")
	for _, size := range []int64{1, 5_000, 300_000, 9 << 20} {
		id := created(t, s, size)
		for _, left := range []int64{0, size / 2, size - 1} {
			w := &limited{t: t, left: int(left), err: errWriter}
			if err := s.Read(t.Context(), id, 0, size, w); err != errWriter { //nolint:errorlint // it is returned as it is
				t.Errorf("Read into a writer that takes %d of %d bytes: %v, want its error", left, size, err)
			}
		}
		want(t, s, id, size)
	}
}

// ending cancels a context at the first Write.
type ending struct {
	cancel  context.CancelFunc
	written int64
}

func (e *ending) Write(b []byte) (int, error) {
	e.cancel()
	e.written += int64(len(b))
	return len(b), nil
}

func testReadContextEnds(t *testing.T, s blob.Store) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	small := created(t, s, 100)
	if err := s.Read(ended, small, 0, 100, refuse{t}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v, want Canceled", err)
	}

	const size = 32 << 20
	large := created(t, s, size)
	ctx, cancel := context.WithCancel(t.Context())
	w := &ending{cancel: cancel}
	if err := s.Read(ctx, large, 0, size, w); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v after %d of %d bytes, want Canceled", err, w.written, size)
	}
	want(t, s, large, size)
}

func testReadAtOnce(t *testing.T, s blob.Store) {
	all := []int64{1, 5_000, 300_000, 5 << 20}
	var ids []blob.ID
	for _, size := range all {
		ids = append(ids, created(t, s, size))
	}
	parallel(t, 16, func(worker int) error {
		for i := range 20 {
			id, size := ids[(worker+i)%len(ids)], all[(worker+i)%len(ids)]
			from := int64(worker*7919+i) % size
			c := newCheck(id, from)
			if err := s.Read(t.Context(), id, from, size-from, c); err != nil {
				return err
			}
			if c.wrong >= 0 || c.at != size {
				return io.ErrUnexpectedEOF
			}
		}
		return nil
	})
}
