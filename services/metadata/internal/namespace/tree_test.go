package namespace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
)

// auditTree checks that every node's way up ends, at the root or where a folder
// is gone, and that no two nodes have one name in one folder.
func (w *world) auditTree() {
	w.t.Helper()
	nodes := map[string]*recordv1.Node{}
	for item := range w.records() {
		if kind, _ := record.KindOf(item.Key); kind != record.KindNode || !record.IsNode(item.Key) {
			continue
		}
		node, err := record.DecodeNode(item)
		if err != nil {
			w.t.Fatal(err)
		}
		nodes[node.GetId()] = node
	}
	names := map[string]string{}
	for id, node := range nodes {
		depth := 0
		for up := node; up != nil && up.GetId() != record.Root; up = nodes[up.GetFolder()] {
			if depth++; depth > len(nodes) {
				w.t.Fatalf("%s lies in a cycle of folders", id)
			}
		}
		if node.GetState() != recordv1.Node_LIVE || id == record.Root {
			continue
		}
		name := node.GetFolder() + "/" + node.GetDisplayName()
		if other, taken := names[name]; taken {
			w.t.Errorf("%s and %s have the name %s", id, other, name)
		}
		names[name] = id
	}
}

// TestListingUnderChange lists a folder and the trash page by page while others
// add, rename and remove around what stays: each listing has what was there
// throughout, once, and in order.
func TestListingUnderChange(t *testing.T) {
	w := newWorld(t)
	yielding := openWorld(t, yieldingTable{w.table}, w.clock)
	folder := w.mkdir(root, "folder")
	var stay []string
	for i := range 40 {
		name := fmt.Sprintf("stay %02d", i)
		stay = append(stay, name)
		w.put("/folder/"+name, "")
		w.delete(w.put("/trashed/"+name, ""))
	}
	done := make(chan struct{})
	var churning, listing sync.WaitGroup
	for i := range 4 {
		churning.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					yielding.churn(folder.GetName(), fmt.Sprintf("stay %02d %d %d", rand.IntN(40), i, n))
				}
			}
		})
	}
	for i := range 4 {
		listing.Go(func() {
			for round := range 12 {
				req := &metadatav1.ListFilesRequest{PageSize: int32(1 + rand.IntN(9)), Folder: folder.GetName()}
				if round%2 == 1 {
					req.Folder, req.Trashed = "", true
				}
				want := slices.Clone(stay)
				if i%2 == 1 {
					req.OrderBy = "display_name desc"
					slices.Reverse(want)
				}
				var got []string
				for _, name := range yielding.names(req) {
					if slices.Contains(stay, name) {
						got = append(got, name)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("trash %v by %q: %q", req.GetTrashed(), req.GetOrderBy(), got)
				}
			}
		})
	}
	listing.Wait()
	close(done)
	churning.Wait()
	w.audit()
	w.auditTree()
}

// churn adds a file, renames it, takes it to the trash and back, and purges it.
func (w *world) churn(folder, name string) {
	made, err := w.upload(atPath("/folder/"+name), "")
	if err != nil {
		w.t.Error(err)
		return
	}
	id := made.GetFile().GetName()
	for _, step := range []func() error{
		func() error { return w.renameOnce(made.GetFile(), "a "+name, "") },
		func() error { return w.trashOnce(made.GetFile(), "") },
		func() error {
			_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: id, Folder: folder, DisplayName: name})
			return err
		},
		func() error { return w.trashOnce(made.GetFile(), "") },
		func() error { _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: id}); return err },
	} {
		if err := step(); err != nil {
			w.t.Error(err)
		}
	}
}

// What is put into a folder that went to the trash while it was still seen at its
// old place, or in the trash itself, is refused: no order of the three explains
// that it was put there.
func TestIntoWhatWentMeanwhile(t *testing.T) {
	move := func(w *world, f, target *metadatav1.File) error {
		_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: f.GetName(), Folder: target.GetName()})
		return err
	}
	undelete := func(w *world, f, target *metadatav1.File) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: f.GetName(), Folder: target.GetName()})
		return err
	}
	for name, test := range map[string]struct {
		folder, trashed bool // what is put there, and whether it is in the trash
		put             func(w *world, f, target *metadatav1.File) error
	}{
		"a file is moved":       {false, false, move},
		"a folder is moved":     {true, false, move},
		"a file is undeleted":   {false, true, undelete},
		"a folder is undeleted": {true, true, undelete},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t)
				f, target := w.put("/a/f", "x"), w.mkdir(root, "target")
				if test.folder {
					var err error
					if f, err = w.look("/a"); err != nil {
						t.Fatal(err)
					}
				}
				if test.trashed {
					w.delete(f)
				}
				paused := &pausedTable{Table: w.table}
				putting := w.beside(w.ctx, paused)
				struck, seen := false, false
				paused.then = func() {
					struck = true
					w.delete(target)
					there, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: f.GetName()})
					seen = err == nil && (there.GetDeleteTime() != nil) == test.trashed && there.GetFolder() != target.GetName()
				}
				paused.calls.Store(0)
				paused.at = at
				err := test.put(putting, f, target)
				if !struck {
					break
				}
				if seen && err == nil {
					t.Errorf("at call %d: it was where it had been when the folder that it was put into had gone to the trash", at)
				}
			}
		})
	}
}
