package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A row of the fault table is a call to the table, the how-manieth of an
// operation, and what goes wrong there.
type misfortune int

const (
	lost          misfortune = iota // did not happen, and an error comes back
	happened                        // happened, and an error comes back
	cancelled                       // the caller went away before it happened
	cancelledLate                   // the caller went away after it happened
	killed                          // did not happen, and the process died
	killedLate                      // happened, and the process died
	misfortunes
)

func (m misfortune) String() string {
	return [...]string{"lost", "happened", "cancelled", "cancelled late", "killed", "killed late"}[m]
}

// faultyTable is a table that fails at one call.
type faultyTable struct {
	table.Table
	how    misfortune
	at     int // 0 for never
	calls  int
	struck bool
	cancel context.CancelFunc
}

func (f *faultyTable) strike(ctx context.Context, happen func() error) error {
	f.calls++
	if f.calls != f.at {
		return happen()
	}
	f.struck = true
	if f.how == happened || f.how == cancelledLate || f.how == killedLate {
		if err := happen(); err != nil {
			return err
		}
	}
	if f.how == cancelled || f.how == cancelledLate {
		f.cancel()
		return ctx.Err()
	}
	return fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "struck")
}

func (f *faultyTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	err = f.strike(ctx, func() (err error) { item, err = f.Table.Get(ctx, key); return err })
	return item, err
}

func (f *faultyTable) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = f.strike(ctx, func() (err error) { page, err = f.Table.Query(ctx, q); return err })
	return page, err
}

func (f *faultyTable) Commit(ctx context.Context, writes []table.Write) error {
	return f.strike(ctx, func() error { return f.Table.Commit(ctx, writes) })
}

// operations are what the fault table is about. Each acts on the tree that
// plant makes and carries a request id.
var operations = map[string]func(w *world, tree map[string]*metadatav1.File) error{
	"begin and commit a new file": func(w *world, _ map[string]*metadatav1.File) error {
		return w.uploadOnce("/new/deep/file", "fresh")
	},
	"begin and commit a revision": func(w *world, _ map[string]*metadatav1.File) error {
		return w.uploadOnce("/a/f", "fresh")
	},
	"create folder": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{
			Parent: parent, RequestId: "r",
			File: &metadatav1.File{DisplayName: "made", Kind: metadatav1.File_FOLDER, Folder: tree["/a"].GetName()},
		})
		return err
	},
	"rename file": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
			RequestId: "r", File: &metadatav1.File{Name: tree["/a/f"].GetName(), DisplayName: "renamed"},
		})
		return err
	},
	"rename folder": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
			RequestId: "r", File: &metadatav1.File{Name: tree["/a"].GetName(), DisplayName: "renamed"},
		})
		return err
	},
	"move file":   func(w *world, tree map[string]*metadatav1.File) error { return w.moveOnce(tree["/a/f"], tree["/b"]) },
	"move folder": func(w *world, tree map[string]*metadatav1.File) error { return w.moveOnce(tree["/a"], tree["/b"]) },
	"trash file": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: tree["/a/f"].GetName(), RequestId: "r"})
		return err
	},
	"trash folder": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: tree["/a"].GetName(), RequestId: "r"})
		return err
	},
	"undelete folder": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: tree["/trashed"].GetName(), RequestId: "r"})
		return err
	},
	"purge file": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/trashedfile"].GetName(), RequestId: "r"})
		return err
	},
	"purge folder": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/trashed"].GetName(), RequestId: "r"})
		return err
	},
	"restore revision": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: tree["/a/f"].GetRevision(), RequestId: "r"})
		return err
	},
	"delete revision": func(w *world, tree map[string]*metadatav1.File) error {
		_, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: tree["/a/f"].GetRevision(), RequestId: "r"})
		return err
	},
	"delete space": func(w *world, _ map[string]*metadatav1.File) error {
		_, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true, RequestId: "r"})
		return err
	},
}

func (w *world) uploadOnce(path, content string) error {
	spec := atPath(path)
	spec.RequestId = "r"
	_, err := w.upload(spec, content)
	return err
}

func (w *world) moveOnce(node, folder *metadatav1.File) error {
	_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{
		Name: node.GetName(), Folder: folder.GetName(), DisplayName: "moved", RequestId: "r",
	})
	return err
}

// plant makes the tree that operations act on.
func plant(w *world) map[string]*metadatav1.File {
	tree := map[string]*metadatav1.File{"/a/f": w.put("/a/f", "first")}
	w.put("/a/f", "second")
	w.put("/a/sub/g", "g")
	tree["/b"] = w.mkdir(root, "b")
	tree["/a"] = w.must("/a")
	w.put("/trashed/x/y", "y")
	tree["/trashed"] = w.delete(w.must("/trashed"))
	tree["/trashedfile"] = w.delete(w.put("/trashedfile", "z"))
	return tree
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
			line := fmt.Sprintf("%s/%s %v %s", path, f.GetDisplayName(), f.GetKind(), f.GetSha256())
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
	slices.Sort(lines)
	return strings.Join(append(lines, fmt.Sprint(err)), "\n")
}

// TestFaultTable lets every call to the table of every operation go wrong in
// every way. After each row the records agree with each other and with the
// blobs, and the same request made again has the outcome of one request.
func TestFaultTable(t *testing.T) {
	rows := 0
	for name, operate := range operations {
		t.Run(name, func(t *testing.T) {
			clean := newWorld(t)
			if err := operate(clean, plant(clean)); err != nil {
				t.Fatal(err)
			}
			want := dump(clean)
			for how := range misfortunes {
				for at := 1; strikeOnce(t, operate, how, at, want); at++ {
					rows++
				}
			}
		})
	}
	t.Logf("fault table: %d rows", rows)
}

// strikeOnce is one row; it returns false when the operation makes no such call.
func strikeOnce(
	t *testing.T, operate func(*world, map[string]*metadatav1.File) error, how misfortune, at int, want string,
) bool {
	t.Helper()
	w := newWorld(t)
	tree := plant(w)
	row := fmt.Sprintf("%v at call %d", how, at)

	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	faulty := &faultyTable{Table: w.table, how: how, cancel: cancel}
	struck := openWorld(t, faulty, w.clock)
	struck.ctx, struck.blobs = ctx, w.blobs
	faulty.calls, faulty.at = 0, at
	err := operate(struck, tree)
	if !faulty.struck {
		if err != nil {
			t.Errorf("%s: without a fault: %v", row, err)
		}
		return false
	}
	if err != nil && !errors.Is(err, fault.Unavailable) && !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", row, err)
	}
	w.audit()

	again := w // a killed process comes back without what it remembered
	if how != killed && how != killedLate {
		again = struck
		again.ctx = w.ctx
	}
	if err := operate(again, tree); err != nil {
		t.Errorf("%s: again: %v", row, err)
	}
	if got := dump(w); got != want {
		t.Errorf("%s: after the retry:\n%s\nwant:\n%s", row, got, want)
	}
	w.audit()
	w.sweepAll()
	w.audit()
	return true
}
