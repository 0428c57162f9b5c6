package ledgertest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/google/uuid"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/protobuf/proto"
)

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
		if l.Counted != nil {
			resp.Held, resp.Counted = []*ledgerv1.Usage{l.Held}, []*ledgerv1.Usage{l.Counted}
		}
	} else if l.BetweenPages != nil {
		l.BetweenPages()
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = 1000
	}
	if l.MaxPage != 0 {
		size = min(size, l.MaxPage)
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

// CorrectUsage makes Counted what is held, if it is what the caller thinks.
func (l *Ledger) CorrectUsage(_ context.Context, req *ledgerv1.CorrectUsageRequest) (*ledgerv1.CorrectUsageResponse, error) {
	if !proto.Equal(req.GetCounted(), l.Counted) {
		return nil, refused(errorsv1.Reason_REASON_CONFLICT)
	}
	l.Counted = req.GetHeld()
	return &ledgerv1.CorrectUsageResponse{}, nil
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
		all = append(all, pending("work/"+i.blob.String(), texts(i.blobs())...))
	}
	for name, u := range l.uploads {
		if len(u.extents) > 0 {
			all = append(all, &ledgerv1.Reference{Name: name, Extents: u.extents, SizeBytes: u.status.GetUpload().GetOffsetBytes()})
		}
		all = append(all, pending(name+"/pending", u.pending...))
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
		if r.GetPending() || len(r.GetExtents()) == 0 {
			continue
		}
		size, sum, ok := l.contents(r.GetExtents())
		known := len(r.GetSha256()) > 0 // but for uploads
		if !ok || size != r.GetSizeBytes() || known && string(sum[:]) != string(r.GetSha256()) {
			l.tb.Errorf("ledgertest: %s is visible without its bytes", r.GetName())
		}
	}
	for _, id := range l.store.IDs() {
		if !known[id] {
			l.tb.Errorf("ledgertest: blob %v has no record", id)
		}
	}
}

// contents returns the length and the SHA-256 of what lies in extents.
func (l *Ledger) contents(extents []*ledgerv1.Extent) (size int64, sum [sha256.Size]byte, ok bool) {
	all := sha256.New()
	for _, x := range extents {
		data, ok := l.store.Data(uuid.MustParse(x.GetBlobId()))
		if !ok || x.GetOffset()+x.GetLength() > int64(len(data)) {
			return 0, sum, false
		}
		_, _ = all.Write(data[x.GetOffset() : x.GetOffset()+x.GetLength()])
		size += x.GetLength()
	}
	return size, [sha256.Size]byte(all.Sum(nil)), true
}
