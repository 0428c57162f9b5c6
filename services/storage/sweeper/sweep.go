package sweeper

import (
	"context"
	"errors"
	"fmt"

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
	claimed, err := s.claim(ctx)
	if err != nil {
		return 0, fmt.Errorf("claiming jobs: %w", err)
	}
	s.stats.claimed(claimed)

	// Behind its lease a job is somebody else's.
	ctx, cancel := context.WithTimeout(ctx, s.lease)
	defer cancel()
	results := make([]error, len(claimed.GetJobs()))
	var working errgroup.Group
	working.SetLimit(s.parallel)
	for i, job := range claimed.GetJobs() {
		working.Go(func() error {
			results[i] = s.carryOut(ctx, job)
			s.stats.finished(results[i])
			return nil
		})
	}
	_ = working.Wait() // the errors are in results

	done = int(claimed.GetStepsDone())
	for i, err := range results {
		if err == nil {
			done++
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

// carryOut deletes the blobs of a job and then ends it, in this order: a crash
// in between leaves a job whose blobs are gone, which is no error next time.
func (s *Sweeper) carryOut(ctx context.Context, job *ledgerv1.Job) error {
	if job.GetDigestion() != nil {
		return s.digest(ctx, job)
	}
	for _, name := range job.GetBlobIds() {
		if err := s.delete(ctx, name); err != nil {
			return err
		}
	}
	return s.finish(ctx, &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()})
}

func (s *Sweeper) finish(ctx context.Context, req *ledgerv1.FinishJobRequest) error {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	_, err := s.ledger.FinishJob(ctx, req)
	return err
}

func (s *Sweeper) delete(ctx context.Context, name string) error {
	id, err := uuid.Parse(name)
	if err != nil {
		return fmt.Errorf("blob %q: %w", name, err)
	}
	if err := s.pace.Wait(ctx); err != nil {
		return err
	}
	if err := s.blobs.Delete(ctx, id); err != nil {
		return fmt.Errorf("blob %v: %w", id, err)
	}
	s.stats.deleted()
	return nil
}
