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
	for next := ""; ; {
		page, err := w.table.Scan(w.ctx, next, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			if kind, _ := record.KindOf(item.Key); kind != record.KindNode || !record.IsNode(item.Key) {
				continue
			}
			node, err := record.DecodeNode(item)
			if err != nil {
				w.t.Fatal(err)
			}
			nodes[node.GetId()] = node
		}
		if next = page.Next; next == "" {
			break
		}
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

// A move whose target went to the trash while the file was still seen at its old
// place is refused: no order of the three explains that it was moved.
func TestMoveIntoWhatWentMeanwhile(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t)
		f, target := w.put("/a/f", "x"), w.mkdir(root, "target")
		paused := &pausedTable{Table: w.table}
		moving := w.beside(w.ctx, paused)
		struck, seen := false, false
		paused.then = func() {
			struck = true
			w.delete(target)
			_, err := w.look("/a/f")
			seen = err == nil
		}
		paused.calls.Store(0)
		paused.at = at
		_, err := moving.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: f.GetName(), Folder: target.GetName()})
		if !struck {
			break
		}
		if seen && err == nil {
			t.Errorf("at call %d: the file was at its old place when the folder that it moved to had gone to the trash", at)
		}
	}
}
