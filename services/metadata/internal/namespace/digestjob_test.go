package namespace_test

import (
	"crypto/sha256"
	"encoding"
	"testing"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/protobuf/types/known/durationpb"
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
	// pause returns for how long, in minutes, nobody gets the job, and who does then.
	pause := func() (int, *ledgerv1.Job) {
		for minutes := range 2 * 24 * 60 {
			if job := claim(); job != nil {
				return minutes, job
			}
			w.clock.Advance(time.Minute)
		}
		t.Fatal("the job does not come back")
		return 0, nil
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
		var got int
		if got, job = pause(); got != want.minutes || job.GetDigestion().GetDoneBytes() != int64(len(want.done)) {
			t.Errorf("failure %d: leased again after %d minutes at byte %d, want %d at %d",
				i, got, job.GetDigestion().GetDoneBytes(), want.minutes, len(want.done))
		}
	}
	w.clock.Advance(time.Minute) // the lease ends
	w.sweep()
	if got, want := w.must("/whole").GetSha256(), digestOf("part 0,part 1,"); got != want {
		t.Errorf("digest once the bytes are readable: %q, want %q", got, want)
	}
	w.audit()
}
