package namespace_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// TestExpiryIsInTheFuture has every call that takes an expiry refuse one that is
// not to come. The epoch is the one that records would take for never.
func TestExpiryIsInTheFuture(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	share, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{Parent: parent, Share: &metadatav1.Share{File: f.GetName()}})
	if err != nil {
		t.Fatal(err)
	}
	mask := &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}}
	for name, call := range map[string]func(*timestamppb.Timestamp) error{
		"CreateFile": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{Parent: parent, File: &metadatav1.File{
				DisplayName: "d", Kind: metadatav1.File_FOLDER, ExpireTime: at,
			}})
			return err
		},
		"UpdateFile": func(at *timestamppb.Timestamp) error {
			_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
				File: &metadatav1.File{Name: f.GetName(), ExpireTime: at}, UpdateMask: mask,
			})
			return err
		},
		"SignFile": func(at *timestamppb.Timestamp) error {
			_, err := w.SignFile(w.ctx, &metadatav1.SignFileRequest{Name: f.GetName(), ExpireTime: at})
			return err
		},
		"CreateKey": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: &metadatav1.Key{
				Scope: metadatav1.Key_READ, ExpireTime: at,
			}})
			return err
		},
		"CreateShare": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{
				Parent: parent, Share: &metadatav1.Share{File: f.GetName(), ExpireTime: at},
			})
			return err
		},
		"UpdateShare": func(at *timestamppb.Timestamp) error {
			_, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
				Share: &metadatav1.Share{Name: share.GetName(), ExpireTime: at}, UpdateMask: mask,
			})
			return err
		},
	} {
		now := w.clock.Now()
		for when, at := range map[string]*timestamppb.Timestamp{
			"the epoch": {}, "nearly the epoch": {Nanos: 500}, "before the epoch": {Seconds: -1},
			"now": timestamppb.New(now), "no time": {Seconds: 1 << 60},
		} {
			if err := call(at); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s that expires at %s = %v, want INVALID_ARGUMENT", name, when, err)
			}
		}
		if err := call(timestamppb.New(now.Add(time.Hour))); err != nil {
			t.Errorf("%s that expires in an hour: %v", name, err)
		}
	}
}

// An upload that began while there was a file, and ends when that has expired but
// was not removed yet, ends as it would have ended had it begun then: what was
// acknowledged can be read.
func TestUploadEndsAfterExpiry(t *testing.T) {
	for name, byID := range map[string]bool{"by path": false, "by id": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.put("/f", "old")
			_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
				File:       &metadatav1.File{Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour))},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			spec := atPath("/f")
			if byID {
				spec = &storagev1.UploadSpec{Target: &storagev1.UploadSpec_File{File: f.GetName()}}
			}
			begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
			if err != nil {
				t.Fatal(err)
			}
			upload := w.store(begun, "new")
			inTime, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
			if err != nil {
				t.Fatal(err)
			}
			before := w.store(inTime, "in time")
			first, err := w.Commit(w.ctx, before)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(2 * time.Hour)
			if again, err := w.Commit(w.ctx, before); err != nil || again.GetFile().GetRevision() != first.GetFile().GetRevision() {
				t.Errorf("the commit before it, repeated: %v, %v; want %v", again, err, first)
			}
			done, err := w.Commit(w.ctx, upload)
			if byID {
				if !errors.Is(err, fault.NotFound) {
					t.Errorf("got %v, %v; want NOT_FOUND", done, err)
				}
				return
			}
			if err != nil || !done.GetCreated() || done.GetFile().GetName() == f.GetName() {
				t.Fatalf("got %v, %v; want a new file", done, err)
			}
			for range 2 {
				if found, err := w.look("/f"); err != nil || found.GetName() != done.GetFile().GetName() {
					t.Errorf("the file is %v, %v", found, err)
				}
				w.sweep()
			}
			w.audit()
		})
	}
}

// What another process remembers of a path does not outlast an expiry that a
// folder on it was given since.
func TestFolderExpiresForAll(t *testing.T) {
	w := newWorld(t)
	f := w.put("/a/f", "x")
	other := w.beside(w.ctx, w.table)
	other.must("/a/f")
	if err := other.found(f); err != nil {
		t.Fatal(err)
	}
	_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{File: &metadatav1.File{
		Name: w.must("/a").GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	other.gone("/a/f")
	if err := other.found(f); !errors.Is(err, fault.NotFound) {
		t.Errorf("by its id: %v, want NOT_FOUND", err)
	}
}
