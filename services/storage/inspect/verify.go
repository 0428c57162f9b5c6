package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// verify reads all bytes of a revision and compares their SHA-256. The store
// compares its own checksums while it reads.
func (r *inspection) verify(ctx context.Context, ref *ledgerv1.Reference) error {
	sum := sha256.New()
	for _, x := range ref.GetExtents() {
		id, err := uuid.Parse(x.GetBlobId())
		if err != nil {
			return err
		}
		switch err := r.Inspector.blobs.Read(ctx, id, x.GetOffset(), x.GetLength(), sum); {
		case err == nil:
		case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrRange):
			r.suspect(ref.GetName(), id) // purged and swept a moment ago, or lost
			return nil
		case errors.Is(err, fault.DataLoss):
			return r.corrupt(ref, id, err)
		default:
			return fmt.Errorf("blob %v: %w", id, err)
		}
		r.summary.VerifiedBytes += x.GetLength()
	}
	if want := ref.GetSha256(); len(want) != 0 && !bytes.Equal(want, sum.Sum(nil)) {
		return r.tell(ledgerv1.Finding_BLOB_CORRUPT, ref.GetName(), "the bytes have SHA-256 %x, the record says %x", sum.Sum(nil), want)
	}
	return nil
}
