// Package contentgrpc is ContentService and ResumableService: the content engine behind gRPC
// streams. It looks after messages, their order, offsets and checksums; what
// they mean is the engine's.
package contentgrpc

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
)

// Engine is what the service needs of content.Engine.
type Engine interface {
	Upload(ctx context.Context, spec *storagev1.UploadSpec, body io.Reader) (*storagev1.UploadResponse, error)
	Download(ctx context.Context, req *storagev1.DownloadRequest, begin func(*storagev1.DownloadHeader) (io.Writer, error)) error
	CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error)
	AppendUpload(ctx context.Context, spec *storagev1.AppendSpec, body io.Reader, progress func(offset int64)) (*storagev1.UploadStatus, error)
	QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error)
	CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) error
	ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error)
}

// Service serves holdfast.storage.v1's ContentService and ResumableService. The
// server must use wire.Codec.
type Service struct {
	storagev1.UnsafeContentServiceServer
	storagev1.UnsafeResumableServiceServer
	engine Engine
	// How long the peer of an upload may send nothing while it is waited for.
	idle time.Duration
}

var (
	_ storagev1.ContentServiceServer   = (*Service)(nil)
	_ storagev1.ResumableServiceServer = (*Service)(nil)
)

// New returns a service on top of engine. An upload whose peer sends nothing
// for idle, while it is waited for, fails with DEADLINE_EXCEEDED.
func New(engine Engine, idle time.Duration) *Service {
	return &Service{engine: engine, idle: idle}
}

// Upload takes the spec and then the chunks of contents.
func (s *Service) Upload(stream grpc.ClientStreamingServer[storagev1.UploadRequest, storagev1.UploadResponse]) error {
	receiver := newPatient(stream, s.idle)
	defer receiver.close()
	var first storagev1.UploadRequest
	switch err := receiver.RecvMsg(&first); {
	case errors.Is(err, io.EOF):
		return fault.Invalidf("payload", "the stream has no spec")
	case err != nil:
		return err
	case first.GetSpec() == nil:
		return fault.Invalidf("payload", "the first message of the stream must be the spec")
	}

	body := wire.NewReader(receiver, nil)
	defer func() { _ = body.Close() }() // gives buffers back and never fails
	resp, err := s.engine.Upload(stream.Context(), first.GetSpec(), body)
	if err != nil {
		return err
	}
	return stream.SendAndClose(resp)
}

// Download sends the header and then the chunks of contents.
func (s *Service) Download(req *storagev1.DownloadRequest, stream grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
	var chunks *wire.Writer
	err := s.engine.Download(stream.Context(), req, func(h *storagev1.DownloadHeader) (io.Writer, error) {
		payload := &storagev1.DownloadResponse_Header{Header: h}
		if err := stream.Send(&storagev1.DownloadResponse{Payload: payload}); err != nil {
			return nil, err
		}
		if req.GetHeaderOnly() {
			return nil, nil
		}
		chunks = wire.NewWriter(stream, following(h))
		return chunks, nil
	})
	if err != nil || chunks == nil {
		return err
	}
	return chunks.Close()
}

// following returns which bytes come after a header.
func following(h *storagev1.DownloadHeader) []*storagev1.ByteRange {
	switch h.GetOutcome() {
	case storagev1.DownloadHeader_PARTIAL:
		return h.GetRanges()
	case storagev1.DownloadHeader_FULL:
		return []*storagev1.ByteRange{{Length: h.GetRevision().GetSizeBytes()}}
	}
	return []*storagev1.ByteRange{}
}
