package contentgrpc

import (
	"context"
	"errors"
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// CreateUpload opens an upload.
func (s *Service) CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error) {
	return s.engine.CreateUpload(ctx, req)
}

// QueryUpload takes an upload over and says how far it is.
func (s *Service) QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	return s.engine.QueryUpload(ctx, req)
}

// CancelUpload gives an upload up.
func (s *Service) CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) (*emptypb.Empty, error) {
	return new(emptypb.Empty), s.engine.CancelUpload(ctx, req)
}

// ConcatenateUploads makes an upload that joins partial ones.
func (s *Service) ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error) {
	return s.engine.ConcatenateUploads(ctx, req)
}

// AppendUpload takes the spec and then chunks, and tells how far they are
// durable.
func (s *Service) AppendUpload(stream grpc.BidiStreamingServer[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]) error {
	receiver := newPatient(stream, s.idle)
	defer receiver.close()
	var first storagev1.AppendUploadRequest
	switch err := receiver.RecvMsg(&first); {
	case errors.Is(err, io.EOF):
		return fault.Invalidf("payload", "the stream has no spec")
	case err != nil:
		return err
	case first.GetSpec() == nil:
		return fault.Invalidf("payload", "the first message of the stream must be the spec")
	}

	body := &appendBody{Reader: wire.NewReader(receiver, nil), patient: receiver}
	defer func() { _ = body.Close() }() // gives buffers back and never fails
	status, err := s.engine.AppendUpload(stream.Context(), first.GetSpec(), body, func(offset int64) {
		// That it cannot be sent any more shows where the body is read.
		_ = stream.Send(&storagev1.AppendUploadResponse{Payload: &storagev1.AppendUploadResponse_Progress{
			Progress: &storagev1.AppendProgress{OffsetBytes: offset},
		}})
	})
	if err != nil {
		return err
	}
	return stream.Send(&storagev1.AppendUploadResponse{Payload: &storagev1.AppendUploadResponse_Status{Status: status}})
}

// appendBody is the body of an append, whose reading can be interrupted.
type appendBody struct {
	*wire.Reader
	*patient
}
