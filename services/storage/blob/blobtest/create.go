package blobtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

func testCreateSizes(t *testing.T, s blob.Store) {
	for _, size := range sizes {
		for _, hint := range []int64{size, -1} {
			t.Run(fmt.Sprintf("%d/hint%d", size, hint), func(t *testing.T) {
				id := newID(t)
				create(t, s, id, newStream(id, size), size, hint)
				want(t, s, id, size)
				if got := list(t, s)[id]; got.Size != size || got.Created.IsZero() {
					t.Errorf("listed as %+v", got)
				}
			})
		}
	}
}

func testCreateLarge(t *testing.T, s blob.Store) {
	const size = 40<<20 + 12345
	for _, hint := range []int64{size, -1} {
		id := newID(t)
		create(t, s, id, newStream(id, size), size, hint)
		want(t, s, id, size)
		wantRange(t, s, id, id, 33<<20-7, 3<<20+11)
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		wantAbsent(t, s, id)
	}
}

func testCreateHint(t *testing.T, s blob.Store) {
	for _, size := range []int64{0, 1, 10_000, 300_000, 9 << 20} {
		for _, hint := range []int64{0, 1, 9_999, 300_001, 10 << 20, blob.MaxSize} {
			id := newID(t)
			create(t, s, id, newStream(id, size), size, hint)
			want(t, s, id, size)
		}
	}
}

// pauses returns nothing at every other Read.
type pauses struct {
	r     io.Reader
	reads int
}

func (p *pauses) Read(b []byte) (int, error) {
	if p.reads++; p.reads%2 == 1 {
		return 0, nil
	}
	return p.r.Read(b)
}

func testCreateReaders(t *testing.T, s blob.Store) {
	readers := map[string]func(io.Reader) io.Reader{
		"OneByte":     iotest.OneByteReader,
		"Half":        iotest.HalfReader,
		"DataWithEOF": iotest.DataErrReader,
		"Pauses":      func(r io.Reader) io.Reader { return &pauses{r: r} },
	}
	for name, wrap := range readers {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int64{0, 1, 5_000, 300_000} {
				for _, hint := range []int64{size, -1} {
					id := newID(t)
					create(t, s, id, wrap(newStream(id, size)), size, hint)
					want(t, s, id, size)
				}
			}
		})
	}
}

// lone fails the test when it is read by two at a time, or after it is over.
type lone struct {
	t    *testing.T
	r    io.Reader
	busy atomic.Bool
	over atomic.Bool
}

func (l *lone) Read(b []byte) (int, error) {
	if !l.busy.CompareAndSwap(false, true) {
		l.t.Error("two Reads of the body at a time")
	}
	defer l.busy.Store(false)
	if l.over.Load() {
		l.t.Error("Read of the body after Create has returned")
	}
	return l.r.Read(b)
}

func testCreateOneGoroutine(t *testing.T, s blob.Store) {
	for _, size := range []int64{100, 20 << 20} {
		id := newID(t)
		body := &lone{t: t, r: newStream(id, size)}
		create(t, s, id, body, size, -1)
		body.over.Store(true)
		want(t, s, id, size)

		failing := &lone{t: t, r: io.MultiReader(newStream(id, size), iotest.ErrReader(errBody))}
		if _, err := s.Create(t.Context(), newID(t), failing, -1); !errors.Is(err, errBody) {
			t.Errorf("Create: %v", err)
		}
		failing.over.Store(true)
	}
}

func testCreateExists(t *testing.T, s blob.Store) {
	for _, first := range []int64{0, 100, 300_000, 9 << 20} {
		id := created(t, s, first)
		for _, second := range []int64{0, 100, 300_000, 9 << 20} {
			if _, err := s.Create(t.Context(), id, newStream(newID(t), second), second); !errors.Is(err, blob.ErrExists) {
				t.Errorf("Create of %d bytes where there are %d: %v, want ErrExists", second, first, err)
			}
		}
		want(t, s, id, first)
	}
}

var errBody = errors.New("the body failed")

func testCreateBodyFails(t *testing.T, s blob.Store) {
	ends := map[string]error{
		"Error":         errBody,
		"UnexpectedEOF": io.ErrUnexpectedEOF,
		"WrappedEOF":    fmt.Errorf("connection: %w", io.EOF),
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int64{0, 1, 5_000, 300_000, 9 << 20} {
				for _, hint := range []int64{-1, size, size + 100} {
					id := newID(t)
					_, err := s.Create(t.Context(), id, io.MultiReader(newStream(id, size), iotest.ErrReader(end)), hint)
					// As it is: it is the caller's, and says nothing of the engine.
					if !errors.Is(err, end) || errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Internal) {
						t.Fatalf("Create whose body fails after %d bytes: %v, want %v", size, err, end)
					}
					wantAbsent(t, s, id)
					// The id is still free.
					create(t, s, id, newStream(id, 1000), 1000, 1000)
					want(t, s, id, 1000)
				}
			}
		})
	}
}

// until calls then before the Read that follows on size bytes.
type until struct {
	r    io.Reader
	left int64
	then func()
}

func (u *until) Read(b []byte) (int, error) {
	if u.left == 0 {
		u.then()
		return u.r.Read(b)
	}
	n, err := u.r.Read(b[:min(int64(len(b)), u.left)])
	u.left -= int64(n)
	return n, err
}

func testCreateContextEnds(t *testing.T, s blob.Store) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	id := newID(t)
	if _, err := s.Create(ended, id, newStream(id, 100), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("Create: %v, want Canceled", err)
	}
	wantAbsent(t, s, id)

	for _, after := range []int64{0, 1, 5_000, 300_000, 9 << 20} {
		for _, more := range []int64{1, 1 << 20, 17 << 20} {
			ctx, cancel := context.WithCancel(t.Context())
			id := newID(t)
			body := &until{r: newStream(id, after+more), left: after, then: cancel}
			if _, err := s.Create(ctx, id, body, after+more); !errors.Is(err, context.Canceled) {
				t.Fatalf("Create whose context ends after %d of %d bytes: %v, want Canceled", after, after+more, err)
			}
			wantAbsent(t, s, id)
		}
	}
}
