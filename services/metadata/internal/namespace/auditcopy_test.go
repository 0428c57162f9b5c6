package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// referred returns the blobs that an audit says something refers to.
func (w *world) referred(repair bool) map[string]bool {
	w.t.Helper()
	found := map[string]bool{}
	for page := range w.auditPages(&ledgerv1.AuditRequest{Repair: repair}) {
		for _, ref := range page.GetReferences() {
			for _, e := range ref.GetExtents() {
				found[e.GetBlobId()] = true
			}
		}
	}
	return found
}

// A node that is lost while its copy is there is put back, and until then its bytes
// are nobody's to delete.
func TestLostNodeIsPutBack(t *testing.T) {
	p := plant(t)
	for _, name := range []string{"/a/f", "/s", "/b", "/a", "/trashed", "/trashedfile"} {
		t.Run(name, func(t *testing.T) {
			w := p.world(t)
			before := dump(w)
			w.force(table.Delete(record.Node(testSpace, idOf(p.tree[name])), table.Any))
			for _, repair := range []bool{false, true} {
				referred := w.referred(repair)
				for id := range w.blobs {
					if !referred[id] {
						t.Errorf("repair %v: the blob %s would be taken for nobody's", repair, id)
					}
				}
			}
			w.audit()
			if after := dump(w); after != before {
				t.Errorf("there is\n%s\nthere was\n%s", after, before)
			}
			if err := w.found(p.tree[name]); err != nil {
				t.Error(err)
			}
			w.sweepAll()
			w.audit()
		})
	}
}

// A node that was lost when its time in the trash was over is put back with the job
// that will purge it.
func TestLostNodeGetsItsJobBack(t *testing.T) {
	w := newWorld(t)
	empty := w.items()
	f := w.delete(w.put("/f", "x"))
	key := record.Node(testSpace, idOf(f))
	w.force(table.Delete(key, table.Any))
	w.clock.Advance(31 * 24 * time.Hour)
	w.sweep()
	w.findings(true)
	w.audit()
	if _, err := w.table.Get(w.ctx, key); err != nil {
		t.Errorf("the node: %v", err)
	}
	w.sweepAll()
	if left := w.items(); !maps.Equal(left, empty) {
		t.Errorf("there is left: %v", left)
	}
	w.audit()
}

// TestInterleavingsOfRepair lets things happen before each call of a repair to the
// table: what is gone for good by then is not made of what the repair had read.
func TestInterleavingsOfRepair(t *testing.T) {
	goes := func(w *world, path string) {
		if err := w.purge(w.delete(w.must(path))); err != nil {
			w.t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		before    func(w *world)
		meanwhile func(w *world)
	}{
		"purged, and its name taken": {
			func(w *world) { w.put("/f", "x") },
			func(w *world) { goes(w, "/f"); w.put("/f", "another") },
		},
		// A rename, or a move into the trash, finds no entry to take away and fails;
		// the end of its time takes the node alone.
		"entry lost, and expired": {
			func(w *world) {
				_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{Parent: parent, File: &metadatav1.File{
					DisplayName: "f", Kind: metadatav1.File_FOLDER, ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour)),
				}})
				if err != nil {
					w.t.Fatal(err)
				}
				w.force(table.Delete(record.Entry(testSpace, record.Root, "f"), table.Any))
			},
			func(w *world) { w.clock.Advance(2 * time.Hour); w.sweep() },
		},
		"node lost, and its folder purged": {
			func(w *world) {
				lost := w.mkdir(w.mkdir(root, "f").GetName(), "lost")
				w.force(table.Delete(record.Node(testSpace, idOf(lost)), table.Any))
			},
			func(w *world) { goes(w, "/f"); w.sweep() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t)
				empty := w.items()
				c.before(w)
				paused := &pausedTable{Table: w.table}
				repairing := w.beside(w.ctx, paused)
				struck := false
				paused.then = func() {
					struck = true
					c.meanwhile(w)
				}
				paused.calls.Store(0)
				paused.at = at
				repairing.findings(true)
				if !struck {
					break
				}
				w.audit()
				if _, err := w.look("/f"); err == nil {
					goes(w, "/f") // the other
				}
				w.sweepAll()
				w.audit()
				if left := w.items(); !maps.Equal(left, empty) {
					t.Errorf("there is left: %v", left)
				}
				if t.Failed() {
					t.Fatalf("at call %d", at)
				}
			}
		})
	}
}

