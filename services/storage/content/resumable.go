package content

import (
	"context"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// takeoverPatience is how long a request that takes an upload over waits for an
// older one in this process to store what it has.
const takeoverPatience = 5 * time.Second

// CreateUpload opens a resumable upload. One of no bytes is complete at once,
// unless it is to be held open. A repetition returns the upload as far as it has
// come, and completes it when all of its bytes have.
// Errors: those of the ledger's OpenUpload and FinishUpload.
func (e *Engine) CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error) {
	status, err := e.open(ctx, &ledgerv1.OpenUploadRequest{Upload: req})
	upload := status.GetUpload()
	if err != nil || upload.GetState() != metadatav1.Upload_OPEN || upload.SizeBytes == nil || upload.GetOffsetBytes() < upload.GetSizeBytes() {
		return status, err
	}
	return e.query(ctx, &storagev1.QueryUploadRequest{Name: upload.GetName(), HoldOpen: req.GetHoldOpen()})
}

// ConcatenateUploads opens an upload that joins partial ones, and completes it
// if they are. Errors: as CreateUpload.
func (e *Engine) ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error) {
	if len(req.GetParts()) == 0 {
		return nil, fault.Invalidf("parts", "must not be empty")
	}
	status, err := e.open(ctx, &ledgerv1.OpenUploadRequest{Upload: req.GetUpload(), Parts: req.GetParts()})
	if err != nil {
		return nil, err
	}
	return e.query(ctx, &storagev1.QueryUploadRequest{Name: status.GetUpload().GetName()})
}

// QueryUpload takes an upload over and says how far it is. An append of it in
// this process ends, and stores what it has before; not so for a caller to whom
// the ledger does not give the upload.
func (e *Engine) QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	if e.turns.has(req.GetName()) {
		// To take it over first would fence off what the append has yet to store.
		if _, err := e.take(ctx, &ledgerv1.TakeUploadRequest{Name: req.GetName(), Peek: true}); err != nil {
			return nil, err
		}
		e.turns.interrupt(ctx, req.GetName(), takeoverPatience)
	}
	return e.query(ctx, req)
}

func (e *Engine) query(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	taken, err := e.take(ctx, &ledgerv1.TakeUploadRequest{Name: req.GetName()})
	if err != nil {
		return nil, err
	}
	upload := taken.GetStatus().GetUpload()
	reached := upload.SizeBytes != nil && upload.GetOffsetBytes() == upload.GetSizeBytes() &&
		(!req.GetHoldOpen() || !taken.GetHeldOpen())
	if len(taken.GetGrant()) == 0 || !reached && len(upload.GetParts()) == 0 {
		return taken.GetStatus(), nil
	}
	return e.finish(ctx, taken.GetGrant(), upload.GetOffsetBytes())
}

// CancelUpload gives an upload up, and ends an append of it.
func (e *Engine) CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) error {
	bounded, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	_, err := e.ledger.DropUpload(bounded, &ledgerv1.DropUploadRequest{Name: req.GetName()})
	if err == nil {
		e.turns.interrupt(ctx, req.GetName(), takeoverPatience)
	}
	return fault.FromStatus(err)
}

func (e *Engine) open(ctx context.Context, req *ledgerv1.OpenUploadRequest) (*storagev1.UploadStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	resp, err := e.ledger.OpenUpload(ctx, req)
	return resp.GetStatus(), fault.FromStatus(err)
}

func (e *Engine) take(ctx context.Context, req *ledgerv1.TakeUploadRequest) (*ledgerv1.TakeUploadResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	resp, err := e.ledger.TakeUpload(ctx, req)
	return resp, fault.FromStatus(err)
}

// keep makes extents a part of an upload. It is seen through like a commit.
func (e *Engine) keep(ctx context.Context, req *ledgerv1.KeepExtentsRequest) (*ledgerv1.KeepExtentsResponse, error) {
	return persist(ctx, e, func(ctx context.Context) (*ledgerv1.KeepExtentsResponse, error) {
		return e.ledger.KeepExtents(ctx, req)
	})
}

// finish completes an upload. It is seen through like a commit.
func (e *Engine) finish(ctx context.Context, grant []byte, size int64) (*storagev1.UploadStatus, error) {
	resp, err := persist(ctx, e, func(ctx context.Context) (*ledgerv1.FinishUploadResponse, error) {
		return e.ledger.FinishUpload(ctx, &ledgerv1.FinishUploadRequest{Grant: grant, SizeBytes: size})
	})
	return resp.GetStatus(), err
}
