package namespace_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// TestExpiryIsInTheFuture has every call that takes an expiry refuse one that is
// not to come. The epoch is the one that records would take for never.
func TestExpiryIsInTheFuture(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	share, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{Parent: parent, Share: &metadatav1.Share{File: f.GetName()}})
	if err != nil {
		t.Fatal(err)
	}
	mask := &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}}
	for name, call := range map[string]func(*timestamppb.Timestamp) error{
		"CreateFile": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{Parent: parent, File: &metadatav1.File{
				DisplayName: "d", Kind: metadatav1.File_FOLDER, ExpireTime: at,
			}})
			return err
		},
		"UpdateFile": func(at *timestamppb.Timestamp) error {
			_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
				File: &metadatav1.File{Name: f.GetName(), ExpireTime: at}, UpdateMask: mask,
			})
			return err
		},
		"SignFile": func(at *timestamppb.Timestamp) error {
			_, err := w.SignFile(w.ctx, &metadatav1.SignFileRequest{Name: f.GetName(), ExpireTime: at})
			return err
		},
		"CreateKey": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: &metadatav1.Key{
				Scope: metadatav1.Key_READ, ExpireTime: at,
			}})
			return err
		},
		"CreateShare": func(at *timestamppb.Timestamp) error {
			_, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{
				Parent: parent, Share: &metadatav1.Share{File: f.GetName(), ExpireTime: at},
			})
			return err
		},
		"UpdateShare": func(at *timestamppb.Timestamp) error {
			_, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
				Share: &metadatav1.Share{Name: share.GetName(), ExpireTime: at}, UpdateMask: mask,
			})
			return err
		},
	} {
		now := w.clock.Now()
		for when, at := range map[string]*timestamppb.Timestamp{
			"the epoch": {}, "nearly the epoch": {Nanos: 500}, "before the epoch": {Seconds: -1},
			"now": timestamppb.New(now), "no time": {Seconds: 1 << 60},
		} {
			if err := call(at); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s that expires at %s = %v, want INVALID_ARGUMENT", name, when, err)
			}
		}
		if err := call(timestamppb.New(now.Add(time.Hour))); err != nil {
			t.Errorf("%s that expires in an hour: %v", name, err)
		}
	}
}
