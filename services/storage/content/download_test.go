package content_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

func stored(t *testing.T, data []byte) (*world, *storagev1.UploadResponse) {
	t.Helper()
	w := newWorld(t, nil)
	resp, err := w.upload(t.Context(), "/a", data)
	if err != nil {
		t.Fatal(err)
	}
	return w, resp
}

func TestDownload(t *testing.T) {
	for _, size := range []int{0, 1, 4096, 1 << 20, 3<<20 + 1} {
		data := random(size, 4)
		w, resp := stored(t, data)
		req := &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_File{File: resp.GetFile().GetName()}}
		header, got, err := w.download(t.Context(), req)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if header.GetOutcome() != storagev1.DownloadHeader_FULL || header.GetRevision().GetSizeBytes() != int64(size) {
			t.Errorf("%d bytes: header %v", size, header)
		}
		req.HeaderOnly = true
		req.Ranges = []*storagev1.ByteRange{{Offset: 1 << 40}}
		header, got, err = w.download(t.Context(), req)
		if err != nil || len(got) != 0 || header.GetOutcome() != storagev1.DownloadHeader_FULL {
			t.Errorf("header of %d bytes: %d bytes, %v, %v", size, len(got), header, err)
		}
	}
}

func TestDownloadRanges(t *testing.T) {
	data := random(100_000, 5)
	w, _ := stored(t, data)
	w.ledger.Split("/a", 1, 40_000, 9_999, 50_000)
	req := pathRequest("/a")
	req.Ranges = []*storagev1.ByteRange{{Offset: 90_000, Length: 10}, {Offset: 0, Length: 50_001}, {Offset: -1}}
	header, got, err := w.download(t.Context(), req)
	want := bytes.Join([][]byte{data[90_000:90_010], data[:50_001], data[99_999:]}, nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
	if header.GetOutcome() != storagev1.DownloadHeader_PARTIAL || len(header.GetRanges()) != 3 {
		t.Errorf("header %v", header)
	}

	req.Ranges = []*storagev1.ByteRange{{Offset: 100_000}}
	_, _, err = w.download(t.Context(), req)
	if e := fault.Public(err); e == nil || e.Reason != errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE || e.Metadata["size_bytes"] != "100000" {
		t.Errorf("behind the end: %v", err)
	}

	req.Ranges = []*storagev1.ByteRange{{Offset: 1}}
	req.Condition = &storagev1.ReadCondition{RangeRevision: "another"}
	if header, got, err = w.download(t.Context(), req); err != nil || header.GetOutcome() != storagev1.DownloadHeader_FULL || !bytes.Equal(got, data) {
		t.Errorf("range of another revision: %v, %d bytes, %v", header, len(got), err)
	}
}

func TestDownloadConditions(t *testing.T) {
	data := random(10, 6)
	w, resp := stored(t, data)
	revision := resp.GetFile().GetRevision()
	id := revision[strings.LastIndexByte(revision, '/')+1:]

	req := pathRequest("/a")
	req.Condition = &storagev1.ReadCondition{NoneMatch: []string{id}}
	header, got, err := w.download(t.Context(), req)
	if err != nil || header.GetOutcome() != storagev1.DownloadHeader_NOT_MODIFIED || len(got) != 0 || header.GetModifyTime() == nil {
		t.Errorf("If-None-Match: %v, %d bytes, %v", header, len(got), err)
	}
	req.Condition = &storagev1.ReadCondition{Match: []string{"another"}}
	if header, _, err = w.download(t.Context(), req); !errors.Is(err, fault.Precondition) || header != nil {
		t.Errorf("If-Match: %v, %v", header, err)
	}

	if _, err := w.upload(t.Context(), "/a", random(20, 7)); err != nil {
		t.Fatal(err)
	}
	req = pathRequest("/a")
	req.Revision = id
	req.Condition = &storagev1.ReadCondition{Match: []string{id}}
	if _, got, err = w.download(t.Context(), req); err != nil || !bytes.Equal(got, data) {
		t.Errorf("old revision: %d bytes, %v", len(got), err)
	}
}

// TestDownloadLostBytes takes the bytes away in every way. What is lost before
// the first byte is the call's outcome; what is lost later cuts it.
func TestDownloadLostBytes(t *testing.T) {
	data := random(1<<20, 8)
	damaged := fault.New(errorsv1.Reason_REASON_DATA_LOSS, "checksum")
	cases := []struct {
		name  string
		spoil func(w *world, id blob.ID)
		begun bool
		want  errorsv1.Reason
	}{
		{"missing", func(w *world, id blob.ID) { w.store.Lose(id) }, false, errorsv1.Reason_REASON_DATA_LOSS},
		{"short", func(w *world, id blob.ID) {
			w.store.Damage(id, func(b []byte) []byte { return b[:10] })
		}, false, errorsv1.Reason_REASON_DATA_LOSS},
		{"damaged at once", func(w *world, _ blob.ID) { w.failReads(damaged, 0) }, false, errorsv1.Reason_REASON_DATA_LOSS},
		{"damaged later", func(w *world, _ blob.ID) { w.failReads(damaged, 70_000) }, true, errorsv1.Reason_REASON_DATA_LOSS},
		{"second extent missing", func(w *world, id blob.ID) {
			w.ledger.Split("/a", 1000, 1<<20-1000)
			w.store.Damage(id, func(b []byte) []byte { return b[:1000] })
		}, true, errorsv1.Reason_REASON_DATA_LOSS},
		{"extents too short", func(w *world, _ blob.ID) { w.ledger.Split("/a", 1000) }, false, errorsv1.Reason_REASON_DATA_LOSS},
		{"unreachable", func(w *world, _ blob.ID) { w.failReads(fault.New(unavailable, "no"), 0) }, false, unavailable},
		{"something else", func(w *world, _ blob.ID) { w.failReads(io.ErrNoProgress, 0) }, false, errorsv1.Reason_REASON_INTERNAL},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, _ := stored(t, data)
			c.spoil(w, w.ledger.Blob("/a"))
			header, got, err := w.download(t.Context(), pathRequest("/a"))
			if fault.ReasonOf(err) != c.want || (header != nil) != c.begun {
				t.Errorf("header %v, %v, want %v", header, err, c.want)
			}
			if !bytes.HasPrefix(data, got) || len(got) == len(data) {
				t.Errorf("got %d bytes", len(got))
			}
		})
	}
}

