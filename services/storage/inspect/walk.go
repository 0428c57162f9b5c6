package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

const (
	pageSize      = 1000
	ledgerTimeout = time.Minute
)

// suspect is a reference whose bytes seem to be missing or short.
type suspect struct {
	name string
	blob blob.ID
}

// walk is the first look at all records.
func (r *inspection) walk(ctx context.Context) error {
	return r.audit(ctx, r.repair, func(page *ledgerv1.AuditResponse) error {
		r.summary.RecordCount += page.GetExaminedCount()
		for _, f := range page.GetFindings() {
			if f.GetKind() == ledgerv1.Finding_RECORD_CORRUPT {
				r.unreadable = true
			}
			if err := r.pass(f); err != nil {
				return err
			}
		}
		for _, ref := range page.GetReferences() {
			if err := r.examine(ctx, ref); err != nil {
				return err
			}
		}
		return nil
	})
}

// examine compares a reference with the blobs, and with deep with their bytes.
func (r *inspection) examine(ctx context.Context, ref *ledgerv1.Reference) error {
	if ref.GetPending() {
		r.summary.PendingCount++
	} else {
		r.summary.RevisionCount++
	}
	var total int64
	sound := true
	for _, x := range ref.GetExtents() {
		id, err := uuid.Parse(x.GetBlobId())
		if err != nil {
			r.unreadable = true
			return r.tell(ledgerv1.Finding_RECORD_CORRUPT, ref.GetName(), "%q is no blob id", x.GetBlobId())
		}
		size, listed := r.blobs.mark(id)
		total += x.GetLength()
		if ref.GetPending() || listed && x.GetOffset()+x.GetLength() <= size {
			continue
		}
		// Not listed may also mean: created since.
		switch err := r.probe(ctx, id, x); {
		case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrRange):
			r.suspect(ref.GetName(), id)
			sound = false
		case errors.Is(err, fault.DataLoss):
			if err := r.corrupt(ref, id, err); err != nil {
				return err
			}
			sound = false
		case err != nil:
			return fmt.Errorf("blob %v: %w", id, err)
		}
	}
	switch {
	case ref.GetPending() || !sound:
		return nil
	case total != ref.GetSizeBytes():
		return r.tell(ledgerv1.Finding_RECORD_CORRUPT, ref.GetName(), "the extents have %d bytes, the revision %d", total, ref.GetSizeBytes())
	case r.deep:
		return r.verify(ctx, ref)
	}
	return nil
}

func (r *inspection) suspect(name string, id blob.ID) {
	if r.suspects == nil {
		r.suspects = map[suspect]struct{}{}
	}
	r.suspects[suspect{name, id}] = struct{}{}
}

// probe reads the last byte's place, and no byte: ErrNotFound or ErrRange when
// the extent is not all there.
func (r *inspection) probe(ctx context.Context, id blob.ID, x *ledgerv1.Extent) error {
	return r.Inspector.blobs.Read(ctx, id, x.GetOffset()+x.GetLength(), 0, io.Discard)
}

// walkAgain looks at all records once more: tells the suspects that still are,
// and marks blobs whose reference the walk before missed because it moved, from
// an intent to a revision, say, while the walk was between them.
func (r *inspection) walkAgain(ctx context.Context) error {
	return r.audit(ctx, false, func(page *ledgerv1.AuditResponse) error {
		for _, ref := range page.GetReferences() {
			for _, x := range ref.GetExtents() {
				id, err := uuid.Parse(x.GetBlobId())
				if err != nil {
					continue // told by the first walk
				}
				r.blobs.mark(id)
				if _, ok := r.suspects[suspect{ref.GetName(), id}]; !ok || ref.GetPending() {
					continue
				}
				if err := r.confirm(ctx, ref, id, x); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (r *inspection) confirm(ctx context.Context, ref *ledgerv1.Reference, id blob.ID, x *ledgerv1.Extent) error {
	switch err := r.probe(ctx, id, x); {
	case errors.Is(err, blob.ErrNotFound):
		return r.tell(ledgerv1.Finding_BLOB_MISSING, ref.GetName(), "blob %v does not exist", id)
	case errors.Is(err, blob.ErrRange):
		return r.tell(ledgerv1.Finding_BLOB_SHORT, ref.GetName(), "blob %v has fewer than %d bytes", id, x.GetOffset()+x.GetLength())
	case errors.Is(err, fault.DataLoss):
		return r.corrupt(ref, id, err)
	case err != nil:
		return fmt.Errorf("blob %v: %w", id, err)
	}
	return nil
}

// corrupt tells of a blob whose bytes the store does not give, as they are not
// what was written.
func (r *inspection) corrupt(ref *ledgerv1.Reference, id blob.ID, cause error) error {
	r.damaged = true
	return r.tell(ledgerv1.Finding_BLOB_CORRUPT, ref.GetName(), "blob %v: %v", id, cause)
}

// audit calls examine with each page of the ledger's audit.
func (r *inspection) audit(ctx context.Context, repair bool, examine func(*ledgerv1.AuditResponse) error) error {
	usage := newTally()
	r.tallies = append(r.tallies, usage)
	for token := ""; ; {
		page, err := r.auditPage(ctx, &ledgerv1.AuditRequest{PageToken: token, PageSize: pageSize, Repair: repair})
		if err != nil {
			return fmt.Errorf("auditing records: %w", err)
		}
		usage.add(page)
		if err := examine(page); err != nil {
			return err
		}
		if token = page.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

func (r *inspection) auditPage(ctx context.Context, req *ledgerv1.AuditRequest) (*ledgerv1.AuditResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	return r.ledger.Audit(ctx, req)
}
