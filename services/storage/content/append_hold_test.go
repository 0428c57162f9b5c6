package content_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// An upload that is held open stays so with all its bytes, in another process
// too, until somebody says that it ends: by an append, or by asking as those do
// for whom its length is its end.
func TestAppendHeldOpen(t *testing.T) {
	hold := func(s *storagev1.AppendSpec) { s.HoldOpen = true }
	for name, end := range map[string]func(t *testing.T, w *world, upload string, size int64){
		"an empty append": func(t *testing.T, w *world, upload string, size int64) {
			if _, err := w.append(t.Context(), upload, size, bytes.NewReader(nil), hold, complete); err != nil {
				t.Error(err)
			}
		},
		"an append that does not hold it open": func(t *testing.T, w *world, upload string, size int64) {
			if _, err := w.append(t.Context(), upload, size, bytes.NewReader(nil)); err != nil {
				t.Error(err)
			}
		},
		"a query": func(t *testing.T, w *world, upload string, _ int64) { w.query(t, upload) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newResumableWorld(t, nil)
				data := random(testExtent+5, 4)
				size := int64(len(data))
				upload := w.open(t, size)
				status, err := w.append(t.Context(), upload, 0, bytes.NewReader(data), hold)
				if err != nil || status.GetUpload().GetState() != metadatav1.Upload_OPEN || status.GetUpload().GetOffsetBytes() != size {
					t.Fatalf("with all its bytes: %v, %v", status, err)
				}
				w.engine = w.newEngine(nil)
				if status := w.queryHeld(t, upload); status.GetUpload().GetState() != metadatav1.Upload_OPEN {
					t.Fatalf("queried: %v", status)
				}
				end(t, w, upload, size)
				w.holds(t, data)
			})
		})
	}
}

// An end that was announced before the connection broke needs no second word
// once the bytes are there.
func TestAppendEndIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newResumableWorld(t, nil)
		data := random(5000, 4)
		upload := w.open(t, int64(len(data)))
		ending := func(s *storagev1.AppendSpec) { s.HoldOpen, s.Complete = true, true }
		_, err := w.append(t.Context(), upload, 0, io.MultiReader(bytes.NewReader(data), failing{io.ErrUnexpectedEOF}), ending)
		if err == nil {
			t.Fatal("a cut append succeeded")
		}
		if status := w.queryHeld(t, upload); status.GetUpload().GetState() != metadatav1.Upload_COMPLETE {
			t.Errorf("queried: %v", status)
		}
		w.holds(t, data)
	})
}

func (w *world) queryHeld(t *testing.T, name string) *storagev1.UploadStatus {
	t.Helper()
	status, err := w.engine.QueryUpload(t.Context(), &storagev1.QueryUploadRequest{Name: name, HoldOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	return status
}
