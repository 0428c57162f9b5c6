package content

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Download calls begin once with the header and then writes the bytes that the
// header announces to the writer that begin returned, all ranges one after the
// other. Conditions and ranges are evaluated against one revision, and every
// byte comes from it. With header_only, ranges are ignored, as RFC 9110,
// section 14.2, asks of HEAD, and begin may return nil.
//
// An error before begin is the outcome of the call; after begin it means that
// the download was cut, and the caller must not let it look whole. The first
// bytes are read and checked before begin is called, so that lost contents are
// mostly told in time.
//
// Errors: PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE with the metadata
// size_bytes, INVALID_ARGUMENT, DATA_LOSS when stored bytes are missing or
// damaged, those of the ledger's Locate, and those of begin and of its writer
// as they are. The end of ctx ends the download.
func (e *Engine) Download(ctx context.Context, req *storagev1.DownloadRequest, begin func(*storagev1.DownloadHeader) (io.Writer, error)) error {
	out := &opening{begin: begin, moved: &e.stats.downloaded}
	err := e.download(ctx, req, out)
	if (errors.Is(err, blob.ErrNotFound) || errors.Is(err, fault.DataLoss)) && !out.begun && !out.whole {
		// The contents may have been purged and swept since Locate; of what is not
		// there a store that cannot read all that it has says that it may be lost.
		e.stats.retries.Add(1)
		err = e.download(ctx, req, out)
	}
	switch {
	case err == nil:
		return nil
	case out.failed != nil:
		return out.failed
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrRange), errors.Is(err, errExtents):
		err = fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS, "stored bytes are missing")
	default:
		err = failed(ctx, err, "reading the contents")
	}
	if errors.Is(err, fault.DataLoss) {
		e.logger.ErrorContext(ctx, "DATA LOSS", slog.String("file", out.header.GetFile().GetName()),
			slog.String("revision", out.header.GetRevision().GetName()), slog.Any("error", err))
	}
	return err
}

func (e *Engine) download(ctx context.Context, req *storagev1.DownloadRequest, out *opening) error {
	located, err := e.find(ctx, req, out)
	if err != nil {
		return err
	}
	out.header = &storagev1.DownloadHeader{
		Outcome:    storagev1.DownloadHeader_FULL,
		File:       located.GetFile(),
		Revision:   located.GetRevision(),
		ModifyTime: located.GetModifyTime(),
		Whole:      out.whole,
		Attachment: out.attachment,
	}
	if out.whole {
		req = &storagev1.DownloadRequest{HeaderOnly: req.GetHeaderOnly()}
	}
	verdict, err := judge(req.GetCondition(), located)
	switch {
	case err != nil:
		return err
	case verdict == notModified:
		out.header.Outcome = storagev1.DownloadHeader_NOT_MODIFIED
		return out.open()
	case req.GetHeaderOnly():
		return out.open()
	}

	size := located.GetRevision().GetSizeBytes()
	wanted := []*storagev1.ByteRange{{Length: size}}
	if verdict != serveFull {
		ranges, err := resolve(req.GetRanges(), size)
		if err != nil {
			return err
		}
		if len(ranges) != 0 {
			out.header.Outcome = storagev1.DownloadHeader_PARTIAL
			out.header.Ranges = ranges
			wanted = ranges
		}
	}
	if err := checkExtents(located.GetExtents(), size); err != nil {
		return err
	}
	for _, r := range wanted {
		if err := e.copyExtents(ctx, located.GetExtents(), r.GetOffset(), r.GetLength(), out); err != nil {
			return err
		}
	}
	return out.open() // contents of 0 bytes have not opened it
}

var errExtents = errors.New("content: the extents of the revision are not as long as it is")

func checkExtents(extents []*ledgerv1.Extent, size int64) error {
	for _, x := range extents {
		if x.GetOffset() < 0 || x.GetLength() < 0 || x.GetLength() > size {
			return errExtents
		}
		size -= x.GetLength()
	}
	if size != 0 {
		return errExtents
	}
	return nil
}

// find asks the ledger where the contents are. By a link they are found once for
// each download, which may be counted.
func (e *Engine) find(ctx context.Context, req *storagev1.DownloadRequest, out *opening) (*ledgerv1.LocateResponse, error) {
	shared := &ledgerv1.LocateSharedRequest{HeaderOnly: req.GetHeaderOnly()}
	switch source := req.GetSource().(type) {
	case *storagev1.DownloadRequest_Shared:
		shared.Source = &ledgerv1.LocateSharedRequest_Shared{Shared: source.Shared}
	case *storagev1.DownloadRequest_Signed:
		shared.Source = &ledgerv1.LocateSharedRequest_Signed{Signed: source.Signed}
	default:
		return e.locate(ctx, locateRequest(req))
	}
	if req.GetRevision() != "" {
		return nil, fault.Invalidf("revision", "is not for links")
	}
	resp, err := e.locateShared(ctx, shared)
	if err != nil {
		return nil, err
	}
	out.whole, out.attachment = resp.GetWhole(), resp.GetAttachment()
	return resp.GetLocated(), nil
}

func locateRequest(req *storagev1.DownloadRequest) *ledgerv1.LocateRequest {
	locate := &ledgerv1.LocateRequest{Revision: req.GetRevision()}
	switch source := req.GetSource().(type) {
	case *storagev1.DownloadRequest_File:
		locate.Source = &ledgerv1.LocateRequest_File{File: source.File}
	case *storagev1.DownloadRequest_Path:
		locate.Source = &ledgerv1.LocateRequest_Path{Path: source.Path}
	}
	return locate
}

// opening is the writer of a download whose header goes out with the first
// verified byte.
type opening struct {
	begin  func(*storagev1.DownloadHeader) (io.Writer, error)
	header *storagev1.DownloadHeader
	moved  *atomic.Int64

	whole      bool // neither ranges nor conditions are served
	attachment bool

	begun  bool
	w      io.Writer
	failed error // of begin or the writer, not of ours
}

// open calls begin unless that has been done.
func (o *opening) open() error {
	if o.begun {
		return nil
	}
	o.begun = true
	o.w, o.failed = o.begin(o.header)
	return o.failed
}

// Write passes verified bytes on.
func (o *opening) Write(p []byte) (int, error) {
	if err := o.open(); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	o.moved.Add(int64(n))
	if err != nil {
		o.failed = err
	}
	return n, err
}
