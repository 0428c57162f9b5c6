package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// lonely reports whether no record refers to the blob at i and that is odd: one
// whose id was minted since the inspection began may have got its record where
// a walk had been already.
func (r *inspection) lonely(i int) bool {
	if r.blobs.marked[i] {
		return false
	}
	t, ok := minted(r.blobs.entries[i].id)
	return !ok || t.Before(r.start)
}

func (r *inspection) countLonely() int {
	n := 0
	for i := range r.blobs.entries {
		if r.lonely(i) {
			n++
		}
	}
	return n
}

// orphans tells the blobs that no walk found a record of, and deletes them
// when that was asked for and is safe.
func (r *inspection) orphans(ctx context.Context) error {
	var found []entry
	for i, e := range r.blobs.entries {
		if !r.lonely(i) {
			continue
		}
		switch err := r.Inspector.blobs.Read(ctx, e.id, 0, 0, io.Discard); {
		case errors.Is(err, blob.ErrNotFound): // swept since it was listed
		case errors.Is(err, fault.DataLoss):
			r.damaged = true
			if err := r.tell(ledgerv1.Finding_BLOB_CORRUPT, e.id.String(), "without a record: %v", err); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("blob %v: %w", e.id, err)
		default:
			found = append(found, e)
		}
	}
	for _, e := range found {
		if err := r.orphan(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *inspection) orphan(ctx context.Context, e entry) error {
	finding := &ledgerv1.Finding{Kind: ledgerv1.Finding_BLOB_ORPHAN, Name: e.id.String()}
	finding.Detail = fmt.Sprintf("%d bytes without a record", e.size)
	if r.repair {
		if why := r.spare(e.id); why != "" {
			finding.Detail += "; not deleted: " + why
		} else if err := r.Inspector.blobs.Delete(ctx, e.id); err != nil {
			return fmt.Errorf("blob %v: %w", e.id, err)
		} else {
			finding.Repaired = true
			r.logger.InfoContext(ctx, "blob without a record deleted", slog.Any("blob", e.id), slog.Int64("size_bytes", e.size))
		}
	}
	return r.pass(finding)
}

// spare returns why a blob without a record must not be deleted, or nothing.
func (r *inspection) spare(id blob.ID) string {
	switch t, ok := minted(id); {
	case r.unreadable:
		return "a record could not be read and may refer to it"
	case r.damaged:
		return "a blob is damaged, whose bytes these may be"
	case r.summary.GetRevisionCount() == 0:
		return "the ledger knows no revision at all; these may be the blobs of another one"
	case !ok:
		return "its id does not tell its age"
	case r.start.Sub(t) < r.grace:
		return fmt.Sprintf("it is younger than %v", r.grace)
	}
	return ""
}
