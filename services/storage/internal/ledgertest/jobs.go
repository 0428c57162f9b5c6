package ledgertest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ClaimJobs leases jobs that are due. An intent that has expired becomes one,
// and cannot be committed any more.
func (l *Ledger) ClaimJobs(ctx context.Context, req *ledgerv1.ClaimJobsRequest) (*ledgerv1.ClaimJobsResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.expireUploads()
	for grant, i := range l.intents {
		if !now.Before(i.expire) {
			l.retire(grant, i)
		}
	}
	resp := &ledgerv1.ClaimJobsResponse{}
	for _, j := range l.sortedJobs() {
		if now.Before(j.due) {
			continue
		}
		if resp.OldestDueTime == nil || j.due.Before(resp.GetOldestDueTime().AsTime()) {
			resp.OldestDueTime = timestamppb.New(j.due)
		}
		if now.Before(j.leased) || len(resp.GetJobs()) == int(req.GetLimit()) {
			continue
		}
		j.lease, j.leased = newID(), now.Add(req.GetLeaseDuration().AsDuration())
		resp.Jobs = append(resp.Jobs, &ledgerv1.Job{
			Id: j.id, Lease: j.lease, BlobIds: slices.Clone(j.blobs), Digestion: proto.CloneOf(j.digest),
		})
	}
	return resp, nil
}

// FinishJob ends a job.
func (l *Ledger) FinishJob(ctx context.Context, req *ledgerv1.FinishJobRequest) (*ledgerv1.FinishJobResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[req.GetId()]
	if j == nil || j.lease != req.GetLease() {
		return nil, refused(errorsv1.Reason_REASON_CONFLICT)
	}
	if j.digest != nil && len(req.GetSha256()) == 0 {
		j.failures++
		if !req.GetUnreadable() || req.GetDoneBytes() > j.digest.GetDoneBytes() {
			j.failures = 0
		}
		j.digest.DoneBytes, j.digest.Sha256State = req.GetDoneBytes(), req.GetSha256State()
		j.lease, j.leased = "", time.Time{}
		if req.GetUnreadable() {
			j.leased = l.now().Add(min(2*time.Minute<<min(j.failures, 10), 24*time.Hour))
		}
		return &ledgerv1.FinishJobResponse{}, nil
	}
	if j.digest != nil {
		l.digests = append(l.digests, req.GetSha256())
	}
	delete(l.jobs, j.id)
	if j.again {
		id := j.id + "/again"
		l.jobs[id] = &job{id: id, blobs: j.blobs, due: l.now().Add(Grace)}
		return &ledgerv1.FinishJobResponse{}, nil
	}
	for _, id := range j.blobs {
		if _, _, ok := l.store.Sum(uuid.MustParse(id)); ok {
			l.tb.Errorf("ledgertest: job %s finished and blob %s is still there", j.id, id)
		}
	}
	return &ledgerv1.FinishJobResponse{}, nil
}

// AddJob makes a job that became due some time ago.
func (l *Ledger) AddJob(due time.Duration, blobs ...uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &job{id: "work/" + newID(), due: l.now().Add(-due)}
	for _, id := range blobs {
		j.blobs = append(j.blobs, id.String())
	}
	l.jobs[j.id] = j
}

// AddDigestion makes a job that asks for the digest of what blobs hold together.
func (l *Ledger) AddDigestion(blobs ...uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &job{id: "work/" + newID(), due: l.now(), digest: &ledgerv1.Digestion{}}
	for _, id := range blobs {
		size, _, _ := l.store.Sum(id)
		j.digest.SizeBytes += size
		j.digest.Extents = append(j.digest.Extents, &ledgerv1.Extent{BlobId: id.String(), Length: size})
	}
	l.jobs[j.id] = j
}

// Digests returns the digests that finished jobs brought, in their order.
func (l *Ledger) Digests() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.digests)
}

// AddNonsense makes a job whose blob id is none.
func (l *Ledger) AddNonsense() {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &job{id: "work/" + newID(), blobs: []string{"../nonsense"}, due: l.now()}
	l.jobs[j.id] = j
}

func (l *Ledger) sortedJobs() []*job {
	var sorted []*job
	for _, j := range l.jobs {
		sorted = append(sorted, j)
	}
	slices.SortFunc(sorted, func(a, b *job) int { return a.due.Compare(b.due) })
	return sorted
}

// SweepDue deletes the blobs of all jobs that are due, as a sweeper would, and
// returns how many jobs there were.
func (l *Ledger) SweepDue() int {
	claimed, err := l.ClaimJobs(context.Background(), &ledgerv1.ClaimJobsRequest{Limit: 100})
	if err != nil {
		l.tb.Error(err)
	}
	for _, j := range claimed.GetJobs() {
		for _, id := range j.GetBlobIds() {
			l.store.Lose(uuid.MustParse(id))
		}
		if _, err := l.FinishJob(context.Background(), &ledgerv1.FinishJobRequest{Id: j.GetId(), Lease: j.GetLease()}); err != nil {
			l.tb.Error(err)
		}
	}
	return len(claimed.GetJobs())
}
