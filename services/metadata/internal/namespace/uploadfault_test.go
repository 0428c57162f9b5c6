package namespace_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// plantedBytes is what the planted files hold.
const plantedBytes = 42

// resumableOperations are what can be done with resumable uploads, each as a
// client does it that continues from where an upload is.
var resumableOperations = map[string]operation{
	"upload": func(w *world, _ planted, id string) error {
		_, err := w.resumeOnce(toPath("/a/deep/f"), id, "one,", "two,", "three")
		return err
	},
	"upload a revision, joining extents": func(w *world, _ planted, id string) error {
		w.joining = true
		_, err := w.resumeOnce(toPath("/a/f"), id, "one,", "two,", "three")
		return err
	},
	"upload a known length": func(w *world, _ planted, id string) error {
		spec := toPath("/a/deep/f")
		spec.SizeBytes = proto.Int64(13)
		_, err := w.resumeOnce(spec, id, "one,", "two,", "three")
		return err
	},
	"declare the length later": func(w *world, _ planted, id string) error {
		name, err := w.openOnce(toPath("/a/deep/f"), id)
		if err == nil {
			_, err = w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name, SizeBytes: proto.Int64(13)})
		}
		if err != nil {
			return err
		}
		return w.continueOnce(name, "one,", "two,", "three")
	},
	"upload into room that is scattered": func(w *world, _ planted, id string) error {
		_, err := w.UpdateSpace(w.ctx, &metadatav1.UpdateSpaceRequest{
			Space:      &metadatav1.Space{Name: parent, Quota: &metadatav1.SpaceQuota{MaxBytes: plantedBytes + 13}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"quota"}}, RequestId: id + "q",
		})
		if err == nil {
			_, err = w.resumeOnce(toPath("/a/f"), id, "one,two,", "three")
		}
		return err
	},
	"concatenate": func(w *world, _ planted, id string) error {
		first, err := w.resumeOnce(&storagev1.CreateUploadRequest{Partial: true}, id+"1", "one,", "two,")
		if err != nil {
			return err
		}
		second, err := w.openOnce(&storagev1.CreateUploadRequest{Partial: true}, id+"2")
		if err != nil {
			return err
		}
		whole, err := w.openOnce(toPath("/a/deep/whole"), id+"3", first, second)
		if err != nil {
			return err
		}
		if err := w.continueOnce(second, "three"); err != nil {
			return err
		}
		return w.continueOnce(whole)
	},
	"cancel": func(w *world, _ planted, id string) error {
		name, err := w.openOnce(toPath("/a/never"), id)
		if err == nil {
			err = w.appendOnce(name, "one")
		}
		if err == nil {
			_, err = w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: name})
		}
		if over(err) {
			err = nil // the first time
		}
		return err
	},
	"expire": func(w *world, _ planted, id string) error {
		spec := toPath("/a/never")
		spec.SizeBytes = proto.Int64(50)
		name, err := w.openOnce(spec, id)
		if err == nil {
			err = w.appendOnce(name, "one")
		}
		if over(err) {
			return nil // the first time
		}
		if err != nil {
			return err
		}
		w.clock.Advance(23 * time.Hour)
		if err := w.appendOnce(name, "one", "two"); err != nil && !over(err) {
			return err
		}
		for range 2 {
			w.clock.Advance(23 * time.Hour)
			if _, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 1, LeaseDuration: durationpb.New(time.Minute)}); err != nil {
				return err
			}
		}
		return nil
	},
}

// over reports whether an upload is gone or about to be.
func over(err error) bool {
	return errors.Is(err, fault.NotFound) || err != nil && fault.ReasonOf(err) == errorsv1.Reason_REASON_EXPIRED
}

func (w *world) openOnce(spec *storagev1.CreateUploadRequest, id string, parts ...string) (string, error) {
	spec.RequestId = id
	return w.open(spec, parts...)
}

func (w *world) resumeOnce(spec *storagev1.CreateUploadRequest, id string, pieces ...string) (string, error) {
	name, err := w.openOnce(spec, id)
	if err != nil {
		return "", err
	}
	return name, w.continueOnce(name, pieces...)
}

// continueOnce brings the pieces that an upload does not have and completes it.
func (w *world) continueOnce(name string, pieces ...string) error {
	if err := w.appendOnce(name, pieces...); err != nil {
		return err
	}
	h, err := w.take(name, -1)
	if err != nil || len(h.grant) == 0 {
		return err
	}
	_, err = h.finish()
	return err
}

// appendOnce brings the pieces that an upload does not have, each by a request.
func (w *world) appendOnce(name string, pieces ...string) error {
	shown, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
	if err != nil || shown.GetState() == metadatav1.Upload_COMPLETE {
		return err
	}
	begin := int64(0)
	for i, piece := range pieces {
		if begin >= shown.GetOffsetBytes() {
			h, err := w.take(name, begin)
			if err != nil {
				return err
			}
			joined := 0
			if w.joining && i == len(pieces)-1 {
				joined = len(h.tail)
			}
			if err := h.keep(piece, joined, false); err != nil {
				return err
			}
		}
		begin += int64(len(piece))
	}
	return nil
}

// TestUploadFaultTable lets every call to the table go wrong in every way, in
// everything that is done with resumable uploads.
func TestUploadFaultTable(t *testing.T) {
	p, rows := plant(t), 0
	for _, name := range slices.Sorted(maps.Keys(resumableOperations)) {
		t.Run(name, func(t *testing.T) {
			clean := p.world(t)
			if err := resumableOperations[name](clean, p.tree, "r"); err != nil {
				t.Fatal(err)
			}
			want := dump(clean)
			for how := range misfortunes {
				for at := 1; strikeOnce(t, p, resumableOperations[name], how, at, want); at++ {
					rows++
				}
			}
		})
	}
	t.Logf("%d rows", rows)
}
