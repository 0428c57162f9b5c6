package rpc

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc"
)

// chain is what stands in every door, from the outside in: the caller, the
// log, the translation of errors, the recovery of panics, and then what the
// Config adds.
type chain struct {
	config Config
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

func newChain(cfg Config) *chain {
	return &chain{config: cfg, unary: chainUnary(cfg.Unary), stream: chainStream(cfg.Stream)}
}

// remoteUnary is the chain for a unary call from the network.
func (c *chain) remoteUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	var resp any
	err := c.call(c.incoming(ctx), info.FullMethod, func(ctx context.Context) (err error) {
		if isProbe(info.FullMethod) {
			resp, err = handler(ctx, req)
			return err
		}
		resp, err = c.unary(ctx, req, info, handler)
		return err
	})
	if err != nil {
		return nil, err.GRPCStatus().Err()
	}
	return resp, nil
}

// remoteStream is the chain for a streaming call from the network.
func (c *chain) remoteStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := c.call(c.incoming(ss.Context()), info.FullMethod, func(ctx context.Context) error {
		ss := &serverStream{ServerStream: ss, ctx: ctx}
		if isProbe(info.FullMethod) {
			return handler(srv, ss)
		}
		return c.stream(srv, ss, info, handler)
	})
	if err != nil {
		return err.GRPCStatus().Err()
	}
	return nil
}

// call makes a call and returns its error as the caller may see it.
func (c *chain) call(ctx context.Context, method string, handle func(context.Context) error) *fault.Error {
	begin := time.Now()
	err := recovered(ctx, handle)
	public := fault.Public(err)
	if isOurs(public) {
		public = withRequestID(public, caller.From(ctx).RequestID)
	}
	c.log(ctx, method, begin, public, err)
	return public
}

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func recovered(ctx context.Context, handle func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return handle(ctx)
}

// isOurs reports whether an error is a defect of ours, for which the caller
// can do nothing but tell us.
func isOurs(e *fault.Error) bool {
	return e != nil && fault.HTTPStatus(e.Reason) == http.StatusInternalServerError
}

// withRequestID lets the caller tell us which call it was.
func withRequestID(e *fault.Error, id string) *fault.Error {
	metadata := map[string]string{"request_id": id}
	maps.Copy(metadata, e.Metadata)
	e.Metadata = metadata
	return e
}

// unknownMethod answers calls of methods that nobody registered.
func unknownMethod(any, grpc.ServerStream) error { return errUnknownMethod }

var errUnknownMethod = fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "no such method")

// chainUnary joins interceptors, the first one outermost.
func chainUnary(interceptors []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	joined := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return handler(ctx, req)
	}
	for _, outer := range slices.Backward(interceptors) {
		inner := joined
		joined = func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return outer(ctx, req, info, func(ctx context.Context, req any) (any, error) {
				return inner(ctx, req, info, handler)
			})
		}
	}
	return joined
}

// chainStream joins interceptors, the first one outermost.
func chainStream(interceptors []grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	joined := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(srv, ss)
	}
	for _, outer := range slices.Backward(interceptors) {
		inner := joined
		joined = func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return outer(srv, ss, info, func(srv any, ss grpc.ServerStream) error {
				return inner(srv, ss, info, handler)
			})
		}
	}
	return joined
}

// serverStream is a stream with another context.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }
