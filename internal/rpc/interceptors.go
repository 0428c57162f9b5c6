package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc"
)

// chain is what stands in every door, from the outside in: the caller, the
// log, the translation of errors, the recovery of panics.
type chain struct {
	config Config
}

func newChain(cfg Config) *chain { return &chain{config: cfg} }

func (c *chain) remoteUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx = c.incoming(ctx)
	resp, err := c.call(ctx, req, info.FullMethod, handler)
	if err != nil {
		return nil, err.GRPCStatus().Err()
	}
	return resp, nil
}

func (c *chain) remoteStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx := c.incoming(ss.Context())
	_, err := c.call(ctx, nil, info.FullMethod, func(ctx context.Context, _ any) (any, error) {
		return nil, handler(srv, &serverStream{ServerStream: ss, ctx: ctx})
	})
	if err != nil {
		return err.GRPCStatus().Err()
	}
	return nil
}

// unknown answers calls of methods that nobody registered.
func (c *chain) unknown(any, grpc.ServerStream) error {
	return fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "no such method")
}

// call calls the handler and returns its error as the caller may see it.
func (c *chain) call(ctx context.Context, req any, method string, handler grpc.UnaryHandler) (any, *fault.Error) {
	begin := time.Now()
	resp, err := recovered(ctx, req, handler)
	public := fault.Public(err)
	if public != nil && fault.HTTPStatus(public.Reason) == 500 {
		public = withRequestID(public, caller.From(ctx).RequestID)
	}
	c.log(ctx, method, begin, public, err)
	return resp, public
}

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func recovered(ctx context.Context, req any, handler grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if v := recover(); v != nil {
			resp, err = nil, &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return handler(ctx, req)
}

// withRequestID lets the caller of a call that failed inside tell us which one
// it was.
func withRequestID(e *fault.Error, id string) *fault.Error {
	metadata := map[string]string{"request_id": id}
	for k, v := range e.Metadata {
		metadata[k] = v
	}
	e.Metadata = metadata
	return e
}

// log writes the one line of a call: at debug when it succeeded, at info when
// the caller was wrong, above that when we were, and then with the cause.
func (c *chain) log(ctx context.Context, method string, begin time.Time, public *fault.Error, err error) {
	level := levelOf(public)
	if !c.config.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("door", c.config.Name),
		slog.String("method", method),
		slog.String("code", codeOf(public)),
		slog.Duration("duration", time.Since(begin)),
	}
	if public != nil {
		attrs = append(attrs, slog.String("reason", public.Reason.String()), slog.String("error", err.Error()))
	}
	if p, ok := err.(*panicked); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	c.config.Logger.LogAttrs(ctx, level, "call", attrs...)
}

func codeOf(e *fault.Error) string {
	if e == nil {
		return "OK"
	}
	return fault.Code(e.Reason).String()
}

func levelOf(e *fault.Error) slog.Level {
	switch {
	case e == nil:
		return slog.LevelDebug
	case fault.HTTPStatus(e.Reason) == 500:
		return slog.LevelError
	case fault.HTTPStatus(e.Reason) > 500:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// serverStream is a stream with another context.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }
