package inspect_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
)

// unreadable is a fault of the store, which does not give one blob.
func unreadable(id blob.ID) func(faultblob.Op, blob.ID) faultblob.Fault {
	return func(op faultblob.Op, other blob.ID) faultblob.Fault {
		if op != faultblob.Read || other != id {
			return faultblob.Fault{}
		}
		return faultblob.Fault{Err: fault.New(errorsv1.Reason_REASON_DATA_LOSS, "unreadable")}
	}
}

// TestMovesDuringWalk changes what is referred to between two pages of the
// audit: nothing is wrong, so nothing may be told.
func TestMovesDuringWalk(t *testing.T) {
	cases := map[string]func(w *world){
		"created": func(w *world) { w.upload("/new", 10) },
		"purged and swept": func(w *world) {
			w.ledger.Purge("/a")
			w.ledger.Advance(25 * time.Hour)
			w.ledger.SweepDue()
		},
		"purged":      func(w *world) { w.ledger.Purge("/a") },
		"overwritten": func(w *world) { w.upload("/a", 20) },
		"a job done":  func(w *world) { w.ledger.SweepDue() },
	}
	for name, change := range cases {
		for at := 1; at <= 12; at++ { // before which page, over all walks
			w := newWorld(t)
			w.ledger.MaxPage = 1
			for _, path := range []string{"/a", "/b", "/c"} {
				w.upload(path, 10)
			}
			for range 2 {
				id := mintedAgo(time.Hour)
				w.store.Put(id, []byte("due"))
				w.ledger.AddJob(time.Minute, id)
			}
			// An upload that began before the walk and is committed within it.
			commit := w.beginUpload("/late")
			page := 0
			w.ledger.BetweenPages = func() {
				if page++; page == at {
					commit()
					change(w)
				}
			}
			if findings, _ := w.inspect(&ledgerv1.InspectRequest{Deep: true, Repair: true}); len(findings) != 0 {
				t.Errorf("%s before page %d: %v", name, at, findings)
			}
			w.ledger.Check()
		}
	}
}

// beginUpload stores a blob under its intent, and returns its commit.
func (w *world) beginUpload(path string) (commit func()) {
	ctx := context.Background()
	begun, err := w.ledger.Begin(ctx, &ledgerv1.BeginRequest{Spec: &storagev1.UploadSpec{
		Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Path: path}},
	}})
	if err != nil {
		w.tb.Fatal(err)
	}
	if _, err := w.store.Create(ctx, uuid.MustParse(begun.GetBlobId()), strings.NewReader(path), -1); err != nil {
		w.tb.Fatal(err)
	}
	return func() {
		digest := sha256.Sum256([]byte(path))
		_, err := w.ledger.Commit(ctx, &ledgerv1.CommitRequest{
			Grant: begun.GetGrant(), SizeBytes: int64(len(path)), Sha256: digest[:],
			Extents: []*ledgerv1.Extent{{BlobId: begun.GetBlobId(), Length: int64(len(path))}},
		})
		if err != nil {
			w.tb.Error(err)
		}
	}
}
