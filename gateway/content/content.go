// Package content is the byte path as the gateway sees it: contents in and
// contents out. Within one process storage's engine is the Content; between
// processes Client is.
package content

import (
	"context"
	"io"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// Content moves the bytes of files. Errors are faults of holdfast.errors.v1.
// It is safe for concurrent use.
type Content interface {
	// Upload stores what body yields until io.EOF and returns when it is
	// durable and visible. When it fails, also by an error of body or because
	// ctx ended, nothing became visible. Conditions and whatever else can be
	// known beforehand are checked before body is first read.
	Upload(ctx context.Context, spec *storagev1.UploadSpec, body io.Reader) (*storagev1.UploadResponse, error)

	// Download calls begin once, with what is coming, and writes the bytes, of
	// all ranges in order, to the writer that begin returns. An error before
	// begin is the outcome of the call; after it, the bytes written are a part
	// only and must not be taken for the whole. Nothing is written when the
	// header says NOT_MODIFIED or the request asks for the header only.
	Download(ctx context.Context, req *storagev1.DownloadRequest, begin Begin) error
}

// Begin takes the header of a download and returns where its bytes go. Its
// error ends the download and is returned as it is.
type Begin = func(*storagev1.DownloadHeader) (io.Writer, error)
