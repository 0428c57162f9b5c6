package namespace_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// planted is the tree that operations act on, by the path at which a node was
// made.
type planted map[string]*metadatav1.File

// operation changes what was planted, in a request with this id.
type operation func(w *world, tree planted, id string) error

// operations are what the fault table and the interleavings are about.
var operations = map[string]operation{
	"begin and commit a new file": uploadTo("/new/deep/file", nil),
	"begin and commit a revision": uploadTo("/a/f", nil),
	"create only":                 uploadTo("/a/only", &storagev1.WriteCondition{Absent: true}),
	"overwrite only": func(w *world, tree planted, id string) error {
		return uploadTo("/a/f", &storagev1.WriteCondition{Revisions: []string{lastOf(tree["/a/f again"].GetRevision())}})(w, tree, id)
	},
	"write by id": func(w *world, tree planted, id string) error {
		return w.uploadOnce(&storagev1.UploadSpec{Target: &storagev1.UploadSpec_File{File: tree["/a/f"].GetName()}}, id)
	},
	"write as child": func(w *world, tree planted, id string) error {
		return w.uploadOnce(&storagev1.UploadSpec{Target: &storagev1.UploadSpec_Child{
			Child: &storagev1.ChildTarget{Folder: tree["/a/sub"].GetName(), DisplayName: "child"},
		}}, id)
	},
	"create folder": func(w *world, tree planted, id string) error {
		_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{
			Parent: parent, RequestId: id,
			File: &metadatav1.File{DisplayName: "only", Kind: metadatav1.File_FOLDER, Folder: tree["/a"].GetName()},
		})
		return err
	},
	"rename file":   func(w *world, tree planted, id string) error { return w.renameOnce(tree["/a/f"], "only", id) },
	"rename folder": func(w *world, tree planted, id string) error { return w.renameOnce(tree["/a"], "renamed", id) },
	"label file": func(w *world, tree planted, id string) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
			RequestId: id, File: &metadatav1.File{Name: tree["/a/f"].GetName(), Labels: map[string]string{"k": "v"}},
		})
		return err
	},
	"let folder expire": func(w *world, tree planted, id string) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{RequestId: id, File: &metadatav1.File{
			Name: tree["/a"].GetName(), ExpireTime: timestamppb.New(plantTime.Add(100 * 24 * time.Hour)),
		}})
		return err
	},
	"move file":         func(w *world, tree planted, id string) error { return w.moveOnce(tree["/a/f"], tree["/b"], id) },
	"move folder":       func(w *world, tree planted, id string) error { return w.moveOnce(tree["/a"], tree["/b"], id) },
	"move folder below": func(w *world, tree planted, id string) error { return w.moveOnce(tree["/b"], tree["/a/sub"], id) },
	"trash file":        func(w *world, tree planted, id string) error { return w.trashOnce(tree["/a/f"], id) },
	"trash folder":      func(w *world, tree planted, id string) error { return w.trashOnce(tree["/a"], id) },
	"trash target":      func(w *world, tree planted, id string) error { return w.trashOnce(tree["/b"], id) },
	"undelete folder": func(w *world, tree planted, id string) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: tree["/trashed"].GetName(), RequestId: id})
		return err
	},
	"undelete file": func(w *world, tree planted, id string) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{
			Name: tree["/trashedfile"].GetName(), Folder: tree["/a"].GetName(), DisplayName: "only", RequestId: id,
		})
		return err
	},
	"purge file": func(w *world, tree planted, id string) error {
		_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/trashedfile"].GetName(), RequestId: id})
		return err
	},
	"purge folder": func(w *world, tree planted, id string) error {
		_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/trashed"].GetName(), RequestId: id})
		return err
	},
	"restore revision": func(w *world, tree planted, id string) error {
		_, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: tree["/a/f"].GetRevision(), RequestId: id})
		return err
	},
	"delete revision": func(w *world, tree planted, id string) error {
		return w.deleteRevisionOnce(tree["/a/f"].GetRevision(), id)
	},
	"delete revision that shares": func(w *world, tree planted, id string) error {
		return w.deleteRevisionOnce(tree["/s"].GetRevision(), id)
	},
	"delete the other that shares": func(w *world, tree planted, id string) error {
		return w.deleteRevisionOnce(tree["/s restored"].GetRevision(), id)
	},
	"delete space": func(w *world, _ planted, id string) error {
		_, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true, RequestId: id})
		return err
	},
}

