package sweeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Sweep carries out all work that is due and returns when the ledger has none
// left. A job that fails stays leased and is not tried again before the lease
// ends; Sweep goes on with the others, unless nothing succeeds any more, and
// returns the errors.
func (s *Sweeper) Sweep(ctx context.Context) error {
	var failures []error
	for {
		done, err := s.batch(ctx)
		if err != nil {
			failures = append(failures, err)
		}
		if done == 0 || ctx.Err() != nil {
			return errors.Join(failures...)
		}
	}
}

// batch claims jobs once and carries them out, and returns how many it, or the
// ledger by itself, brought to an end.
func (s *Sweeper) batch(ctx context.Context) (done int, err error) {
	begun := time.Now() // the leases begin after that
	claimed, err := s.claim(ctx)
	if err != nil {
		return 0, fmt.Errorf("claiming jobs: %w", err)
	}
	s.stats.claimed(claimed)

	// Behind its lease a job is somebody else's.
	ctx, cancel := context.WithDeadline(ctx, begun.Add(s.lease))
	defer cancel()
	results := make([]error, len(claimed.GetJobs()))
	var working errgroup.Group
	working.SetLimit(s.parallel)
	for i, job := range claimed.GetJobs() {
		working.Go(func() error {
			results[i] = s.carryOut(ctx, job, begun)
			s.stats.finished(results[i])
			return nil
		})
	}
	_ = working.Wait() // the errors are in results

	done = int(claimed.GetStepsDone())
	for i, err := range results {
		switch {
		case err == nil:
			done++
			continue
		case errors.Is(err, errPutDown):
			results[i] = nil
			continue
		}
		results[i] = fmt.Errorf("job %s: %w", claimed.GetJobs()[i].GetId(), err)
	}
	return done, errors.Join(results...)
}

func (s *Sweeper) claim(ctx context.Context) (*ledgerv1.ClaimJobsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	return s.ledger.ClaimJobs(ctx, &ledgerv1.ClaimJobsRequest{
		Limit:         jobsPerClaim,
		LeaseDuration: durationpb.New(s.lease),
	})
}

// reserveShare is the part of a lease that is left for the blob in hand, and to end
// the job, when it is too late to begin with another.
const reserveShare = 8

// errPutDown tells that a job is not done, and goes on with its next lease: there
// were more blobs than could be deleted at this rate.
var errPutDown = errors.New("sweeper: the lease does not last for the job")

// carryOut deletes the blobs of a job and then ends it, in this order: a crash
// in between leaves a job whose blobs are gone, which is no error next time.
func (s *Sweeper) carryOut(ctx context.Context, job *ledgerv1.Job, claimed time.Time) error {
	if job.GetDigestion() != nil {
		return s.digest(ctx, job, claimed.Add(s.lease/digestShare))
	}
	turn, cancel := context.WithDeadline(ctx, claimed.Add(s.lease-s.lease/reserveShare))
	defer cancel()
	for _, name := range s.progress.left(job) {
		if err := s.delete(ctx, turn, name); err != nil {
			return err
		}
		s.progress.reached(job, name)
	}
	err := s.finish(ctx, &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()})
	if err == nil {
		s.progress.forget(job)
	}
	return err
}

func (s *Sweeper) finish(ctx context.Context, req *ledgerv1.FinishJobRequest) error {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	_, err := s.ledger.FinishJob(ctx, req)
	return err
}

// delete deletes a blob, unless the turn is over before the rate allows for it.
func (s *Sweeper) delete(ctx, turn context.Context, name string) error {
	id, err := uuid.Parse(name)
	if err != nil {
		return fmt.Errorf("blob %q: %w", name, err)
	}
	if err := s.pace.Wait(turn); errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return errPutDown
	}
	if err := s.blobs.Delete(ctx, id); err != nil {
		return fmt.Errorf("blob %v: %w", id, err)
	}
	s.stats.deleted()
	return nil
}
