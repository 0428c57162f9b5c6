package content_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

func TestAppendSizes(t *testing.T) {
	for name, c := range map[string]struct{ total, piece int }{
		"in one, small": {1000, 1000},
		"in one, large": {5*testExtent + 321, 5*testExtent + 321},
		"small pieces":  {300_000, 999},
		"large pieces":  {4*testExtent + 5, testExtent - 1},
		"bytes":         {300, 1},
	} {
		for _, declared := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newResumableWorld(t, nil)
					data := random(c.total, 3)
					size := int64(-1)
					if declared {
						size = int64(c.total)
					}
					upload := w.open(t, size)
					var status *storagev1.UploadStatus
					for at := 0; at < c.total; at += c.piece {
						end := min(at+c.piece, c.total)
						var err error
						status, err = w.append(t.Context(), upload, int64(at), bytes.NewReader(data[at:end]), func(s *storagev1.AppendSpec) {
							s.Complete = end == c.total && !declared
						})
						if err != nil {
							t.Fatalf("at %d: %v", at, err)
						}
					}
					if status.GetFile().GetSha256() != hex.EncodeToString(sum(data)) || !status.GetCreated() {
						t.Errorf("status %v", status)
					}
					if n := len(w.ledger.Extents("/a")); n > 10+c.total/testExtent {
						t.Errorf("%d extents", n)
					}
					w.holds(t, data)
				})
			})
		}
	}
}

// TestAppendCut loses the client at various places: what came is kept, by one
// engine after the other.
func TestAppendCut(t *testing.T) {
	for _, size := range []int{0, 1, 5000, 256 << 10, testExtent - 1, testExtent, 3*testExtent + 100} {
		synctest.Test(t, func(t *testing.T) {
			w := newResumableWorld(t, nil)
			data := random(size+1000, 4)
			upload := w.open(t, int64(len(data)))
			_, err := w.append(t.Context(), upload, 0, io.MultiReader(bytes.NewReader(data[:size]), failing{io.ErrUnexpectedEOF}))
			if fault.ReasonOf(err) != errorsv1.Reason_REASON_INVALID_ARGUMENT {
				t.Errorf("cut after %d: %v", size, err)
			}
			w.ledger.Check()
			w.engine = w.newEngine(nil)
			status := w.query(t, upload)
			if got := status.GetUpload().GetOffsetBytes(); got != int64(size) {
				t.Fatalf("cut after %d: offset %d", size, got)
			}
			if _, err := w.append(t.Context(), upload, int64(size), bytes.NewReader(data[size:])); err != nil {
				t.Fatal(err)
			}
			w.holds(t, data)
		})
	}
}

func TestAppendClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(700_000, 4)
		upload := w.open(t, int64(len(data)))
		ctx, cancel := context.WithCancel(t.Context())
		body := newScript()
		body.reads <- data[:600_000]
		time.AfterFunc(time.Second, cancel)
		if _, err := w.append(ctx, upload, 0, body); fault.ReasonOf(err) != cancelled {
			t.Errorf("got %v", err)
		}
		if got := w.query(t, upload).GetUpload().GetOffsetBytes(); got != 600_000 {
			t.Errorf("offset %d", got)
		}
		if _, err := w.append(t.Context(), upload, 600_000, bytes.NewReader(data[600_000:])); err != nil {
			t.Fatal(err)
		}
		w.holds(t, data)
	})
}

