package content

import (
	"context"
	"io"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// Resumable takes contents in several requests. Within one process storage's
// engine is it; between processes Client is. The comments of
// holdfast.storage.v1.ResumableService say what the calls mean. Errors are
// faults of holdfast.errors.v1. It is safe for concurrent use.
type Resumable interface {
	// CreateUpload opens an upload.
	CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error)

	// AppendUpload adds what body yields until io.EOF. Any other end of body, and
	// the end of ctx, is an error, but what body had yielded is kept, unless a
	// checksum was to cover all of it. The offset is looked at before body is
	// first read.
	//
	// It calls progress, when not nil, with the number of bytes that are durable
	// each time that grew; not concurrently, and not after it returned.
	//
	// A newer request for the upload ends it with UPLOAD_SUPERSEDED. A body that
	// can block for long is to be an Interrupter, so that it does not hold up its
	// own end.
	AppendUpload(ctx context.Context, spec *storagev1.AppendSpec, body io.Reader, progress func(offset int64)) (*storagev1.UploadStatus, error)

	// QueryUpload takes an upload over and says how far it is.
	QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error)

	// CancelUpload gives an upload up.
	CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) error

	// ConcatenateUploads makes an upload that joins partial ones.
	ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error)
}

// Interrupter is a body whose Read can be made to end. Interrupt may be called
// at any time, also beside a Read, which then returns soon with an error, as do
// all later ones; over HTTP it sets a read deadline that has passed.
type Interrupter interface{ Interrupt() }