// lastOf returns the last part of a resource name.
func lastOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func uploadTo(path string, condition *storagev1.WriteCondition) operation {
	return func(w *world, _ planted, id string) error {
		spec := atPath(path)
		spec.Condition = condition
		return w.uploadOnce(spec, id)
	}
}

func (w *world) uploadOnce(spec *storagev1.UploadSpec, id string) error {
	spec.RequestId = id
	_, err := w.upload(spec, "fresh")
	return err
}

func (w *world) renameOnce(node *metadatav1.File, to, id string) error {
	_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
		RequestId: id, File: &metadatav1.File{Name: node.GetName(), DisplayName: to},
	})
	return err
}

func (w *world) moveOnce(node, folder *metadatav1.File, id string) error {
	_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{
		Name: node.GetName(), Folder: folder.GetName(), DisplayName: "moved", RequestId: id,
	})
	return err
}

func (w *world) trashOnce(node *metadatav1.File, id string) error {
	_, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: node.GetName(), RequestId: id})
	return err
}

func (w *world) deleteRevisionOnce(name, id string) error {
	_, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: name, RequestId: id})
	return err
}

var plantTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// plot is a table in memory with a tree planted, to be copied for each row of a
// table of tests.
type plot struct {
	table *memtable.Table
	tree  planted
	blobs map[string]bool
	begun *ledgerv1.CommitRequest // of an upload whose bytes are stored
}

func plant(t *testing.T) plot {
	t.Helper()
	c := &clock{now: plantTime}
	p := plot{table: memtable.New(c.Now), blobs: map[string]bool{}}
	w := openWorld(t, p.table, c)
	w.blobs = p.blobs
	p.tree = planted{"/a/f": w.put("/a/f", "first")}
	p.tree["/a/f again"] = w.put("/a/f", "second")
	p.tree["/a/sub/g"] = w.put("/a/sub/g", "g")
	p.tree["/b"] = w.mkdir(root, "b")
	p.tree["/a"], p.tree["/a/sub"] = w.must("/a"), w.must("/a/sub")
	p.tree["/s"] = w.put("/s", "shared")
	w.put("/s", "not shared")
	restored, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: p.tree["/s"].GetRevision()})
	if err != nil {
		t.Fatal(err)
	}
	p.tree["/s restored"] = restored
	w.put("/s", "newest")
	w.put("/trashed/x/y", "y")
	p.tree["/trashed"] = w.delete(w.must("/trashed"))
	p.tree["/trashedfile"] = w.delete(w.put("/trashedfile", "z"))
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/begun")})
	if err != nil {
		t.Fatal(err)
	}
	p.begun = w.store(begun, "begun")
	return p
}

// world returns a world in which the plot has just been planted.
func (p plot) world(t *testing.T) *world {
	t.Helper()
	c := &clock{now: plantTime}
	w := openWorld(t, p.table.Clone(c.Now), c)
	for id := range p.blobs {
		w.blobs[id] = true
	}
	return w
}

// beside returns another process of a world, which reaches the table in its
// own way: what it remembers is its own.
func (w *world) beside(ctx context.Context, through table.Table) *world {
	w.t.Helper()
	other := openWorld(w.t, through, w.clock)
	other.ctx, other.mu, other.blobs, other.contents = ctx, w.mu, w.blobs, w.contents
	return other
}

// dump shows what callers can see, without ids and times.
func dump(w *world) string {
	var lines []string
	var walk func(folder, path string)
	walk = func(folder, path string) {
		page, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Folder: folder, PageSize: 1000})
		if err != nil {
			lines = append(lines, path+": "+fault.ReasonOf(err).String())
			return
		}
		for _, f := range page.GetFiles() {
			line := fmt.Sprintf("%s/%s %v %s %v %v", path, f.GetDisplayName(), f.GetKind(), f.GetSha256(), f.GetLabels(), f.GetExpireTime())
			if f.GetKind() == metadatav1.File_FOLDER {
				walk(f.GetName(), path+"/"+f.GetDisplayName())
			} else {
				revisions, err := w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{Parent: f.GetName()})
				line += fmt.Sprint(" revisions ", len(revisions.GetRevisions()), err)
			}
			lines = append(lines, line)
		}
	}
	walk(root, "")
	trash, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Trashed: true})
	for _, f := range trash.GetFiles() {
		lines = append(lines, "trash "+f.GetDisplayName())
	}
	space, spaceErr := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	slices.Sort(lines)
	return strings.Join(append(lines, fmt.Sprint(err), fmt.Sprint("used ", space.GetUsedBytes(), space.GetFileCount(), spaceErr)), "\n")
}