// A lost node that is both under its name and in the trash is put back once.
func TestLostNodeOfTwoCopies(t *testing.T) {
	w := newWorld(t)
	f := w.delete(w.put("/f", "x"))
	var inTrash table.Item
	for item := range w.records() {
		if kind, _ := record.KindOf(item.Key); kind == record.KindTrash {
			inTrash = item
		}
	}
	if _, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: f.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.force(table.Put(inTrash, table.Any), table.Delete(record.Node(testSpace, idOf(f)), table.Any))
	repaired := 0
	for page := range w.auditPages(&ledgerv1.AuditRequest{Repair: true}) {
		for _, finding := range page.GetFindings() {
			if finding.GetRepaired() {
				repaired++
			}
		}
	}
	if repaired != 1 {
		t.Errorf("%d copies became the node, want 1", repaired)
	}
	if err := w.found(f); err != nil {
		t.Error(err)
	}
}

// Bytes that only a copy says of, newer than its node, are nobody's to delete.
func TestCopyIsNewerThanItsNode(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	item := w.item(record.Entry(testSpace, record.Root, "f"))
	copied, err := record.DecodeNode(item)
	if err != nil {
		t.Fatal(err)
	}
	newer := uuid.New()
	copied.Etag = "newer"
	copied.Revision = proto.CloneOf(copied.GetRevision())
	copied.Revision.Extents = []*recordv1.Extent{{BlobId: newer[:], Length: 1}}
	w.force(table.Put(record.Item(item.Key, copied.GetEtag(), copied), table.Any))
	for _, repair := range []bool{false, true} {
		referred := w.referred(repair)
		for id := range w.blobs {
			if !referred[id] || !referred[newer.String()] {
				t.Errorf("repair %v: of %s and %s only %v are referred to", repair, id, newer, referred)
			}
		}
	}
	if err := w.found(f); err != nil {
		t.Error(err)
	}
}

// The copy of a file that was purged, whose bytes are about to go, goes too.
func TestCopyOfWhatWasPurged(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	item := w.item(record.Entry(testSpace, record.Root, "f"))
	w.delete(f)
	if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.force(table.Put(item, table.Any))
	w.findings(true)
	w.audit()
	if err := w.found(f); !errors.Is(err, fault.NotFound) {
		t.Errorf("the purged file: %v", err)
	}
	w.sweepAll()
	w.audit()
}

// jobQueries counts the reads of jobs.
type jobQueries struct {
	table.Table
	count int
}

func (j *jobQueries) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if strings.HasPrefix(q.Partition, "W#") {
		j.count++
	}
	return j.Table.Query(ctx, q)
}

// Records that a job will remove are in order, however many there are: the jobs
// are not read for each.
func TestAuditWhileAFolderIsEmptied(t *testing.T) {
	w := newWorld(t)
	for i := range 300 {
		w.put(fmt.Sprintf("/folder/%d", i), "x")
	}
	for range 40 { // more than go with their file at once
		w.put("/file", "x")
	}
	for _, path := range []string{"/folder", "/file"} {
		gone := w.must(path)
		w.delete(gone)
		if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: gone.GetName()}); err != nil {
			t.Fatal(err)
		}
	}
	counted := &jobQueries{Table: w.table}
	looking := w.beside(w.ctx, counted)
	looking.audit()
	if most := 4 * record.JobShards; counted.count > most {
		t.Errorf("the jobs were asked for %d times, want %d at most", counted.count, most)
	}
}
