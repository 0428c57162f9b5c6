package namespace_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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

// TestInterleavingsWithEmptying lets the steps by which a deleted space is emptied,
// attempts to make it again and time come in any order. Its id is free when all
// that it held has been removed and not before, however late which step is: what
// is removed later would be taken off what another space of this id holds.
func TestInterleavingsWithEmptying(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := deletedWorld(t)
			random := rand.New(rand.NewPCG(seed, 0))
			for !w.madeAgain() {
				switch random.IntN(3) {
				case 0:
					w.clock.Advance(11 * time.Minute)
				default:
					one := &ledgerv1.ClaimJobsRequest{Limit: 1, LeaseDuration: durationpb.New(time.Minute)}
					if _, err := w.ClaimJobs(w.ctx, one); err != nil {
						t.Fatal(err)
					}
				}
				w.audit()
			}
			for key := range w.items() {
				if key[0] == 'N' && key != "N#"+testSpace+"#root|NODE" {
					t.Errorf("the id was free when there was still %s", key)
				}
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
		})
	}
}

// deletedWorld returns a world whose space was deleted by force with all that
// takes jobs of its own to remove: more in a folder and more revisions than one
// step takes, folders in folders, and an expired file whose name another took.
func deletedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.put("/expired", "its name is taken when the space is deleted")
	for i := range 30 {
		w.put(fmt.Sprintf("/folder/%d", i), "contents")
		w.put("/folder/in/folder/revisions", fmt.Sprint(i))
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
	return w
}

// madeAgain tries to make the space, and reports whether its id was free.
func (w *world) madeAgain() bool {
	w.t.Helper()
	_, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace})
	if err != nil && !errors.Is(err, fault.Exists) {
		w.t.Fatal(err)
	}
	return err == nil
}
