package namespace_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
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
