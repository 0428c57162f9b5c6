package namespace_test

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// A digest that comes to bytes that cannot be read is leased to nobody for two
// minutes, and twice as long each time until it comes further, up to a day.
func TestDigestOfUnreadableBytes(t *testing.T) {
	w := newWorld(t)
	w.concatenate("/whole", "part 0,", "part 1,")
	claim := func() *ledgerv1.Job {
		t.Helper()
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range claimed.GetJobs() {
			if job.GetDigestion() != nil {
				return job
			}
		}
		return nil
	}
	sum := sha256.New()
	fail := func(job *ledgerv1.Job, done string) {
		t.Helper()
		sum.Reset()
		_, _ = sum.Write([]byte(done)) // never fails
		state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
		if err == nil {
			_, err = w.FinishJob(w.ctx, &ledgerv1.FinishJobRequest{
				Id: job.GetId(), Lease: job.GetLease(), DoneBytes: int64(len(done)), Sha256State: state, Unreadable: true,
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// pause lets so many minutes pass, and returns the job that comes back then,
	// and not a minute before.
	pause := func(minutes int) *ledgerv1.Job {
		for _, step := range []int{0, minutes - 1} {
			w.clock.Advance(time.Duration(step) * time.Minute)
			if claim() != nil {
				t.Fatalf("the job is leased again before %d minutes have passed", minutes)
			}
		}
		w.clock.Advance(time.Minute)
		again := claim()
		if again == nil {
			t.Fatalf("the job is not leased again after %d minutes", minutes)
		}
		return again
	}
	job := claim()
	for i, want := range []struct {
		done    string
		minutes int
	}{
		{"", 4}, {"", 8}, {"part 0,", 2}, {"part 0,", 4}, {"part 0,", 8}, {"part 0,", 16}, {"part 0,", 32}, {"part 0,", 64},
		{"part 0,", 128}, {"part 0,", 256}, {"part 0,", 512}, {"part 0,", 1024}, {"part 0,", 1440}, {"part 0,", 1440},
	} {
		fail(job, want.done)
		if job = pause(want.minutes); job.GetDigestion().GetDoneBytes() != int64(len(want.done)) {
			t.Errorf("failure %d: leased again at byte %d, want %d", i, job.GetDigestion().GetDoneBytes(), len(want.done))
		}
	}
	w.clock.Advance(time.Minute) // the lease ends
	w.sweep()
	if got, want := w.must("/whole").GetSha256(), digestOf("part 0,part 1,"); got != want {
		t.Errorf("digest once the bytes are readable: %q, want %q", got, want)
	}
	w.audit()
}

// TestDigestMeanwhile lets a file change before each call of whoever ends the job
// of its digest: no revision is passed over, and none comes back.
func TestDigestMeanwhile(t *testing.T) {
	nothing := func(*world, *metadatav1.File) {}
	another := func(w *world, _ *metadatav1.File) { w.put("/whole", "other") }
	restore := func(w *world, f *metadatav1.File) { w.restore(f.GetRevision()) }
	remove := func(w *world, f *metadatav1.File) {
		if err := w.deleteRevisionOnce(f.GetRevision(), ""); err != nil {
			w.t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		before, meanwhile func(*world, *metadatav1.File)
	}{
		"succeeded":                            {nothing, another},
		"restored":                             {another, restore},
		"restored, and what it was of deleted": {another, func(w *world, f *metadatav1.File) { restore(w, f); remove(w, f) }},
		"deleted":                              {another, remove},
		"trashed":                              {nothing, func(w *world, f *metadatav1.File) { w.delete(f) }},
		"brought back": {
			func(w *world, f *metadatav1.File) { w.delete(f) },
			func(w *world, f *metadatav1.File) {
				if _, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: f.GetName()}); err != nil {
					w.t.Error(err)
				}
			},
		},
		"removed when its name was another's": {
			func(w *world, f *metadatav1.File) {
				_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{File: &metadatav1.File{
					Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Minute)),
				}})
				if err != nil {
					w.t.Error(err)
				}
				w.clock.Advance(2 * time.Minute)
				another(w, f)
			},
			func(w *world, _ *metadatav1.File) { w.sweep() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t)
				w.concatenate("/whole", "part 0,", "part 1,")
				f := w.must("/whole")
				if err := w.finishOne(w.claimOne(time.Hour)); err != nil { // an extent
					t.Fatal(err)
				}
				job := w.claimOne(time.Hour) // the last one
				c.before(w, f)
				paused := &pausedTable{Table: w.table}
				interrupted := w.beside(w.ctx, paused)
				struck := false
				paused.then = func() {
					struck = true
					c.meanwhile(w, f)
				}
				paused.calls.Store(0)
				paused.at = at
				if err := interrupted.finishOne(job); err != nil && !errors.Is(err, fault.Conflict) {
					t.Error(err)
				}
				if !struck {
					break
				}
				w.clock.Advance(2 * time.Hour)
				w.sweep()
				w.audit()
				revisions, err := w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{Parent: f.GetName()})
				if err != nil && !errors.Is(err, fault.NotFound) {
					t.Error(err)
				}
				for _, r := range revisions.GetRevisions() {
					if r.GetSha256() == "" {
						t.Errorf("%s has no digest", r.GetName())
					}
				}
				w.sweepAll()
				w.audit()
				if t.Failed() {
					t.Fatalf("at call %d", at)
				}
			}
		})
	}
}
