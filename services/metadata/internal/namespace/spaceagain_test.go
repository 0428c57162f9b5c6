package namespace_test

import (
	"testing"
	"time"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// What was begun in a space that is deleted is not written to another one that
// gets its id meanwhile, wherever in it the upload was to go.
func TestCommitIntoAnotherSpaceOfTheID(t *testing.T) {
	for name, spec := range map[string]*storagev1.UploadSpec{
		"in the root": atPath("/f"),
		"deep":        atPath("/made/on/the/way"),
		"as a child": {Target: &storagev1.UploadSpec_Child{
			Child: &storagev1.ChildTarget{Folder: root, DisplayName: "f"},
		}},
		"over a file": atPath("/there"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.put("/there", "old")
			begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
			if err != nil {
				t.Fatal(err)
			}
			commit := w.store(begun, "of the old space")
			if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
				t.Fatal(err)
			}
			w.sweep()
			w.clock.Advance(time.Hour) // the grace
			w.sweep()
			if _, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace}); err != nil {
				t.Fatal(err)
			}
			_, err = w.Commit(w.ctx, commit)
			wantReason(t, "commit", err, errorsv1.Reason_REASON_NOT_FOUND)
			if names := w.names(&metadatav1.ListFilesRequest{Folder: root}); len(names) != 0 {
				t.Errorf("the new space has %v", names)
			}
			w.wantUsage(0, 0)
			w.audit()
			w.sweepAll()
			w.audit()
			if len(w.blobs) != 0 {
				t.Errorf("%d blobs are left", len(w.blobs))
			}
		})
	}
}
