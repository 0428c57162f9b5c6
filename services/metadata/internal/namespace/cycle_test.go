package namespace_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Folders that lie in each other, which only damage makes them do, are an error
// to whoever walks up from there and not a walk without end.
func TestFoldersInEachOther(t *testing.T) {
	for _, length := range []int{1, 2, 3, 7} {
		for _, above := range []int{0, 1, 5} {
			t.Run(fmt.Sprintf("%d of them and %d below", length, above), func(t *testing.T) {
				w := newWorld(t)
				other := w.put("/other", "x")
				at := w.mkdir(root, "top")
				top, low := at, at
				for i := 1; i < length+above; i++ {
					at = w.mkdir(at.GetName(), "folder")
					if i == length-1 {
						low = at
					}
				}
				w.lie(top, low)
				fresh := w.beside(w.ctx, w.table)
				_, err := fresh.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Folder: at.GetName()})
				if !errors.Is(err, fault.DataLoss) {
					t.Errorf("list: %v", err)
				}
				if err := fresh.moveOnce(other, at, ""); !errors.Is(err, fault.DataLoss) {
					t.Errorf("move into it: %v", err)
				}
				if err := fresh.renameOnce(other, "renamed", ""); err != nil {
					t.Errorf("beside it: %v", err)
				}
			})
		}
	}
}

// lie writes into the record of a folder that it lies in another.
func (w *world) lie(folder, in *metadatav1.File) {
	w.t.Helper()
	item, err := w.table.Get(w.ctx, record.Node(testSpace, lastOf(folder.GetName())))
	if err != nil {
		w.t.Fatal(err)
	}
	node, err := record.DecodeNode(item)
	if err != nil {
		w.t.Fatal(err)
	}
	node.Folder = lastOf(in.GetName())
	damaged := table.Put(record.Item(item.Key, item.Tag, node), table.Any)
	if err := w.table.Commit(w.ctx, []table.Write{damaged}); err != nil {
		w.t.Fatal(err)
	}
}