// TestAppendIsDurableAsItGoes reads a body that never ends: it is durable extent
// by extent, and at the latest when the time of one is over.
func TestAppendIsDurableAsItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(3*testExtent, 4)
		upload := w.open(t, -1)
		body := newScript()
		body.reads <- data[:2*testExtent]
		var offsets []int64
		done := make(chan error)
		go func() {
			_, err := w.engine.AppendUpload(t.Context(), &storagev1.AppendSpec{Name: upload, Complete: true}, body, func(offset int64) {
				offsets = append(offsets, offset)
			})
			done <- err
		}()
		synctest.Wait()
		if len(offsets) != 2 || offsets[1] != 2*testExtent {
			t.Errorf("durable so far: %v", offsets)
		}
		body.reads <- data[2*testExtent : 2*testExtent+1]
		time.Sleep(time.Minute + time.Second) //nolint:forbidigo // the clock is that of synctest
		synctest.Wait()
		if len(offsets) != 3 || offsets[2] != 2*testExtent+1 {
			t.Errorf("durable after the time of an extent: %v", offsets)
		}
		body.reads <- data[2*testExtent+1:]
		close(body.reads)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		w.holds(t, data)
	})
}

// TestQueryRefused has somebody ask for an upload whom the ledger refuses, while
// an append is under way: that goes on, and nobody waits for it.
func TestQueryRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusing := false
		w := newResumableWorld(t, func(method string) ledgertest.Fault {
			if refusing && method == "TakeUpload" {
				return ledgertest.Fault{Err: fault.New(errorsv1.Reason_REASON_NOT_FOUND, "spaces/s not found")}
			}
			return ledgertest.Fault{}
		})
		data := random(5000, 5)
		upload := w.open(t, int64(len(data)))
		body := newScript()
		body.reads <- data[:3000]
		ended := make(chan error, 1)
		go func() {
			_, err := w.append(t.Context(), upload, 0, body)
			ended <- err
		}()
		synctest.Wait()
		refusing = true
		begun := time.Now()
		_, err := w.engine.QueryUpload(t.Context(), &storagev1.QueryUploadRequest{Name: upload})
		if !errors.Is(err, fault.NotFound) || time.Since(begun) > 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		refusing = false
		body.reads <- data[3000:]
		close(body.reads)
		if err := <-ended; err != nil {
			t.Fatalf("the append: %v", err)
		}
		w.holds(t, data)
	})
}

// TestAppendTakeover has a query come while an append is stuck: it ends at once,
// and what it had is there.
func TestAppendTakeover(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newResumableWorld(t, nil)
			data := random(400_000, 5)
			upload := w.open(t, int64(len(data)))
			body := newScript()
			body.reads <- data[:300_000]
			ended := make(chan error, 1)
			first := w.engine
			go func() {
				_, err := first.AppendUpload(t.Context(), &storagev1.AppendSpec{Name: upload}, body, nil)
				ended <- err
			}()
			synctest.Wait()
			if elsewhere {
				w.engine = w.newEngine(nil)
			}
			begun := time.Now()
			offset := w.query(t, upload).GetUpload().GetOffsetBytes()
			if want := map[bool]int64{false: 300_000, true: 0}[elsewhere]; offset != want {
				t.Errorf("elsewhere=%v: offset %d, want %d", elsewhere, offset, want)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("elsewhere=%v: took over after %v", elsewhere, took)
			}
			if _, err := w.append(t.Context(), upload, offset, bytes.NewReader(data[offset:])); err != nil {
				t.Fatal(err)
			}
			if elsewhere {
				body.reads <- data[300_000:]
			}
			if err := <-ended; fault.ReasonOf(err) != errorsv1.Reason_REASON_UPLOAD_SUPERSEDED {
				t.Errorf("elsewhere=%v: the older one: %v", elsewhere, err)
			}
			w.holds(t, data)
		})
	}
}

func TestAppendRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(10_000, 6)
		upload := w.open(t, 10_000)
		_, err := w.append(t.Context(), upload, 5, bytes.NewReader(data))
		if fault.ReasonOf(err) != errorsv1.Reason_REASON_OFFSET_MISMATCH {
			t.Errorf("wrong offset: %v", err)
		}
		for what, c := range map[string]struct {
			body   []byte
			change func(*storagev1.AppendSpec)
			want   errorsv1.Reason
		}{
			"more than declared":      {append(data[:len(data):len(data)], 1), func(*storagev1.AppendSpec) {}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
			"another length":          {data, func(s *storagev1.AppendSpec) { s.SizeBytes = proto.Int64(9999) }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
			"more announced":          {data, func(s *storagev1.AppendSpec) { s.ContentBytes = proto.Int64(10_001) }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
			"unknown checksum":        {data, func(s *storagev1.AppendSpec) { s.Checksum = &storagev1.Checksum{} }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
			"wrong checksum":          {data, checksum(data[1:]), errorsv1.Reason_REASON_DIGEST_MISMATCH},
			"wrong checksum, nothing": {nil, checksum(data[1:]), errorsv1.Reason_REASON_DIGEST_MISMATCH},
		} {
			if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(c.body), c.change); fault.ReasonOf(err) != c.want {
				t.Errorf("%s: %v", what, err)
			}
			if got := w.query(t, upload).GetUpload().GetOffsetBytes(); got != 0 {
				t.Fatalf("%s: offset %d", what, got)
			}
		}
		if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(data[:10]), complete); fault.ReasonOf(err) != errorsv1.Reason_REASON_INVALID_ARGUMENT {
			t.Errorf("complete too early: %v", err)
		}
		status, err := w.append(t.Context(), upload, 10, bytes.NewReader(data[10:]), checksum(data[10:]))
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.append(t.Context(), upload, 10_000, bytes.NewReader(nil), complete)
		if err != nil || again.GetFile().GetRevision() != status.GetFile().GetRevision() || again.GetUpload().GetState() != metadatav1.Upload_COMPLETE {
			t.Errorf("the outcome again: %v, %v", again, err)
		}
		if _, err := w.append(t.Context(), upload, 10_000, bytes.NewReader(data)); fault.ReasonOf(err) != errorsv1.Reason_REASON_CONFLICT {
			t.Errorf("more for a complete one: %v", err)
		}
		w.holds(t, data)
	})
}

// TestAppendSurplus sends more than was declared, of which the last extent is
// being stored already: it is refused as such, and adds no byte of that extent.
func TestAppendSurplus(t *testing.T) {
	for _, size := range []int{testExtent - 1, testExtent, testExtent + 300_000} {
		for _, more := range []int{1, testExtent + 1} {
			synctest.Test(t, func(t *testing.T) {
				w := newResumableWorld(t, nil)
				data := random(size+more, 9)
				upload := w.open(t, int64(size))
				_, err := w.append(t.Context(), upload, 0, bytes.NewReader(data))
				if fault.ReasonOf(err) != errorsv1.Reason_REASON_INVALID_ARGUMENT {
					t.Errorf("%d bytes more than %d: %v", more, size, err)
				}
				offset := w.query(t, upload).GetUpload().GetOffsetBytes()
				if offset != 0 && offset != testExtent {
					t.Errorf("%d bytes more than %d: %d are kept", more, size, offset)
				}
				if _, err := w.append(t.Context(), upload, offset, bytes.NewReader(data[offset:size])); err != nil {
					t.Fatal(err)
				}
				w.holds(t, data[:size])
			})
		}
	}
}

func TestCancelUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		upload := w.open(t, -1)
		if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(random(100, 1))); err != nil {
			t.Fatal(err)
		}
		body := newScript()
		ended := make(chan error, 1)
		go func() {
			_, err := w.append(t.Context(), upload, 100, body)
			ended <- err
		}()
		synctest.Wait()
		if err := w.engine.CancelUpload(t.Context(), &storagev1.CancelUploadRequest{Name: upload}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Error("the append went on")
		}
		err := w.engine.CancelUpload(t.Context(), &storagev1.CancelUploadRequest{Name: upload})
		if fault.ReasonOf(err) != errorsv1.Reason_REASON_NOT_FOUND {
			t.Errorf("cancelled again: %v", err)
		}
		w.sweepAll(t)
		if n := len(w.store.IDs()); n != 0 {
			t.Errorf("%d blobs are left", n)
		}
	})
}
