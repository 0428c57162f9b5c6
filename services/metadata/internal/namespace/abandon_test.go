package namespace_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

func TestAbandonedAndExpiredUploads(t *testing.T) {
	w := newWorld(t)
	for _, blobAbsent := range []bool{true, false} {
		begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
		if err != nil {
			t.Fatal(err)
		}
		commit := w.store(begun, "mine")
		if blobAbsent {
			delete(w.blobs, begun.GetBlobId())
		}
		if _, err := w.Abandon(w.ctx, &ledgerv1.AbandonRequest{Grant: begun.GetGrant(), BlobAbsent: blobAbsent}); err != nil {
			t.Fatal(err)
		}
		w.audit()
		if _, err := w.Commit(w.ctx, commit); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
			t.Errorf("commit after abandon = %v, want EXPIRED", err)
		}
	}
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
	if err != nil {
		t.Fatal(err)
	}
	commit := w.store(begun, "mine")
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	if _, err := w.Commit(w.ctx, commit); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("commit after expiry = %v, want EXPIRED", err)
	}
	w.blobs[begun.GetBlobId()] = true // written late by an upload that was fenced off
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("blobs left: %v", w.blobs)
	}
	w.gone("/a")
	w.audit()
}

// TestAbandonedTwice: a blob of an upload that was given up while it may still
// come to be goes at once, and once more after the grace; one that is known to be
// absent leaves nothing to do.
func TestAbandonedTwice(t *testing.T) {
	w := newWorld(t)
	due := func() (jobs []*ledgerv1.Job) {
		t.Helper()
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		return claimed.GetJobs()
	}
	for _, blobAbsent := range []bool{true, false} {
		begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // its answer was lost
			if _, err := w.Abandon(w.ctx, &ledgerv1.AbandonRequest{Grant: begun.GetGrant(), BlobAbsent: blobAbsent}); err != nil {
				t.Fatal(err)
			}
		}
		passes := 0
		for range 5 {
			for _, job := range due() {
				if ids := job.GetBlobIds(); len(ids) != 1 || ids[0] != begun.GetBlobId() {
					t.Errorf("absent=%v: the blobs %v are to go, want %s", blobAbsent, ids, begun.GetBlobId())
				}
				passes++
				if _, err := w.FinishJob(w.ctx, &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()}); err != nil {
					t.Fatal(err)
				}
			}
			if early := due(); len(early) > 0 {
				t.Errorf("absent=%v: due again at once: %v", blobAbsent, early)
			}
			w.clock.Advance(11 * time.Minute)
		}
		if want := map[bool]int{true: 0, false: 2}[blobAbsent]; passes != want {
			t.Errorf("absent=%v: deleted %d times, want %d", blobAbsent, passes, want)
		}
	}
	w.audit()
}