func (w *world) failReads(err error, after int64) {
	w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
		if op != faultblob.Read {
			return faultblob.Fault{}
		}
		return faultblob.Fault{Err: err, After: after}
	}
}

// TestDownloadPurgedMeanwhile takes file and blob away between Locate and the
// first byte: that is no loss of data but a file that is gone, or another one.
func TestDownloadPurgedMeanwhile(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		var w *world
		located := 0
		w = newWorld(t, func(method string) ledgertest.Fault {
			if method == "Locate" {
				located++
			}
			return ledgertest.Fault{}
		})
		if _, err := w.upload(t.Context(), "/a", random(100, 9)); err != nil {
			t.Fatal(err)
		}
		newer := random(200, 10)
		purged := false
		w.store.Fault = func(op faultblob.Op, id blob.ID) faultblob.Fault {
			if op == faultblob.Read && !purged {
				purged = true
				w.ledger.Purge("/a")
				w.store.Lose(id)
				if replaced {
					if _, err := w.upload(context.Background(), "/a", newer); err != nil {
						t.Error(err)
					}
				}
			}
			return faultblob.Fault{}
		}
		_, got, err := w.download(t.Context(), pathRequest("/a"))
		switch {
		case replaced && (err != nil || !bytes.Equal(got, newer)):
			t.Errorf("replaced: %d bytes, %v", len(got), err)
		case !replaced && !errors.Is(err, fault.NotFound):
			t.Errorf("gone: %v", err)
		}
		if located != 2 {
			t.Errorf("located %d times", located)
		}
	}
}

func TestDownloadCallerFails(t *testing.T) {
	w, _ := stored(t, random(1<<20, 11))
	own := errors.New("the caller's own")
	err := w.engine.Download(t.Context(), pathRequest("/a"), func(*storagev1.DownloadHeader) (io.Writer, error) { return nil, own })
	if err != own { //nolint:errorlint // as it is, not wrapped
		t.Errorf("begin: %v", err)
	}
	broken := &brokenWriter{err: own, after: 100_000}
	err = w.engine.Download(t.Context(), pathRequest("/a"), func(*storagev1.DownloadHeader) (io.Writer, error) { return broken, nil })
	if err != own { //nolint:errorlint // as it is, not wrapped
		t.Errorf("write: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = w.engine.Download(ctx, pathRequest("/a"), func(*storagev1.DownloadHeader) (io.Writer, error) {
		cancel()
		return nil, context.Cause(ctx)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	_, _, err = w.download(ctx, pathRequest("/a"))
	if fault.ReasonOf(err) != cancelled {
		t.Errorf("cancelled before: %v", err)
	}
}

type brokenWriter struct {
	err   error
	after int
}

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < 0 {
		return 0, b.err
	}
	return len(p), nil
}
