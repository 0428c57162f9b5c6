package namespace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// An opening that is repeated returns the upload as it is by then, not as it was
// when it was opened.
func TestRepeatedOpening(t *testing.T) {
	w := newWorld(t)
	again := func(parts ...string) (*metadatav1.Upload, error) {
		spec := toPath("/a")
		spec.Parent, spec.RequestId = parent, "once"
		opened, err := w.OpenUpload(w.ctx, &ledgerv1.OpenUploadRequest{Upload: spec, Parts: parts})
		return opened.GetStatus().GetUpload(), err
	}
	first, err := again()
	if err != nil || first.GetOffsetBytes() != 0 {
		t.Fatalf("%v, %v", first, err)
	}
	h, err := w.take(first.GetName(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.keep("abc", 0, false); err != nil {
		t.Fatal(err)
	}
	if u, err := again(); err != nil || u.GetName() != first.GetName() || u.GetOffsetBytes() != 3 {
		t.Errorf("after an append: %v, %v", u, err)
	}
	done, err := h.finish()
	if err != nil {
		t.Fatal(err)
	}
	if u, err := again(); err != nil || u.GetState() != metadatav1.Upload_COMPLETE || u.GetFile() != done.GetFile().GetName() {
		t.Errorf("once complete: %v, %v", u, err)
	}
	if _, err := w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: first.GetName()}); err != nil {
		t.Fatal(err)
	}
	if u, err := again(); !errors.Is(err, fault.NotFound) {
		t.Errorf("once given up: %v, %v", u, err)
	}
}

// An append at a wrong offset learns that there is nothing to append to.
func TestOffsetOfACompleteUpload(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, complete := range []string{"", "true"} {
		_, err := w.take(name, 7)
		if e := new(fault.Error); !errors.As(err, &e) || e.Reason != errorsv1.Reason_REASON_OFFSET_MISMATCH || e.Metadata["complete"] != complete {
			t.Errorf("complete=%q: %v, %v", complete, err, e.Metadata)
		}
		if complete == "" {
			if _, err := w.resume(name, "abc"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An upload that joins others is as long as they, as soon as all of them have
// said how long they are.
func TestLengthOfAnUnfinishedWhole(t *testing.T) {
	w := newWorld(t)
	declared, late := &storagev1.CreateUploadRequest{Partial: true}, &storagev1.CreateUploadRequest{Partial: true}
	declared.SizeBytes = new(int64(3))
	var parts []string
	for _, spec := range []*storagev1.CreateUploadRequest{declared, late} {
		part, err := w.open(spec)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	whole, err := w.open(toPath("/a"), parts...)
	if err != nil {
		t.Fatal(err)
	}
	asked := func() map[string]*int64 {
		h, err := w.take(whole, -1)
		if err != nil {
			t.Fatal(err)
		}
		finished, err := h.finish()
		if err != nil || finished.GetUpload().GetState() != metadatav1.Upload_OPEN {
			t.Fatalf("%v, %v", finished, err)
		}
		shown, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: whole})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]*int64{"finish": finished.GetUpload().SizeBytes, "get": shown.SizeBytes}
	}
	for how, size := range asked() {
		if size != nil {
			t.Errorf("%s: %d, and a part has not declared its own", how, *size)
		}
	}
	if _, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: parts[1], SizeBytes: new(int64(4))}); err != nil {
		t.Fatal(err)
	}
	for how, size := range asked() {
		if size == nil || *size != 7 {
			t.Errorf("%s: %v, want 7", how, size)
		}
	}
}

// A peek is for the owner alone, and whoever has the upload keeps it.
func TestPeek(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/a"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := w.take(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	looked, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name, Peek: true})
	if err != nil || looked.GetStatus().GetUpload().GetName() != name || len(looked.GetGrant()) > 0 {
		t.Errorf("%v, %v", looked, err)
	}
	if err := h.keep("abc", 0, false); err != nil {
		t.Errorf("after a peek: %v", err)
	}
	w.clock.Advance(48 * time.Hour)
	if _, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name, Peek: true}); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("when it has expired: %v", err)
	}
}
