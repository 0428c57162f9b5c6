package rpc

import (
	"context"
	"io"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// clientUnary forwards the caller, sets the deadline when there is none, and
// makes faults of the errors.
func clientUnary(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return fault.FromStatus(invoke(outgoing(ctx), method, req, reply, conn, opts...))
	}
}

// clientStream forwards the caller and makes faults of the errors.
func clientStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := streamer(outgoing(ctx), desc, conn, method, opts...)
	if err != nil {
		return nil, fault.FromStatus(err)
	}
	return &translatedStream{s}, nil
}

// translatedStream is a client stream whose errors are faults; io.EOF stays.
type translatedStream struct{ grpc.ClientStream }

func (s *translatedStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, translate(err)
}

func (s *translatedStream) CloseSend() error    { return translate(s.ClientStream.CloseSend()) }
func (s *translatedStream) SendMsg(m any) error { return translate(s.ClientStream.SendMsg(m)) }
func (s *translatedStream) RecvMsg(m any) error { return translate(s.ClientStream.RecvMsg(m)) }

func translate(err error) error {
	if err == io.EOF { //nolint:errorlint // a wrapped one is not the end of the stream
		return err
	}
	return fault.FromStatus(err)
}
