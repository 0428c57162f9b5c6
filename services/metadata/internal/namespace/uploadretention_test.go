package namespace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// Bytes that an upload had at a moment stay for the retention, also when they were
// joined with others since, or the upload was given up: a table that is restored
// to that moment has the upload with them, and may complete it.
func TestUploadedBytesAreRetained(t *testing.T) {
	for name, end := range map[string]struct {
		act  func(w *world, upload string, h *holder) error
		left int
	}{
		// The upload expires as its retention ends, and what it has then stays for another.
		"joined": {func(_ *world, _ string, h *holder) error { return h.keep("more", 2, false) }, 1},
		"given up": {func(w *world, upload string, _ *holder) error {
			_, err := w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: upload})
			return err
		}, 0},
		"expired": {func(w *world, _ string, _ *holder) error {
			w.clock.Advance(24 * time.Hour)
			w.sweep()
			return nil
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			upload := w.mustOpen(toPath("/f"))
			h, err := w.take(upload, 0)
			if err == nil {
				err = errors.Join(h.keep("one", 0, true), h.keep("two", 0, true))
			}
			if err != nil {
				t.Fatal(err)
			}
			had := h.tail
			if err := end.act(w, upload, h); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(24*time.Hour - time.Second)
			w.sweep()
			for _, x := range had {
				if !w.blobs[x.GetBlobId()] {
					t.Errorf("blob %s is gone before the retention is over", x.GetBlobId())
				}
			}
			w.audit()
			if _, err := w.look("/f"); !errors.Is(err, fault.NotFound) {
				t.Errorf("it became a file: %v", err)
			}
			w.clock.Advance(time.Second)
			w.sweep()
			w.audit()
			if len(w.blobs) != end.left {
				t.Errorf("%d blobs are left after the retention, want %d", len(w.blobs), end.left)
			}
		})
	}
}
