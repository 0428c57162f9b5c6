package sweeper

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

const (
	// digestBlock is how many bytes are read at a time; between two reads it is
	// looked at the clock, in bytes.
	digestBlock = 64 << 20
	// digestShare is the part of a lease after which digests put down how far they
	// are. The rest is for the block that is being read by then, and for deletions
	// that were claimed together with them and wait behind.
	digestShare = 2
)

// digest reads contents whose digest is not known and tells the ledger, or how
// far it is at the end of its time; that is also when it comes to nothing since
// others took so long, and then the next claim has it again. So it does before
// bytes that are damaged or lost, which the ledger has tried less and less often.
func (s *Sweeper) digest(ctx context.Context, job *ledgerv1.Job, end time.Time) error {
	work := job.GetDigestion()
	done := work.GetDoneBytes()
	sum := sha256.New()
	if restore(sum, work.GetSha256State()) != nil { // such as that of another version of Go
		sum, done = sha256.New(), 0
	}
	finish := &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease(), DoneBytes: done}
	for finish.GetDoneBytes() < work.GetSizeBytes() && time.Now().Before(end) {
		var err error
		if finish.Sha256State, err = keepable(sum); err != nil {
			return err
		}
		n, err := s.digestSome(ctx, work.GetExtents(), finish.GetDoneBytes(), sum)
		if errors.Is(err, fault.DataLoss) || errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrRange) {
			finish.Unreadable = true
			return errors.Join(err, s.finish(ctx, finish))
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the extents end at %d of %d bytes", finish.GetDoneBytes(), work.GetSizeBytes())
		}
		finish.DoneBytes += n
	}
	if finish.GetDoneBytes() == work.GetSizeBytes() {
		finish.Sha256, finish.Sha256State = sum.Sum(nil), nil
		return s.finish(ctx, finish)
	}
	var err error
	if finish.Sha256State, err = keepable(sum); err != nil {
		return err
	}
	return s.finish(ctx, finish)
}

// digestSome reads a part of the extent that has the byte at an offset.
func (s *Sweeper) digestSome(ctx context.Context, extents []*ledgerv1.Extent, offset int64, sum hash.Hash) (int64, error) {
	for _, x := range extents {
		if offset >= x.GetLength() {
			offset -= x.GetLength()
			continue
		}
		id, err := uuid.Parse(x.GetBlobId())
		if err != nil {
			return 0, fmt.Errorf("blob %q: %w", x.GetBlobId(), err)
		}
		n := min(x.GetLength()-offset, digestBlock)
		return n, s.blobs.Read(ctx, id, x.GetOffset()+offset, n, sum)
	}
	return 0, nil
}

func restore(sum hash.Hash, state []byte) error {
	if len(state) == 0 {
		return nil
	}
	restorable, ok := sum.(encoding.BinaryUnmarshaler)
	if !ok {
		return fmt.Errorf("the state of a %T cannot be restored", sum)
	}
	return restorable.UnmarshalBinary(state)
}

func keepable(sum hash.Hash) ([]byte, error) {
	storable, ok := sum.(encoding.BinaryMarshaler)
	if !ok {
		return nil, fmt.Errorf("the state of a %T cannot be kept", sum)
	}
	return storable.MarshalBinary()
}
