package namespace

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	maxClaim = 100
	// stepsPerClaim bounds the jobs that one ClaimJobs carries out itself, or
	// fails to.
	stepsPerClaim = 64
)

// ClaimJobs leases due deletions of blobs, and digests to compute, and carries
// out due jobs that touch records only. Any number of callers may claim at once: a
// lease is a condition on the job's item, and so is every step. A job that cannot
// be done is logged, put aside for as long as a lease, and keeps nobody from the
// others.
//
// Claiming the intent of an upload closes it: from then on it cannot be
// committed, and its blob may go.
func (n *Namespace) ClaimJobs(
	ctx context.Context, req *ledgerv1.ClaimJobsRequest,
) (*ledgerv1.ClaimJobsResponse, error) {
	limit := int(req.GetLimit())
	if limit < 1 || limit > maxClaim {
		return nil, fault.Invalidf("limit", "must be 1 to %d", maxClaim)
	}
	lease := req.GetLeaseDuration().AsDuration()
	if lease <= 0 || lease > time.Hour {
		return nil, fault.Invalidf("lease_duration", "must be positive and at most an hour")
	}
	response := new(ledgerv1.ClaimJobsResponse)
	var gathered weight[*ledgerv1.Job]
	oldest, failures := int64(0), int32(0)
	first := rand.IntN(record.JobShards) //nolint:gosec // spreading load needs no secrecy
	due := record.JobDue(n.now() + 1)
	for i := range record.JobShards {
		query := table.Query{
			Partition: record.JobPartition((first + i) % record.JobShards),
			To:        due,
			Limit:     maxClaim,
		}
		page, err := n.table.Query(ctx, query)
		if err != nil && len(response.GetJobs()) > 0 && ctx.Err() == nil {
			n.config.Logger.ErrorContext(ctx, "not all due jobs were read", slog.Any("error", err))
			break // what is leased by now is the caller's to do
		}
		if err != nil {
			return nil, err
		}
		response.DueJobs += int64(len(page.Items))
		for _, item := range page.Items {
			if len(response.GetJobs()) == limit || response.GetStepsDone()+failures >= stepsPerClaim ||
				gathered.of(response.GetJobs()) > maxResponseBytes {
				break
			}
			job := new(recordv1.Job)
			if err := record.Decode(item, job); err != nil {
				n.jobFailed(ctx, item, job, err)
				continue
			}
			oldest = earliest(oldest, job.GetDueMicros())
			if err := n.claim(ctx, item, job, lease, response); err != nil {
				if ctx.Err() != nil {
					return nil, err
				}
				n.jobFailed(ctx, item, job, err)
				n.putAside(ctx, item, job, lease)
				failures++
			}
		}
	}
	response.OldestDueTime = timestamp(oldest)
	return response, nil
}

// claim leases a job, or carries a step of it out.
func (n *Namespace) claim(
	ctx context.Context, item table.Item, job *recordv1.Job, lease time.Duration, response *ledgerv1.ClaimJobsResponse,
) error {
	if job.GetLeaseMicros() > n.now() {
		return nil
	}
	if job.GetKind() != recordv1.Job_BLOBS && job.GetKind() != recordv1.Job_DIGEST {
		err := ignoreConditions(n.advance(ctx, item, job))
		if err == nil {
			response.StepsDone++
		}
		return err
	}
	job.LeaseMicros = n.now() + lease.Microseconds()
	leased := record.Item(item.Key, record.NewEtag(), job)
	claimed, err := n.work(ctx, job)
	if err != nil {
		return err
	}
	claimed.Id, claimed.Lease = jobRef(item.Key), leased.Tag
	err = n.table.Commit(ctx, []table.Write{table.Put(leased, table.IfTag(item.Tag))})
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		return nil // committed, or claimed by another
	}
	if err != nil {
		return err
	}
	response.Jobs = append(response.Jobs, claimed)
	return nil
}

func (n *Namespace) jobFailed(ctx context.Context, item table.Item, job *recordv1.Job, err error) {
	n.config.Logger.ErrorContext(ctx, "job failed", slog.String("job", jobRef(item.Key)),
		slog.String("kind", job.GetKind().String()), slog.String("space", job.GetSpace()),
		slog.String("node", job.GetNode()), slog.Any("error", err))
}

