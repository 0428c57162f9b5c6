package namespace_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

var scale = flag.Int("scale", 1000, "files in the large folder of TestScale; a tenth as many folders, a hundredth as many revisions")

// tallyingTable counts the calls.
type tallyingTable struct {
	table.Table
	calls atomic.Int64
}

func (c *tallyingTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	c.calls.Add(1)
	return c.Table.Get(ctx, key)
}

func (c *tallyingTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.calls.Add(1)
	return c.Table.Query(ctx, q)
}

func (c *tallyingTable) Commit(ctx context.Context, writes []table.Write) error {
	c.calls.Add(1)
	return c.Table.Commit(ctx, writes)
}

// TestScale compares a space with many files in one folder, many folders in a
// tree and many revisions of one file with a small one: the same operations
// make the same calls to the table. It reports their times, and what it takes
// to start, and to keep, such a space.
func TestScale(t *testing.T) {
	dir, c := t.TempDir(), &clock{now: time.Now()}
	store, err := pebbletable.Open(pebbletable.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	small := grow(t, store, c, "small", 10)
	began := time.Now()
	large := grow(t, store, c, "large", *scale)
	t.Logf("%d files in a folder, %d folders in a tree, %d revisions of a file, put there in %v",
		*scale, *scale/10, *scale/100, time.Since(began).Round(time.Millisecond))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	heap := heapBytes()
	began = time.Now()
	if store, err = pebbletable.Open(pebbletable.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	counting := &tallyingTable{Table: store}
	w := openWorld(t, counting, c)
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	few, many := measure(w, counting, small), measure(w, counting, large)
	for i, m := range many {
		t.Logf("%-24s %3d calls %8v in a small space, %3d calls %8v in a large one",
			m.what, few[i].calls, few[i].took.Round(time.Microsecond), m.calls, m.took.Round(time.Microsecond))
		if m.calls != few[i].calls {
			t.Errorf("%s makes %d calls in a large space and %d in a small one", m.what, m.calls, few[i].calls)
		}
	}
	grown := heapBytes() - heap
	t.Logf("%d KiB of memory are in use", grown>>10)
	if most := int64(96 << 20); grown > most {
		t.Errorf("%d bytes of memory are in use, more than %d", grown, most)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// grown is a folder in which there is much, or little.
type grown struct {
	files, deep, revised string // names of nodes
	path, deepPath       string
}

// grow writes the records of many nodes the short way.
func grow(t *testing.T, store table.Table, c *clock, name string, files int) grown {
	t.Helper()
	w := openWorld(t, store, c)
	top := w.mkdir(root, name)
	flat, tree := w.mkdir(top.GetName(), "flat"), w.mkdir(top.GetName(), "tree")
	g := grown{files: flat.GetName(), path: "/" + name + "/flat/", deepPath: "/" + name + "/tree"}
	l := loader{t: t, w: w, pending: make(chan []table.Write, 64)}
	l.start()
	for i := range files {
		l.node(idOf(flat), fmt.Sprintf("file %09d", i), recordv1.Node_FILE)
	}
	folders := []string{idOf(tree)}
	for i := range max(files/10, 20) {
		folders = append(folders, l.node(folders[i/8], fmt.Sprint(i%8), recordv1.Node_FOLDER))
	}
	l.stop()
	for range 2 { // two steps down, in either space
		g.deepPath += "/0"
	}
	g.deep = w.must(g.deepPath).GetName()
	revised := w.put("/"+name+"/revised", "")
	g.revised = revised.GetName()
	for range max(files/100, 5) {
		w.put("/"+name+"/revised", "")
	}
	return g
}

// loader commits nodes, many at a time.
type loader struct {
	t       *testing.T
	w       *world
	writes  []table.Write
	pending chan []table.Write
	busy    sync.WaitGroup
}

func (l *loader) start() {
	for range 8 {
		l.busy.Go(func() {
			for writes := range l.pending {
				if err := l.w.table.Commit(l.w.ctx, writes); err != nil {
					l.t.Error(err)
				}
			}
		})
	}
}

func (l *loader) node(folder, name string, kind recordv1.Node_Kind) string {
	node := &recordv1.Node{
		Id: record.NewID(), Folder: folder, DisplayName: name, Kind: kind, State: recordv1.Node_LIVE, Etag: record.NewEtag(),
		CreateMicros: 1, UpdateMicros: 1, Creator: "loader",
	}
	if kind == recordv1.Node_FILE {
		node.Revision = &recordv1.Revision{Id: record.NewID(), CreateMicros: 1, ModifySeconds: 1, Sha256: make([]byte, 32)}
	}
	l.writes = append(l.writes,
		table.Put(record.Item(record.Node(testSpace, node.GetId()), node.GetEtag(), node), table.Any),
		table.Put(record.Item(record.Entry(testSpace, folder, name), node.GetEtag(), node), table.Any))
	if len(l.writes) == table.MaxWrites {
		l.pending <- l.writes
		l.writes = nil
	}
	return node.GetId()
}

func (l *loader) stop() {
	if len(l.writes) > 0 {
		l.pending <- l.writes
		l.writes = nil
	}
	close(l.pending)
	l.busy.Wait()
}

// measured is what an operation has cost once the way is known.
type measured struct {
	what  string
	calls int64
	took  time.Duration
}

func measure(w *world, counting *tallyingTable, g grown) []measured {
	target := w.mkdir(root, "target of "+idOf(w.must(g.path[:len(g.path)-1])))
	var all []measured
	for _, step := range []struct {
		what string
		do   func(i int) error
	}{
		{"look up by path", func(i int) error { _, err := w.look(fmt.Sprintf("%sfile %09d", g.path, i%10)); return err }},
		{"look up deep", func(int) error { _, err := w.look(g.deepPath); return err }},
		{"put a new file", func(i int) error { _, err := w.upload(atPath(fmt.Sprintf("%snew %d", g.path, i)), ""); return err }},
		{"put a new revision", func(i int) error { _, err := w.upload(atPath(fmt.Sprintf("%snew %d", g.path, i)), ""); return err }},
		{"put the next of many", func(int) error { return w.uploadTo(g.revised) }},
		{"list a page", func(int) error {
			_, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Folder: g.files, PageSize: 10})
			return err
		}},
		{"list revisions", func(int) error {
			_, err := w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{Parent: g.revised, PageSize: 3})
			return err
		}},
		{"rename a file", func(i int) error {
			return w.renameOnce(w.must(fmt.Sprintf("%snew %d", g.path, i)), fmt.Sprintf("renamed %d", i), "")
		}},
		{"move a folder", func(i int) error {
			folder := target.GetName()
			if i%2 == 1 {
				folder = root
			}
			_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: g.files, Folder: folder, DisplayName: "moved " + idOf(target)})
			return err
		}},
		{"trash a folder", func(int) error { return w.trashOnce(&metadatav1.File{Name: g.files}, "") }},
	} {
		rounds := 8
		if step.what == "trash a folder" {
			rounds = 1
		} else if err := step.do(100); err != nil { // warm
			w.t.Fatalf("%s: %v", step.what, err)
		}
		calls, began := counting.calls.Load(), time.Now()
		for i := range rounds {
			if err := step.do(i); err != nil {
				w.t.Fatalf("%s: %v", step.what, err)
			}
		}
		all = append(all, measured{step.what, (counting.calls.Load() - calls) / int64(rounds), time.Since(began) / time.Duration(rounds)})
	}
	return all
}

func (w *world) uploadTo(file string) error {
	_, err := w.upload(&storagev1.UploadSpec{Target: &storagev1.UploadSpec_File{File: file}}, "")
	return err
}
