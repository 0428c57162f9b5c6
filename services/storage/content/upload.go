package content

import (
	"context"
	"io"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Upload stores what body yields until io.EOF as the contents of the file that
// spec names. When it returns nil the contents are durable and visible. When
// it returns an error nobody can see anything of them, but for one case: the
// ledger was asked to commit and its answer never came (UNAVAILABLE or
// DEADLINE_EXCEEDED); then the upload has happened whole or not at all, and a
// repetition with the same request id tells which.
//
// The ledger is asked before the first byte of body is read, and the order is
// always intent, bytes, commit.
//
// Errors: INVALID_ARGUMENT for a malformed spec or a body of another length
// than announced, DIGEST_MISMATCH, TOO_LARGE above 5 TiB, REQUEST_ID_REUSED
// when the request id was used for other contents, EXPIRED when the upload
// takes longer than the ledger allows, UNAVAILABLE when too many uploads are
// in flight, STORAGE_FULL, CANCELLED and DEADLINE_EXCEEDED when ctx ends or
// body cannot be read, and those of the ledger's Begin and Commit.
//
// Upload reads body in the calling goroutine or, through blob.Store.Create, in
// one other; not any more once it has returned. The end of ctx is noticed
// between two reads: a body that can block for long must end with ctx itself.
func (e *Engine) Upload(ctx context.Context, spec *storagev1.UploadSpec, body io.Reader) (*storagev1.UploadResponse, error) {
	if err := checkSpec(spec); err != nil {
		return nil, err
	}
	e.stats.uploads.Add(1)
	defer e.stats.uploads.Add(-1)
	memory, bytes := e.memoryFor(spec)
	if err := memory.acquire(ctx, bytes); err != nil {
		return nil, err
	}
	defer memory.release(bytes)

	begun, err := e.begin(ctx, spec)
	if err != nil {
		return nil, err
	}
	in := newIntake(spec, body, &e.stats.uploaded)
	defer in.close()
	if begun.GetReplay() != nil {
		return replay(ctx, begun.GetReplay(), in)
	}
	in.most = bound{begun.GetMaxSizeBytes(), begun.GetMaxSizeReason()}
	return e.store(ctx, begun, in)
}

// memoryFor returns what an upload is charged, in bytes, and where.
func (e *Engine) memoryFor(spec *storagev1.UploadSpec) (*budget, int64) {
	size := announcedSize(spec)
	if b := bufferFor(size); size != unknown && b != 0 {
		return e.small, int64(b)
	}
	return e.large, e.streamMemory
}

var errExpired = fault.New(errorsv1.Reason_REASON_EXPIRED, "the upload took longer than it may")

// store writes the bytes and commits them, or withdraws them.
func (e *Engine) store(ctx context.Context, begun *ledgerv1.BeginResponse, in *intake) (*storagev1.UploadResponse, error) {
	id, err := uuid.Parse(begun.GetBlobId())
	if err != nil || begun.GetExpireTime() == nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "the ledger's leave to upload is incomplete")
	}
	// The intent protects the blobs until then and no longer.
	uploading, cancel := context.WithDeadlineCause(ctx, begun.GetExpireTime().AsTime(), errExpired)
	defer cancel()

	p := &placing{Engine: e, grant: begun.GetGrant(), blobs: []blob.ID{id}}
	err = p.write(uploading, in)
	if err == nil {
		// Whoever went away while the last bytes were written has not
		// uploaded; from here on the commit is seen through.
		err = uploading.Err()
	}
	if err != nil {
		p.withdraw(ctx)
		return nil, failed(uploading, err, "storing the contents")
	}

	resp, err := e.commit(ctx, &ledgerv1.CommitRequest{
		Grant: p.grant, Extents: p.extents, SizeBytes: in.read, Sha256: in.sha256(),
	})
	if err != nil {
		// Perhaps it has happened, perhaps a copy of it is still on its way:
		// only the ledger can tell. It makes the intent due if there still is
		// one, and then the sweeper deletes the blobs. To delete them here could
		// take the bytes from under a file that is visible.
		p.last = undecided
		p.withdraw(ctx)
		return nil, err
	}
	return &storagev1.UploadResponse{File: resp.GetFile(), Created: resp.GetCreated()}, nil
}
