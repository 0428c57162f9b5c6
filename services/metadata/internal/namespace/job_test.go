package namespace_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
)

// claimOne leases the only job that is due.
func (w *world) claimOne(lease time.Duration) *ledgerv1.Job {
	w.t.Helper()
	claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 1, LeaseDuration: durationpb.New(lease)})
	if err != nil || len(claimed.GetJobs()) != 1 {
		w.t.Fatalf("claimed %v, %v; want one job", claimed, err)
	}
	return claimed.GetJobs()[0]
}

// finishOne deletes the blobs of a job, computes its digest, and ends it.
func (w *world) finishOne(job *ledgerv1.Job) error {
	w.t.Helper()
	for _, id := range job.GetBlobIds() {
		delete(w.blobs, id)
	}
	finish := &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()}
	w.digest(job, finish)
	_, err := w.FinishJob(w.ctx, finish)
	return err
}

// Whose lease has lapsed, and been taken by another who is at the next batch by
// now, does not end that one: not when it comes late, nor when it is overtaken
// while it ends the job. The other may die, and its blobs are still known.
func TestLapsedLeaseEndsNothing(t *testing.T) {
	c := &clock{now: plantTime}
	p := plot{table: memtable.New(c.Now)}
	planted := openWorld(t, p.table, c)
	p.blobs = planted.blobs
	h, err := planted.take(planted.mustOpen(toPath("/long")), 0)
	for i := 0; err == nil && i < 80; i++ { // more than lie in one batch
		err = h.keep("x", 0, i < 79)
	}
	if err == nil {
		_, err = h.finish()
	}
	if err == nil {
		err = planted.purge(planted.delete(planted.must("/long")))
	}
	if err != nil {
		t.Fatal(err)
	}
	for at := 1; ; at++ {
		w := p.world(t)
		w.clock.Advance(25 * time.Hour)
		paused := &pausedTable{Table: w.table}
		late := w.beside(w.ctx, paused)
		first := late.claimOne(time.Minute)
		struck := false
		paused.then = func() {
			struck = true
			w.clock.Advance(time.Minute)
			if err := w.finishOne(w.claimOne(time.Minute)); err != nil {
				t.Fatal(err)
			}
			w.claimOne(time.Minute)
		}
		paused.calls.Store(0)
		paused.at = at
		err := late.finishOne(first)
		if !struck {
			break
		}
		wantReason(t, "the late one", err, errorsv1.Reason_REASON_CONFLICT)
		w.audit()
		w.sweepAll()
		w.audit()
		if len(w.blobs) != 0 || t.Failed() {
			t.Fatalf("at call %d: %d blobs are left", at, len(w.blobs))
		}
	}
}