// putAside leases a job that failed to nobody, so that those that can be done
// have their turn before it is tried again. It stays where it is, since its node
// may name it. When this fails too, it is tried again sooner.
func (n *Namespace) putAside(ctx context.Context, item table.Item, job *recordv1.Job, lease time.Duration) {
	aside := clone(job)
	aside.LeaseMicros = n.now() + lease.Microseconds()
	err := ignoreConditions(n.table.Commit(ctx, []table.Write{
		table.Put(record.Item(item.Key, record.NewEtag(), aside), table.IfTag(item.Tag)),
	}))
	if err != nil {
		n.config.Logger.ErrorContext(ctx, "job not put aside", slog.String("job", jobRef(item.Key)), slog.Any("error", err))
	}
}

// work returns what there is to do for a job: of a deletion with lists, the
// blobs of one batch at a time.
func (n *Namespace) work(ctx context.Context, job *recordv1.Job) (*ledgerv1.Job, error) {
	claimed := new(ledgerv1.Job)
	ids := job.GetBlobIds()
	switch {
	case job.GetKind() == recordv1.Job_DIGEST:
		var err error
		claimed.Digestion, err = n.digestion(ctx, job)
		return claimed, err
	case len(ids) == 0 && len(job.GetLists()) > 0:
		run := job.GetLists()[0]
		batch, err := n.batch(ctx, job.GetSpace(), run.GetId(), run.GetFirst())
		if err != nil {
			return nil, err
		}
		ids = record.BlobIDs(batch)
	}
	for _, id := range ids {
		claimed.BlobIds = append(claimed.BlobIds, record.BlobText(id))
	}
	return claimed, nil
}

// FinishJob ends a leased job. One whose blob may still be written by an upload
// that does not know that it is late is done once more after the grace.
// CONFLICT when the lease was lost.
func (n *Namespace) FinishJob(
	ctx context.Context, req *ledgerv1.FinishJobRequest,
) (*ledgerv1.FinishJobResponse, error) {
	key := jobKey(req.GetId())
	if key.Partition == "" || key.Sort == "" {
		return nil, fault.Invalidf("id", "is malformed")
	}
	item, err := n.table.Get(ctx, key)
	if errors.Is(err, table.ErrNotFound) {
		return new(ledgerv1.FinishJobResponse), nil // finished before
	}
	if err != nil {
		return nil, err
	}
	if item.Tag != req.GetLease() {
		return nil, fault.New(fault.Conflict.Reason, "the lease was lost")
	}
	job := new(recordv1.Job)
	if err := record.Decode(item, job); err != nil {
		return nil, err
	}
	writes, err := n.finishJob(ctx, item, job, req)
	if err != nil {
		return nil, err
	}
	err = n.table.Commit(ctx, writes)
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		err = fault.New(fault.Conflict.Reason, "the lease was lost")
	}
	return new(ledgerv1.FinishJobResponse), err
}

// finishJob returns the writes that end a job or leave what is left of it.
func (n *Namespace) finishJob(
	ctx context.Context, item table.Item, job *recordv1.Job, req *ledgerv1.FinishJobRequest,
) ([]table.Write, error) {
	held := table.IfTag(item.Tag)
	end := table.Delete(item.Key, held)
	switch {
	case job.GetKind() == recordv1.Job_DIGEST:
		return n.finishDigest(ctx, item, job, req)
	case job.GetIntent():
		again, _ := newJob(&recordv1.Job{
			Kind: recordv1.Job_BLOBS, Space: job.GetSpace(), BlobIds: job.GetBlobIds(), Pass: 1,
			DueMicros: n.now() + n.config.Grace.Microseconds(),
		}, record.NewID())
		return []table.Write{end, again}, nil
	case len(job.GetLists()) == 0:
		return []table.Write{end}, nil
	}
	rest := clone(job)
	rest.LeaseMicros = 0
	var writes []table.Write
	if len(job.GetBlobIds()) > 0 {
		rest.BlobIds = nil
	} else {
		run := rest.GetLists()[0]
		writes = append(writes, table.Delete(record.ExtentBatch(job.GetSpace(), run.GetId(), run.GetFirst()), table.Any))
		run.First++
		if run.Count--; run.GetCount() <= 0 {
			writes = append(writes, table.Delete(record.ExtentOwner(job.GetSpace(), run.GetId()), table.Any))
			rest.Lists = rest.GetLists()[1:]
		}
	}
	if len(rest.GetLists()) == 0 {
		return append(writes, end), nil
	}
	return append(writes, table.Put(record.Item(item.Key, record.NewEtag(), rest), held)), nil
}
