package content

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
)

// Client is the Content of another process, reached over gRPC. The bytes pass
// between the connection and the body or writer without a copy in between.
type Client struct {
	storage   storagev1.ContentServiceClient
	resumable storagev1.ResumableServiceClient
}

var _ Content = (*Client)(nil)

// NewClient returns a Client on a connection of internal/rpc, whose codec it
// needs.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{
		storage:   storagev1.NewContentServiceClient(conn),
		resumable: storagev1.NewResumableServiceClient(conn),
	}
}

// Upload implements Content. When storage answers before it has everything,
// body is read no further. A body that is an Expecter is first read when
// storage said that it wants it.
func (c *Client) Upload(ctx context.Context, spec *storagev1.UploadSpec, body io.Reader) (*storagev1.UploadResponse, error) {
	// An early return ends the stream without its half-close, which tells
	// storage that it does not have the whole.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.storage.Upload(ctx)
	if err != nil {
		return nil, err
	}
	answer := &answer{stream: stream}
	err = sendUpload(stream, answer, spec, body)
	switch {
	case errors.Is(err, errAnswered), errors.Is(err, wire.ErrStreamEnded):
		return answer.wait()
	case err == io.ErrUnexpectedEOF, err == wire.ErrTooLong: //nolint:errorlint // body's own errors may wrap them, and say more
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INVALID_ARGUMENT, "body: it ended early, or is longer than announced")
	case err != nil:
		return nil, err
	}
	return answer.wait()
}

func sendUpload(stream uploadStream, answer *answer, spec *storagev1.UploadSpec, body io.Reader) error {
	err := stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: spec}})
	if err == io.EOF { //nolint:errorlint // the end of a stream is io.EOF itself
		return wire.ErrStreamEnded
	}
	if err != nil {
		return err
	}
	var ranges []*storagev1.ByteRange
	if spec.SizeBytes != nil {
		ranges = []*storagev1.ByteRange{{Length: spec.GetSizeBytes()}}
	}
	w := wire.NewWriter(stream, ranges)
	if _, err := w.ReadFrom(&attentive{body: body, answer: answer}); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return stream.CloseSend()
}

// Download implements Content. Every chunk is checked, for its place and its
// checksum, before its first byte is written.
func (c *Client) Download(ctx context.Context, req *storagev1.DownloadRequest, begin Begin) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.storage.Download(ctx, req)
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	header := first.GetHeader()
	if header == nil {
		return errors.New("storage began a download without its header")
	}
	w, err := begin(header)
	if err != nil {
		return err
	}
	r := wire.NewReader(stream, following(req, header))
	_, err = r.WriteTo(w)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("download of %s: %w", header.GetRevision().GetName(), err)
	}
	return nil
}

// following returns where the bytes lie that come after the header.
func following(req *storagev1.DownloadRequest, header *storagev1.DownloadHeader) []*storagev1.ByteRange {
	switch {
	case req.GetHeaderOnly(), header.GetOutcome() == storagev1.DownloadHeader_NOT_MODIFIED:
		return []*storagev1.ByteRange{}
	case header.GetOutcome() == storagev1.DownloadHeader_PARTIAL:
		return header.GetRanges()
	}
	return []*storagev1.ByteRange{{Length: header.GetRevision().GetSizeBytes()}}
}
