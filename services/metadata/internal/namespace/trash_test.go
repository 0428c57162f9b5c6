package namespace_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

func TestTrash(t *testing.T) {
	w := newWorld(t)
	f := w.put("/a/b/f", "x")
	a, b := w.must("/a"), w.must("/a/b")
	w.delete(a)
	for _, path := range []string{"/a", "/a/b", "/a/b/f"} {
		w.gone(path)
	}
	for _, hidden := range []*metadatav1.File{b, f} {
		if got, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: hidden.GetName()}); !errors.Is(err, fault.NotFound) {
			t.Errorf("get %s in the trash = %v, %v", hidden.GetDisplayName(), got, err)
		}
		if _, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: hidden.GetName()}); !errors.Is(err, fault.NotFound) {
			t.Errorf("delete %s in the trash = %v", hidden.GetDisplayName(), err)
		}
	}
	if got, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: a.GetName()}); err != nil || got.GetPurgeTime() == nil {
		t.Errorf("get the root of the trash = %v, %v", got, err)
	}
	if _, err := w.Locate(w.ctx, &ledgerv1.LocateRequest{Source: &ledgerv1.LocateRequest_File{File: f.GetName()}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("locate in the trash = %v", err)
	}
	if got := w.names(&metadatav1.ListFilesRequest{Trashed: true}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("trash = %v", got)
	}
	w.put("/a/new", "y") // the name is free again
	undelete := func(name, folder, displayName string) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: name, Folder: folder, DisplayName: displayName})
		return err
	}
	if err := undelete(a.GetName(), "", ""); !errors.Is(err, fault.Exists) {
		t.Errorf("undelete onto a taken name = %v", err)
	}
	if err := undelete(a.GetName(), "", "a2"); err != nil {
		t.Fatal(err)
	}
	w.must("/a2/b/f")
	w.delete(f)
	w.delete(w.must("/a2"))
	if err := undelete(f.GetName(), "", ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("undelete into a folder that is gone = %v, want CONFLICT", err)
	}
	if err := undelete(f.GetName(), root, ""); err != nil {
		t.Errorf("undelete elsewhere = %v", err)
	}
	if err := undelete(f.GetName(), "", ""); !errors.Is(err, fault.Exists) {
		t.Errorf("undelete of a live file = %v, want ALREADY_EXISTS", err)
	}
	w.audit()
	w.clock.Advance(31 * 24 * time.Hour)
	if got := w.names(&metadatav1.ListFilesRequest{Trashed: true}); len(got) != 0 {
		t.Errorf("trash after the retention = %v", got)
	}
	w.sweepAll()
	w.audit()
	w.must("/f")
	if _, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: b.GetName()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("get after the purge = %v", err)
	}
}

func TestPurgeLeavesNothing(t *testing.T) {
	w := newWorld(t)
	empty := w.items()
	for i := range 60 {
		w.put(fmt.Sprintf("/top/d%d/f", i%7), strings.Repeat("x", i+1))
		w.put(fmt.Sprintf("/top/f%d", i), "y")
	}
	if err := w.purge(w.must("/top")); !errors.Is(err, fault.Conflict) {
		t.Errorf("purge of a live folder = %v, want CONFLICT", err)
	}
	top := w.delete(w.must("/top"))
	if err := w.purge(top); err != nil {
		t.Fatal(err)
	}
	w.audit()
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs left", len(w.blobs))
	}
	for key := range w.items() {
		if !empty[key] {
			t.Errorf("left: %s", key)
		}
	}
	space, err := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	if err != nil || space.GetUsedBytes() != 0 || space.GetFileCount() != 0 {
		t.Errorf("usage after = %v, %v", space, err)
	}
}

func (w *world) purge(f *metadatav1.File) error {
	_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()})
	return err
}

func TestRevisionsShareBlobs(t *testing.T) {
	w := newWorld(t)
	first := w.put("/f", "one")
	w.put("/f", "two")
	restore := func(name string) *metadatav1.File {
		t.Helper()
		f, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	drop := func(name string) error {
		_, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: name})
		return err
	}
	restored := restore(first.GetRevision())
	if restored.GetSha256() != first.GetSha256() || restored.GetRevision() == first.GetRevision() {
		t.Errorf("restored = %v", restored)
	}
	if err := drop(restored.GetRevision()); !errors.Is(err, fault.Conflict) {
		t.Errorf("delete of the current revision = %v, want CONFLICT", err)
	}
	if err := drop(first.GetRevision()); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	w.audit() // the blob is still there for the restored revision
	w.put("/f", "three")
	if err := drop(restored.GetRevision()); err != nil {
		t.Fatal(err)
	}
	if err := drop(restored.GetRevision()); !errors.Is(err, fault.NotFound) {
		t.Errorf("delete again = %v", err)
	}
	w.sweepAll()
	w.audit()
	if len(w.blobs) != 2 {
		t.Errorf("%d blobs, want those of two and three", len(w.blobs))
	}
}

func TestManyRevisions(t *testing.T) {
	w := newWorld(t)
	empty := w.items()
	for i := range 70 {
		w.put("/f", fmt.Sprint(i))
	}
	if err := w.purge(w.delete(w.must("/f"))); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	if left := w.items(); len(left) != len(empty) || len(w.blobs) != 0 {
		t.Errorf("left: %v, %d blobs", left, len(w.blobs))
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	f := w.put("/d/e/f", "x")
	d := w.must("/d")
	soon := timestamppb.New(w.clock.Now().Add(time.Hour))
	update := func(node *metadatav1.File, at *timestamppb.Timestamp) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
			File:       &metadatav1.File{Name: node.GetName(), ExpireTime: at},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}},
		})
		return err
	}
	if err := update(d, timestamppb.New(w.clock.Now())); !errors.Is(err, fault.Invalid) {
		t.Errorf("expiry in the past = %v", err)
	}
	if err := update(d, soon); err != nil {
		t.Fatal(err)
	}
	w.must("/d/e/f")
	w.clock.Advance(time.Hour)
	for _, path := range []string{"/d", "/d/e", "/d/e/f"} {
		w.gone(path)
	}
	if _, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: f.GetName()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("get in an expired folder = %v", err)
	}
	if got := w.names(&metadatav1.ListFilesRequest{}); len(got) != 0 {
		t.Errorf("listing = %v", got)
	}
	again := w.put("/d/e/f", "y") // the name is free
	if again.GetName() == f.GetName() {
		t.Error("the expired file came back")
	}
	w.audit()
	w.sweepAll()
	w.audit()
	w.must("/d/e/f")
	if len(w.blobs) != 1 {
		t.Errorf("%d blobs, want 1", len(w.blobs))
	}
	if err := update(again, timestamppb.New(w.clock.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := update(again, nil); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	w.sweep()
	w.must("/d/e/f")
}
