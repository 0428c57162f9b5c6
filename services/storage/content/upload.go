package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

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
	// The intent protects the blob until then and no longer.
	uploading, cancel := context.WithDeadlineCause(ctx, begun.GetExpireTime().AsTime(), errExpired)
	defer cancel()

	created, err := e.write(uploading, id, in)
	if err == nil {
		// Whoever went away while the last bytes were written has not
		// uploaded; from here on the commit is seen through.
		err = uploading.Err()
	}
	if err != nil {
		e.withdraw(ctx, begun.GetGrant(), id, created)
		return nil, failed(uploading, err, "storing the contents")
	}

	req := &ledgerv1.CommitRequest{Grant: begun.GetGrant(), SizeBytes: in.read, Sha256: in.sha256()}
	if in.read > 0 {
		req.Extents = []*ledgerv1.Extent{{BlobId: begun.GetBlobId(), Length: in.read}}
	}
	resp, err := e.commit(ctx, req)
	if err != nil {
		// Perhaps it has happened, perhaps a copy of it is still on its way:
		// only the ledger can tell. It makes the intent due if there still is
		// one, and then the sweeper deletes the blob. To delete it here could
		// take the bytes from under a file that is visible.
		e.withdraw(ctx, begun.GetGrant(), id, undecided)
		return nil, err
	}
	return &storagev1.UploadResponse{File: resp.GetFile(), Created: resp.GetCreated()}, nil
}

// creation says what is known of a blob after a try to create it.
type creation int

const (
	untouched creation = iota // nothing was sent to the blob store
	settled                   // there is a blob or there is none, and that will not change by itself
	unsettled                 // the try may still come to something
	foreign                   // the blob is somebody else's
	undecided                 // the ledger may refer to it
)

// write stores the body as a blob. The blob is whole and as announced when
// write returns nil; contents of 0 bytes need none.
func (e *Engine) write(ctx context.Context, id blob.ID, in *intake) (creation, error) {
	body := io.Reader(in)
	hint := in.size
	if size := bufferFor(in.size); size != 0 {
		buffer := takeBuffer(size)
		defer giveBuffer(buffer)
		n, err := in.fill(*buffer)
		if err != nil {
			return untouched, err
		}
		body = bytes.NewReader((*buffer)[:n])
		if in.whole() {
			hint = int64(n)
		} else {
			body = io.MultiReader(body, in)
		}
	}
	if err := ctx.Err(); err != nil || hint == 0 {
		return untouched, err
	}

	n, err := e.blobs.Create(ctx, id, body, hint)
	switch {
	case errors.Is(err, blob.ErrExists):
		e.logger.ErrorContext(ctx, "the ledger handed out a blob id twice", slog.Any("blob", id))
		return foreign, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "storing the contents failed")
	case in.failure() != nil:
		// Create cannot have taken this body for whole.
		return settled, in.failure()
	case err != nil:
		return unsettled, err
	case n != in.read || !in.whole():
		return settled, fault.New(errorsv1.Reason_REASON_INTERNAL, "%d of %d bytes were stored", n, in.read)
	}
	return settled, nil
}

// withdraw undoes a failed upload as far as it can be reached, also when the
// caller is gone. What it cannot do, the sweeper does by the intent.
func (e *Engine) withdraw(ctx context.Context, grant []byte, id blob.ID, state creation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cleanupTimeout)
	defer cancel()
	switch state {
	case foreign:
		return // also the intent must not lead anybody to delete it sooner
	case undecided:
		e.abandon(ctx, grant, false)
	case untouched:
		e.abandon(ctx, grant, true)
	case settled, unsettled:
		err := e.blobs.Delete(ctx, id)
		if err != nil {
			e.logger.WarnContext(ctx, "blob of a failed upload not deleted; the sweeper will", slog.Any("blob", id), slog.Any("error", err))
		}
		e.abandon(ctx, grant, err == nil && state == settled)
	}
}
