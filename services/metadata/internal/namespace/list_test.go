package namespace_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

func TestList(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("n%02d", i)
		w.put("/dir/"+name, strings.Repeat("x", i))
		want = append(want, name)
	}
	dir := w.must("/dir")
	list := func(req *metadatav1.ListFilesRequest) []string {
		t.Helper()
		req.PageSize = 4
		return w.names(req)
	}
	if got := list(&metadatav1.ListFilesRequest{Folder: dir.GetName()}); !slices.Equal(got, want) {
		t.Errorf("by name = %v", got)
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	if got := list(&metadatav1.ListFilesRequest{Path: "/dir", OrderBy: "display_name desc"}); !slices.Equal(got, backwards) {
		t.Errorf("backwards = %v", got)
	}
	if got := list(&metadatav1.ListFilesRequest{Path: "/dir", Filter: "size_bytes >= 20"}); !slices.Equal(got, want[20:]) {
		t.Errorf("filtered = %v", got)
	}
	for i := range 25 {
		if i%2 == 0 {
			w.delete(w.must("/dir/" + want[i]))
		}
	}
	var trashed []string
	for i := 0; i < 25; i += 2 {
		trashed = append(trashed, want[i])
	}
	if got := list(&metadatav1.ListFilesRequest{Trashed: true}); !slices.Equal(got, trashed) {
		t.Errorf("trash = %v", got)
	}
	slices.Reverse(trashed)
	if got := list(&metadatav1.ListFilesRequest{Trashed: true, OrderBy: "display_name desc"}); !slices.Equal(got, trashed) {
		t.Errorf("trash backwards = %v", got)
	}
	page, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Path: "/dir", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]*metadatav1.ListFilesRequest{
		"other folder":  {Parent: parent, PageToken: page.GetNextPageToken()},
		"other filter":  {Parent: parent, Path: "/dir", Filter: "kind = FILE", PageToken: page.GetNextPageToken()},
		"garbage":       {Parent: parent, Path: "/dir", PageToken: "garbage"},
		"negative size": {Parent: parent, PageSize: -1},
		"order":         {Parent: parent, OrderBy: "size_bytes"},
		"path of file":  {Parent: parent, Path: "/dir/n01"},
		"both":          {Parent: parent, Path: "/dir", Folder: dir.GetName()},
	} {
		if _, err := w.ListFiles(w.ctx, req); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s = %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if _, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Path: "/none"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("missing folder = %v", err)
	}
}

// litter puts files of no contents into the trash, or into the root folder, without
// what else there is of a file. All of them are of one name but for its number.
func (w *world) litter(count int, state recordv1.Node_State) {
	w.t.Helper()
	var writes []table.Write
	for i := range count {
		node := &recordv1.Node{
			Id: record.NewID(), DisplayName: fmt.Sprintf("n%05d", i), Kind: recordv1.Node_FILE, State: state,
			Folder: record.Root, Etag: record.NewEtag(), Revision: &recordv1.Revision{},
		}
		key := record.Entry(testSpace, record.Root, node.GetDisplayName())
		if state == recordv1.Node_TRASHED {
			key = record.Trash(testSpace, node.GetDisplayName(), node.GetId())
		}
		writes = append(writes, table.Put(record.Item(key, node.GetEtag(), node), table.IfAbsent))
	}
	for chunk := range slices.Chunk(writes, table.MaxWrites) {
		w.force(chunk...)
	}
}

// page returns the names on a page, how many reads it took, and has req ask for the
// next one.
func (w *world) page(counted *counting, req *metadatav1.ListFilesRequest) (names []string, reads int64) {
	w.t.Helper()
	before := counted.reads.Load()
	page, err := w.ListFiles(w.ctx, req)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range page.GetFiles() {
		names = append(names, f.GetDisplayName())
	}
	req.PageToken = page.GetNextPageToken()
	return names, counted.reads.Load() - before
}

// However small its pages are and however little its filter lets through, a list is
// not read a few records at a time, and no record is missed or shown twice.
func TestListReadsFarAhead(t *testing.T) {
	for name, test := range map[string]struct {
		state recordv1.Node_State
		reads int64 // at most, of a page
	}{
		"folder": {recordv1.Node_LIVE, 20},
		"trash":  {recordv1.Node_TRASHED, 50},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.litter(2000, test.state)
			counted := &counting{Table: w.table}
			w = openWorld(t, counted, w.clock)
			for filter, want := range map[string][]string{
				`display_name = "none"`: nil,
				`display_name = "n00000" OR display_name = "n01000" OR display_name = "n01999"`: {"n00000", "n01000", "n01999"},
			} {
				for _, order := range []string{"display_name", "display_name desc"} {
					req := &metadatav1.ListFilesRequest{
						Parent: parent, Trashed: test.state == recordv1.Node_TRASHED, PageSize: 1, Filter: filter, OrderBy: order,
					}
					var got []string
					for more := true; more; more = req.GetPageToken() != "" {
						names, reads := w.page(counted, req)
						if got = append(got, names...); reads > test.reads {
							t.Errorf("%s, %s: a page took %d reads, want at most %d", filter, order, reads, test.reads)
						}
					}
					if order != "display_name" {
						slices.Reverse(got)
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s, %s: %v, want %v", filter, order, got, want)
					}
				}
			}
		})
	}
}

// A page of a trash in which much is passed over ends before all is read, and the
// next one goes on from there.
func TestListOfALargeTrash(t *testing.T) {
	w := newWorld(t)
	w.litter(10_010, recordv1.Node_TRASHED)
	counted := &counting{Table: w.table}
	w = openWorld(t, counted, w.clock)
	req := &metadatav1.ListFilesRequest{Parent: parent, Trashed: true, PageSize: 1, Filter: `display_name = "n10000"`}
	for i, want := range [][]string{nil, {"n10000"}, nil} {
		names, reads := w.page(counted, req)
		if !slices.Equal(names, want) || reads > 80 || (req.GetPageToken() == "") != (i == 2) {
			t.Errorf("page %d: %v in %d reads, next %q; want %v", i, names, reads, req.GetPageToken(), want)
		}
	}
}
