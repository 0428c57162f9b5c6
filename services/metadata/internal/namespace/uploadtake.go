package namespace

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const uploadGrantPurpose = "upload"

// TakeUpload takes an upload over. The epoch that it raises is what fences an
// older request: whatever that one still stores, its commit fails on the epoch,
// and its blob, which the upload has on record as pending, becomes due.
func (n *Namespace) TakeUpload(
	ctx context.Context, req *ledgerv1.TakeUploadRequest,
) (*ledgerv1.TakeUploadResponse, error) {
	var charges charges
	for attempt := range maxAttempts {
		u, err := n.upload(ctx, req.GetName())
		if err != nil {
			return nil, err
		}
		if req.GetPeek() {
			status, err := n.shown(ctx, u)
			return &ledgerv1.TakeUploadResponse{Status: status}, err
		}
		taken, err := take(u, req)
		if err != nil {
			return nil, err
		}
		response, err := n.inHand(u, taken)
		if err != nil || taken.GetState() != recordv1.Upload_OPEN {
			return response, err // nobody needs to take a complete one
		}
		charged, err := charges.reserve(ctx, n, u, taken)
		if err == nil {
			writes := append(slices.Clip(charged), u.put(taken))
			err = n.table.Commit(ctx, append(writes, dropPending(u.name.Space, u.GetPending(), n.now())...))
		}
		conflict := (*table.ConditionError)(nil)
		if errors.As(err, &conflict) {
			charges.failed(conflict, 0, len(charged))
		} else if !errors.Is(err, errUnsettled) {
			return response, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return nil, contended()
}

// take returns the upload as a request has it.
func take(u upload, req *ledgerv1.TakeUploadRequest) (*recordv1.Upload, error) {
	if req.OffsetBytes != nil && len(u.GetParts()) > 0 {
		e := fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is joined from others and takes no bytes", u.name)
		e.Metadata = map[string]string{"joins": "true"} // tus has a status for this one
		return nil, e
	}
	if req.OffsetBytes != nil && req.GetOffsetBytes() != u.GetOffset() {
		return nil, offsetMismatch(u, req.GetOffsetBytes())
	}
	taken := clone(u.Upload)
	if req.SizeBytes != nil {
		if err := declare(taken, req.GetSizeBytes()); err != nil {
			return nil, err
		}
	}
	if u.GetState() != recordv1.Upload_OPEN {
		return taken, nil
	}
	taken.Epoch++
	taken.Pending = nil
	if req.OffsetBytes != nil {
		taken.Pending = [][]byte{newBlob()}
		taken.HeldOpen = req.GetHoldOpen()
	}
	return taken, nil
}

// declare sets the length of an upload, which never changes again.
func declare(u *recordv1.Upload, size int64) error {
	switch {
	case len(u.GetParts()) > 0:
		return fault.Invalidf("size_bytes", "is not for an upload that joins others")
	case u.Length != nil && u.GetLength() != size:
		return fault.Invalidf("size_bytes", "is %d and was declared as %d", size, u.GetLength())
	case size < u.GetOffset():
		return fault.Invalidf("size_bytes", "is %d and there are %d bytes already", size, u.GetOffset())
	case size > maxFileBytes:
		return tooLarge()
	}
	u.Length = proto.Int64(size)
	return nil
}

// inHand returns what a request gets that took an upload over.
func (n *Namespace) inHand(u upload, taken *recordv1.Upload) (*ledgerv1.TakeUploadResponse, error) {
	held := upload{name: u.name, Upload: taken}
	status, err := held.status()
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.TakeUploadResponse{Status: status}
	if taken.GetState() != recordv1.Upload_OPEN {
		return response, nil
	}
	if response.Grant, err = n.sealUpload(held); err != nil {
		return nil, err
	}
	response.Sha256State, response.DigestUnknown = taken.GetSha256State(), taken.GetDigestUnknown()
	response.HeldOpen = taken.GetHeldOpen()
	response.Tail, response.Epoch = extents(taken.GetExtents()), taken.GetEpoch()
	if len(taken.GetPending()) > 0 {
		response.BlobId = record.BlobText(taken.GetPending()[0])
	}
	return response, nil
}

func (n *Namespace) sealUpload(u upload) ([]byte, error) {
	grant, err := proto.Marshal(&recordv1.UploadGrant{Space: u.name.Space, Upload: u.name.ID, Epoch: u.GetEpoch()})
	if err != nil {
		return nil, err
	}
	return n.key.Seal(uploadGrantPurpose, grant), nil
}

func offsetMismatch(u upload, given int64) error {
	e := fault.New(errorsv1.Reason_REASON_OFFSET_MISMATCH, "the upload has %d bytes, not %d", u.GetOffset(), given)
	e.Metadata = map[string]string{"expected_offset": strconv.FormatInt(u.GetOffset(), 10)}
	if u.GetState() != recordv1.Upload_OPEN {
		e.Metadata["complete"] = "true"
	}
	return e
}
