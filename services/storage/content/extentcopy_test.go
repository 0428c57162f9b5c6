package content_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
)

// writerFunc is a function as an io.Writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// inExtents uploads data in extents of the sizes, which must be decreasing by
// half or more, so that they are not joined, or as large as an extent is.
func (w *world) inExtents(t *testing.T, data []byte, sizes ...int) []blob.ID {
	t.Helper()
	upload := w.open(t, int64(len(data)))
	at := 0
	for _, size := range sizes {
		if _, err := w.append(t.Context(), upload, int64(at), bytes.NewReader(data[at:at+size])); err != nil {
			t.Fatal(err)
		}
		at += size
	}
	located, err := w.ledger.Client(nil).Locate(t.Context(), &ledgerv1.LocateRequest{
		Source: &ledgerv1.LocateRequest_Path{Path: pathRequest(testPath).GetPath()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []blob.ID
	for i, x := range located.GetExtents() {
		if i >= len(sizes) || x.GetLength() != int64(sizes[i]) {
			t.Fatalf("extents %v, want %v", located.GetExtents(), sizes)
		}
		ids = append(ids, uuid.MustParse(x.GetBlobId()))
	}
	return ids
}

// The next extent is being read before the last bytes of the one before have
// been taken, so that nobody waits for its first byte; and not long before.
func TestNextExtentIsReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(4*testExtent, 5)
		ids := w.inExtents(t, data, testExtent, testExtent, testExtent, testExtent)
		var mu sync.Mutex
		var reads []blob.ID
		w.store.Fault = func(op faultblob.Op, id blob.ID) faultblob.Fault {
			if op == faultblob.Read {
				mu.Lock()
				defer mu.Unlock()
				reads = append(reads, id)
			}
			return faultblob.Fault{}
		}
		var got bytes.Buffer
		err := w.engine.Download(t.Context(), pathRequest(testPath), func(*storagev1.DownloadHeader) (io.Writer, error) {
			return writerFunc(func(p []byte) (int, error) {
				synctest.Wait() // until all that can go on has
				mu.Lock()
				defer mu.Unlock()
				begun := got.Len() / testExtent
				if want := min(begun+2, len(ids)); len(reads) != want {
					t.Errorf("at byte %d of %d, extents of %d: %d reads have begun, want %d", got.Len(), len(data), testExtent, len(reads), want)
				}
				return got.Write(p)
			}), nil
		})
		if err != nil || !bytes.Equal(got.Bytes(), data) || !slices.Equal(reads, ids) {
			t.Errorf("%d bytes, %v; read %v of %v", got.Len(), err, reads, ids)
		}
	})
}

// Whatever ends a download, it ends with the right error after the right bytes,
// and no read that was ahead of it goes on.
func TestReadAheadEnds(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		fail    int   // index of the extent whose read fails, after so many bytes
		after   int64 // or below 0
		leave   int   // where the taker fails, below 0 for nowhere
		cancel  int   // where the caller leaves
		atLeast int
	}{
		"the second extent fails at once":     {fail: 1, after: 0, leave: -1, cancel: -1, atLeast: testExtent},
		"the third fails midway":              {fail: 2, after: 1000, leave: -1, cancel: -1, atLeast: 2 * testExtent},
		"the last fails behind what was kept": {fail: 3, after: 260 << 10, leave: -1, cancel: -1, atLeast: 3 * testExtent},
		"the taker fails in the first":        {fail: -1, leave: 10, cancel: -1},
		"the taker fails in the third":        {fail: -1, leave: 2*testExtent + 10, cancel: -1, atLeast: 2 * testExtent},
		"the caller leaves in the second":     {fail: -1, leave: -1, cancel: testExtent + 10, atLeast: testExtent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which waits for every goroutine
				w := newResumableWorld(t, nil)
				data := random(4*testExtent, 5)
				ids := w.inExtents(t, data, testExtent, testExtent, testExtent, testExtent)
				w.store.Fault = func(op faultblob.Op, id blob.ID) faultblob.Fault {
					if op == faultblob.Read && c.fail >= 0 && id == ids[c.fail] {
						return faultblob.Fault{Err: gone, After: c.after}
					}
					return faultblob.Fault{}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var got bytes.Buffer
				err := w.engine.Download(ctx, pathRequest(testPath), func(*storagev1.DownloadHeader) (io.Writer, error) {
					return writerFunc(func(p []byte) (int, error) {
						if c.cancel >= 0 && got.Len() >= c.cancel {
							cancel()
						}
						if c.leave >= 0 && got.Len() >= c.leave {
							return 0, gone
						}
						return got.Write(p)
					}), nil
				})
				if err == nil || got.Len() < c.atLeast || got.Len() == len(data) || !bytes.HasPrefix(data, got.Bytes()) {
					t.Errorf("%d bytes, at least %d wanted, %v", got.Len(), c.atLeast, err)
				}
			})
		})
	}
}

// Extents that are shorter than what is read ahead, and ranges that begin and end
// within any of them.
func TestRangesAcrossExtents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(testExtent+70_000+30_000+9, 5)
		w.inExtents(t, data, testExtent, 70_000, 30_000, 9)
		for _, from := range []int{0, 1, testExtent - 1, testExtent, testExtent + 69_999, len(data) - 10, len(data) - 1} {
			for _, to := range []int{from + 1, testExtent + 70_001, len(data) - 1, len(data)} {
				if to <= from {
					continue
				}
				req := pathRequest(testPath)
				req.Ranges = []*storagev1.ByteRange{{Offset: int64(from), Length: int64(to - from)}}
				if _, got, err := w.download(t.Context(), req); err != nil || !bytes.Equal(got, data[from:to]) {
					t.Errorf("bytes %d to %d: %d bytes, %v", from, to, len(got), err)
				}
			}
		}
	})
}
