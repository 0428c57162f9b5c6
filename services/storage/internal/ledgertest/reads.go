package ledgertest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Locate returns where the bytes of a file are.
func (l *Ledger) Locate(ctx context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[req.GetFile()]
	if req.GetPath() != nil {
		f = l.places["/"+req.GetPath().GetPath()]
	}
	if f == nil {
		return nil, refused(errorsv1.Reason_REASON_NOT_FOUND)
	}
	r := f.revisions[len(f.revisions)-1]
	if id := req.GetRevision(); id != "" {
		at := slices.IndexFunc(f.revisions, func(r *revision) bool { return strings.HasSuffix(r.meta.GetName(), "/"+id) })
		if at < 0 {
			return nil, refused(errorsv1.Reason_REASON_NOT_FOUND)
		}
		r = f.revisions[at]
	}
	return &ledgerv1.LocateResponse{
		File:       proto.CloneOf(f.node),
		Revision:   proto.CloneOf(r.meta),
		Extents:    r.extents,
		ModifyTime: &timestamppb.Timestamp{Seconds: r.modify},
	}, nil
}

// Split makes the only extent of the current revision at path into several of
// the given lengths, so that a read crosses their borders.
func (l *Ledger) Split(path string, lengths ...int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	r := f.revisions[len(f.revisions)-1]
	id, offset := r.extents[0].GetBlobId(), int64(0)
	r.extents = nil
	for _, n := range lengths {
		r.extents = append(r.extents, &ledgerv1.Extent{BlobId: id, Offset: offset, Length: n})
		offset += n
	}
}

// ClaimJobs leases jobs that are due. An intent that has expired becomes one,
// and cannot be committed any more.
func (l *Ledger) ClaimJobs(ctx context.Context, req *ledgerv1.ClaimJobsRequest) (*ledgerv1.ClaimJobsResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
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
		resp.Jobs = append(resp.Jobs, &ledgerv1.Job{Id: j.id, Lease: j.lease, BlobIds: slices.Clone(j.blobs)})
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
	for _, id := range j.blobs {
		if _, _, ok := l.store.Sum(uuid.MustParse(id)); ok {
			l.tb.Errorf("ledgertest: job %s finished and blob %s is still there", j.id, id)
		}
	}
	delete(l.jobs, j.id)
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

func (l *Ledger) sortedJobs() []*job {
	var sorted []*job
	for _, j := range l.jobs {
		sorted = append(sorted, j)
	}
	slices.SortFunc(sorted, func(a, b *job) int { return a.due.Compare(b.due) })
	return sorted
}

// Audit returns a page of what the records refer to, in the order of their
// names; intents and jobs come last, so that a commit moves a reference to
// where an audit has been already.
func (l *Ledger) Audit(ctx context.Context, req *ledgerv1.AuditRequest) (*ledgerv1.AuditResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	resp := &ledgerv1.AuditResponse{}
	if req.GetPageToken() == "" {
		resp.Findings = l.Findings
	} else if l.BetweenPages != nil {
		l.BetweenPages()
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = 1000
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.references() {
		if r.GetName() <= req.GetPageToken() {
			continue
		}
		if len(resp.GetReferences()) == size {
			resp.NextPageToken = resp.GetReferences()[size-1].GetName()
			break
		}
		resp.References = append(resp.References, r)
	}
	resp.ExaminedCount = int64(len(resp.GetReferences()))
	return resp, nil
}

func (l *Ledger) references() []*ledgerv1.Reference {
	var all []*ledgerv1.Reference
	for _, f := range l.files {
		for _, r := range f.revisions {
			all = append(all, &ledgerv1.Reference{
				Name: r.meta.GetName(), Extents: r.extents, SizeBytes: r.meta.GetSizeBytes(), Sha256: r.sha256,
			})
		}
	}
	for _, i := range l.intents {
		all = append(all, pending("work/"+i.blob.String(), i.blob.String()))
	}
	for _, j := range l.jobs {
		all = append(all, pending(j.id, j.blobs...))
	}
	slices.SortFunc(all, func(a, b *ledgerv1.Reference) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all
}

func pending(name string, blobs ...string) *ledgerv1.Reference {
	r := &ledgerv1.Reference{Name: name, Pending: true}
	for _, id := range blobs {
		r.Extents = append(r.Extents, &ledgerv1.Extent{BlobId: id})
	}
	return r
}

// Check verifies what must always hold: every revision has its bytes, and
// every blob has a revision, an intent or a job.
func (l *Ledger) Check() {
	l.tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[uuid.UUID]bool{}
	for _, r := range l.references() {
		for _, x := range r.GetExtents() {
			known[uuid.MustParse(x.GetBlobId())] = true
		}
		if r.GetPending() || len(r.GetExtents()) != 1 {
			continue
		}
		size, sum, ok := l.store.Sum(uuid.MustParse(r.GetExtents()[0].GetBlobId()))
		if !ok || size != r.GetSizeBytes() || string(sum[:]) != string(r.GetSha256()) {
			l.tb.Errorf("ledgertest: %s is visible without its bytes", r.GetName())
		}
	}
	for _, id := range l.store.IDs() {
		if !known[id] {
			l.tb.Errorf("ledgertest: blob %v has no record", id)
		}
	}
}

// SweepDue deletes the blobs of all jobs that are due, as a sweeper would.
func (l *Ledger) SweepDue() {
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
}
