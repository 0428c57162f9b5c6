package namespace_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// A change that changes nothing leaves the etag as it is, which others hold.
func TestUpdateOfNothing(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	expires := timestamppb.New(w.clock.Now().Add(time.Hour))
	update := func(change *metadatav1.File, mask ...string) *metadatav1.File {
		t.Helper()
		w.clock.Advance(time.Second)
		change.Name = f.GetName()
		req := &metadatav1.UpdateFileRequest{File: change}
		if len(mask) > 0 {
			req.UpdateMask = &fieldmaskpb.FieldMask{Paths: mask}
		}
		got, err := w.UpdateFile(w.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	labeled := update(&metadatav1.File{Labels: map[string]string{"a": "b"}, ContentType: "text/plain", ExpireTime: expires})
	if labeled.GetEtag() == f.GetEtag() {
		t.Fatal("a change left the etag as it was")
	}
	for name, change := range map[string]func() *metadatav1.File{
		"no field":     func() *metadatav1.File { return update(&metadatav1.File{}) },
		"same name":    func() *metadatav1.File { return update(&metadatav1.File{DisplayName: "f"}) },
		"same labels":  func() *metadatav1.File { return update(&metadatav1.File{Labels: map[string]string{"a": "b"}}) },
		"same type":    func() *metadatav1.File { return update(&metadatav1.File{ContentType: "text/plain"}, "content_type") },
		"same expiry":  func() *metadatav1.File { return update(&metadatav1.File{ExpireTime: expires}) },
		"all the same": func() *metadatav1.File { return update(proto.CloneOf(labeled), "*") },
	} {
		if got := change(); !proto.Equal(got, labeled) {
			t.Errorf("%s: %v, want %v", name, got, labeled)
		}
	}
	if got := update(&metadatav1.File{}, "labels"); got.GetEtag() == labeled.GetEtag() || len(got.GetLabels()) != 0 {
		t.Errorf("labels taken away: %v", got)
	}
}
