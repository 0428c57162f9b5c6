package namespace_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// TestTrashByPath removes what is at a path, once for each request id: not what
// comes there later.
func TestTrashByPath(t *testing.T) {
	w := newWorld(t)
	remove := func(path, etag, id string) (*metadatav1.File, error) {
		return w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: root, Path: path, Etag: etag, RequestId: id})
	}
	f := w.put("/d/f", "x")
	if _, err := remove("/d/f", "other", "a"); !errors.Is(err, fault.Precondition) {
		t.Errorf("with another etag = %v", err)
	}
	gone, err := remove("/d/f", f.GetEtag(), "a")
	if err != nil || gone.GetName() != f.GetName() {
		t.Fatalf("removed %v, %v", gone, err)
	}
	later := w.put("/d/f", "y")
	for _, etag := range []string{"", f.GetEtag(), later.GetEtag(), "none"} {
		if again, err := remove("/d/f", etag, "a"); err != nil || !proto.Equal(again, gone) {
			t.Errorf("again with etag %q: %v, %v", etag, again, err)
		}
	}
	if got := w.must("/d/f"); got.GetName() != later.GetName() {
		t.Errorf("at the path is %v", got)
	}
	if _, err := remove("/d", "", "a"); fault.ReasonOf(err) != errorsv1.Reason_REASON_REQUEST_ID_REUSED {
		t.Errorf("the id for another path = %v", err)
	}
	for path, want := range map[string]error{
		"/": fault.Invalid, "/nothing": fault.NotFound, "/d/f/below": fault.NotFound, "/d//f": fault.Invalid,
	} {
		if _, err := remove(path, "", ""); !errors.Is(err, want) {
			t.Errorf("%s = %v, want %v", path, err, want)
		}
	}
	if _, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: later.GetFolder(), Path: "/d/f"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("below another folder = %v", err)
	}
	if _, err := remove("/d", "", ""); err != nil {
		t.Fatal(err)
	}
	w.gone("/d/f")
}
