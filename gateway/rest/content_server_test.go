package rest_test

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// contentServer is storage's door in front of a world.
type contentServer struct {
	storagev1.UnimplementedContentServiceServer
	world *world
}

func (s *contentServer) Upload(stream grpc.ClientStreamingServer[storagev1.UploadRequest, storagev1.UploadResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	spec := first.GetSpec()
	resp, err := s.world.Upload(stream.Context(), spec, &welcome{
		stream: stream, Reader: wire.NewReader(stream, nil),
	})
	if err != nil {
		return err
	}
	return stream.SendMsg(resp)
}

// welcome sends the header of the response when the body is first read.
type welcome struct {
	*wire.Reader
	stream grpc.ServerStream
	sent   bool
}

func (w *welcome) Read(p []byte) (int, error) {
	if !w.sent {
		w.sent = true
		if err := w.stream.SendHeader(nil); err != nil {
			return 0, err
		}
	}
	return w.Reader.Read(p)
}

func (s *contentServer) Download(req *storagev1.DownloadRequest, stream grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
	var w *wire.Writer
	err := s.world.Download(stream.Context(), req, func(h *storagev1.DownloadHeader) (io.Writer, error) {
		w = wire.NewWriter(stream, h.GetRanges())
		return w, stream.Send(&storagev1.DownloadResponse{Payload: &storagev1.DownloadResponse_Header{Header: h}})
	})
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	return err
}

// resumableServer is storage's door for uploads in several requests.
type resumableServer struct {
	storagev1.UnimplementedResumableServiceServer
	world *world
}

func (s *resumableServer) CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error) {
	return s.world.CreateUpload(ctx, req)
}

func (s *resumableServer) QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	return s.world.QueryUpload(ctx, req)
}

func (s *resumableServer) CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.world.CancelUpload(ctx, req)
}

func (s *resumableServer) ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error) {
	return s.world.ConcatenateUploads(ctx, req)
}

func (s *resumableServer) AppendUpload(stream grpc.BidiStreamingServer[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	body := &chunks{came: make(chan chunk), interrupted: make(chan struct{}), ended: stream.Context().Done()}
	go body.receive(stream)
	status, err := s.world.AppendUpload(stream.Context(), first.GetSpec(), body, func(offset int64) {
		_ = stream.Send(&storagev1.AppendUploadResponse{Payload: &storagev1.AppendUploadResponse_Progress{
			Progress: &storagev1.AppendProgress{OffsetBytes: offset},
		}}) // that it failed shows in what is sent next
	})
	if err != nil {
		return err
	}
	return stream.Send(&storagev1.AppendUploadResponse{Payload: &storagev1.AppendUploadResponse_Status{Status: status}})
}

// chunks reads the bytes of an append, until it is interrupted.
type chunks struct {
	came        chan chunk
	interrupted chan struct{}
	once        sync.Once
	ended       <-chan struct{}
	rest        []byte
}

type chunk struct {
	data []byte
	err  error
}

func (c *chunks) receive(stream grpc.BidiStreamingServer[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]) {
	for {
		message, err := stream.Recv()
		if message.GetInterrupted() {
			err = fault.Invalidf("body", "interrupted")
		}
		select {
		case c.came <- chunk{message.GetChunk().GetData(), err}:
		case <-c.ended:
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *chunks) Interrupt() { c.once.Do(func() { close(c.interrupted) }) }

func (c *chunks) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		select {
		case next := <-c.came:
			if next.err != nil {
				return 0, next.err
			}
			c.rest = next.data
		case <-c.interrupted:
			return 0, fault.Invalidf("body", "interrupted")
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
