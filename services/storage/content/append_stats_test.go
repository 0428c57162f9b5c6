package content_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
)

// Resumable uploads count as others do: in hand as long as they last, and with
// the bytes that were read from their callers.
func TestAppendStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(testExtent+5000, 4)
		upload := w.open(t, int64(len(data)))
		body := newScript()
		body.reads <- data[:testExtent]
		ended := make(chan error, 1)
		go func() {
			_, err := w.append(t.Context(), upload, 0, body)
			ended <- err
		}()
		synctest.Wait()
		if got := w.engine.Stats(); got.Uploads != 1 || got.UploadedBytes != testExtent || got.BufferBytes == 0 {
			t.Errorf("in the middle of an append: %+v", got)
		}
		body.reads <- data[testExtent:]
		close(body.reads)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if got := w.engine.Stats(); got.Uploads != 0 || got.UploadedBytes != int64(len(data)) || got.BufferBytes != 0 {
			t.Errorf("after an append of %d bytes: %+v", len(data), got)
		}
		w.holds(t, data)
	})
}

// TestAppendMemory has the blob store stand still while the body goes on: no more
// of it is read than the append is charged for.
func TestAppendMemory(t *testing.T) {
	const buffer, stream = 256 << 10, 2 << 20
	for _, held := range []int64{0, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			w := newResumableWorld(t, nil)
			data := random(8*testExtent, 4)
			upload := w.open(t, int64(len(data)))
			still := make(chan struct{})
			w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
				if op == faultblob.Create {
					<-still
				}
				return faultblob.Fault{}
			}
			ended := make(chan error, 1)
			go func() {
				_, err := w.append(t.Context(), upload, 0, holding{bytes.NewReader(data), held})
				ended <- err
			}()
			synctest.Wait()
			got := w.engine.Stats()
			// The last block that is in the buffer is still held as well.
			const block = 64 << 10
			if blocks := got.UploadedBytes - buffer + block; got.BufferBytes-buffer-stream-held < blocks || blocks < 2*block {
				t.Errorf("%d bytes of blocks and %d of the body are held; charged %d", blocks, held, got.BufferBytes)
			}
			close(still)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			w.holds(t, data)
		})
	}
}

// An append whose body holds more than there is memory for ends, and what came
// before is kept.
func TestAppendWithoutMemory(t *testing.T) {
	w := newResumableWorld(t, nil)
	data := random(testExtent, 4)
	upload := w.open(t, int64(len(data)))
	if status, err := w.append(t.Context(), upload, 0, holding{bytes.NewReader(data), 1 << 40}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("append = %v, %v; want UNAVAILABLE", status, err)
	}
	status, err := w.engine.QueryUpload(t.Context(), &storagev1.QueryUploadRequest{Name: upload})
	if err != nil {
		t.Fatal(err)
	}
	at := status.GetUpload().GetOffsetBytes()
	if at == 0 || at == int64(len(data)) {
		t.Errorf("%d bytes are kept, want some", at)
	}
	if got := w.engine.Stats().BufferBytes; got != 0 {
		t.Errorf("%d bytes are charged when all is over", got)
	}
	if _, err := w.append(t.Context(), upload, at, bytes.NewReader(data[at:])); err != nil {
		t.Fatal(err)
	}
	w.holds(t, data)
}

// holding is a body that holds bytes.
type holding struct {
	*bytes.Reader
	held int64
}

func (h holding) HeldBytes() int64 { return h.held }
