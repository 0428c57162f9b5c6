package namespace_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
)

// deleteEmptySpace deletes the space unless it holds something.
func deleteEmptySpace(w *world, _ planted, id string) error {
	_, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, RequestId: id})
	return err
}

// TestInterleavingsWithDeletion lets what puts something into a space that holds
// nothing, or holds something in its trash, and the deletion of the space unless
// it holds anything, interrupt each other at each of their calls to the table.
// They come to what one after the other would have come to: never is there both
// a deletion and something that was acknowledged and went with it.
func TestInterleavingsWithDeletion(t *testing.T) {
	c := &clock{now: plantTime}
	empty := plot{table: memtable.New(c.Now), blobs: map[string]bool{}}
	w := openWorld(t, empty.table, c)
	w.blobs = empty.blobs
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/begun")})
	if err != nil {
		t.Fatal(err)
	}
	empty.begun = w.store(begun, "begun")
	resumable := w.mustOpen(toPath("/resumable"))
	if err := w.appendOnce(resumable, "bytes"); err != nil {
		t.Fatal(err)
	}

	withTrash := func(put func(w *world) *metadatav1.File) plot {
		p := plot{table: empty.table.Clone(c.Now), blobs: maps.Clone(empty.blobs)}
		w := openWorld(t, p.table, c)
		w.blobs = p.blobs
		p.tree = planted{"/trashed": w.delete(put(w))}
		return p
	}
	trashedFile := withTrash(func(w *world) *metadatav1.File { return w.put("/f", "f") })
	trashedFolder := withTrash(func(w *world) *metadatav1.File { return w.mkdir(root, "f") })
	undelete := func(w *world, tree planted, id string) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: tree["/trashed"].GetName(), RequestId: id})
		return err
	}
	for name, c := range map[string]struct {
		plot    plot
		operate operation
		givesUp bool
	}{
		"begin and commit": {empty, uploadTo("/new", nil), true},
		"folders and file": {empty, uploadTo("/on/the/way", nil), true},
		"commit": {empty, func(w *world, _ planted, _ string) error {
			_, err := w.Commit(w.ctx, empty.begun)
			return err
		}, true},
		"finish upload": {empty, func(w *world, _ planted, _ string) error {
			h, err := w.take(resumable, -1)
			if err == nil {
				_, err = h.finish()
			}
			return err
		}, true},
		"create folder": {empty, func(w *world, _ planted, id string) error {
			_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{
				Parent: parent, RequestId: id, File: &metadatav1.File{DisplayName: "made", Kind: metadatav1.File_FOLDER},
			})
			return err
		}, false},
		"undelete file":   {trashedFile, undelete, false},
		"undelete folder": {trashedFolder, undelete, false},
		"purge file": {trashedFile, func(w *world, tree planted, id string) error {
			_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/trashed"].GetName(), RequestId: id})
			return err
		}, false},
		"delete again": {empty, deleteEmptySpace, false},
	} {
		t.Run(name, func(t *testing.T) {
			rows := interleave(t, c.plot, c.operate, deleteEmptySpace, "s", c.givesUp)
			rows += interleave(t, c.plot, deleteEmptySpace, c.operate, "s", false)
			t.Logf("%d interleavings", rows)
		})
	}
}

// The id of a space is free when all that it held has been removed and not
// before, however late the sweeper is: what is removed later would be taken off
// what another space of this id holds.
func TestSpaceIsGoneWhenItsContentsAre(t *testing.T) {
	const files = 100
	w := newWorld(t)
	w.put("/expired", "its name is taken when the space is deleted")
	for i := range files {
		w.put(fmt.Sprintf("/folder/%d", i), "contents")
	}
	for i := range 30 { // more revisions than go with their file
		w.put("/revisions", fmt.Sprint(i))
	}
	soon := timestamppb.New(w.clock.Now().Add(time.Hour))
	_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
		File:       &metadatav1.File{Name: w.must("/expired").GetName(), ExpireTime: soon},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.put("/expired", "another")
	if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
		t.Fatal(err)
	}
	left := func() (nodes int) {
		for key := range w.items() {
			if key[0] == 'N' && key != "N#"+testSpace+"#root|NODE" {
				nodes++
			}
		}
		return nodes
	}
	for {
		_, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace})
		if err == nil {
			break
		}
		if !errors.Is(err, fault.Exists) {
			t.Fatal(err)
		}
		w.audit()
		w.clock.Advance(11 * time.Minute)
		if _, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 1, LeaseDuration: durationpb.New(time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := left(); n != 0 {
		t.Errorf("the id was free when %d records of nodes were left", n)
	}
	w.wantUsage(0, 0)
	w.sweepAll()
	w.wantUsage(0, 0)
	w.audit()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs left", len(w.blobs))
	}
	w.put("/new", "x")
	w.wantUsage(1, 1)
}
